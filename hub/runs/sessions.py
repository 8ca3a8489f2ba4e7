"""The sessions that there are: created, changed and listed, each change told to all who may see it.

A change goes to the bus channel of every member (`members_channel`) as a `SessionRow` in JSON, so that lists stay live
on every node.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from hub.backplane.base import Bus, Directory, Position, SessionRecord
from hub.chat.parts import Access, Session, WireStruct
from hub.tools.policy.autonomy import is_higher


class SessionRow(WireStruct, frozen=True, kw_only=True):
    """A session as a list shows it; or, when `deleted`, that it is gone (or no longer this user's)."""

    session_id: str
    title: str
    running: bool
    updated_at: int
    unread: bool = False
    deleted: bool = False


class Grant(msgspec.Struct, frozen=True):
    """An approval for the whole session: calls of this tool are not asked about while it has this access, and while
    who gave it may still approve."""

    tool: str
    access: Access
    by: str


MAX_GRANTS = 100
"""Of one session; over it the oldest goes."""


class StoredSession(Session, frozen=True, kw_only=True):
    """A session with what clients are not told: for lists, the end of its newest answer, and how far each participant
    has read; for runs, what need not be asked again."""

    epoch: str = ""
    top: int = 0
    read: Mapping[str, int] = {}
    grants: Sequence[Grant] = ()

    def is_unread(self, user: str) -> bool:
        return self.read.get(user, 0) < self.top


def row_of(session: StoredSession, user: str) -> SessionRow:
    """As this user sees it."""
    return SessionRow(
        session_id=session.session_id,
        title=session.title,
        running=session.running,
        updated_at=session.updated_at,
        unread=session.is_unread(user),
    )


def members_channel(user: str) -> str:
    """The bus channel that a user's session lists listen to."""
    return f"user:{user}:sessions"


_decoder = msgspec.json.Decoder(Session)  # of the same bodies: what it does not know it leaves out
_stored_decoder = msgspec.json.Decoder(StoredSession)


class Sessions:
    """All changes of session objects go through here; `Directory.replace` decides between two at once."""

    def __init__(self, directory: Directory, bus: Bus) -> None:
        self._directory = directory
        self._bus = bus

    async def create(self, session: Session) -> tuple[Session, bool]:
        """The session under this id, and whether it is the new one."""
        record = await self._directory.create(_record(_stored(session), version=0))
        stored = _decoder.decode(record.body)
        is_new = stored == session
        if is_new:
            self._tell(_stored(session), (session.owner,))
        return stored, is_new

    async def get(self, session_id: str) -> Session | None:
        record = await self._directory.get(session_id)
        return None if record is None else _decoder.decode(record.body)

    async def with_grants(self, session_id: str) -> tuple[Session, Sequence[Grant]] | None:
        """The session as it is now, with what was approved for all of it."""
        record = await self._directory.get(session_id)
        if record is None:
            return None
        stored = _stored_decoder.decode(record.body)
        return _plain(stored), stored.grants

    async def grant(self, session: Session, grant: Grant) -> None:
        """Remember an approval for the life of the session, or until its autonomy is lowered."""

        def apply(old: StoredSession) -> StoredSession:
            if grant in old.grants:
                return old
            return msgspec.structs.replace(old, grants=[*old.grants, grant][-MAX_GRANTS:])

        await self._change(session.session_id, apply, session.created_at)

    async def change(
        self,
        session_id: str,
        change: Callable[[Session], Session],
        *,
        created_at: int | None = None,
        top: Position | None = None,
    ) -> Session | None:
        """Apply `change`, again if somebody else was faster; `top` is the end of a new answer.

        None if the session is gone: also if one that was created at another time than `created_at` has its id now.
        """

        def apply(old: StoredSession) -> StoredSession:
            new = _stored(change(old), old)
            if top is None:
                return new
            # Positions of another epoch say nothing about this one.
            read = old.read if old.epoch in ("", top.epoch) else {}
            return msgspec.structs.replace(new, epoch=top.epoch, top=top.offset, read=read)

        found = await self._change(session_id, apply, created_at)
        if found is None:
            return None
        old, new = found
        if new != old:
            members = {member.user for member in new.participants}
            self._tell(new, members)
            self._tell_gone(new.session_id, {member.user for member in old.participants} - members)
        return _plain(new)

    async def mark_read(self, session: Session, user: str, offset: int) -> None:
        """The user has read up to `offset`; never takes back what was read before."""

        def apply(old: StoredSession) -> StoredSession:
            if offset <= old.read.get(user, 0):
                return old
            members = {member.user for member in old.participants}
            read = {who: place for who, place in old.read.items() if who in members}
            return msgspec.structs.replace(old, read={**read, user: offset})

        found = await self._change(session.session_id, apply, session.created_at)
        if found is not None and found[0].is_unread(user) != found[1].is_unread(user):
            self._tell(found[1], (user,))

    async def _change(
        self, session_id: str, apply: Callable[[StoredSession], StoredSession], created_at: int | None
    ) -> tuple[StoredSession, StoredSession] | None:
        """Before and after."""
        while True:
            record = await self._directory.get(session_id)
            if record is None:
                return None
            old = _stored_decoder.decode(record.body)
            if created_at not in (None, old.created_at):
                return None
            new = apply(old)
            if new == old or await self._directory.replace(_record(new, version=record.version)):
                return old, new

    async def list(self, user: str, *, before: int | None, limit: int) -> Sequence[Session]:
        records = await self._directory.list(user, before=before, limit=limit)
        return [_decoder.decode(record.body) for record in records]

    async def rows(self, user: str, *, limit: int) -> Sequence[SessionRow]:
        """The newest sessions as the user's list shows them."""
        records = await self._directory.list(user, before=None, limit=limit)
        return [row_of(_stored_decoder.decode(record.body), user) for record in records]

    async def delete(self, session: Session) -> bool:
        if not await self._directory.delete(session.session_id):
            return False
        self._tell_gone(session.session_id, (participant.user for participant in session.participants))
        return True

    def _tell(self, session: StoredSession, users: Iterable[str]) -> None:
        for user in users:
            self._bus.publish(members_channel(user), msgspec.json.encode(row_of(session, user)))

    def _tell_gone(self, session_id: str, users: Iterable[str]) -> None:
        row = SessionRow(session_id=session_id, title="", running=False, updated_at=0, deleted=True)
        for user in users:
            self._bus.publish(members_channel(user), msgspec.json.encode(row))


def _stored(session: Session, old: StoredSession | None = None) -> StoredSession:
    """The session with what is kept beside it."""
    fields = {name: getattr(session, name) for name in Session.__struct_fields__}
    if old is None:
        return StoredSession(**fields)
    # Who lowers the autonomy wants to be asked again.
    grants = () if is_higher(old.autonomy, session.autonomy) else old.grants
    return StoredSession(**fields, epoch=old.epoch, top=old.top, read=old.read, grants=grants)


def _plain(session: StoredSession) -> Session:
    return Session(**{name: getattr(session, name) for name in Session.__struct_fields__})


def _record(session: StoredSession, *, version: int) -> SessionRecord:
    return SessionRecord(
        session_id=session.session_id,
        owner=session.owner,
        members={participant.user: participant.role for participant in session.participants},
        updated_at=session.updated_at,
        body=msgspec.json.encode(session),
        version=version,
    )
