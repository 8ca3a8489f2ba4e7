"""The stores are one contract: whatever is asked of them, in whatever order, they give the same answers."""

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.backplane.base import (
    Ask,
    Backplane,
    Entry,
    Fence,
    Fold,
    Note,
    Position,
    Row,
    SessionRecord,
    Settle,
    WhenBusy,
)
from hub.backplane.memory import MemoryBackplane
from hub.backplane.sqlite import SqliteBackplane
from hub.errors import StaleFence

Act = Callable[[Backplane], Awaitable[object]]
"""One thing asked of a backplane. Everything in it is settled before, so that each store is asked the same."""


class Drivers:
    """Who drives each session now, so that most of what is drawn is asked by somebody who may."""

    def __init__(self) -> None:
        self.held: dict[str, Fence] = {}
        self.tops: dict[str, int] = {}
        self.number = itertools.count(1)

    def learn(self, answers: list[object]) -> None:
        for answer in answers:
            if isinstance(answer, tuple):
                session_id, lease = answer
                self.held[session_id] = lease.fence


Draw = Callable[[Drivers], Act]
"""An act but for the fence and number, which are filled in when its turn comes."""

SESSIONS = st.sampled_from(["s", "t"])
NAMES = st.sampled_from(["a", "b", "c", "d"])
TIMES = st.integers(0, 45)
OLD_FENCES = st.builds(Fence, st.integers(1, 6), st.sampled_from(["one", "two"]))
FENCES = st.one_of(st.none(), st.none(), st.none(), OLD_FENCES)  # none: the driver's
NUMBERS = st.one_of(st.none(), st.none(), st.integers(1, 60))  # none: the next one
POSITIONS = st.none() | st.builds(Position, st.sampled_from(["e1", "e2", "e3"]), st.integers(-1, 12))
WHEN_BUSY: st.SearchStrategy[WhenBusy] = st.sampled_from(["queue", "reject", "replace"])
IDS = st.lists(NAMES, max_size=3)


def with_fence(session_id: str, fence: Fence | None, act: Callable[[Fence], Act]) -> Draw:
    return lambda drivers: act(fence or drivers.held[session_id])


def append(session_id: str, fence: Fence | None, number: int | None, payloads: list[bytes]) -> Draw:
    def draw(drivers: Drivers) -> Act:
        by, count = fence or drivers.held[session_id], number or next(drivers.number)
        return lambda backplane: backplane.journal.append(session_id, by, count, payloads)

    return draw


def compact(session_id: str, fence: Fence | None, below_top: int, places: list[int]) -> Draw:
    def draw(drivers: Drivers) -> Act:
        offset = max(0, drivers.tops[session_id] - below_top)
        fold = Fold(offset, b"%d" % offset, [Row(place, str(place), b"%d" % offset) for place in places])
        by = fence or drivers.held[session_id]
        return lambda backplane: backplane.journal.compact(session_id, by, fold)

    return draw


def take(session_id: str, owner: str, now: int) -> Act:
    async def act(backplane: Backplane) -> object:
        lease = await backplane.leases.take(session_id, owner, now=now, lease_ms=20)
        return None if lease is None else (session_id, lease)

    return act


def release(session_id: str, fence: Fence | None) -> Draw:
    return with_fence(session_id, fence, lambda by: lambda backplane: backplane.leases.release(session_id, by))


def accept(session_id: str, name: str, digest: str, when_busy: WhenBusy, max_queued: int, now: int) -> Act:
    ask = Ask(name, f"run-{name}", digest, name.encode(), now, when_busy)
    return lambda backplane: backplane.inbox.accept(session_id, ask, Position("e", now), max_queued=max_queued, now=now)


def stop(session_id: str, by: str, kind: Literal["run", "ask", "none"], name: str, queued: bool, now: int) -> Act:
    run_id = f"run-{name}" if kind == "run" else None
    ask_id = name if kind == "ask" else None
    return lambda backplane: backplane.inbox.stop(
        session_id, by=by, run_id=run_id, ask_id=ask_id, queued=queued, now=now, remember_ms=20
    )


def renew(session_id: str, fence: Fence | None, now: int, ids: list[str], with_settle: bool) -> Draw:
    settle = Settle([f"run-{name}" for name in ids], ids, ids) if with_settle else None
    return with_fence(
        session_id,
        fence,
        lambda by: lambda backplane: backplane.leases.renew(session_id, by, now=now, lease_ms=20, settle=settle),
    )


def record(session_id: str, owner: str, member: str, at: int, version: int) -> SessionRecord:
    return SessionRecord(session_id, owner, {owner: "owner", member: "viewer"}, at, b"{}", version)


RECORDS = st.builds(record, SESSIONS, NAMES, NAMES, TIMES, st.integers(0, 3))

ASKED_BY_A_DRIVER: st.SearchStrategy[Draw] = st.one_of(
    # Appends are most of what happens; one branch listed thrice is three times as likely.
    *[st.builds(append, SESSIONS, FENCES, NUMBERS, st.lists(NAMES.map(str.encode), min_size=1, max_size=3))] * 3,
    st.builds(compact, SESSIONS, FENCES, st.integers(-2, 5), st.lists(st.integers(1, 5), max_size=3, unique=True)),
    *[st.builds(renew, SESSIONS, FENCES, TIMES, IDS, st.booleans())] * 2,
    st.builds(release, SESSIONS, FENCES),
)

ASKED_BY_ANYBODY: st.SearchStrategy[Act] = st.one_of(
    st.builds(
        lambda s, after, rows: lambda backplane: backplane.journal.read(s, after, rows=rows),
        SESSIONS,
        POSITIONS,
        st.none() | st.integers(0, 3),
    ),
    st.builds(lambda s: lambda backplane: backplane.journal.top(s), SESSIONS),
    st.builds(
        lambda s, before, limit: lambda backplane: backplane.journal.rows(s, before, limit),
        SESSIONS,
        st.none() | st.integers(0, 6),
        st.none() | st.integers(0, 6),
    ),
    *[st.builds(accept, SESSIONS, NAMES, st.sampled_from("xxy"), WHEN_BUSY, st.integers(0, 3), TIMES)] * 2,
    st.builds(stop, SESSIONS, NAMES, st.sampled_from(["run", "ask", "none"]), NAMES, st.booleans(), TIMES),
    st.builds(
        lambda s, name, now: lambda backplane: backplane.inbox.note(s, Note(name, [b"n"]), now=now),
        SESSIONS,
        NAMES,
        TIMES,
    ),
    st.builds(
        lambda s, call, body: lambda backplane: backplane.inbox.answer(s, call, body.encode()), SESSIONS, NAMES, NAMES
    ),
    st.builds(lambda s, name: lambda backplane: backplane.inbox.known(s, ask_id=name), SESSIONS, NAMES),
    st.builds(take, SESSIONS, st.sampled_from(["one", "two"]), TIMES),
    st.builds(
        lambda now, limit: lambda backplane: backplane.leases.expired(now=now, limit=limit), TIMES, st.integers(0, 3)
    ),
    st.builds(lambda found: lambda backplane: backplane.directory.create(found), RECORDS),
    st.builds(lambda found: lambda backplane: backplane.directory.replace(found), RECORDS),
    st.builds(
        lambda user, before, limit: lambda backplane: backplane.directory.list(user, before=before, limit=limit),
        NAMES,
        st.none() | TIMES,
        st.integers(0, 3),
    ),
    st.builds(
        lambda s, what: lambda backplane: getattr(backplane, what).delete(s),
        SESSIONS,
        st.sampled_from(["inbox", "journal", "directory"]),
    ),
)

DRAWS = st.one_of(ASKED_BY_A_DRIVER, ASKED_BY_ANYBODY.map(lambda act: lambda drivers: act))

BURSTS = st.lists(st.tuples(st.lists(DRAWS, min_size=3, max_size=8), st.booleans()), min_size=8, max_size=16)
"""Acts asked at once, and whether the file's caches are dropped after them."""

FIRST: list[Draw] = [lambda drivers: take("s", "one", 0), lambda drivers: take("t", "two", 0)]
"""So that there is a driver from the begin."""


async def run(backplane: Backplane, acts: list[Act]) -> list[object]:
    """Ask all at once; the order of calls is the order of the list."""

    async def one(act: Act) -> object:
        try:
            return await act(backplane)
        except StaleFence:
            return "stale"

    return await asyncio.gather(*(one(act) for act in acts))


def epoch_names() -> Callable[[], str]:
    count = itertools.count(1)
    return lambda: f"e{next(count)}"


@settings(max_examples=200, deadline=None)
@given(BURSTS)
def test_sqlite_answers_as_memory_does(bursts: list[tuple[list[Draw], bool]]) -> None:
    async def compare(folder: str) -> None:
        memory = MemoryBackplane(epoch_source=epoch_names())
        sqlite = SqliteBackplane(f"{folder}/hub.db", epoch_source=epoch_names())
        await sqlite.start()
        try:
            heard: dict[str, list[Entry]] = {"memory": [], "sqlite": []}
            for session_id in ("s", "t"):
                await memory.journal.follow(session_id, heard["memory"].extend)
                await sqlite.journal.follow(session_id, heard["sqlite"].extend)
            drivers = Drivers()
            for draws, drop_caches in [(FIRST, False), *bursts]:
                acts = [draw(drivers) for draw in draws]
                answers = await run(memory, acts)
                assert await run(sqlite, acts) == answers
                drivers.learn(answers)
                for session_id in ("s", "t"):
                    top = await memory.journal.top(session_id)
                    assert await sqlite.journal.top(session_id) == top
                    drivers.tops[session_id] = top.offset
                assert heard["sqlite"] == heard["memory"]
                if drop_caches:
                    await sqlite.drop_caches()
        finally:
            await sqlite.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(folder))
