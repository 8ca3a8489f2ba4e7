"""At most so many calls of a tool at once; what a tool's decoration refuses."""

import asyncio
from typing import Any

import pytest

from hub.config import Settings
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.gate import WAITING
from hub.tools.toolset import Toolset


async def nothing() -> None:
    """Do nothing."""


class Counter:
    """Calls that stay inside until they are let out."""

    def __init__(self, concurrency: int | None) -> None:
        self.inside = 0
        self.entered: asyncio.Queue[str] = asyncio.Queue()
        self.waiting: asyncio.Queue[str] = asyncio.Queue()
        self.out = asyncio.Event()
        tools = Toolset()
        tools.tool(concurrency=concurrency)(self.hold)
        (self.tool,) = tools

    async def hold(self, call: str) -> int:
        """Stay."""
        self.inside += 1
        self.entered.put_nowait(call)
        try:
            most = self.inside
            await self.out.wait()
            return most
        finally:
            self.inside -= 1

    def call(self, name: str) -> "asyncio.Task[Any]":
        def report(fraction: float | None, note: str | None) -> None:
            assert (fraction, note) == (None, WAITING)
            self.waiting.put_nowait(name)

        return asyncio.create_task(_run(self.tool, name, report))


async def _run(tool: Tool, name: str, report: Any) -> Any:
    context = ToolContext(user="ann", organisation=None, session_id="s", run_id="r", call_id=name, report=report)
    return await tool.run({"call": name}, context)


async def test_calls_above_the_number_wait_and_say_so() -> None:
    counter = Counter(2)
    calls = [counter.call(name) for name in "abc"]
    assert [await counter.entered.get(), await counter.entered.get()] == ["a", "b"]
    assert await counter.waiting.get() == "c"
    assert counter.inside == 2
    counter.out.set()
    assert max(await asyncio.gather(*calls)) == 2
    assert counter.entered.get_nowait() == "c"


async def test_a_call_cancelled_while_it_waits_never_runs_and_keeps_no_place() -> None:
    counter = Counter(1)
    first, second, third = (counter.call(name) for name in "abc")
    assert [await counter.waiting.get(), await counter.waiting.get()] == ["b", "c"]
    second.cancel()
    counter.out.set()
    await asyncio.wait([first, second, third])
    assert second.cancelled()
    assert [counter.entered.get_nowait(), counter.entered.get_nowait()] == ["a", "c"]
    assert counter.entered.empty()


async def test_a_call_that_fails_gives_its_place_back() -> None:
    tools = Toolset()

    @tools.tool(concurrency=1)
    async def fail() -> None:
        """Fail."""
        raise ToolError("no")

    (tool,) = tools
    context = ToolContext(
        user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=lambda fraction, note: None
    )
    for _ in range(3):
        with pytest.raises(ToolError, match="no"):
            await tool.run({}, context)


async def test_without_a_number_all_run() -> None:
    counter = Counter(None)
    calls = [counter.call(name) for name in "abc"]
    assert [await counter.entered.get() for _ in calls] == ["a", "b", "c"]
    counter.out.set()
    await asyncio.gather(*calls)
    assert counter.waiting.empty()


@pytest.mark.parametrize(
    ("options", "kind", "problem"),
    [
        ({"concurrency": 0}, ValueError, "concurrency of the tool nothing must be at least 1, not 0"),
        ({"concurrency": True}, TypeError, "must be a whole number or None, not True"),
        ({"concurrency": 1.5}, TypeError, "must be a whole number or None, not 1.5"),
        ({"timeout_s": 0}, ValueError, "timeout_s of the tool nothing must be a positive number of seconds, not 0"),
        ({"timeout_s": float("inf")}, ValueError, "not inf"),
        ({"timeout_s": float("nan")}, ValueError, "not nan"),
        ({"access": "admin"}, ValueError, "access of the tool nothing must be one of read, write, not 'admin'"),
    ],
)
def test_decoration_says_what_is_wrong(options: dict[str, Any], kind: type[Exception], problem: str) -> None:
    with pytest.raises(kind, match=problem):
        Toolset().tool(**options)(nothing)


def test_the_setting_bounds_results() -> None:
    with pytest.raises(ValueError, match="max_tool_result_bytes"):
        Settings(max_tool_result_bytes=0)
    assert Settings().max_tool_result_bytes == 256 * 1024
