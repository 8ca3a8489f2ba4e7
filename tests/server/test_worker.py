"""Methods whose first step is taken where their message was read: nothing inside, and nobody outside, can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar

from hub.protocol.messages import CancelInvocation, Completion, HubMessage, Invocation, StreamItem
from hub.server.hub import Hub
from tests.server.conftest import Serve
from tests.server.wire import Wire, turns, until

seen: ContextVar[str] = ContextVar("seen", default="nothing")


class Steps(Hub):
    lines: list[str]

    async def on_connected(self) -> None:
        self.lines = []

    async def nothing(self) -> None:
        self.context.items["ran"] = True

    async def task(self) -> bool:
        before = asyncio.current_task()
        await asyncio.sleep(0)
        return before is not None and before is asyncio.current_task()

    async def wait_for(self, first: bool) -> str:
        if not first:
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "never"

    async def gather(self) -> list[int]:
        async def number(value: int) -> int:
            await asyncio.sleep(0)
            return value

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(number(value)) for value in range(3)]
        return [*(task.result() for task in tasks), *await asyncio.gather(number(3), number(4))]

    async def set_seen(self, value: str) -> list[str]:
        token = seen.set(value)
        await asyncio.sleep(0)
        found = seen.get()
        seen.reset(token)
        return [found, seen.get()]

    async def await_cancelled(self) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async def cancel_itself(self, wait: bool) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if not wait:
            return "went on"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task.uncancel()
            return "cancelled"
        return "never"

    async def give_up(self, wait: bool) -> None:
        if wait:
            await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()

    async def give_up_streaming(self) -> AsyncIterator[int]:
        yield 1
        await self.give_up(False)

    async def hold(self) -> None:
        self.lines.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.context.items["ended"] = True

    async def abort(self) -> str:
        self.context.abort()
        return "too late"


async def opened(serve: Serve) -> Wire:
    """A client whose connection has a worker that is idle."""
    wire = Wire(await serve(Steps)).open()
    await wire.call("Nothing")
    await turns()
    return wire


async def answer(wire: Wire, target: str, *arguments: object) -> object:
    answered = await wire.call(target, *arguments)
    assert isinstance(answered, Completion) and answered.error is None, answered
    return answered.result


async def test_a_method_that_waits_for_nothing_has_run_at_once(serve: Serve) -> None:
    wire = await opened(serve)
    wire.connection.items.clear()
    wire.invoke("Nothing", id="7")
    assert wire.connection.items["ran"]
    assert await wire.read() == Completion("7", has_result=True)


async def test_a_method_runs_in_one_task_from_its_first_step(serve: Serve) -> None:
    wire = await opened(serve)
    assert await answer(wire, "Task") is True
    assert await answer(wire, "Gather") == [0, 1, 2, 3, 4]


async def test_time_limits_hold_from_the_first_step(serve: Serve) -> None:
    wire = await opened(serve)
    assert await answer(wire, "WaitFor", True) == "timed out"
    assert await answer(wire, "WaitFor", False) == "timed out"
    assert await answer(wire, "WaitFor", True) == "timed out"


async def test_context_variables_can_be_reset_after_a_wait(serve: Serve) -> None:
    wire = await opened(serve)
    assert await answer(wire, "SetSeen", "one") == ["one", "nothing"]
    assert seen.get() == "nothing"


async def test_a_cancellation_that_nobody_asked_for_is_a_failure(serve: Serve) -> None:
    wire = await opened(serve)
    for _ in range(2):  # in the first step, and after the connection's task has begun anew
        answered = await wire.call("AwaitCancelled")
        assert isinstance(answered, Completion)
        assert answered.error == "An unexpected error occurred invoking 'AwaitCancelled' on the server."
    assert await answer(wire, "Task") is True


async def test_a_method_that_cancels_its_own_task(serve: Serve) -> None:
    wire = await opened(serve)
    assert await answer(wire, "CancelItself", True) == "cancelled"
    assert await answer(wire, "CancelItself", False) == "went on"
    await turns()
    assert await answer(wire, "Task") is True


async def test_a_method_that_cancels_its_task_and_gives_up_has_failed(serve: Serve) -> None:
    wire = await opened(serve)
    for wait in (False, True, False):  # more often than there are slots
        answered = await wire.call("GiveUp", wait)
        assert isinstance(answered, Completion)
        assert answered.error == "An unexpected error occurred invoking 'GiveUp' on the server."
    assert await answer(wire, "Task") is True
    wire.stream("GiveUpStreaming", id="s")
    item, ended = await wire.read(), await wire.read()
    assert isinstance(item, StreamItem) and isinstance(ended, Completion)
    assert ended.error == "An error occurred on the server while streaming results."
    assert await answer(wire, "Task") is True


async def test_a_call_is_cancelled_before_its_task_has_taken_it_over(serve: Serve) -> None:
    wire = await opened(serve)
    wire.write(Invocation("Hold", [], "1"), CancelInvocation("1"))
    answered = await wire.read()
    assert isinstance(answered, Completion) and answered.error is not None
    assert wire.connection.items["ended"]
    assert await answer(wire, "Task") is True


async def test_a_connection_ends_before_the_task_has_taken_its_call_over(serve: Serve) -> None:
    wire = await opened(serve)
    wire.invoke("Hold", id="1")
    wire.connection.lost(ConnectionError("gone"))
    await wire.connection.finished
    assert wire.connection.items["ended"]


async def test_a_call_that_waits_keeps_its_slot(serve: Serve) -> None:
    wire = await opened(serve)
    wire.write(Invocation("Hold", [], "1"), Invocation("Nothing", [], "2"))
    await turns()
    assert wire.unread == 0
    wire.write(CancelInvocation("1"))
    answers: list[HubMessage | None] = [await wire.read(), await wire.read()]
    assert [item.invocation_id for item in answers if isinstance(item, Completion)] == ["1", "2"]


async def test_a_connection_is_aborted_in_the_first_step(serve: Serve) -> None:
    wire = await opened(serve)
    wire.write(Invocation("Abort", [], "1"), Invocation("Hold", [], "2"))
    await wire.connection.finished
    await until(lambda: wire.unread)
    assert "ended" not in wire.connection.items  # nothing was begun after the abort
