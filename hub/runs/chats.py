"""The door of the room: sessions on behalf of a user, with all the rules of the contract's section 3.3."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Literal

import msgspec

from hub.backplane.base import Backplane, Note, Position
from hub.chat import events
from hub.chat.parts import NO_USAGE, Autonomy, Json, Message, Participant, Rating, Session, WireStruct
from hub.errors import CallError
from hub.runs import ask as asks
from hub.runs import lives
from hub.runs.access import Access, check_autonomy, require, role_of
from hub.runs.approving import Approving
from hub.runs.asking import Asking, Providers
from hub.runs.drive.supervisor import Supervisor
from hub.runs.environment import RunEnvironment
from hub.runs.files.store import SessionFiles
from hub.runs.follow.follows import Follows
from hub.runs.follow.presence import Attending
from hub.runs.follow.watch import Sink, Watch
from hub.runs.hosts.hosting import Hosting
from hub.runs.reading import HistoryPage, Reading
from hub.runs.sessions import SessionRow, Sessions, members_channel
from hub.runs.sharing import Sharing

MAX_LIST = 200
MAX_LIST_BYTES = 256 * 1024
"""Of one page of sessions, whose system prompts may be long."""
LIST_STEP = 25
"""How many are read at once: of a page that is cut, the rest was read for nothing."""
MAX_HISTORY = 200


class SettingsWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a session's settings should be; None: leave (or the default, for a new one)."""

    title: str | None = None
    provider: str | None = None
    model: str | None = None
    system: str | None = None
    autonomy: Autonomy | None = None
    tags: Sequence[str] | None = None


class SessionPage(WireStruct, frozen=True, kw_only=True):
    """Sessions, the newest first, and whether there are older ones."""

    sessions: Sequence[Session]
    has_more: bool


class RunState(WireStruct, frozen=True, kw_only=True):
    """A run and its answer, as far as that is written; `message_id` is the answer's, `reply_to` the user's message."""

    run_id: str
    session_id: str
    state: Literal["queued", "running", "done"]
    reply_to: str
    message_id: str
    message: Message | None = None


class Chats:
    """What a user may do with sessions. Every method raises `CallError` with a code of the contract."""

    def __init__(
        self,
        environment: RunEnvironment,
        backplane: Backplane,
        sessions: Sessions,
        supervisor: Supervisor,
        follows: Follows,
        providers: Providers,
    ) -> None:
        self._env = environment
        self._backplane = backplane
        self._sessions = sessions
        self._supervisor = supervisor
        self._follows = follows
        self._providers = providers
        self._access = Access(sessions)
        self.presences = follows.presences
        self._reading = Reading(backplane.journal, follows)
        self.files = SessionFiles(backplane.files, self._access, environment.limits.files, environment.new_id)
        self.asking = Asking(environment, backplane, self._access, self._reading, supervisor, providers, self.files)
        self.approving = Approving(backplane.inbox, backplane.journal, self._access, supervisor)
        self.hosting = Hosting(environment, backplane, self._access, supervisor)
        self.sharing = Sharing(environment, self._access, sessions, follows, self._note)

    # ---------------------------------------------------------------------------------------------- sessions

    async def open(self, user: str, session_id: str | None, wish: SettingsWish) -> tuple[Session, Position]:
        """Create a session, or join the one that is there; and the journal's top."""
        session = None if session_id is None else await self._sessions.get(session_id)
        if session is None:
            session = await self._create(user, session_id or self._env.new_id("ses"), wish)
        require(session, user, "viewer")
        if session.running:
            self._supervisor.touch(session.session_id)  # if its node died, it is adopted now
        return session, await self._backplane.journal.top(session.session_id)

    async def _create(self, user: str, session_id: str, wish: SettingsWish) -> Session:
        provider, model = self._providers.choose(wish.provider, wish.model)
        now = self._env.now_ms()
        session, _ = await self._sessions.create(
            Session(
                session_id=session_id,
                title=wish.title or "",
                owner=user,
                participants=[Participant(user, "owner")],
                provider=provider,
                model=model,
                system=wish.system or "",
                autonomy=wish.autonomy or "agent-default",
                tags=list(wish.tags or ()),
                created_at=now,
                updated_at=now,
                running=False,
                usage=NO_USAGE,
            )
        )
        return session

    async def get(self, user: str, session_id: str) -> Session:
        return await self._access.viewer(session_id, user)

    async def list(self, user: str, *, before: int | None, limit: int) -> SessionPage:
        """The user's own sessions and those shared with them; `before` is the `updatedAt` of the oldest seen."""
        limit = max(1, min(limit, MAX_LIST))
        page: Sequence[Session] = ()
        while len(page) < limit:
            found, has_more = await self._newest(user, before, min(limit - len(page), LIST_STEP))
            if page and len(page) + len(found) > limit:
                return SessionPage(sessions=page, has_more=True)
            fitting = _fitting([*page, *found])
            if len(fitting) < len(page) + len(found) or not has_more:
                return SessionPage(sessions=fitting, has_more=has_more or len(fitting) < len(page) + len(found))
            page, before = fitting, found[-1].updated_at
        return SessionPage(sessions=page, has_more=True)

    async def _newest(self, user: str, before: int | None, limit: int) -> tuple[Sequence[Session], bool]:
        """Sessions below a time, and whether there are more.

        The next ones are asked for by the last one's time, so sessions of one time must not be parted: more than
        `limit` come where so many have the same.
        """
        wanted = limit + 1
        while True:
            found = await self._sessions.list(user, before=before, limit=wanted)
            if len(found) < wanted:
                return found, False
            whole = [session for session in found if session.updated_at > found[-1].updated_at]
            if whole:
                return whole, True
            wanted *= 2

    async def update(self, user: str, session_id: str, wish: SettingsWish) -> Session:
        session = await self._access.editor(session_id, user)
        check_autonomy(session, user, wish.autonomy)
        changes: dict[str, Json] = {
            name: value for name, value in msgspec.structs.asdict(wish).items() if value is not None
        }
        if wish.provider is not None or wish.model is not None:
            changes["provider"], changes["model"] = self._providers.choose_for(session, wish.provider, wish.model)
        now = self._env.now_ms()

        def change(old: Session) -> Session:
            # Once more, of the session as it is replaced: it may have been lowered, or taken away, meanwhile.
            require(old, user, "editor")
            check_autonomy(old, user, wish.autonomy)
            return msgspec.structs.replace(old, **changes, updated_at=now)

        changed = await self._sessions.change(session_id, change, created_at=session.created_at)
        if changed is None:
            raise CallError("session_not_found", "The session was deleted meanwhile. Open another one.")
        await self._note(changed, events.SessionChanged(changes, time=now))
        return changed

    async def delete(self, user: str, session_id: str) -> Session:
        """Forget the session: its runs end, its watches end, nothing of it is left."""
        session = await self._access.owner(session_id, user)
        await self._backplane.inbox.delete(session_id)  # from here on its driver can write no more
        await self._backplane.journal.delete(session_id)
        await self._sessions.delete(session)
        self._follows.end(session_id)
        self._supervisor.touch(session_id)  # wakes its driver, which learns it, and forgets what was written meanwhile
        await self.hosting.forget(session)
        await self.files.forget(session_id)
        return session

    @asynccontextmanager
    async def rows(self, user: str, changed: Callable[[SessionRow], None]) -> AsyncIterator[Sequence[SessionRow]]:
        """The newest sessions of a user; while the context lasts, `changed` is called with each change."""
        decoder = msgspec.json.Decoder(SessionRow)
        subscription = await self._backplane.bus.subscribe(
            members_channel(user), lambda payload: changed(decoder.decode(payload))
        )
        try:
            yield await self._sessions.rows(user, limit=MAX_LIST)
        finally:
            subscription.close()

    # ---------------------------------------------------------------------------------------------- watching

    async def watch(
        self, user: str, session_id: str, position: Position | None, sink: Sink, *, run_id: str | None = None
    ) -> None:
        """Stream a session's events (or one run's) into a sink until the watch is over or cancelled."""
        session = await self._access.viewer(session_id, user)
        await self._watch(session, user, position, sink, run_id)

    @asynccontextmanager
    async def at_hand(self, user: str, session_id: str) -> AsyncIterator[None]:
        """What comes from now on is kept for whoever watches it a moment later: they get events, and no snapshot."""
        await self._access.viewer(session_id, user)
        async with self._follows.live(session_id):
            yield

    async def attend(
        self, user: str, session_id: str, position: Position | None, sink: Sink, attending: Attending
    ) -> None:
        """The same, and be shown to all who watch, and be told of them."""
        try:
            session = await self._access.viewer(session_id, user)
            await self._watch(session, user, position, sink, attending=attending)
        finally:
            self.presences.forgo(session_id, attending.connection_id)

    async def set_presence(self, user: str, session_id: str, connection_id: str, state: bytes) -> None:
        """Tell all who watch about a connection that does; `state` is a JSON object, kept while it watches."""
        await self._access.viewer(session_id, user)
        self.presences.set_state(session_id, connection_id, state)

    async def _watch(
        self,
        session: Session,
        user: str,
        position: Position | None,
        sink: Sink,
        run_id: str | None = None,
        attending: Attending | None = None,
    ) -> None:
        session_id = session.session_id
        if session.running:
            self._supervisor.touch(session_id)
        async with self._follows.live(session_id) as live:
            watch = Watch(
                live,
                self._backplane.journal,
                sink,
                user=user,
                session=lambda: self._seen_by(user, session_id),
                now_ms=self._env.now_ms,
                on_follow=self._env.metrics.followed,
                run_id=run_id,
                run_ended=lambda: self._run_ended(session_id, run_id),
            )
            attended: AbstractContextManager[None] = nullcontext()
            if attending is not None:  # before access is checked again, so that none who lost it meanwhile stays
                attended = self.presences.attended(session_id, attending, user, role_of(session, user) or "")
            with attended:
                await watch.run(position)

    async def _seen_by(self, user: str, session_id: str) -> Session | None:
        session = await self._sessions.get(session_id)
        if session is None or role_of(session, user) is None:
            return None
        members = {member.user: member.role for member in session.participants}
        self.presences.revise(session_id, members)
        return session

    async def _run_ended(self, session_id: str, run_id: str | None) -> Position | None:
        """A position that the run's `done` is not after; None while it has none."""
        if run_id is None:
            return None
        known = await self._backplane.inbox.known(session_id, run_id=run_id)
        if known is None or known.state != "done":
            return None
        return await self._backplane.journal.top(session_id)

    async def mark_read(self, user: str, session_id: str, offset: int) -> None:
        """The user has read the session up to this offset: their lists show it as read until more is answered."""
        session = await self._access.viewer(session_id, user)
        await self._sessions.mark_read(session, user, offset)

    async def history(self, user: str, session_id: str, *, before: str | None, limit: int) -> HistoryPage:
        await self._access.viewer(session_id, user)
        page = await self._reading.history(session_id, before=before, limit=max(1, min(limit, MAX_HISTORY)))
        if page is None:
            raise CallError(
                "message_not_found", "There is no message with the id `before`. Leave it out for the newest."
            )
        return page

    async def run(self, user: str, session_id: str, run_id: str) -> RunState:
        """A run that was asked for, at whatever time. Raises `run_not_found`."""
        await self._access.viewer(session_id, user)
        known = await self._backplane.inbox.known(session_id, run_id=run_id)
        if known is None:
            raise CallError("run_not_found", "There is no such run in this session. Take the id that you were given.")
        ask = asks.decode(known.ask.body)
        message = await self._reading.answer(session_id, run_id, ask.answer_id)
        # What the journal says comes first: that the run is done is stored a moment after its `done`.
        state: Literal["queued", "running", "done"] = "queued" if known.state == "queued" else "running"
        if message is None:
            state = "done" if known.state == "done" else state
        else:
            state = "running" if message.status == "streaming" else "done"
        return RunState(
            run_id=run_id,
            session_id=session_id,
            state=state,
            reply_to=ask.message_id,
            message_id=ask.answer_id,
            message=message,
        )

    # ------------------------------------------------------------------------------------------------- notes

    async def rate(self, user: str, session_id: str, message_id: str, rating: Rating) -> Message:
        session = await self._access.viewer(session_id, user)
        message = await self._reading.message(session_id, message_id)
        if message is None:
            text = "There is no such message, or it is still being written. Rate it when it is done."
            raise CallError("message_not_found", text)
        rated = msgspec.structs.replace(message, rating=None if rating.score == 0 else rating)
        await self._note(session, events.MessageChanged(rated, time=self._env.now_ms()))
        return rated

    async def report_error(self, user: str, session_id: str, text: str) -> None:
        """Show an error of the client to all watchers, and to the model with its next request."""
        session = await self._access.editor(session_id, user)
        await self._note(session, events.Notice("client_error", text, time=self._env.now_ms()))

    async def _note(self, session: Session, event: events.Stored) -> None:
        note = Note(lives.note_id(session, self._env.new_id("note")), [events.encode(event)])
        await self._backplane.inbox.note(session.session_id, note, now=self._env.now_ms())
        self._supervisor.touch(session.session_id)


def _fitting(sessions: Sequence[Session]) -> Sequence[Session]:
    """The first of them that fit into a page, those of one time together or not at all; at least those of one."""
    left = MAX_LIST_BYTES
    for place, session in enumerate(sessions):
        left -= len(msgspec.json.encode(session))
        if left < 0:
            kept = [earlier for earlier in sessions[:place] if earlier.updated_at > session.updated_at]
            return kept or [other for other in sessions if other.updated_at == session.updated_at]
    return sessions
