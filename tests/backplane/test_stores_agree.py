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
"""One thing asked of a backplane. Everything in it is drawn before, so that each store is asked the same."""

SESSIONS = st.sampled_from(["s", "t"])
NAMES = st.sampled_from(["a", "b", "c", "d"])
TIMES = st.integers(0, 60)
FENCES = st.builds(Fence, st.integers(1, 6), st.sampled_from(["one", "two"]))
POSITIONS = st.none() | st.builds(Position, st.sampled_from(["e1", "e2", "e3"]), st.integers(-1, 12))
WHEN_BUSY: st.SearchStrategy[WhenBusy] = st.sampled_from(["queue", "reject", "replace"])
IDS = st.lists(NAMES, max_size=3)


def append(session_id: str, fence: Fence, number: int, payloads: list[bytes]) -> Act:
    return lambda backplane: backplane.journal.append(session_id, fence, number, payloads)


def compact(session_id: str, fence: Fence, offset: int, places: list[int]) -> Act:
    rows = [Row(place, str(place), f"{offset}:{place}".encode()) for place in places]
    return lambda backplane: backplane.journal.compact(session_id, fence, Fold(offset, b"%d" % offset, rows))


def accept(session_id: str, name: str, digest: str, when_busy: WhenBusy, max_queued: int, now: int) -> Act:
    ask = Ask(name, f"run-{name}", digest, name.encode(), now, when_busy)
    return lambda backplane: backplane.inbox.accept(session_id, ask, Position("e", now), max_queued=max_queued, now=now)


def stop(session_id: str, by: str, kind: Literal["run", "ask", "none"], name: str, queued: bool, now: int) -> Act:
    run_id = f"run-{name}" if kind == "run" else None
    ask_id = name if kind == "ask" else None
    return lambda backplane: backplane.inbox.stop(
        session_id, by=by, run_id=run_id, ask_id=ask_id, queued=queued, now=now, remember_ms=20
    )


def renew(session_id: str, fence: Fence, now: int, ids: list[str], with_settle: bool) -> Act:
    settle = Settle([f"run-{name}" for name in ids], ids, ids) if with_settle else None
    return lambda backplane: backplane.leases.renew(session_id, fence, now=now, lease_ms=20, settle=settle)


def record(session_id: str, owner: str, member: str, at: int, version: int) -> SessionRecord:
    return SessionRecord(session_id, owner, {owner: "owner", member: "viewer"}, at, b"{}", version)


RECORDS = st.builds(record, SESSIONS, NAMES, NAMES, TIMES, st.integers(0, 3))

ACTS: st.SearchStrategy[Act] = st.one_of(
    # Appends are most of what happens; one branch drawn thrice is three times as likely.
    *[st.builds(append, SESSIONS, FENCES, st.integers(1, 40), st.lists(NAMES.map(str.encode), min_size=1, max_size=3))]
    * 3,
    st.builds(compact, SESSIONS, FENCES, st.integers(0, 12), st.lists(st.integers(1, 5), max_size=3, unique=True)),
    st.builds(lambda s, after: lambda backplane: backplane.journal.read(s, after), SESSIONS, POSITIONS),
    st.builds(lambda s: lambda backplane: backplane.journal.top(s), SESSIONS),
    st.builds(
        lambda s, before, limit: lambda backplane: backplane.journal.rows(s, before, limit),
        SESSIONS,
        st.none() | st.integers(0, 6),
        st.none() | st.integers(0, 6),
    ),
    st.builds(accept, SESSIONS, NAMES, st.sampled_from("xxy"), WHEN_BUSY, st.integers(0, 3), TIMES),
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
    *[
        st.builds(
            lambda s, owner, now: lambda backplane: backplane.leases.take(s, owner, now=now, lease_ms=20),
            SESSIONS,
            st.sampled_from(["one", "two"]),
            TIMES,
        )
    ]
    * 2,
    *[st.builds(renew, SESSIONS, FENCES, TIMES, IDS, st.booleans())] * 2,
    st.builds(lambda s, fence: lambda backplane: backplane.leases.release(s, fence), SESSIONS, FENCES),
    st.builds(
        lambda now, limit: lambda backplane: backplane.leases.expired(now=now, limit=limit), TIMES, st.integers(0, 3)
    ),
    st.builds(lambda s: lambda backplane: backplane.inbox.delete(s), SESSIONS),
    st.builds(lambda s: lambda backplane: backplane.journal.delete(s), SESSIONS),
    st.builds(lambda found: lambda backplane: backplane.directory.create(found), RECORDS),
    st.builds(lambda found: lambda backplane: backplane.directory.replace(found), RECORDS),
    st.builds(
        lambda user, before, limit: lambda backplane: backplane.directory.list(user, before=before, limit=limit),
        NAMES,
        st.none() | TIMES,
        st.integers(0, 3),
    ),
    st.builds(lambda s: lambda backplane: backplane.directory.delete(s), SESSIONS),
)

BURSTS = st.lists(st.tuples(st.lists(ACTS, min_size=1, max_size=12), st.booleans()), min_size=1, max_size=12)
"""Acts asked at once, and whether the file's caches are dropped after them."""


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


@settings(max_examples=150, deadline=None)
@given(BURSTS)
def test_sqlite_answers_as_memory_does(bursts: list[tuple[list[Act], bool]]) -> None:
    async def compare(folder: str) -> None:
        memory = MemoryBackplane(epoch_source=epoch_names())
        sqlite = SqliteBackplane(f"{folder}/hub.db", epoch_source=epoch_names())
        await sqlite.start()
        try:
            heard: dict[str, list[Entry]] = {"memory": [], "sqlite": []}
            for session_id in ("s", "t"):
                await memory.journal.follow(session_id, heard["memory"].extend)
                await sqlite.journal.follow(session_id, heard["sqlite"].extend)
            for acts, drop_caches in bursts:
                assert await run(sqlite, acts) == await run(memory, acts)
                assert heard["sqlite"] == heard["memory"]
                if drop_caches:
                    await sqlite.drop_caches()
        finally:
            await sqlite.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(folder))
