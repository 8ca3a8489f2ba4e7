"""Sentences of a stranger, carried out in the workbooks of pages on the official npm client."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from hub.chat.parts import Json
from tests.hosts.workbook import Cells
from tests.interop.workbook.pages import page
from tests.nodes.test_two_nodes import client
from tests.providers.workbook_tables import months
from tests.running import running

pytestmark = pytest.mark.interop

PAGES_AT_ONCE = 2


class Case(msgspec.Struct, frozen=True):
    """What of the workbook is other than before, in which sheet the sentence does not say; and what is answered."""

    sentence: str
    cells: Cells = {}
    formats: dict[str, Json] = {}
    charts: int = 0
    says: str = ""


BOLD = {"font": {"bold": True}}
CASES = [
    Case("Which month had the highest revenue?", says="`Apr`"),
    Case("What is the sum of A1:A3 on the Data sheet?", says="21"),
    Case("Put the sum of revenue in B7", {"Sheet1!B7": "=SUM(B2:B6)"}),
    Case(
        "Add a Profit column that is revenue minus cost",
        {"Sheet1!D1": "Profit", **{f"Sheet1!D{row}": f"=B{row}-C{row}" for row in range(2, 7)}},
    ),
    Case("Make the header row bold", formats={f"Sheet1!{column}1": BOLD for column in "ABC"}),
    Case("Make a pie chart of revenue by month", charts=1),
    Case("Change Feb's cost to 75", {"Sheet1!C3": 75}),
    Case("Erase everything in the Cost column except the header", {f"Sheet1!C{row}": None for row in range(2, 7)}),
    Case(
        'Write "Total" in A7, put the sum of B2:B6 in B7, and make row 7 bold',
        {"Sheet1!A7": "Total", "Sheet1!B7": "=SUM(B2:B6)"},
        {"Sheet1!A7": BOLD, "Sheet1!B7": BOLD, "Sheet1!C7": BOLD},
    ),
    Case(
        "Raise all costs by 10%", {f"Sheet1!C{row}": cost for row, cost in enumerate((88, 99, 77, 121, 104.5), start=2)}
    ),
    Case(
        "Fill D2:D6 with the running total of Revenue", {f"Sheet1!D{row}": f"=SUM(B$2:B{row})" for row in range(2, 7)}
    ),
    Case(
        'In column D write "good" if revenue is at least 150, otherwise "bad"',
        {f"Sheet1!D{row}": f'=IF(B{row}>=150,"good","bad")' for row in range(2, 7)},
    ),
    Case("Pie chart of the costs please", says="I did nothing"),
    Case("averge of revenu colum excluding march", says="is 160"),
    Case("Delete every row but the first", says="did not understand"),
]
CELLS = {f"{sheet}!{one}": value for sheet, cells in months().sheets.items() for one, value in cells.items()}


async def carried_out(url: str, case: Case, session: str) -> None:
    async with client(url, session) as ann, page(url, session, hostKey="of this page", cells=CELLS) as workbook:
        await ann.link.invoke("UpdateSession", session, {"autonomy": "agent-yolo"})
        await ann.link.invoke("SendMessage", session, {"messageId": "m", "content": case.sentence})
        await ann.until("done")
        shown = await workbook.shows()
    answer = "".join(str(event["delta"]) for event in ann.events if event["type"] == "text")
    cells = shown["cells"]
    assert isinstance(cells, dict)
    changed = {one: cells.get(one) for one in {**CELLS, **cells} if cells.get(one) != CELLS.get(one)}
    assert changed == case.cells, answer
    assert shown["formats"] == case.formats, answer
    charts = shown["charts"]
    assert isinstance(charts, list) and len(charts) == case.charts, answer
    assert case.says in answer


async def test_sentences_end_with_the_workbook_so(tmp_path: Path) -> None:
    turn = asyncio.Semaphore(PAGES_AT_ONCE)

    async def one(case: Case, url: str) -> None:
        async with turn:
            await carried_out(url, case, f"s{CASES.index(case)}")

    with running(tmp_path, "--backplane", "memory://", "--provider", "demo", "--demo-pace", "0") as hub:
        async with asyncio.TaskGroup() as group:
            for case in CASES:
                group.create_task(one(case, hub.url))
