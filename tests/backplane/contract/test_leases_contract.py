import asyncio

import pytest

from hub.backplane.base import Backplane, Fence, Note, Settle
from hub.errors import StaleFence
from tests.backplane.steps import LEASE_MS, accept, settle, states, stop, take

# --------------------------------------------------------------------------------------------------------- take


async def test_take_gives_a_fence_a_term_and_the_work(backplane: Backplane) -> None:
    await accept(backplane, "a")
    lease = await backplane.leases.take("s", "node", now=100, lease_ms=50)
    assert lease is not None
    assert (lease.fence.owner, lease.expires_at) == ("node", 150)
    assert states(lease.work) == [("a", "active", None)]


async def test_only_one_drives(backplane: Backplane) -> None:
    await backplane.leases.take("s", "node", now=100, lease_ms=50)
    for owner in ("other", "node"):
        assert await backplane.leases.take("s", owner, now=149, lease_ms=50) is None
    assert await backplane.leases.take("s", "other", now=150, lease_ms=50) is not None


async def test_takers_at_once_have_one_winner(backplane: Backplane) -> None:
    leases = await asyncio.gather(
        *(backplane.leases.take("s", f"node{number}", now=0, lease_ms=50) for number in range(20))
    )
    assert sum(lease is not None for lease in leases) == 1


async def test_fence_numbers_grow_across_everything(backplane: Backplane) -> None:
    numbers = [(await take(backplane, now=round_ * LEASE_MS)).fence.number for round_ in range(3)]
    await backplane.inbox.delete("s")
    await backplane.journal.delete("s")
    lease = await take(backplane)
    numbers.append(lease.fence.number)
    await backplane.leases.release("s", lease.fence)
    numbers.append((await take(backplane)).fence.number)
    assert numbers == sorted(set(numbers))


# -------------------------------------------------------------------------------------------------------- renew


async def test_renewal_moves_the_term_and_returns_what_came(backplane: Backplane) -> None:
    lease = await take(backplane, now=0)
    await accept(backplane, "a", now=10)
    work = await backplane.leases.renew("s", lease.fence, now=500, lease_ms=LEASE_MS)
    assert states(work) == [("a", "active", None)]
    assert await backplane.leases.take("s", "other", now=1499, lease_ms=1) is None
    assert await backplane.leases.expired(now=1499, limit=9) == []
    assert await backplane.leases.expired(now=1500, limit=9) == ["s"]


async def test_expired_lease_that_nobody_took_can_be_renewed(backplane: Backplane) -> None:
    lease = await take(backplane, now=0)
    await backplane.leases.renew("s", lease.fence, now=9 * LEASE_MS, lease_ms=LEASE_MS)
    assert await backplane.leases.expired(now=10 * LEASE_MS - 1, limit=9) == []
    assert await backplane.leases.take("s", "other", now=10 * LEASE_MS - 1, lease_ms=1) is None


async def test_stale_renewal_settles_nothing(backplane: Backplane) -> None:
    await accept(backplane, "a")
    old = (await take(backplane, "first")).fence
    new = (await take(backplane, "second", now=LEASE_MS)).fence
    for stale in (old, Fence(new.number, "first"), Fence(new.number + 1, "second")):
        with pytest.raises(StaleFence):
            await settle(backplane, stale, "run-a", now=LEASE_MS)
    assert states(await settle(backplane, new)) == [("a", "active", None)]


async def test_renewal_after_delete_or_release_is_stale(backplane: Backplane) -> None:
    lease = await take(backplane)
    assert await backplane.leases.release("s", lease.fence)
    with pytest.raises(StaleFence):
        await settle(backplane, lease.fence)
    lease = await take(backplane)
    await backplane.inbox.delete("s")
    with pytest.raises(StaleFence):
        await settle(backplane, lease.fence)
    with pytest.raises(StaleFence):
        await backplane.leases.release("s", lease.fence)


async def test_unknown_session_has_no_driver(backplane: Backplane) -> None:
    with pytest.raises(StaleFence):
        await settle(backplane, Fence(1, "node"))
    with pytest.raises(StaleFence):
        await backplane.leases.release("s", Fence(1, "node"))


async def test_settling_the_active_run_starts_the_oldest_queued(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name)
    fence = (await take(backplane)).fence
    assert states(await settle(backplane, fence, "run-a")) == [("b", "active", None), ("c", "queued", None)]
    known = await backplane.inbox.known("s", ask_id="b")
    assert known is not None
    assert known.state == "active"
    assert states(await settle(backplane, fence, "run-b")) == [("c", "active", None)]
    assert states(await settle(backplane, fence, "run-c")) == []


async def test_settling_a_queued_run_leaves_the_active_one(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name)
    fence = (await take(backplane)).fence
    assert states(await settle(backplane, fence, "run-b")) == [("a", "active", None), ("c", "queued", None)]


async def test_settling_several_and_unknown_and_again(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name)
    fence = (await take(backplane)).fence
    for _ in range(2):
        left = await settle(backplane, fence, "run-b", "run-a", "never")
        assert states(left) == [("c", "active", None)]
    assert (await accept(backplane, "d")).outcome == "new"


async def test_first_ask_after_all_was_settled_is_active(backplane: Backplane) -> None:
    await accept(backplane, "a")
    await settle(backplane, (await take(backplane)).fence, "run-a")
    accepted = await accept(backplane, "b")
    assert accepted.known is not None
    assert accepted.known.state == "active"


async def test_settle_and_accept_at_once_leave_one_active(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await accept(backplane, "0")
    for number in range(20):
        await asyncio.gather(settle(backplane, fence, f"run-{number}"), accept(backplane, str(number + 1)))
        assert states(await settle(backplane, fence)) == [(str(number + 1), "active", None)]


async def test_work_is_a_copy_of_its_moment(backplane: Backplane) -> None:
    await accept(backplane, "a")
    lease = await take(backplane)
    await accept(backplane, "b")
    await stop(backplane)
    await backplane.inbox.answer("s", "call", b"x")
    assert states(lease.work) == [("a", "active", None)]
    assert dict(lease.work.answers) == {}


# ------------------------------------------------------------------------------------------------------ release


async def test_release_is_refused_while_work_is_left(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await accept(backplane, "a")
    assert not await backplane.leases.release("s", fence)
    assert await backplane.leases.take("s", "other", now=0, lease_ms=1) is None
    await settle(backplane, fence, "run-a")
    await backplane.inbox.note("s", Note("n", [b"1"]), now=0)
    assert not await backplane.leases.release("s", fence)
    await backplane.leases.renew("s", fence, now=0, lease_ms=LEASE_MS, settle=Settle(note_ids=["n"]))
    await backplane.inbox.answer("s", "call", b"x")
    assert not await backplane.leases.release("s", fence)
    await backplane.leases.renew("s", fence, now=0, lease_ms=LEASE_MS, settle=Settle(call_ids=["call"]))
    assert await backplane.leases.release("s", fence)
    assert await backplane.leases.expired(now=10**9, limit=9) == []
    assert await backplane.leases.take("s", "other", now=0, lease_ms=1) is not None


async def test_release_and_accept_at_once_lose_nothing(backplane: Backplane) -> None:
    for number in range(20):
        fence = (await take(backplane, now=number * LEASE_MS)).fence
        released, _ = await asyncio.gather(
            backplane.leases.release("s", fence), accept(backplane, str(number), now=number * LEASE_MS)
        )
        found = await backplane.leases.expired(now=number * LEASE_MS, limit=9)
        assert found == (["s"] if released else [])
        if released:
            fence = (await take(backplane, now=number * LEASE_MS)).fence
        await settle(backplane, fence, f"run-{number}", now=number * LEASE_MS)
        assert await backplane.leases.release("s", fence)


# ------------------------------------------------------------------------------------------------------ expired


async def test_driver_that_dies_with_a_queue_leaves_all_of_it(backplane: Backplane) -> None:
    dead = (await take(backplane, "dead", now=0)).fence
    for number, name in enumerate("abc"):
        await accept(backplane, name, now=number)
    await backplane.inbox.note("s", Note("n", [b"1"]), now=4)
    await backplane.inbox.answer("s", "call", b"yes")
    await stop(backplane, run_id="run-b", now=5)
    assert await backplane.leases.expired(now=LEASE_MS - 1, limit=9) == []
    assert await backplane.leases.expired(now=LEASE_MS, limit=9) == ["s"]
    lease = await take(backplane, "alive", now=LEASE_MS)
    assert lease.fence.number > dead.number
    assert states(lease.work) == [("a", "active", None), ("b", "queued", "ann"), ("c", "queued", None)]
    assert [note.note_id for note in lease.work.notes] == ["n"]
    assert dict(lease.work.answers) == {"call": b"yes"}
    with pytest.raises(StaleFence):
        await settle(backplane, dead, "run-a", now=LEASE_MS)


async def test_work_without_a_lease_stands_as_expired_since_it_came(backplane: Backplane) -> None:
    await accept(backplane, "a", session_id="asked", now=30)
    await accept(backplane, "b", session_id="asked", now=90)
    await backplane.inbox.note("noted", Note("n", [b"1"]), now=20)
    await take(backplane, session_id="driven", now=40 - LEASE_MS)
    await backplane.inbox.answer("answered", "call", b"x")
    assert await backplane.leases.expired(now=40, limit=9) == ["answered", "noted", "asked", "driven"]
    assert await backplane.leases.expired(now=40, limit=3) == ["answered", "noted", "asked"]
    assert await backplane.leases.expired(now=29, limit=9) == ["answered", "noted"]
    assert await backplane.leases.expired(now=40, limit=0) == []
    for session_id in ("answered", "noted", "asked", "driven"):
        await take(backplane, session_id=session_id, now=40)
    assert await backplane.leases.expired(now=40 + LEASE_MS - 1, limit=9) == []


async def test_lease_that_expired_without_work_is_listed_until_released(backplane: Backplane) -> None:
    lease = await take(backplane, now=0)
    assert await backplane.leases.expired(now=LEASE_MS, limit=9) == ["s"]
    assert await backplane.leases.release("s", lease.fence)
    assert await backplane.leases.expired(now=LEASE_MS, limit=9) == []
