"""Owned tasks and the wheel."""

import asyncio

import pytest

from hub.server.tasks import OwnedTasks
from hub.server.timers import Wheel
from tests.server.wire import until


async def fail() -> None:
    raise ZeroDivisionError


async def test_failed_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tasks = OwnedTasks()
    tasks.start(fail())
    await tasks.wait(5)
    assert [record.message for record in caplog.records] == ["a task of a connection failed"]


async def test_task_that_does_not_end_is_logged_and_left(caplog: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()

    async def stubborn() -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    tasks = OwnedTasks()
    task = tasks.start(stubborn())
    await asyncio.sleep(0)
    await tasks.cancel(0.01)
    assert [record.message for record in caplog.records] == ["a task did not end in time"]
    gate.set()
    await task


class Count:
    def __init__(self) -> None:
        self.times: list[float] = []

    def tick(self, now: float) -> None:
        self.times.append(now)


async def test_wheel_turns_until_stopped() -> None:
    wheel, count = Wheel(0.001), Count()
    wheel.add(count)
    wheel.start()
    wheel.start()
    await until(lambda: len(count.times) > 3)
    assert count.times == sorted(count.times) and count.times[-1] == wheel.now
    assert max(after - before for before, after in zip(count.times, count.times[1:], strict=False)) <= 0.002 + 1e-9
    wheel.stop()
    wheel.remove(count)
    wheel.remove(count)
