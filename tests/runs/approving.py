"""A tool that changes something, and users who answer for it."""

from collections.abc import Sequence

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import Autonomy, Json
from hub.runs.approving import ApprovalAnswer, ApprovalWish
from hub.runs.chats import SettingsWish
from hub.runs.limits import RunLimits
from hub.tools.toolset import Toolset
from tests.runs.node import USER, Node, Recorder, until
from tests.runs.scripted import Act, call, end, says

LIMITS = RunLimits(linger_s=0.0, retry_read_s=0.001, retry_base_s=0.0)


class Workbook:
    """Tools of the ready-made set that write, on a sheet that remembers; `look` reads."""

    def __init__(self) -> None:
        self.written: list[Json] = []
        self.tools = Toolset()

        @self.tools.tool(access="write")
        async def write_range(range: str, values: list[list[str | int]]) -> str:
            self.written.append({"range": range, "values": values})
            return "written"

        @self.tools.tool(access="write")
        async def apply_formula(range: str, formula: str) -> str:
            self.written.append({"range": range, "formula": formula})
            return "applied"

        @self.tools.tool(access="write")
        async def create_named_range(name: str, range: str) -> str:
            self.written.append({"name": name, "range": range})
            return "named"

        @self.tools.tool(access="read")
        async def look(range: str) -> int:
            return 7


def writes(call_id: str = "c1", value: str | int = 1) -> list[Act]:
    return call(call_id, "write_range", range="A1", values=[[value]])


def applies(formula: str, call_id: str = "c1") -> list[Act]:
    return call(call_id, "apply_formula", range="A1", formula=formula)


class Desk:
    """One session whose runs ask for approvals."""

    def __init__(self, node: Node, recorder: Recorder, workbook: Workbook) -> None:
        self.node = node
        self.recorder = recorder
        self.workbook = workbook

    @property
    def needed(self) -> list[events.ApprovalNeeded]:
        return self.recorder.of(events.ApprovalNeeded)

    @property
    def resolved(self) -> list[events.ApprovalResolved]:
        return self.recorder.of(events.ApprovalResolved)

    @property
    def outcomes(self) -> dict[str, str]:
        return {event.call_id: event.outcome for event in self.recorder.of(events.ToolComplete)}

    async def until_needed(self, count: int = 1) -> events.ApprovalNeeded:
        """The so-manieth approval that was asked for."""
        await until(lambda: len(self.needed) >= count)
        return self.needed[count - 1]

    async def answer(
        self, call_id: str = "c1", wish: ApprovalWish | None = None, *, user: str = USER, on: Node | None = None
    ) -> ApprovalAnswer:
        node = on or self.node
        return await node.chats.approving.resolve(user, "ses", call_id, wish or ApprovalWish(approve=True))


async def desk(node: Node, workbook: Workbook, *scripts: Sequence[Act], autonomy: Autonomy = "agent-default") -> Desk:
    """The session `ses` with a recorder, and what the provider says; each script's calls are followed by an end."""
    node.provider.scripts = [step for script in scripts for step in ([*script, end("tool_calls")], says("ok"))]
    await node.open(wish=SettingsWish(autonomy=autonomy))
    return Desk(node, await node.record(), workbook)


def node_with(backplane: Backplane, workbook: Workbook, *, owner: str = "node_1", limits: RunLimits = LIMITS) -> Node:
    return Node(backplane, tools=workbook.tools, owner=owner, limits=limits)
