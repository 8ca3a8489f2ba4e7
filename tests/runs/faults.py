"""A backplane between a node and the real one, that fails as a network does."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from hub.backplane.base import (
    Accepted,
    Appended,
    Ask,
    Backplane,
    Bus,
    Directory,
    Entry,
    Fence,
    Files,
    Fold,
    Inbox,
    Journal,
    Known,
    Lease,
    Leases,
    Note,
    Page,
    Position,
    Row,
    Settle,
    Stopped,
    Subscription,
    Work,
)
from hub.errors import BackplaneAway

Deliver = Callable[[Sequence[Entry]], Iterable[Sequence[Entry]]]


class Faults:
    """What goes wrong now. `sent` are all appends asked for, by number, with what became of the payloads."""

    def __init__(self) -> None:
        self.is_away = False
        self.lost_replies = 0  # appends to come that are stored, and whose answer is lost
        self.is_held = False  # appends wait until `release`
        self.deliver: Deliver = lambda entries: [entries]
        self.sent: list[tuple[int, list[bytes]]] = []
        self._held: list[Callable[[], None]] = []

    @property
    def held(self) -> int:
        return len(self._held)

    def hold(self, act: Callable[[], None]) -> None:
        self._held.append(act)

    def release(self) -> None:
        """Let one held append go on."""
        self._held.pop(0)()

    def check(self) -> None:
        if self.is_away:
            raise BackplaneAway("the test has cut the line")


class FaultyJournal(Journal):
    def __init__(self, inner: Journal, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def append(self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]) -> asyncio.Future[Appended]:
        faults = self._faults
        faults.sent.append((number, list(payloads)))
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        if faults.is_away:
            answer.set_exception(BackplaneAway("the test has cut the line"))
            return answer
        is_lost = faults.lost_replies > 0
        if is_lost:
            faults.lost_replies -= 1

        def go() -> None:
            stored = self._inner.append(session_id, fence, number, payloads)
            stored.add_done_callback(lambda done: _pass_on(done, answer, is_lost=is_lost))

        if faults.is_held:
            faults.hold(go)
            return answer
        if is_lost:
            go()
            return answer
        return self._inner.append(session_id, fence, number, payloads)

    async def follow(self, session_id: str, receive: Callable[[Sequence[Entry]], None]) -> Subscription:
        self._faults.check()

        def deliver(entries: Sequence[Entry]) -> None:
            for batch in self._faults.deliver(entries):
                receive(batch)

        return await self._inner.follow(session_id, deliver)

    async def read(self, session_id: str, after: Position | None = None, *, rows: int | None = 0) -> Page:
        self._faults.check()
        return await self._inner.read(session_id, after, rows=rows)

    async def top(self, session_id: str) -> Position:
        self._faults.check()
        return await self._inner.top(session_id)

    async def compact(self, session_id: str, fence: Fence, fold: Fold) -> bool:
        self._faults.check()
        return await self._inner.compact(session_id, fence, fold)

    async def rows(self, session_id: str, before: int | str | None = None, limit: int | None = None) -> list[Row]:
        self._faults.check()
        return await self._inner.rows(session_id, before, limit)

    async def delete(self, session_id: str) -> None:
        self._faults.check()
        await self._inner.delete(session_id)


def _pass_on(done: asyncio.Future[Appended], answer: asyncio.Future[Appended], *, is_lost: bool) -> None:
    error = done.exception()
    if error is not None:
        answer.set_exception(error)
    elif is_lost:
        answer.set_exception(BackplaneAway("the answer was lost"))
    else:
        answer.set_result(done.result())


class FaultyInbox(Inbox):
    def __init__(self, inner: Inbox, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    async def accept(self, session_id: str, ask: Ask, position: Position, *, max_queued: int, now: int) -> Accepted:
        self._faults.check()
        return await self._inner.accept(session_id, ask, position, max_queued=max_queued, now=now)

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
        self._faults.check()
        return await self._inner.stop(
            session_id, by=by, run_id=run_id, ask_id=ask_id, queued=queued, now=now, remember_ms=remember_ms
        )

    async def note(self, session_id: str, note: Note, *, now: int) -> None:
        self._faults.check()
        await self._inner.note(session_id, note, now=now)

    async def answer(self, session_id: str, call_id: str, body: bytes) -> bytes:
        self._faults.check()
        return await self._inner.answer(session_id, call_id, body)

    async def known(self, session_id: str, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
        self._faults.check()
        return await self._inner.known(session_id, run_id=run_id, ask_id=ask_id)

    async def delete(self, session_id: str) -> None:
        self._faults.check()
        await self._inner.delete(session_id)


class FaultyLeases(Leases):
    def __init__(self, inner: Leases, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults
        self.is_away = False  # besides `faults`, which are of the whole line

    def _check(self) -> None:
        self._faults.check()
        if self.is_away:
            raise BackplaneAway("the test has cut the line to the leases")

    async def take(self, session_id: str, owner: str, *, now: int, lease_ms: int) -> Lease | None:
        self._check()
        return await self._inner.take(session_id, owner, now=now, lease_ms=lease_ms)

    async def renew(
        self, session_id: str, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None = None, appended: int = 0
    ) -> Work:
        self._check()
        return await self._inner.renew(session_id, fence, now=now, lease_ms=lease_ms, settle=settle, appended=appended)

    async def release(self, session_id: str, fence: Fence) -> bool:
        self._check()
        return await self._inner.release(session_id, fence)

    async def expired(self, *, now: int, limit: int) -> list[str]:
        self._check()
        return await self._inner.expired(now=now, limit=limit)


class FaultyBackplane(Backplane):
    """One node's line to the store that it shares with others; the bus, the directory and the files do not fail."""

    def __init__(self, inner: Backplane) -> None:
        self.faults = Faults()
        self.bus: Bus = inner.bus
        self.journal = FaultyJournal(inner.journal, self.faults)
        self.inbox = FaultyInbox(inner.inbox, self.faults)
        self.leases = FaultyLeases(inner.leases, self.faults)
        self.directory: Directory = inner.directory
        self.files: Files = inner.files

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None
