"""Progress that a tool of the server reports faster than anybody can look."""

from hub.backplane.base import Backplane
from hub.chat import events
from hub.runs.hosts.limits import HostLimits
from hub.runs.limits import RunLimits
from hub.tools.base import ToolContext
from hub.tools.toolset import Toolset
from tests.runs import invariants
from tests.runs.node import Node
from tests.runs.scripted import ScriptedProvider, call, end, says

REPORTS = 2_000
NEVER = RunLimits(hosts=HostLimits(progress_s=3600.0))


async def test_the_first_and_the_last_report_of_each_call_are_told_and_few_between(backplane: Backplane) -> None:
    tools = Toolset()

    @tools.tool()
    async def works(fails: bool, ctx: ToolContext) -> str:
        for number in range(REPORTS):
            await ctx.progress(number / REPORTS, f"{number}")
        if fails:
            raise RuntimeError
        return "done"

    provider = ScriptedProvider()
    provider.scripts = [
        [*call("c1", "works", fails=False), *call("c2", "works", fails=True), end("tool_calls")],
        says("ok"),
    ]
    node = Node(backplane, provider=provider, tools=tools, limits=NEVER)
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await node.idle()
    invariants.check(recorder.entries)
    for call_id in ("c1", "c2"):
        notes = [event.note for event in recorder.of(events.ToolProgress) if event.call_id == call_id]
        assert notes[-1] == f"{REPORTS - 1}"
        assert len(notes) <= 2
