"""Runs the demo on a workbook in memory, as the runner does: a call, its outcome, the next request."""

from collections.abc import Callable, Sequence

import msgspec

from hub.chat.parts import Message, Part, ToolCallPart
from hub.providers.base import ToolSpec
from hub.providers.demo import DemoProvider
from hub.tools.spreadsheet import ready_made_set
from tests.hosts.workbook import Workbook
from tests.providers.demo_runs import assistant, parts_of, request, step_of, user

MAX_STEPS = 20


def book() -> Workbook:
    cells = {"A1": "Month", "B1": "Revenue", "C1": "Cost"}
    rows = {f"{letter}{row}": row * times for row in range(2, 11) for letter, times in (("B", 10), ("C", 4))}
    return Workbook({"Sheet1": cells | rows, "Sheet2": {"B2": 7, "B3": 8}, "Q1 Sales": {"A1": 5}})


def done(call: ToolCallPart, workbook: Workbook) -> ToolCallPart:
    assert call.arguments is not None
    try:
        result = workbook.execute(call.name, call.arguments)
    except KeyError as error:
        return msgspec.structs.replace(call, state="failed", error=f"There is no sheet {error}")
    return msgspec.structs.replace(call, state="success", result=result)


def denied_writes(call: ToolCallPart, workbook: Workbook) -> ToolCallPart:
    if call.name == "read_range":
        return done(call, workbook)
    return msgspec.structs.replace(call, state="denied")


async def tell(
    sentence: str,
    workbook: Workbook,
    *,
    outcome: Callable[[ToolCallPart, Workbook], ToolCallPart] = done,
    tools: Sequence[ToolSpec] | None = None,
) -> Message:
    """The whole answer. Each step is asked of a provider that has seen nothing before."""
    parts: list[Part] = []
    offered = ready_made_set() if tools is None else tools
    for step in range(MAX_STEPS):
        history = [user(sentence), assistant(parts)] if parts else [user(sentence)]
        came = parts_of(await step_of(DemoProvider(0), request(history, tools=offered, step=step)), step)
        parts += [outcome(part, workbook) if isinstance(part, ToolCallPart) else part for part in came]
        if not any(isinstance(part, ToolCallPart) for part in came):
            return assistant(parts)
    raise AssertionError("the demo did not come to an end")
