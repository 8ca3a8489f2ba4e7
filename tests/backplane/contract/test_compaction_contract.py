import asyncio

import pytest

from hub.backplane.base import Backplane, Fold, Position, Row
from hub.errors import StaleFence
from tests.backplane.steps import LEASE_MS, take, texts, write, written


def rows(*places: int, text: str = "m") -> list[Row]:
    return [Row(place, f"id{place}", f"{text}{place}".encode()) for place in places]


async def test_compaction_stores_the_fold_and_trims_what_it_covers(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b", "c", "d")
    assert await backplane.journal.compact("s", fence, Fold(3, b"state", rows(1, 2)))
    page = await backplane.journal.read("s")
    assert (page.top, page.complete, page.fold) == (4, False, Fold(3, b"state"))
    assert texts(page.entries) == [(4, "d")]
    assert await backplane.journal.rows("s") == rows(1, 2)


async def test_reading_after_compaction_from_old_new_and_foreign_positions(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b", "c", "d", "e")
    await backplane.journal.compact("s", fence, Fold(3, b"state"))
    epoch = (await backplane.journal.top("s")).epoch
    for after, complete, expected in (
        (None, False, [4, 5]),
        (Position(epoch, 0), False, [4, 5]),
        (Position(epoch, 2), False, [4, 5]),  # already trimmed
        (Position(epoch, 3), True, [4, 5]),
        (Position(epoch, 4), True, [5]),
        (Position(epoch, 5), True, []),
        (Position(epoch, 6), False, [4, 5]),
        (Position("foreign", 4), False, [4, 5]),
    ):
        page = await backplane.journal.read("s", after)
        assert (page.complete, [entry.offset for entry in page.entries]) == (complete, expected), after
        assert page.fold == (None if complete else Fold(3, b"state"))


async def test_offsets_go_on_after_everything_was_trimmed(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b")
    before = await backplane.journal.top("s")
    assert await backplane.journal.compact("s", fence, Fold(2, b"state"))
    assert await backplane.journal.top("s") == before
    page = await backplane.journal.read("s", before)
    assert (page.complete, list(page.entries)) == (True, [])
    await write(backplane, fence, "c", number=2)
    assert await written(backplane) == [(3, "c")]


async def test_compaction_is_idempotent_and_a_late_one_changes_nothing(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b", "c")
    assert await backplane.journal.compact("s", fence, Fold(2, b"two", rows(1, 2, text="two-")))
    for late in (Fold(2, b"again", rows(1, text="again-")), Fold(1, b"one", rows(1, 9, text="one-"))):
        assert not await backplane.journal.compact("s", fence, late)
    page = await backplane.journal.read("s")
    assert page.fold == Fold(2, b"two")
    assert texts(page.entries) == [(3, "c")]
    assert await backplane.journal.rows("s") == rows(1, 2, text="two-")


async def test_compactors_at_once_leave_the_highest(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, *"abcdefgh")
    folds = [Fold(offset, f"state{offset}".encode()) for offset in (3, 8, 1, 5)]
    done = await asyncio.gather(*(backplane.journal.compact("s", fence, fold) for fold in folds))
    assert done[1]
    page = await backplane.journal.read("s")
    assert page.fold == Fold(8, b"state8")
    assert list(page.entries) == []


async def test_fold_beyond_the_top_is_refused(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a")
    assert not await backplane.journal.compact("s", fence, Fold(2, b"state", rows(1)))
    page = await backplane.journal.read("s")
    assert page.fold is None
    assert texts(page.entries) == [(1, "a")]
    assert await backplane.journal.rows("s") == []


async def test_late_compactor_without_the_lease_is_stale(backplane: Backplane) -> None:
    old = (await take(backplane, "first")).fence
    await write(backplane, old, "a", "b")
    new = (await take(backplane, "second", now=LEASE_MS)).fence
    with pytest.raises(StaleFence):
        await backplane.journal.compact("s", old, Fold(2, b"late", rows(1)))
    assert await written(backplane) == [(1, "a"), (2, "b")]
    assert await backplane.journal.compact("s", new, Fold(2, b"state", rows(1)))


async def test_repeat_of_a_trimmed_append_is_still_known(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    first = await backplane.journal.append("s", fence, 1, [b"a", b"b"])
    await backplane.journal.compact("s", fence, Fold(2, b"state"))
    assert await backplane.journal.append("s", fence, 1, [b"a", b"b"]) == first
    assert await written(backplane) == []


async def test_rows_that_changed_replace_those_at_their_places(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b")
    await backplane.journal.compact("s", fence, Fold(1, b"one", rows(1, 2, 3)))
    await backplane.journal.compact("s", fence, Fold(2, b"two", rows(2, 4, text="new")))
    assert await backplane.journal.rows("s") == [*rows(1), *rows(2, text="new"), *rows(3), *rows(4, text="new")]


async def test_rows_are_the_newest_below_a_place_oldest_first(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a")
    await backplane.journal.compact("s", fence, Fold(1, b"one", rows(*range(1, 21))))
    for before, limit, expected in (
        (None, None, range(1, 21)),
        (None, 5, range(16, 21)),
        (16, 5, range(11, 16)),
        (3, 5, range(1, 3)),
        (1, 5, ()),
        (8, None, range(1, 8)),
        (None, 0, ()),
        (None, 100, range(1, 21)),
    ):
        assert await backplane.journal.rows("s", before, limit) == rows(*expected), (before, limit)


async def test_rows_below_a_message_by_its_id(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a")
    with pytest.raises(LookupError):
        await backplane.journal.rows("s", "id3")
    await backplane.journal.compact("s", fence, Fold(1, b"one", rows(*range(1, 10))))
    assert await backplane.journal.rows("s", "id4") == rows(1, 2, 3)
    assert await backplane.journal.rows("s", "id4", 2) == rows(2, 3)
    assert await backplane.journal.rows("s", "id1") == []
    with pytest.raises(LookupError):
        await backplane.journal.rows("s", "id10")
    with pytest.raises(LookupError):
        await backplane.journal.rows("other", "id4")


async def test_fold_is_read_with_as_many_rows_as_asked_for(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b")
    assert (await backplane.journal.read("s", rows=5)).fold is None
    await backplane.journal.compact("s", fence, Fold(1, b"one", rows(*range(1, 10))))
    for count, expected in ((0, ()), (3, (7, 8, 9)), (100, range(1, 10)), (None, range(1, 10))):
        assert (await backplane.journal.read("s", rows=count)).fold == Fold(1, b"one", tuple(rows(*expected)))
    position = Position((await backplane.journal.top("s")).epoch, 1)
    assert (await backplane.journal.read("s", position, rows=3)).fold is None


async def test_deleted_journal_has_no_fold_and_no_rows(backplane: Backplane) -> None:
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a")
    await backplane.journal.compact("s", fence, Fold(1, b"one", rows(1)))
    await backplane.journal.delete("s")
    page = await backplane.journal.read("s")
    assert (page.top, page.fold) == (0, None)
    assert await backplane.journal.rows("s") == []
