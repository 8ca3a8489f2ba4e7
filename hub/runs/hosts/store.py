"""Where the hosts of sessions are stored: a record of its own beside each session's, which every node can read.

It is no session: nobody owns it, and no list shows it.
"""

from collections.abc import Callable, Sequence

import msgspec

from hub.backplane.base import Directory, SessionRecord
from hub.runs.hosts.records import Hosts, StoredHost


class _Stored(msgspec.Struct, frozen=True):
    created_at: int  # the session's: a later one with the same id has no hosts of this one
    hosts: Sequence[StoredHost] = ()


_decoder = msgspec.json.Decoder(_Stored)


class HostStore:
    """All changes of sessions' hosts go through here; `Directory.replace` decides between two at once."""

    def __init__(self, directory: Directory, now_ms: Callable[[], int]) -> None:
        self._directory = directory
        self._now_ms = now_ms

    async def hosts(self, session_id: str, created_at: int) -> Hosts:
        """As they were stored; some may be gone. Raises `BackplaneAway`."""
        record = await self._directory.get(_key(session_id))
        return () if record is None else _hosts_of(record, created_at)

    async def has_any(self, session_id: str) -> bool:
        """Whether anything is stored, be it of hosts that are gone. Raises `BackplaneAway`."""
        return await self._directory.get(_key(session_id)) is not None

    async def change(self, session_id: str, created_at: int, apply: Callable[[Hosts, int], Hosts]) -> None:
        """Apply a change, given the hosts and the time; again if somebody else was faster. Raises what `apply` does,
        and `BackplaneAway`."""
        while True:
            now = self._now_ms()
            record = await self._directory.get(_key(session_id))
            if record is None:
                record = await self._directory.create(_record(session_id, _Stored(created_at), now, 0))
            new = _Stored(created_at, apply(_hosts_of(record, created_at), now))
            if await self._directory.replace(_record(session_id, new, now, record.version)):
                return

    async def forget(self, session_id: str, created_at: int) -> None:
        record = await self._directory.get(_key(session_id))
        if record is not None and _decoder.decode(record.body).created_at == created_at:
            await self._directory.delete(_key(session_id))


def _key(session_id: str) -> str:
    """No session has such an id (`SessionId` in `chat_requests`)."""
    return f"{session_id}/hosts"


def _hosts_of(record: SessionRecord, created_at: int) -> Hosts:
    stored = _decoder.decode(record.body)
    return stored.hosts if stored.created_at == created_at else ()


def _record(session_id: str, stored: _Stored, now: int, version: int) -> SessionRecord:
    key = _key(session_id)
    return SessionRecord(
        session_id=key, owner=key, members={}, updated_at=now, body=msgspec.json.encode(stored), version=version
    )
