"""The directory: a record beside each session's other keys, and a list of each user's sessions, which is elsewhere.

The two cannot change as one act. So a list is only a hint where to look: a session is put into it before its record
names the user, and again after; who reads a list believes the records.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from hub.backplane.base import SessionRecord
from hub.backplane.redis.servers import Servers
from hub.clock import now_ms

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SessionRecord).decode

SETTLED_MS = 60_000
"""Whoever was writing a record when it was put into a list has finished after this."""


class RedisDirectory:
    """`Directory`."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._keys = servers.keys
        self._retention_ms = round(servers.options.retention_s * 1000)

    async def create(self, record: SessionRecord) -> SessionRecord:
        await self._enlist(record)
        there = await self._store(record, "", record.version)
        if isinstance(there, SessionRecord):
            await self._correct(record, there)
            return there
        await self._enlist(record)
        return record

    async def get(self, session_id: str) -> SessionRecord | None:
        keys = self._keys.session(session_id)
        found = await self._servers.call(keys.bucket, b"HGET", keys.record, b"r")
        return _decode(found) if isinstance(found, bytes) else None

    async def replace(self, record: SessionRecord) -> bool:
        before = await self.get(record.session_id)
        if before is None or before.version != record.version:
            return False
        await self._enlist(record)
        there = await self._store(record, record.version, record.version + 1)
        if there is not True:
            await self._correct(record, there or None)
            return False
        await self._enlist(record)
        await self._unlist(before, _users(before) - _users(record))
        return True

    async def list(self, user: str, *, before: int | None, limit: int) -> list[SessionRecord]:
        bucket, key = self._keys.user(user)
        found: list[SessionRecord] = []
        seen = 0
        while len(found) < limit:
            wanted = limit - len(found)
            reply = await self._servers.call(
                bucket,
                b"ZREVRANGEBYSCORE",
                key,
                "+inf" if before is None else f"({before}",
                "-inf",
                "WITHSCORES",
                *("LIMIT", seen, wanted),
            )
            words = msgspec.convert(reply, list[bytes])
            names = [name.decode("utf-8", "surrogatepass") for name in words[::2]]
            records = await asyncio.gather(*(self.get(name) for name in names))
            for name, score, record in zip(names, words[1::2], records, strict=True):
                if record is not None and user in _users(record):
                    found.append(record)
                elif int(score) < now_ms() + self._servers.skew_ms - SETTLED_MS:
                    await self._servers.run(bucket, "unlist", (key,), name, score)
            seen += len(names)
            if len(names) < wanted:
                break
        return sorted(found, key=lambda record: (record.updated_at, record.session_id), reverse=True)

    async def delete(self, session_id: str) -> bool:
        record = await self.get(session_id)
        if record is None:
            return False
        keys = self._keys.session(session_id)
        deleted = await self._servers.call(keys.bucket, b"DEL", keys.record)
        await self._unlist(record, _users(record))
        return deleted == 1

    async def _store(self, record: SessionRecord, expected: int | str, version: int) -> SessionRecord | bool:
        """True once stored; else the record that is there, or False where there is none."""
        keys = self._keys.session(record.session_id)
        stored = msgspec.structs.replace(record, version=version)
        reply = await self._servers.run(
            keys.bucket, "record", (keys.record,), expected, version, _encode(stored), self._retention_ms
        )
        done, before = msgspec.convert(reply, tuple[bool, bytes | None], strict=False)
        return done or (before is not None and _decode(before))

    async def _enlist(self, record: SessionRecord) -> None:
        """Put the session into the lists of all that it is of."""
        calls = []
        for user in _users(record):
            bucket, key = self._keys.user(user)
            calls.append(self._servers.call(bucket, b"ZADD", key, record.updated_at, record.session_id))
            calls.append(self._servers.call(bucket, b"PEXPIRE", key, self._retention_ms))
        await asyncio.gather(*calls)

    async def _unlist(self, record: SessionRecord, users: Iterable[str]) -> None:
        """Take the session out of lists where it still stands as this record put it."""
        for user in users:
            bucket, key = self._keys.user(user)
            await self._servers.run(bucket, "unlist", (key,), record.session_id, record.updated_at)

    async def _correct(self, unstored: SessionRecord, there: SessionRecord | None) -> None:
        """The record was not stored: undo what it did to the lists."""
        if there is not None:
            await self._enlist(there)
        await self._unlist(unstored, _users(unstored) - (_users(there) if there else set()))


def _users(record: SessionRecord) -> set[str]:
    return {record.owner, *record.members}
