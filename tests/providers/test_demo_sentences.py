"""Every sentence of the table ends with exactly the workbook that it orders."""

import pytest

from hub.chat.parts import Json
from tests.hosts.workbook import Workbook
from tests.providers.demo_runs import said
from tests.providers.workbook_runs import book, tell
from tests.providers.workbook_sentences import CASES, Case


def changed(workbook: Workbook) -> dict[str, Json]:
    """The cells that differ from the workbook's beginning; None for those that are gone."""
    first, found = book(), {}
    for sheet, cells in workbook.sheets.items():
        prefix = "" if sheet == "Sheet1" else f"{sheet}!"
        for one in {**cells, **first.sheets[sheet]}:
            if cells.get(one) != first.sheets[sheet].get(one):
                found[prefix + one] = cells.get(one)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
async def test_sentence_ends_with_the_workbook_so(case: Case) -> None:
    workbook = book()
    answer = said(await tell(case.sentence, workbook))
    assert "did not understand" not in answer
    assert changed(workbook) == case.cells
    assert workbook.formats == case.formats
    assert [(chart["chart_type"], chart["data_range"]) for chart in workbook.charts] == case.charts
    assert case.says in answer
