"""Tools that go on though they were cancelled, or take their time to clean up: their runs end all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hub.backplane.base import Backplane
from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.runs.limits import RunLimits
from hub.tools.toolset import Toolset
from tests.runs import invariants
from tests.runs.node import Node, Recorder, until
from tests.runs.scripted import ScriptedProvider, call, end, says


class Stubborn:
    """A tool that is cancelled once more than it takes notice of, until the test lets it go."""

    def __init__(self) -> None:
        self.tools = Toolset()
        self.may_end = asyncio.Event()
        self.has_ended = asyncio.Event()
        self.tools.tool(timeout_s=0.1, name="short")(self._run)
        self.tools.tool(timeout_s=60.0, name="long")(self._run)

    async def _run(self) -> str:
        while not self.may_end.is_set():
            try:
                await self.may_end.wait()
            except asyncio.CancelledError:
                continue
        self.has_ended.set()
        return "too late"


@asynccontextmanager
async def running(
    backplane: Backplane, stubborn: Stubborn, tool: str, wall_time_s: float = 60.0
) -> AsyncIterator[tuple[Node, Recorder]]:
    provider = ScriptedProvider()
    provider.scripts = [[*call("c1", tool), end("tool_calls")], says("ok")]
    node = Node(
        backplane, provider=provider, tools=stubborn.tools, limits=RunLimits(cancel_s=0.05, wall_time_s=wall_time_s)
    )
    async with node.running():
        await node.open()
        yield node, await node.record()
        stubborn.may_end.set()
        await stubborn.has_ended.wait()


def outcomes(recorder: Recorder) -> list[str]:
    return [event.outcome for event in recorder.of(events.ToolComplete)]


async def test_a_call_is_over_with_its_time(backplane: Backplane, caplog: pytest.LogCaptureFixture) -> None:
    stubborn = Stubborn()
    async with running(backplane, stubborn, "short") as (node, recorder):
        await node.send("ask")
        await node.idle()
        invariants.check(recorder.entries)
        assert outcomes(recorder) == ["timed_out"]
        assert [done.outcome for done in recorder.done()] == ["completed"]
        assert "tool short goes on though it was cancelled" in caplog.text
        before = len(recorder.entries)
    assert len(recorder.entries) == before, "what it comes to is told to nobody"


async def test_a_stopped_run_does_not_wait_for_it() -> None:
    stubborn = Stubborn()
    async with running(MemoryBackplane(), stubborn, "long") as (node, recorder):
        await node.send("ask")
        await until(lambda: any(event.arguments is not None for event in recorder.of(events.ToolInput)))
        await node.stop()
        await node.idle()
        await node.send("next")
        await node.idle()
        invariants.check(recorder.entries)
        assert outcomes(recorder) == ["interrupted"]
        assert [done.outcome for done in recorder.done()] == ["stopped", "completed"]


async def test_a_run_ends_with_its_wall_time() -> None:
    stubborn = Stubborn()
    async with running(MemoryBackplane(), stubborn, "long", wall_time_s=0.2) as (node, recorder):
        await node.send("ask")
        await node.idle()
        invariants.check(recorder.entries)
        assert outcomes(recorder) == ["interrupted"]
        assert [done.outcome for done in recorder.done()] == ["limit"]


async def test_what_cleans_up_in_time_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    tools = Toolset()
    cleaned: list[str] = []

    @tools.tool(timeout_s=0.05)
    async def tidies() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")
            raise RuntimeError("while it was at it")

    provider = ScriptedProvider()
    provider.scripts = [[*call("c1", "tidies"), end("tool_calls")], says("ok")]
    node = Node(MemoryBackplane(), provider=provider, tools=tools)
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await node.idle()
    assert (outcomes(recorder), cleaned) == (["timed_out"], ["up"])
    assert "goes on" not in caplog.text
