"""The demo does what it is told in a workbook of a page on the official npm client; approvals are as the mode says."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.workbook.pages import page
from tests.nodes.test_two_nodes import Client, client
from tests.running import running

pytestmark = pytest.mark.interop

SENTENCE = "sum column B into B11, make it bold and chart it"
CELLS = {f"Sheet1!B{row}": row for row in range(1, 11)}


async def approve_all(who: Client) -> int:
    """Until the answer is done; how many were asked for."""
    answered = 0
    while "done" not in who.types():
        needed = [event for event in who.events if event["type"] == "approval_needed"]
        for event in needed[answered:]:
            await who.link.invoke("ResolveApproval", "s", event["callId"], {"approve": True})
            answered += 1
        if who.types().count("approval_needed") == answered and "done" not in who.types():
            who.came.clear()
            await asyncio.wait_for(who.came.wait(), 60)
    return answered


@pytest.mark.parametrize("autonomy", ["agent-default", "agent-yolo"])
async def test_sum_bold_and_chart(tmp_path: Path, autonomy: str) -> None:
    flags = ("--backplane", "memory://", "--provider", "demo", "--demo-pace", "0")
    with running(tmp_path, *flags) as hub:
        async with client(hub.url, "s") as ann, page(hub.url, "s", hostKey="of this page", cells=CELLS) as workbook:
            await ann.link.invoke("UpdateSession", "s", {"autonomy": autonomy})
            await ann.link.invoke("SendMessage", "s", {"messageId": "m", "content": SENTENCE})
            asked = await approve_all(ann)
            shown = await workbook.shows()
    outcomes = [event["outcome"] for event in ann.events if event["type"] == "tool_complete"]
    assert outcomes == ["success"] * len(outcomes) and outcomes
    accesses = [event["access"] for event in ann.events if event["type"] == "tool_start"]
    assert asked == (accesses.count("write") if autonomy == "agent-default" else 0)
    cells, values, formats = shown["cells"], shown["values"], shown["formats"]
    assert isinstance(cells, dict) and isinstance(values, dict) and isinstance(formats, dict)
    assert {name: value for name, value in cells.items() if name != "Sheet1!B11"} == CELLS
    assert (cells["Sheet1!B11"], values["Sheet1!B11"]) == ("=SUM(B1:B10)", 55)
    assert list(formats) == ["Sheet1!B11"] and formats["Sheet1!B11"]["font"]["bold"] is True
    charts = shown["charts"]
    assert isinstance(charts, list) and len(charts) == 1
