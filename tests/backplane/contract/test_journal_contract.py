import asyncio
from collections.abc import Sequence

import pytest

from hub.backplane.base import Appended, Backplane, Entry, Fence, Position, Settle, Subscription
from hub.errors import StaleFence
from tests.backplane.steps import LEASE_MS, take, texts, until, write, written

# ------------------------------------------------------------------------------------------------------- append


async def test_offsets_rise_by_one_from_one(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    first = await backplane.journal.append("s", fence, 1, [b"a"])
    second = await backplane.journal.append("s", fence, 2, [b"b", b"c"])
    assert (first.first, first.last, second.first, second.last) == (1, 1, 2, 3)
    assert first.epoch == second.epoch
    assert await written(backplane) == [(1, "a"), (2, "b"), (3, "c")]
    assert await backplane.journal.top("s") == Position(first.epoch, 3)


async def test_appends_are_stored_in_the_order_of_calls(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    futures = [backplane.journal.append("s", fence, number, [str(number).encode()]) for number in range(1, 301)]
    done = await asyncio.gather(*futures)
    assert [appended.first for appended in done] == list(range(1, 301))
    assert await written(backplane) == [(number, str(number)) for number in range(1, 301)]


async def test_empty_append_stores_nothing(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a")
    nothing = await backplane.journal.append("s", fence, 2, [])
    assert (nothing.first, nothing.last) == (2, 1)
    assert await written(backplane) == [(1, "a")]


async def test_repeated_append_is_stored_and_published_once(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    journal = backplane.journal
    first = await journal.append("s", fence, 1, [b"a", b"b"])
    again = await journal.append("s", fence, 1, [b"a", b"b"])
    later = await journal.append("s", fence, 2, [b"c"])
    both = await asyncio.gather(journal.append("s", fence, 3, [b"d"]), journal.append("s", fence, 3, [b"d"]))
    assert again == first
    assert await journal.append("s", fence, 1, [b"a", b"b"]) == first
    assert (later.first, later.last) == (3, 3)
    assert both[0] == both[1]
    stored = [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert await written(backplane) == stored
    await write(backplane, fence, "end", number=4)
    await until(lambda: len(heard) >= 5)
    assert texts(heard) == [*stored, (5, "end")]


async def test_repeat_of_a_number_under_another_fence_is_new(backplane: Backplane) -> None:
    old = (await take(backplane)).fence
    await write(backplane, old, "a")
    new = (await take(backplane, "other", now=LEASE_MS)).fence
    appended = await backplane.journal.append("s", new, 1, [b"b"])
    assert (appended.first, appended.last) == (2, 2)


async def test_repeat_too_old_to_be_remembered_is_refused_and_not_stored_out_of_order(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    for number in range(1, 101):
        await write(backplane, fence, "x", number=number)
    with pytest.raises(StaleFence):
        await write(backplane, fence, "x", number=1)
    assert (await backplane.journal.top("s")).offset == 100


async def test_without_a_lease_nothing_is_appended(backplane: Backplane) -> None:
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    with pytest.raises(StaleFence):
        await write(backplane, Fence(1, "node"), "a")
    assert await written(backplane) == []
    await write(backplane, (await take(backplane)).fence, "end")
    await until(lambda: bool(heard))
    assert texts(heard) == [(1, "end")]


async def test_another_number_or_owner_is_stale(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    for stale in (
        Fence(fence.number + 1, fence.owner),
        Fence(fence.number - 1, fence.owner),
        Fence(fence.number, "other"),
    ):
        with pytest.raises(StaleFence):
            await write(backplane, stale, "a")
    assert await written(backplane) == []


async def test_fence_of_one_session_does_not_open_another(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    with pytest.raises(StaleFence):
        await write(backplane, fence, "a", session_id="other")


async def test_released_fence_is_stale(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    assert await backplane.leases.release("s", fence)
    with pytest.raises(StaleFence):
        await write(backplane, fence, "a")


async def test_deleted_sessions_fence_is_stale(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await backplane.inbox.delete("s")
    with pytest.raises(StaleFence):
        await write(backplane, fence, "a")


async def test_driver_that_was_thought_dead_cannot_write_after_adoption(backplane: Backplane) -> None:
    old = (await take(backplane, "first")).fence
    await write(backplane, old, "a")
    new = (await take(backplane, "second", now=LEASE_MS)).fence
    with pytest.raises(StaleFence):
        await write(backplane, old, "late", number=2)
    with pytest.raises(StaleFence):
        await write(backplane, old, "a", number=1)
    await write(backplane, new, "b")
    assert await written(backplane) == [(1, "a"), (2, "b")]


async def test_expired_lease_that_nobody_took_still_writes(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    assert await backplane.leases.expired(now=LEASE_MS * 5, limit=10) == ["s"]
    await write(backplane, fence, "a")
    assert await written(backplane) == [(1, "a")]


async def test_same_node_taking_again_after_expiry_has_a_new_fence(backplane: Backplane) -> None:
    old = (await take(backplane)).fence
    await write(backplane, old, "a")
    new = (await take(backplane, now=LEASE_MS)).fence
    assert new.number > old.number
    with pytest.raises(StaleFence):
        await write(backplane, old, "b", number=2)


# ------------------------------------------------------------------------------------------------------- follow


async def test_followers_get_entries_in_the_order_stored(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    first: list[Entry] = []
    second: list[Entry] = []
    await backplane.journal.follow("s", first.extend)
    await backplane.journal.follow("s", second.extend)
    for number in range(1, 101):
        backplane.journal.append("s", fence, number, [f"{number}a".encode(), f"{number}b".encode()])
    await until(lambda: len(first) == 200 and len(second) == 200)
    assert [entry.offset for entry in first] == list(range(1, 201))
    page = await backplane.journal.read("s")
    assert first == second == list(page.entries)


async def test_follower_hears_only_its_session(backplane: Backplane) -> None:
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    other = (await take(backplane, session_id="other")).fence
    await write(backplane, other, "not mine", session_id="other")
    await write(backplane, (await take(backplane)).fence, "mine")
    await until(lambda: bool(heard))
    assert texts(heard) == [(1, "mine")]


async def test_what_is_appended_after_follow_returned_is_heard_and_nothing_after_close(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    closed: list[Entry] = []
    other: list[Entry] = []
    await write(backplane, fence, "before", number=1)
    subscription = await backplane.journal.follow("s", closed.extend)
    await backplane.journal.follow("s", other.extend)
    await write(backplane, fence, "live", number=2)
    await until(lambda: (2, "live") in texts(closed) and (2, "live") in texts(other))
    subscription.close()
    subscription.close()
    await write(backplane, fence, "after", number=3)
    await until(lambda: (3, "after") in texts(other))
    assert texts(closed)[-1] == (2, "live")


async def test_closing_from_inside_a_receiver(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    calls: list[str] = []
    open_ones: list[Subscription] = []
    last: list[Entry] = []

    def first(entries: Sequence[Entry]) -> None:
        calls.append("first")
        for subscription in open_ones:
            subscription.close()

    open_ones.append(await backplane.journal.follow("s", first))
    open_ones.append(await backplane.journal.follow("s", lambda entries: calls.append("second")))
    await backplane.journal.follow("s", last.extend)
    backplane.journal.append("s", fence, 1, [b"a"])
    backplane.journal.append("s", fence, 2, [b"b"])
    await until(lambda: len(last) == 2)
    assert calls == ["first"]


async def test_receiver_that_appends_keeps_one_order_for_all(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    first: list[Entry] = []
    second: list[Entry] = []
    started: list[asyncio.Future[Appended]] = []

    def echo(entries: Sequence[Entry]) -> None:
        first.extend(entries)
        if not started:
            started.append(backplane.journal.append("s", fence, 2, [b"echo"]))

    await backplane.journal.follow("s", echo)
    await backplane.journal.follow("s", second.extend)
    await write(backplane, fence, "a")
    await until(lambda: len(first) == 2 and len(second) == 2)
    assert texts(first) == texts(second) == [(1, "a"), (2, "echo")]


async def test_reading_after_a_live_entry_finds_it(backplane: Backplane) -> None:
    """Published means stored: who hears an entry may read it."""
    fence = (await take(backplane)).fence
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    for number in range(1, 21):
        backplane.journal.append("s", fence, number, [b"a"])
        await until(lambda: bool(heard))
        top = await backplane.journal.top("s")
        assert top.offset >= heard[-1].offset
        heard.clear()


# --------------------------------------------------------------------------------------------------------- read


async def test_unknown_session_reads_empty_in_one_stable_epoch(backplane: Backplane) -> None:
    page = await backplane.journal.read("s")
    assert (page.top, page.complete, list(page.entries), page.fold) == (0, False, [], None)
    assert page.epoch
    assert await backplane.journal.top("s") == Position(page.epoch, 0)
    appended = await backplane.journal.append("s", (await take(backplane)).fence, 1, [b"a"])
    assert appended.epoch == page.epoch
    assert await backplane.journal.rows("s") == []


async def test_read_from_positions(backplane: Backplane) -> None:
    await write(backplane, (await take(backplane)).fence, "a", "b", "c")
    epoch = (await backplane.journal.top("s")).epoch
    everything = [(1, "a"), (2, "b"), (3, "c")]
    for after, complete, expected in (
        (None, False, everything),
        (Position(epoch, 0), True, everything),
        (Position(epoch, 2), True, everything[2:]),
        (Position(epoch, 3), True, []),
        (Position(epoch, 4), False, everything),
        (Position(epoch, -1), False, everything),
        (Position("foreign", 2), False, everything),
        (Position("foreign", 0), False, everything),
    ):
        page = await backplane.journal.read("s", after)
        assert (page.epoch, page.top) == (epoch, 3)
        assert (page.complete, texts(page.entries)) == (complete, expected), after
        assert page.fold is None
        assert {entry.epoch for entry in page.entries} <= {epoch}


async def test_sessions_have_their_own_epochs(backplane: Backplane) -> None:
    assert (await backplane.journal.top("a")).epoch != (await backplane.journal.top("b")).epoch


async def test_payloads_come_back_byte_for_byte(backplane: Backplane) -> None:
    payloads = [b"", bytes(range(256)), "\u2028 \U0001f600 é".encode(), b"x" * 300_000]
    await backplane.journal.append("s", (await take(backplane)).fence, 1, payloads)
    assert [entry.payload for entry in (await backplane.journal.read("s")).entries] == payloads


async def test_odd_session_ids_are_just_ids(backplane: Backplane) -> None:
    for session_id in ("", "a b", "'; DROP TABLE entries; --", "é/\U0001f600", "{s}:x", "s\x00t"):
        fence = (await take(backplane, session_id=session_id)).fence
        await write(backplane, fence, session_id, session_id=session_id)
        assert await written(backplane, session_id) == [(1, session_id)]


# ------------------------------------------------------------------------------------------------------- delete


async def test_deleted_journal_is_gone_and_a_new_one_has_a_new_epoch(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b")
    old = await backplane.journal.top("s")
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    await backplane.journal.delete("s")
    await backplane.journal.delete("s")
    page = await backplane.journal.read("s", old)
    assert (page.top, page.complete, list(page.entries)) == (0, False, [])
    assert page.epoch != old.epoch
    await write(backplane, (await take(backplane, now=LEASE_MS)).fence, "anew")
    assert await written(backplane) == [(1, "anew")]
    await until(lambda: bool(heard))
    assert [(entry.epoch, entry.offset) for entry in heard] == [(page.epoch, 1)]


async def test_deleting_one_session_leaves_others(backplane: Backplane) -> None:
    for session_id in ("s", "t"):
        await write(backplane, (await take(backplane, session_id=session_id)).fence, "a", session_id=session_id)
    await backplane.journal.delete("s")
    await backplane.inbox.delete("s")
    assert await written(backplane, "t") == [(1, "a")]
    assert await backplane.leases.take("t", "other", now=0, lease_ms=1) is None


# -------------------------------------------------------------------------------------------------------- races


async def test_two_drivers_race_and_one_writes(backplane: Backplane) -> None:
    """Between an expiry and an adoption both nodes append; whatever the order, the stored one is without a hole."""
    old = (await take(backplane, "first")).fence
    results = await asyncio.gather(
        *(backplane.journal.append("s", old, number, [b"old"]) for number in range(1, 6)),
        backplane.leases.take("s", "second", now=LEASE_MS, lease_ms=LEASE_MS),
        *(backplane.journal.append("s", old, number, [b"old"]) for number in range(6, 11)),
        return_exceptions=True,
    )
    new = (await backplane.leases.renew("s", Fence(old.number + 1, "second"), now=0, lease_ms=1, settle=Settle())).asks
    assert new == ()
    stored = [result for result in results if isinstance(result, Appended)]
    stale = [result for result in results if isinstance(result, StaleFence)]
    assert len(stored) + len(stale) == 10
    assert [offset for offset, _ in await written(backplane)] == list(range(1, len(stored) + 1))
