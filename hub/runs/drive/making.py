"""Makes the runs of a node: what they share is made once, what is a session's once in its driver's life."""

from hub.backplane.base import Backplane, Known
from hub.chat.parts import Session
from hub.chat.transcript import Transcript
from hub.runs.access import Access
from hub.runs.answer.answers import Answers
from hub.runs.answer.rights import Rights
from hub.runs.answer.runner import Runner
from hub.runs.ask import RunAsk
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.runs.files.sent import SentFiles
from hub.runs.files.store import SessionFiles
from hub.runs.hosts.calling import Calling
from hub.runs.hosts.store import HostStore
from hub.runs.hosts.tools import HostsNow, SessionTools
from hub.runs.sessions import Sessions


class RunFactory:
    """One per node."""

    def __init__(self, environment: RunEnvironment, backplane: Backplane, sessions: Sessions) -> None:
        self.environment = environment
        self.backplane = backplane
        self.sessions = sessions
        self.hosts = HostStore(backplane.directory, environment.now_ms)
        self.kept = SessionFiles(backplane.files, Access(sessions), environment.limits.files, environment.new_id)


class SessionRuns:
    """Those of one session under one lease. `answers` are what the driver has for the run under way; `hostless_at`:
    when the session was seen to have no host (milliseconds), None if it has."""

    def __init__(self, factory: RunFactory, session: Session, answers: Answers, hostless_at: int | None) -> None:
        environment, backplane = factory.environment, factory.backplane
        limits, now_ms = environment.limits.hosts, environment.now_ms
        self._factory = factory
        self._environment = environment
        self._answers = answers
        self._retry_s = environment.limits.retry_read_s
        self._rights = Rights(factory.sessions, backplane.inbox, session, retry_s=self._retry_s)
        self._hosts = HostsNow(factory.hosts, factory.sessions, session, limits, now_ms, hostless_at=hostless_at)
        self._calling = Calling(backplane, self._hosts, session, answers, limits, now_ms)

    def runner(
        self, known: Known, ask: RunAsk, session: Session, transcript: Transcript, writer: EventWriter, *, epoch: str
    ) -> Runner:
        """`session` as it is now; `epoch` is the journal's."""
        environment, factory = self._environment, self._factory
        timeout_s = environment.limits.hosts.timeout_s
        return Runner(
            environment,
            session,
            known.ask.run_id,
            ask,
            transcript,
            writer,
            self._answers,
            self._rights,
            SessionTools(environment.tools, self._hosts, self._calling.execute, timeout_s=timeout_s),
            SentFiles(factory.backplane.files, session.session_id, retry_s=self._retry_s),
            factory.kept,
            epoch=epoch,
            asked_at=known.ask.asked_at,
        )
