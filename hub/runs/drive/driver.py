"""Drives one session while this node holds its lease: does what stands in the inbox, oldest first, one run at a time.

Theory of operation. The inbox's work is the only truth of what is to be done; the driver reads it with every renewal
of its lease, and holds no queue of its own. `_act` compares the work with what is under way and starts, stops,
announces or appends, synchronously; then the loop settles what is finished, or waits to be woken. Everything that the
driver writes goes through one `EventWriter`, so that the journal has one order.

    taken ──> acting ──something finished: settle──> acting
              acting ──waits: woken, run ended, or time to renew──> acting
              acting ──nothing left: compact, release──> gone
              any    ──another node took the lease──> gone (that node closes what was open)
              any    ──node drains: the run under way ends by itself, settled──> gone (likewise)
              any    ──node leaves: run ended as interrupted, settled──> gone (the queue waits for another node)
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from hub.backplane.base import Backplane, Fence, Fold, Known, Lease, Note, Row, Settle, Work
from hub.chat import events
from hub.chat.parts import RunError, Session
from hub.errors import BackplaneAway, BackplaneError, StaleFence
from hub.providers.base import Provider
from hub.runs import ask as asks
from hub.runs import lives
from hub.runs.answer.answers import Answers
from hub.runs.answer.runner import Ending, Runner
from hub.runs.ask import RunAsk
from hub.runs.drive import messages
from hub.runs.drive.driven import DrivenSession
from hub.runs.drive.making import RunFactory, SessionRuns
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.runs.loading import Loaded
from hub.runs.sessions import Sessions

logger = logging.getLogger("hub.runs")


@dataclass(frozen=True)
class DriverEnvironment:
    """What all drivers of a node share. `owner` names the node in fences; `is_watched` says whether anybody watches a
    session."""

    owner: str
    backplane: Backplane
    sessions: Sessions
    providers: Mapping[str, Provider]
    runs: RunEnvironment
    is_watched: Callable[[str], bool]


class Driver:
    """One session under one lease. `run` is called once, in a task of its own."""

    def __init__(
        self, environment: DriverEnvironment, factory: RunFactory, session: Session, lease: Lease, loaded: Loaded
    ) -> None:
        self._env = environment
        self._session_id = session.session_id
        self._driven = DrivenSession(environment.runs, environment.sessions, session)
        self._fence: Fence = lease.fence
        self._work: Work = lease.work
        self._wake = asyncio.Event()
        self._is_draining = False
        self._giving_up: asyncio.TimerHandle | None = None  # set by `leave`
        self._is_lost = False
        self._runner: Runner | None = None  # set while a run is under way, with its task
        self._task: asyncio.Task[None] | None = None
        self._finished: list[str] = []  # runs whose `done` is written and not settled yet
        self._appended: list[str] = []  # notes, likewise
        self._answers = Answers()
        # Hosts were looked for after the lease's asks had come: who registered before asking one of them was seen.
        hostless_at = loaded.hostless_at if lease.work.asks else None
        self._runs = SessionRuns(factory, session, self._answers, hostless_at)
        self._transcript = loaded.transcript
        self._epoch = loaded.position.epoch
        self._answered: list[str] = []  # keys of answers that the run under way has, and which are not settled yet
        self._unwatched_since: int | None = None  # set while a run goes on that nobody watches
        self._forgotten = ""  # the run that was ended since the inbox does not know of it
        self._stopped_at: int | None = None  # set while a stopped run comes to its end
        self._showing: asyncio.Task[None] | None = None  # shows the newest run in the lists; set by its start

    def wake(self) -> None:
        """Look at the inbox again: something was asked."""
        self._wake.set()

    @property
    def is_woken(self) -> bool:
        """Whether something was asked that the driver has not looked at, or it lost the session."""
        return self._wake.is_set()

    def drain(self) -> None:
        """Let the run under way end, begin no other, and go; what is queued stays for another node."""
        self._is_draining = True
        self._wake.set()

    def leave(self) -> None:
        """End the run as interrupted, settle it, and go; what is queued stays for another node.

        What cannot be stored within `drain_s` is left to whoever adopts the session.
        """
        self._is_draining = True
        if self._giving_up is None:
            drain_s = self._env.runs.limits.drain_s
            self._giving_up = asyncio.get_running_loop().call_later(drain_s, self._on_lost, None)
        if self._task is not None:
            self._task.cancel()
        self._wake.set()

    async def run(self) -> None:
        self._writer = EventWriter(
            self._env.backplane.journal,
            self._session_id,
            self._fence,
            on_event=self._note,
            on_lost=self._on_lost,
        )
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._close_orphans()
                while not await self._is_at_end():
                    pass
        finally:
            self._writer.close()
            if self._giving_up is not None:
                self._giving_up.cancel()

    def _note(self, event: events.Stored) -> None:
        self._transcript.apply(event)
        self._env.runs.metrics.note(event)

    # ---------------------------------------------------------------------------------------------- the loop

    async def _is_at_end(self) -> bool:
        """One turn of the loop."""
        if self._is_lost:
            return True
        self._act()
        try:
            if self._finished or self._appended or self._answered:
                await self._settle()
            elif self._is_draining and self._task is None:
                await self._hand_over()
                return True
            elif self._work.asks or self._work.notes or self._wake.is_set():
                await self._wait()
                await self._renew(None)
            else:
                return await self._is_released()
        except StaleFence as error:
            self._on_lost(error)
        except BackplaneAway as error:
            logger.warning("session %s: the backplane is away (%s)", self._session_id, error)
            # The next turn finds what has been asked; but it comes when something else is, or later, not at once: what
            # is away fails without a pause, and nobody else would ever have a turn.
            self._wake.clear()
            if not self._is_lost:
                await self._wait()
        return self._is_lost

    async def _settle(self) -> None:
        """Tell the inbox what is done, once it is stored."""
        await self._writer.flushed()
        if self._is_lost:
            return
        runs, notes, answers = tuple(self._finished), tuple(self._appended), tuple(self._answered)
        if runs:
            if self._showing is not None:
                await self._showing  # lest "running" be stored after "not running"
            goes_on = not self._is_draining and any(known.ask.run_id not in runs for known in self._work.asks)
            await self._driven.change(running=goes_on, top=self._writer.position)
        await self._renew(Settle(run_ids=runs, note_ids=notes, call_ids=answers))
        self._finished = self._finished[len(runs) :]
        self._appended = self._appended[len(notes) :]
        self._answered = self._answered[len(answers) :]

    async def _renew(self, settle: Settle | None) -> None:
        limits = self._env.runs.limits
        self._wake.clear()  # before it is asked: what comes from here on may not be in the answer
        self._work = await self._env.backplane.leases.renew(
            self._session_id,
            self._fence,
            now=self._env.runs.now_ms(),
            lease_ms=limits.lease_ms,
            settle=settle,
            appended=self._writer.appends,
        )

    async def _wait(self) -> None:
        """Until something was asked, the run has ended, or the lease is to be renewed."""
        try:
            async with asyncio.timeout(self._env.runs.limits.lease_ms / 3000):
                await self._wake.wait()
        except TimeoutError:
            pass  # time to renew

    async def _is_released(self) -> bool:
        await self._compact()
        if await self._env.backplane.leases.release(self._session_id, self._fence):
            return True
        await self._renew(None)
        return False

    async def _hand_over(self) -> None:
        """Give the lease up at once, though work may be left: whoever finds it need not wait for it to expire."""
        await self._compact()
        self._wake.clear()  # what is asked from here on may not be seen by what follows
        leases = self._env.backplane.leases
        if not await leases.release(self._session_id, self._fence):
            await leases.renew(self._session_id, self._fence, now=self._env.runs.now_ms(), lease_ms=0)

    async def _compact(self) -> None:
        """Fold what the runs have written into their messages; the deltas go."""
        await self._writer.flushed()
        if self._writer.position is None or self._writer.is_lost:
            return
        rows = [
            Row(place, message.message_id, msgspec.json.encode(message))
            for place, message in self._transcript.changed()
        ]
        fold = Fold(self._writer.position.offset, self._transcript.state(), rows)
        await self._env.backplane.journal.compact(self._session_id, self._fence, fold)
        self._transcript.stored()

    def _on_lost(self, error: BackplaneError | None) -> None:
        logger.warning("session %s: no longer driven here (%s)", self._session_id, error or "store away")
        self._is_lost = True
        self._writer.close()
        if self._task is not None:
            self._task.cancel()
        self._wake.set()

    # ---------------------------------------------------------------------------------------------- the work

    def _act(self) -> None:
        """Compare the work with what is under way, and do what follows."""
        self._reap()
        if self._is_lost:
            return
        for note in self._work.notes:
            if note.note_id in self._appended:
                continue
            if lives.is_note_of(self._driven.session, note.note_id):
                self._append(note)
            else:
                self._appended.append(note.note_id)
        self._take_answers()
        self._stop_if_unwatched()
        self._end_if_forgotten()
        place = 0
        for known in self._work.asks:
            if self._writer.is_lost:
                return  # a write has found that out; nothing may be begun any more
            if known.ask.run_id in self._finished:
                continue
            ask = asks.decode(known.ask.body)
            if self._transcript.message(ask.answer_id) is not None or not lives.is_ask_of(self._driven.session, ask):
                # A node that died had written this run's `done`, and only not settled it; or it was asked of a session
                # that was deleted before the ask was stored, and whose id is another's now.
                self._finished.append(known.ask.run_id)
            elif self._runner is not None and self._runner.run_id == known.ask.run_id:
                self._stop_if_asked(known)
            elif known.stopped_by is not None:
                # Where another run is under way, a snapshot shows that one: it may not come between these two events.
                with self._writer.together():
                    self._end_at_once(self._begin(known, ask), Ending("stopped"))
            elif known.state == "active":
                if not self._is_draining and self._runner is None:
                    self._start(known, ask)
            else:
                place += 1
                self._announce(known, ask, place)

    def _reap(self) -> None:
        """Take note that the run has ended."""
        if self._task is None or not self._task.done():
            return
        runner, self._runner, self._task = self._runner, None, None
        assert runner is not None
        if self._is_lost:
            return
        if not runner.is_done:  # cancelled before it could take its first step
            runner.finish(Ending("interrupted" if runner.stopped_by is None else "stopped"))
        self._unwatched_since = None
        if self._stopped_at is not None:
            self._env.runs.metrics.stopped((self._env.runs.now_ms() - self._stopped_at) / 1000)
            self._stopped_at = None
        self._answers.forget()
        self._driven.add_usage(runner.author, runner.usage)
        self._finished.append(runner.run_id)

    def _take_answers(self) -> None:
        """Give the run under way what was answered. Those that come too late for theirs are settled unused."""
        if self._runner is not None:
            self._answers.put(self._work.answers)
        self._answered.extend(key for key in self._work.answers if key not in self._answered)

    def _stop_if_asked(self, known: Known) -> None:
        if known.stopped_by is not None and self._runner is not None and self._task is not None:
            if self._runner.stopped_by is None:
                self._stopped_at = self._env.runs.now_ms()
            self._runner.stop(known.stopped_by, self._task)

    def _stop_if_unwatched(self) -> None:
        """The idle rule, where one is set: an answer that nobody has watched for so long is not worth its cost."""
        idle_stop_s = self._env.runs.limits.idle_stop_s
        if idle_stop_s is None or self._runner is None or self._task is None:
            return
        now = self._env.runs.now_ms()
        if self._env.is_watched(self._session_id):
            self._unwatched_since = None
        elif self._unwatched_since is None:
            self._unwatched_since = now
        elif now - self._unwatched_since >= idle_stop_s * 1000:
            self._runner.stop("idle", self._task)

    def _end_if_forgotten(self) -> None:
        """End a run of which the inbox does not know: a store that has lost its tail has lost that it was asked, and
        may have been asked again."""
        if self._runner is None or self._task is None or self._forgotten == self._runner.run_id:
            return
        if all(known.ask.run_id != self._runner.run_id for known in self._work.asks):
            logger.warning("session %s: the store has lost run %s", self._session_id, self._runner.run_id)
            self._forgotten = self._runner.run_id
            self._task.cancel()

    def _start(self, known: Known, ask: RunAsk) -> None:
        runner = self._begin(known, ask)
        provider = self._env.providers.get(ask.provider)
        if provider is None:
            text = f"This node has no provider called {ask.provider}. Choose another for this session."
            error = RunError(code="provider_auth", message=text, retryable=False)
            self._end_at_once(runner, Ending("failed", error=error))
        elif not self._is_lost:
            self._runner = runner
            self._task = self._group.create_task(runner.run(provider), name=f"run {runner.run_id}")
            self._task.add_done_callback(lambda _: self._wake.set())
            self._showing = self._group.create_task(self._show_running(ask), name=f"session of {runner.run_id}")

    def _begin(self, known: Known, ask: RunAsk) -> Runner:
        """Write the user's message, if there is one, and the run's start, as one append."""
        epoch = self._epoch if self._writer.position is None else self._writer.position.epoch
        runner = self._runs.runner(known, ask, self._driven.session, self._transcript, self._writer, epoch=epoch)
        runner.stopped_by = known.stopped_by
        runner.begin(messages.opening(self._transcript, known, ask, self._env.runs.now_ms()))
        return runner

    def _end_at_once(self, runner: Runner, ending: Ending) -> None:
        """End a run that asks no provider."""
        if not self._is_lost:
            runner.finish(ending)
            self._finished.append(runner.run_id)

    def _announce(self, known: Known, ask: RunAsk, place: int) -> None:
        """Show a message that waits, once."""
        if ask.parts is not None and self._transcript.message(ask.message_id) is None:
            self._writer.write(*messages.queued(known, ask, place, self._env.runs.now_ms()))

    def _append(self, note: Note) -> None:
        """Write what somebody else wants in the journal."""
        for payload in note.payloads:
            event = events.decode(payload)
            if isinstance(event, events.MessageChanged):
                event = messages.rerated(self._transcript, event)
            if event is not None:
                self._writer.write(event)
        self._appended.append(note.note_id)

    def _close_orphans(self) -> None:
        """End the runs that a node left open when it died."""
        stopped_by = {known.ask.run_id: known.stopped_by for known in self._work.asks}
        for run_id, draft in list(self._transcript.runs.items()):
            self._writer.write(*messages.orphan_ends(draft, stopped_by.get(run_id), self._env.runs.now_ms()))
            self._finished.append(run_id)

    # ------------------------------------------------------------------------------------------- the session

    async def _show_running(self, ask: RunAsk) -> None:
        """Show in the lists that a run goes on, and give the session a title if it has none."""
        title = "" if self._driven.session.title else messages.title_of(ask)
        try:
            await self._driven.change(running=True, title=title)
        except BackplaneAway:
            logger.warning("session %s: could not be shown as running", self._session_id)
        if title and self._driven.session.title == title:
            self._writer.write(events.SessionChanged({"title": title}, time=self._env.runs.now_ms()))
