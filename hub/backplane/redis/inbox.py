"""The inbox and its lease: load, decide, store if nobody came between, else again.

What `hub.backplane.decide` says is stored by one script that compares the inbox's version. The acts of this node on
one session take turns, so that only other nodes come between. A renewal without anything to settle, which is nearly
every one, is one script of its own.

Expiries are stored in the store's time: the caller's, moved by what their clocks differ (`Servers.skew_ms`).
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

import msgspec

from hub.backplane import decide
from hub.backplane.base import Accepted, Ask, Fence, Known, Lease, Note, Position, Settle, Stopped, Work
from hub.backplane.decide import Box, Held, Remembered
from hub.backplane.redis.keys import BUCKETS
from hub.backplane.redis.servers import Servers
from hub.backplane.redis.wire import Word
from hub.errors import BackplaneAway

T = TypeVar("T")

State = tuple[list[Known], list[Note], dict[str, bytes], dict[str, Remembered], int | None]
"""A stored box: its fields without the lease, which has fields of its own as every renewal writes it."""

_decode_state = msgspec.msgpack.Decoder(State).decode
_decode_known = msgspec.msgpack.Decoder(Known).decode
_encode = msgspec.msgpack.Encoder().encode

Change = Literal["keep", "clear", "set"]
Lookup = tuple[Literal["a", "r", "n", "c"], str]
"""What is looked up of what is done: an ask by its id or its run's, a note, the answer of a call."""

_Loaded = tuple[bytes | None, bytes | None, int | None, bytes | None, int | None, int | None]


class _Seen:
    """One session's inbox as loaded: what `decide` changes, and what it is compared with when stored."""

    __slots__ = ("appended", "box", "found", "new_fence", "past", "version")

    def __init__(self, version: bytes, box: Box, new_fence: int, found: list[bytes | None]) -> None:
        self.version = version
        self.box = box
        self.new_fence = new_fence
        self.found = found  # of the lookups, in their order
        self.past: list[Word] = []  # fields and values to be stored of what is done
        self.appended: tuple[int, int] | None = None  # a fence and its append without which nothing may be stored

    def known(self, at: int) -> Known | None:
        found = self.found[at]
        return None if found is None else _decode_known(found)


class RedisInbox:
    """`Inbox` and `Leases`."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._keys = servers.keys
        self._retention_ms = round(servers.options.retention_s * 1000)
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}  # by session: whose turn it is, and how many want it

    # ------------------------------------------------------------------------------------------------- inbox

    async def accept(self, session_id: str, ask: Ask, position: Position, *, max_queued: int, now: int) -> Accepted:
        def act(seen: _Seen) -> tuple[Accepted, Change | None]:
            before = (
                decide.find(seen.box, ask_id=ask.ask_id)
                or seen.known(0)
                or decide.find(seen.box, run_id=ask.run_id)
                or seen.known(1)
            )
            accepted = decide.accept(
                seen.box, before, ask, position, max_queued=max_queued, now=now + self._servers.skew_ms
            )
            return accepted, "keep" if accepted.outcome == "new" else None

        return await self._decide(session_id, act, ("a", ask.ask_id), ("r", ask.run_id))

    async def stop(
        self,
        session_id: str,
        *,
        by: str,
        run_id: str | None = None,
        ask_id: str | None = None,
        queued: bool = False,
        now: int,
        remember_ms: int,
    ) -> Stopped:
        def act(seen: _Seen) -> tuple[Stopped, Change | None]:
            stopped = decide.stop(
                seen.box,
                _known(seen, run_id, ask_id),
                by=by,
                run_id=run_id,
                ask_id=ask_id,
                queued=queued,
                now=now + self._servers.skew_ms,
                remember_ms=remember_ms,
            )
            return stopped, "keep" if stopped.outcome in ("stopping", "remembered") else None

        return await self._decide(session_id, act, *_lookups(run_id, ask_id))

    async def note(self, session_id: str, note: Note, *, now: int) -> None:
        def act(seen: _Seen) -> tuple[None, Change | None]:
            is_new = decide.note(seen.box, seen.found[0] is not None, note, now=now + self._servers.skew_ms)
            return None, "keep" if is_new else None

        await self._decide(session_id, act, ("n", note.note_id))

    async def answer(self, session_id: str, call_id: str, body: bytes) -> bytes:
        def act(seen: _Seen) -> tuple[bytes, Change | None]:
            before = seen.found[0]
            is_there = before is not None or call_id in seen.box.answers
            return decide.answer(seen.box, before, call_id, body), None if is_there else "keep"

        return await self._decide(session_id, act, ("c", call_id))

    async def known(self, session_id: str, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
        return _known(await self._load(session_id, _lookups(run_id, ask_id)), run_id, ask_id)

    async def delete(self, session_id: str) -> None:
        keys = self._keys.session(session_id)
        touched = (keys.head, self._keys.due(keys.bucket), keys.past)
        await self._servers.run(keys.bucket, "forget", touched, session_id, b"n", b"o", b"x", b"b", b"v")

    # ------------------------------------------------------------------------------------------------ leases

    async def take(self, session_id: str, owner: str, *, now: int, lease_ms: int) -> Lease | None:
        skew_ms = self._servers.skew_ms

        def act(seen: _Seen) -> tuple[Lease | None, Change | None]:
            if self._servers.is_holding and seen.box.held is not None and seen.box.held.fence.owner != owner:
                return None, None
            lease = decide.take(seen.box, owner, seen.new_fence, now=now + skew_ms, lease_ms=lease_ms)
            return lease, None if lease is None else "set"

        lease = await self._decide(session_id, act, new_fence=True)
        return None if lease is None else Lease(lease.fence, lease.expires_at - skew_ms, lease.work)

    async def renew(
        self, session_id: str, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None = None, appended: int = 0
    ) -> Work:
        stored_now = now + self._servers.skew_ms
        if settle is None or not (settle.run_ids or settle.note_ids or settle.call_ids):
            return await self._renew(session_id, fence, stored_now + lease_ms, appended)

        def act(seen: _Seen) -> tuple[Work, Change | None]:
            settled = decide.renew(seen.box, fence, now=stored_now, lease_ms=lease_ms, settle=settle)
            for known in settled.asks:
                seen.past += ["a:" + known.ask.ask_id, _encode(known), "r:" + known.ask.run_id, known.ask.ask_id]
            for note_id in settled.note_ids:
                seen.past += ["n:" + note_id, b""]
            for call_id, body in settled.answers.items():
                seen.past += ["c:" + call_id, body]
            if appended:
                seen.appended = (fence.number, appended)
            return decide.work(seen.box), "set"

        return await self._decide(session_id, act)

    async def _renew(self, session_id: str, fence: Fence, expires_at: int, appended: int) -> Work:
        keys = self._keys.session(session_id)
        reply = await self._servers.run(
            keys.bucket,
            "renew",
            (*keys.all(), self._keys.due(keys.bucket), keys.files),
            *(fence.number, fence.owner, expires_at, _version(), session_id, self._retention_ms, appended),
        )
        return decide.work(_box(reply if isinstance(reply, bytes) else None))

    async def release(self, session_id: str, fence: Fence) -> bool:
        def act(seen: _Seen) -> tuple[bool, Change | None]:
            released = decide.release(seen.box, fence)
            return released, "clear" if released else None

        return await self._decide(session_id, act)

    async def expired(self, *, now: int, limit: int) -> list[str]:
        if self._servers.is_holding or limit <= 0:
            return []
        query = ("-inf", now + self._servers.skew_ms, "WITHSCORES", "LIMIT", 0, limit)
        calls = [
            self._servers.call(bucket, b"ZRANGEBYSCORE", self._keys.due(bucket), *query) for bucket in range(BUCKETS)
        ]
        over: list[tuple[int, str]] = []
        for reply in await asyncio.gather(*calls):
            words = msgspec.convert(reply, list[bytes])
            over += [
                (int(due), name.decode("utf-8", "surrogatepass"))
                for name, due in zip(words[::2], words[1::2], strict=True)
            ]
        return [session_id for _, session_id in sorted(over)[:limit]]

    # ---------------------------------------------------------------------------------------------- deciding

    async def _decide(
        self,
        session_id: str,
        act: Callable[[_Seen], tuple[T, Change | None]],
        *lookups: Lookup,
        new_fence: bool = False,
    ) -> T:
        """Load, `act`, store what it changed (None: nothing), again while others come between."""
        async with self._turn(session_id):
            for tries in range(self._servers.options.max_tries):
                seen = await self._load(session_id, lookups, new_fence=new_fence)
                decided, change = act(seen)
                if change is None or await self._commit(session_id, seen, change):
                    return decided
                if tries > 4:
                    await asyncio.sleep(random.uniform(0, 0.002 * tries))
        raise BackplaneAway(f"a decision was outrun {self._servers.options.max_tries} times (max_tries)")

    async def _load(self, session_id: str, lookups: tuple[Lookup, ...], *, new_fence: bool = False) -> _Seen:
        keys = self._keys.session(session_id)
        reply = await self._servers.run(
            keys.bucket,
            "load",
            (keys.head, keys.past, self._keys.fence(keys.bucket)),
            int(new_fence),
            *(word for lookup in lookups for word in lookup),
        )
        assert isinstance(reply, list)
        version, state, number, owner, expires_at, fence = msgspec.convert(reply[:6], _Loaded)
        box = _box(state)
        if number is not None and owner is not None and expires_at is not None:
            box.held = Held(Fence(number, owner.decode()), expires_at)
        return _Seen(version or b"", box, fence or 0, msgspec.convert(reply[6:], list[bytes | None]))

    async def _commit(self, session_id: str, seen: _Seen, change: Change) -> bool:
        keys, box = self._keys.session(session_id), seen.box
        held = box.held
        state: State = (box.asks, box.notes, box.answers, box.stops, box.since)
        is_bare = not decide.has_work(box) and not box.stops
        lease = ("", "", "") if held is None else (held.fence.number, held.fence.owner, held.expires_at)
        reply = await self._servers.run(
            keys.bucket,
            "commit",
            (*keys.all(), self._keys.due(keys.bucket), keys.files),
            *(seen.version, _version(), b"" if is_bare else _encode(state)),
            "" if held is not None or box.since is None else box.since,
            *(change, *lease, session_id, self._retention_ms, *(seen.appended or ("", "")), *seen.past),
        )
        return reply == 1

    @asynccontextmanager
    async def _turn(self, session_id: str) -> AsyncIterator[None]:
        lock, wanting = self._turns.get(session_id) or (asyncio.Lock(), 0)
        self._turns[session_id] = (lock, wanting + 1)
        try:
            async with lock:
                yield
        finally:
            _, wanting = self._turns[session_id]
            if wanting > 1:
                self._turns[session_id] = (lock, wanting - 1)
            else:
                del self._turns[session_id]


def _box(state: bytes | None) -> Box:
    """Without its lease."""
    if state is None:
        return Box()
    asks, notes, answers, stops, since = _decode_state(state)
    return Box(asks, notes, answers, stops, None, since)


def _lookups(run_id: str | None, ask_id: str | None) -> tuple[Lookup, ...]:
    """What `_known` looks at of what is done, in its order."""
    run: tuple[Lookup, ...] = () if run_id is None else (("r", run_id),)
    ask: tuple[Lookup, ...] = () if ask_id is None else (("a", ask_id),)
    return run + ask


def _known(seen: _Seen, run_id: str | None, ask_id: str | None) -> Known | None:
    """By run id if that is known, else by ask id, whether done or not."""
    names = [{"run_id": run_id}] * (run_id is not None) + [{"ask_id": ask_id}] * (ask_id is not None)
    for at, name in enumerate(names):
        known = decide.find(seen.box, **name) or seen.known(at)
        if known is not None:
            return known
    return None


def _version() -> str:
    """Of one stored inbox, unlike any other's: a counter would begin anew with a session that was deleted."""
    return secrets.token_hex(8)
