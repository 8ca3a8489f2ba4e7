"""What a tool puts out while it works: seen at once, kept if the call does not succeed."""

import asyncio

import pytest

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import ToolCallPart
from hub.providers.history import result_text
from hub.runs.hosts.limits import HostLimits
from hub.runs.limits import RunLimits
from hub.tools.base import MAX_OUTPUT_CHARS, ToolContext, ToolError
from hub.tools.toolset import Toolset
from tests.runs import invariants
from tests.runs.node import Node, until
from tests.runs.scripted import ScriptedProvider, call, end, says

AT_ONCE = RunLimits(linger_s=0.0, hosts=HostLimits(progress_s=0.0))
LINES = "row 1\nrow 2\n"


def asked_once(name: str) -> ScriptedProvider:
    provider = ScriptedProvider()
    provider.scripts = [[*call("c1", name), end("tool_calls")], says("ok")]
    return provider


@pytest.mark.parametrize("ends", ["success", "failed", "timed_out"])
async def test_what_was_put_out_is_seen_and_kept_without_success(backplane: Backplane, ends: str) -> None:
    tools = Toolset()

    @tools.tool(timeout_s=0.2 if ends == "timed_out" else 60.0)
    async def works(ctx: ToolContext) -> str:
        await ctx.progress(0.5, "half")
        for line in LINES.splitlines(keepends=True):
            await ctx.output(line)
        if ends == "timed_out":
            await asyncio.Event().wait()
        await until(lambda: any(event.output == LINES for event in recorder.of(events.ToolProgress)))
        if ends == "failed":
            raise ToolError("The rest is gone.")
        return "done"

    node = Node(backplane, provider=asked_once("works"), tools=tools, limits=AT_ONCE)
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await node.idle()
    invariants.check(recorder.entries)
    shown = [(event.fraction, event.note, event.output) for event in recorder.of(events.ToolProgress)]
    # The first of them may have been joined with what came after it, while the run's beginning was being stored.
    assert shown and all((fraction, note) == (0.5, "half") for fraction, note, _ in shown)
    assert all(LINES.startswith(output or "") for _, _, output in shown)
    (complete,) = recorder.of(events.ToolComplete)
    assert (complete.outcome, complete.result) == (ends, "done" if ends == "success" else LINES)
    answered = node.provider.streams[1].request.messages[-1].parts[0]
    assert isinstance(answered, ToolCallPart)
    told, is_error = result_text(answered)
    assert is_error == (ends != "success")
    assert told.endswith("done" if ends == "success" else f"Until then it had put out:\n{LINES}")


async def test_a_stopped_call_keeps_what_it_had_put_out(backplane: Backplane) -> None:
    tools, put_out = Toolset(), asyncio.Event()

    @tools.tool()
    async def works(ctx: ToolContext) -> str:
        await ctx.output("x" * MAX_OUTPUT_CHARS + "the end\ud83d")
        put_out.set()
        await asyncio.Event().wait()
        return ""

    node = Node(backplane, provider=asked_once("works"), tools=tools, limits=AT_ONCE)
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await put_out.wait()
        await node.stop()
        await node.idle()
    invariants.check(recorder.entries)
    (complete,) = recorder.of(events.ToolComplete)
    assert complete.outcome == "interrupted"
    assert isinstance(complete.result, str)
    assert complete.result.endswith("the end\ufffd")
    assert len(complete.result) == MAX_OUTPUT_CHARS
