"""The journal: a stream per session, written and published by one script.

A stream, because one append is one entry in it however many events it carries, found by its last offset, which is its
id; a list could only count entries. The packed events are stored and published as they are, never encoded again.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Sequence

import msgspec

from hub.backplane.base import Appended, Entry, Fence, Fold, Page, Position, Row, Subscription
from hub.backplane.fanout import Fanout
from hub.backplane.redis.append import Append
from hub.backplane.redis.bus import Listening
from hub.backplane.redis.servers import Servers
from hub.backplane.redis.subscriptions import Subscriptions

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode
_decode_row = msgspec.msgpack.Decoder(tuple[int, str, bytes]).decode

_FIELDS = (b"epoch", b"identity", b"top", b"floor", b"fold", b"folded", b"f", b"l", b"r0", b"r1", b"r2", b"r3")
"""What of the head is the journal's."""

_Stored = list[tuple[bytes, tuple[bytes, bytes]]]


class RedisJournal:
    """`Journal`. After a loss followers get an empty batch: they are to check their position."""

    def __init__(self, servers: Servers, subscriptions: Subscriptions) -> None:
        self._servers = servers
        self._subscriptions = subscriptions
        self._keys = servers.keys
        self._retention_ms = round(servers.options.retention_s * 1000)
        self._packed_retention_ms = b"%d" % self._retention_ms
        self._followers: Fanout[Sequence[Entry]] = Fanout()
        # Names of epochs that may begin: ours alone, and each offered once.
        self._life = secrets.token_hex(5).encode()
        self._epochs = itertools.count()

    def append(self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]) -> asyncio.Future[Appended]:
        keys, servers = self._keys.session(session_id), self._servers
        epoch = self._epoch()
        return servers.begin(Append(servers.moved, keys, epoch, fence, number, payloads, self._packed_retention_ms))

    async def follow(self, session_id: str, receive: Callable[[Sequence[Entry]], None]) -> Subscription:
        keys = self._keys.session(session_id)

        def deliver(message: bytes) -> None:
            epoch, first, packed = message.split(b" ", 2)
            entries = _entries(epoch.decode(), int(first), _decode(packed))
            self._followers.publish(session_id, entries)

        channel = await self._subscriptions.open(
            keys.bucket, keys.channel, deliver, missed=lambda: self._followers.publish(session_id, ())
        )
        return Listening(self._followers.add(session_id, receive), channel)

    async def read(self, session_id: str, after: Position | None = None, *, rows: int | None = 0) -> Page:
        keys = self._keys.session(session_id)
        asked = ("", -1) if after is None else (after.epoch, after.offset)
        reply = await self._servers.run(
            keys.bucket,
            "read",
            (keys.head, keys.stream, keys.rows),
            self._epoch(),
            self._retention_ms,
            *asked,
            -1 if rows is None else rows,
        )
        epoch, top, begin, complete, stored, folded, state, packed = msgspec.convert(
            reply, tuple[bytes, int, int, bool, _Stored, int, bytes, list[bytes]], strict=False
        )
        name = epoch.decode()
        entries: list[Entry] = []
        for entry_id, (_, payloads) in stored:
            batch = _decode(payloads)
            first = int(entry_id.partition(b"-")[0]) - len(batch) + 1
            entries += _entries(name, first, batch)
        if entries and entries[0].offset <= begin:  # an append that a position or a fold's offset cuts in two
            entries = entries[begin - entries[0].offset + 1 :]
        fold = None if folded < 0 else Fold(folded, state, tuple(_row(row) for row in reversed(packed)))
        return Page(name, top, complete, entries, fold)

    async def top(self, session_id: str) -> Position:
        keys = self._keys.session(session_id)
        reply = await self._servers.run(keys.bucket, "top", (keys.head, keys.stream), self._epoch(), self._retention_ms)
        epoch, top = msgspec.convert(reply, tuple[bytes, int])
        return Position(epoch.decode(), top)

    async def compact(self, session_id: str, fence: Fence, fold: Fold) -> bool:
        keys = self._keys.session(session_id)
        rows = [
            word
            for row in fold.rows
            for word in (row.place, row.message_id, _encode((row.place, row.message_id, row.body)))
        ]
        reply = await self._servers.run(
            keys.bucket,
            "compact",
            keys.all(),
            fence.number,
            fence.owner,
            self._retention_ms,
            fold.offset,
            fold.state,
            *rows,
        )
        return reply == 1

    async def rows(self, session_id: str, before: int | str | None = None, limit: int | None = None) -> list[Row]:
        keys = self._keys.session(session_id)
        below = "+inf" if before is None else before
        if isinstance(before, str):
            place = await self._servers.call(keys.bucket, b"HGET", keys.ids, "m:" + before)
            if not isinstance(place, bytes):
                raise LookupError("No folded message has this id.")
            below = int(place)
        end = below if isinstance(below, str) else f"({below}"
        reply = await self._servers.call(
            keys.bucket,
            b"ZREVRANGEBYSCORE",
            keys.rows,
            end,
            "-inf",
            "LIMIT",
            0,
            -1 if limit is None else limit,
        )
        return [_row(packed) for packed in reversed(msgspec.convert(reply, list[bytes]))]

    async def delete(self, session_id: str) -> None:
        keys = self._keys.session(session_id)
        touched = (keys.head, self._keys.due(keys.bucket), keys.stream, keys.rows, keys.ids)
        await self._servers.run(keys.bucket, "forget", touched, b"", *_FIELDS)

    def _epoch(self) -> bytes:
        return b"%b%x" % (self._life, next(self._epochs))


def _entries(epoch: str, first: int, payloads: list[bytes]) -> list[Entry]:
    return [Entry(epoch, offset, payload) for offset, payload in enumerate(payloads, first)]


def _row(packed: bytes) -> Row:
    return Row(*_decode_row(packed))
