import asyncio
import threading
from collections.abc import Callable

import pytest

from hub.backplane.sqlite.writer import MAX_BATCH, Writer
from hub.errors import BackplaneAway, SettingsError, StaleFence


class Slate:
    """A store of numbers: what is chalked is kept by `commit`, published then, and wiped by `rollback`."""

    def __init__(self) -> None:
        self.chalked: list[int] = []
        self.kept: list[list[int]] = []  # by transaction
        self.published: list[int] = []
        self.failures: list[Exception] = []
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.refuses: str | None = None
        self.open_count = 0

    def open(self) -> None:
        if self.refuses is not None:
            raise SettingsError(self.refuses)
        self.open_count += 1

    def close(self) -> None:
        self.open_count -= 1

    def begin(self) -> None:
        assert self.chalked == []

    def commit(self) -> list[Callable[[], None]]:
        assert self.may_commit.wait(10)
        numbers, self.chalked = self.chalked, []
        self.kept.append(numbers)
        return [lambda: self.published.extend(numbers)]

    def rollback(self) -> None:
        self.chalked = []

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def chalk(self, number: int) -> int:
        self.chalked.append(number)
        return number * 10

    def chalk_badly(self, number: int) -> int:
        self.chalked.append(number)
        raise ZeroDivisionError

    def refuse(self) -> int:
        raise StaleFence("no")


async def started(slate: Slate) -> Writer:
    writer = Writer(slate)
    await writer.start()
    return writer


async def test_results_come_back_in_order_after_publication() -> None:
    slate = Slate()
    writer = await started(slate)
    seen: list[tuple[int, list[int]]] = []

    async def one(number: int) -> None:
        seen.append((await writer.submit(lambda: slate.chalk(number)), list(slate.published)))

    await asyncio.gather(*(one(number) for number in range(100)))
    assert [value for value, _ in seen] == [number * 10 for number in range(100)]
    assert all(value // 10 in published for value, published in seen)
    assert slate.published == list(range(100))
    await writer.close()


async def test_all_that_waits_shares_the_next_transaction() -> None:
    slate = Slate()
    writer = await started(slate)
    slate.may_commit.clear()
    first = writer.submit(lambda: slate.chalk(0))
    while not slate.chalked:  # noqa: ASYNC110  # the thread tells nobody that it waits
        await asyncio.sleep(0.001)
    rest = [writer.submit(lambda number=number: slate.chalk(number)) for number in range(1, MAX_BATCH + 10)]  # type: ignore[misc]  # a default binds the loop's value
    slate.may_commit.set()
    await asyncio.gather(first, *rest)
    assert slate.kept[1] == list(range(1, MAX_BATCH + 1))
    assert [number for batch in slate.kept for number in batch] == list(range(MAX_BATCH + 10))
    assert len(slate.kept) == 3
    await writer.close()


async def test_bad_act_fails_alone() -> None:
    slate = Slate()
    writer = await started(slate)
    results = await asyncio.gather(
        writer.submit(lambda: slate.chalk(1)),
        writer.submit(lambda: slate.chalk_badly(2)),
        writer.submit(slate.refuse),
        writer.submit(lambda: slate.chalk(3)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [int, ZeroDivisionError, StaleFence, int]
    assert [number for batch in slate.kept for number in batch] == slate.published == [1, 3]
    await writer.close()


async def test_who_stops_waiting_does_not_undo_the_act() -> None:
    slate = Slate()
    writer = await started(slate)
    slate.may_commit.clear()
    task = asyncio.ensure_future(writer.submit(lambda: slate.chalk(1)))
    task.cancel()
    slate.may_commit.set()
    await writer.close()
    assert slate.published == [1]


async def test_closing_does_what_was_submitted_and_refuses_what_comes_later() -> None:
    slate = Slate()
    writer = await started(slate)
    futures = [writer.submit(lambda: slate.chalk(1)) for _ in range(2000)]
    closing = asyncio.gather(writer.close(), writer.close())
    await asyncio.sleep(0)
    with pytest.raises(BackplaneAway):
        await writer.submit(lambda: slate.chalk(2))
    await closing
    assert all(future.result() == 10 for future in futures)
    assert len(slate.published) == 2000
    assert slate.open_count == 0
    assert "hub-sqlite" not in {thread.name for thread in threading.enumerate()}
    await writer.close()


async def test_before_the_start_nothing_is_done() -> None:
    writer = Writer(Slate())
    with pytest.raises(BackplaneAway):
        await writer.submit(lambda: 1)
    await writer.close()


async def test_too_much_waiting_is_refused_at_once() -> None:
    slate = Slate()
    writer = Writer(slate, max_waiting=3)
    await writer.start()
    slate.may_commit.clear()
    first = writer.submit(lambda: slate.chalk(0))
    while not slate.chalked:  # noqa: ASYNC110  # the thread tells nobody that it waits
        await asyncio.sleep(0.001)
    waiting = [writer.submit(lambda: slate.chalk(1)) for _ in range(3)]
    refused = writer.submit(lambda: slate.chalk(9))
    assert isinstance(refused.exception(), BackplaneAway)
    slate.may_commit.set()
    await asyncio.gather(first, *waiting)
    await writer.close()


async def test_failed_start_leaves_nothing_and_can_be_tried_again() -> None:
    slate = Slate()
    slate.refuses = "not today"
    writer = Writer(slate)
    with pytest.raises(SettingsError, match="not today"):
        await writer.start()
    assert "hub-sqlite" not in {thread.name for thread in threading.enumerate()}
    slate.refuses = None
    await writer.start()
    assert await writer.submit(lambda: slate.chalk(1)) == 10
    await writer.close()
    await writer.start()
    assert await writer.submit(lambda: slate.chalk(2)) == 20
    await writer.close()


async def test_cancelled_start_leaves_nothing() -> None:
    slate = Slate()
    writer = Writer(slate)
    task = asyncio.ensure_future(writer.start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slate.open_count == 0
    assert "hub-sqlite" not in {thread.name for thread in threading.enumerate()}


def test_loop_that_ends_without_closing_ends_the_thread() -> None:
    slate = Slate()
    loop = asyncio.new_event_loop()
    writer = Writer(slate)
    loop.run_until_complete(writer.start())

    async def leave() -> None:
        writer.submit(lambda: slate.chalk(1))

    slate.may_commit.clear()
    loop.run_until_complete(leave())
    loop.close()
    slate.may_commit.set()
    for thread in threading.enumerate():
        if thread.name == "hub-sqlite":
            thread.join(10)
            assert not thread.is_alive()
    assert slate.open_count == 0
