"""The sessions that there are: created, changed and listed, each change told to all who may see it.

A change goes to the bus channel of every member (`members_channel`) as a `SessionRow` in JSON, so that lists stay live
on every node.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from hub.backplane.base import Bus, Directory, SessionRecord
from hub.chat.parts import Session, WireStruct


class SessionRow(WireStruct, frozen=True, kw_only=True):
    """A session as a list shows it; or, when `deleted`, that it is gone (or no longer this user's)."""

    session_id: str
    title: str
    running: bool
    updated_at: int
    deleted: bool = False


def row_of(session: Session) -> SessionRow:
    return SessionRow(
        session_id=session.session_id, title=session.title, running=session.running, updated_at=session.updated_at
    )


def members_channel(user: str) -> str:
    """The bus channel that a user's session lists listen to."""
    return f"user:{user}:sessions"


_decoder = msgspec.json.Decoder(Session)


class Sessions:
    """All changes of session objects go through here; `Directory.replace` decides between two at once."""

    def __init__(self, directory: Directory, bus: Bus) -> None:
        self._directory = directory
        self._bus = bus

    async def create(self, session: Session) -> tuple[Session, bool]:
        """The session under this id, and whether it is the new one."""
        record = await self._directory.create(_record(session, version=0))
        stored = _decoder.decode(record.body)
        is_new = stored == session
        if is_new:
            self._tell(stored)
        return stored, is_new

    async def get(self, session_id: str) -> Session | None:
        record = await self._directory.get(session_id)
        return None if record is None else _decoder.decode(record.body)

    async def change(
        self, session_id: str, change: Callable[[Session], Session], *, created_at: int | None = None
    ) -> Session | None:
        """Apply `change`, again if somebody else was faster.

        None if the session is gone: also if one that was created at another time than `created_at` has its id now.
        """
        while True:
            record = await self._directory.get(session_id)
            if record is None:
                return None
            session = _decoder.decode(record.body)
            if created_at not in (None, session.created_at):
                return None
            changed = change(session)
            if changed == session:
                return session
            if await self._directory.replace(_record(changed, version=record.version)):
                self._tell(changed)
                self._tell_removed(session, changed)
                return changed

    async def list(self, user: str, *, before: int | None, limit: int) -> Sequence[Session]:
        records = await self._directory.list(user, before=before, limit=limit)
        return [_decoder.decode(record.body) for record in records]

    async def delete(self, session: Session) -> bool:
        if not await self._directory.delete(session.session_id):
            return False
        self._tell(session, deleted=True)
        return True

    def _tell(self, session: Session, *, deleted: bool = False) -> None:
        row = row_of(session)
        if deleted:
            row = msgspec.structs.replace(row, deleted=True, running=False)
        self._publish(row, (participant.user for participant in session.participants))

    def _tell_removed(self, old: Session, new: Session) -> None:
        """For them it is gone."""
        gone = {participant.user for participant in old.participants} - {member.user for member in new.participants}
        self._publish(SessionRow(session_id=old.session_id, title="", running=False, updated_at=0, deleted=True), gone)

    def _publish(self, row: SessionRow, users: Iterable[str]) -> None:
        payload = msgspec.json.encode(row)
        for user in users:
            self._bus.publish(members_channel(user), payload)


def _record(session: Session, *, version: int) -> SessionRecord:
    return SessionRecord(
        session_id=session.session_id,
        owner=session.owner,
        members={participant.user: participant.role for participant in session.participants},
        updated_at=session.updated_at,
        body=msgspec.json.encode(session),
        version=version,
    )
