"""What the backplane's tests do over and over."""

import asyncio
from collections.abc import Callable, Sequence

from hub.backplane.base import (
    Accepted,
    Ask,
    Backplane,
    Entry,
    Fence,
    Lease,
    Position,
    Settle,
    Stopped,
    WhenBusy,
    Work,
)

NOWHERE = Position("", 0)
LEASE_MS = 1000


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a store may deliver later than it answers; a sentinel whose machine was held up waits for 30 s."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # whatever the condition looks at knows no event
            await asyncio.sleep(0.001)


def ask(name: str, *, digest: str = "d", run_id: str | None = None, when_busy: WhenBusy = "queue", at: int = 0) -> Ask:
    return Ask(name, run_id or f"run-{name}", digest, f"body of {name}".encode(), at, when_busy)


async def accept(
    backplane: Backplane,
    name: str,
    *,
    session_id: str = "s",
    digest: str = "d",
    when_busy: WhenBusy = "queue",
    max_queued: int = 10,
    now: int = 0,
) -> Accepted:
    return await backplane.inbox.accept(
        session_id, ask(name, digest=digest, when_busy=when_busy), NOWHERE, max_queued=max_queued, now=now
    )


async def stop(
    backplane: Backplane,
    *,
    by: str = "ann",
    run_id: str | None = None,
    ask_id: str | None = None,
    queued: bool = False,
    now: int = 0,
    remember_ms: int = 1000,
) -> Stopped:
    return await backplane.inbox.stop(
        "s", by=by, run_id=run_id, ask_id=ask_id, queued=queued, now=now, remember_ms=remember_ms
    )


async def take(backplane: Backplane, owner: str = "node", *, session_id: str = "s", now: int = 0) -> Lease:
    lease = await backplane.leases.take(session_id, owner, now=now, lease_ms=LEASE_MS)
    assert lease is not None
    return lease


async def settle(backplane: Backplane, fence: Fence, *run_ids: str, now: int = 0, appended: int = 0) -> Work:
    done = Settle(run_ids)
    return await backplane.leases.renew("s", fence, now=now, lease_ms=LEASE_MS, settle=done, appended=appended)


async def write(backplane: Backplane, fence: Fence, *texts: str, number: int = 1, session_id: str = "s") -> None:
    """One append with a payload for each text."""
    await backplane.journal.append(session_id, fence, number, [text.encode() for text in texts])


async def written(backplane: Backplane, session_id: str = "s") -> list[tuple[int, str]]:
    """What is stored and not trimmed."""
    page = await backplane.journal.read(session_id)
    return texts(page.entries)


def texts(entries: Sequence[Entry]) -> list[tuple[int, str]]:
    return [(entry.offset, entry.payload.decode()) for entry in entries]


def states(work: Work) -> list[tuple[str, str, str | None]]:
    """The asks as (ask id, state, stopped by)."""
    return [(known.ask.ask_id, known.state, known.stopped_by) for known in work.asks]
