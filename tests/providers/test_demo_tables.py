"""Sentences that name columns by their headers, as people word them; and that no word in them is ever passed over."""

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.chat.parts import Access, Json, ToolCallPart
from hub.providers.demo.workbook.calls import Call, next_of
from tests.hosts.workbook import Workbook
from tests.providers.demo_runs import said
from tests.providers.workbook_runs import done, tell
from tests.providers.workbook_sentences import Case
from tests.providers.workbook_tables import OF_SHOPS, QUESTIONS, REFUSED, WRITES, months, shops
from tests.providers.workbook_wordings import (
    ASKED,
    CHARTS,
    CHARTS_OF_SHOPS,
    CHOSEN,
    DECLINED,
    MISSPELT,
    ORDERED,
    SUGGESTING,
)

TOOLS = {name: name for name in ("read_range", "write_range", "apply_formula", "format_range", "clear_range")}
TOOLS |= {name: name for name in ("create_chart", "insert_rows_columns", "get_named_ranges", "create_named_range")}
ALL = [(months, case) for case in (*QUESTIONS, *WRITES, *CHARTS, *ASKED, *ORDERED, *CHOSEN, *MISSPELT)]
ALL += [(shops, case) for case in (*OF_SHOPS, *CHARTS_OF_SHOPS)]
PLAIN = [(book, case.sentence) for book, case in ALL if not re.search("[\"=]|'[^s]", case.sentence)]
REVERSALS = ("not", "never", "except", "unless", "only", "if", "without", "instead", "half", "almost", "until", "else")
JUNK = (*REVERSALS, "banana", "quickly", "42nd", "other", "previous", "maybe", "imagine", "?!", "negative", "zzz")


def changed(workbook: Workbook, first: Workbook) -> dict[str, Json]:
    """The cells that differ; None for those that are gone."""
    found: dict[str, Json] = {}
    for sheet, cells in workbook.sheets.items():
        prefix = "" if sheet == "Sheet1" else f"{sheet}!"
        before = first.sheets[sheet]
        found |= {prefix + one: cells.get(one) for one in {**cells, **before} if cells.get(one) != before.get(one)}
    return found


@pytest.mark.parametrize(("made", "case"), ALL, ids=[case.sentence for _, case in ALL])
async def test_sentence_about_a_table(made: Callable[[], Workbook], case: Case) -> None:
    workbook = made()
    answer = said(await tell(case.sentence, workbook))
    assert "I did nothing" not in answer and "did not understand" not in answer
    assert changed(workbook, made()) == case.cells
    assert workbook.formats == case.formats
    assert [(chart["chart_type"], chart["data_range"]) for chart in workbook.charts] == case.charts
    assert case.says in answer


@pytest.mark.parametrize("sentence", REFUSED)
async def test_what_is_not_told_for_certain_writes_nothing(sentence: str) -> None:
    workbook = shops()
    answer = said(await tell(sentence, workbook))
    assert workbook.writes == 0
    assert "did nothing" in answer or "did not understand" in answer


@pytest.mark.parametrize(("sentence", "says"), DECLINED)
async def test_why_nothing_is_done_is_told(sentence: str, says: str) -> None:
    workbook = months()
    answer = said(await tell(sentence, workbook))
    assert workbook.writes == 0
    assert says in answer


@pytest.mark.parametrize("made", [months, shops])
@pytest.mark.parametrize("sentence", SUGGESTING)
async def test_what_is_suggested_works(sentence: str, made: Callable[[], Workbook]) -> None:
    workbook = made()
    answer = said(await tell(sentence, workbook))
    assert workbook.writes == 0
    suggested = re.findall(r"\*(.+?)\*", answer)
    assert len(suggested) == 2
    for one in suggested:
        answer = said(await tell(one, made()))
        assert "I did nothing" not in answer and "did not understand" not in answer, one


def effect(sentence: str, workbook: Workbook) -> tuple[list[tuple[str, object]], str]:
    """The writes that the sentence leads to, and the answer. No provider: the plan alone."""
    made: list[ToolCallPart] = []
    while isinstance(call := next_of(sentence, made, TOOLS), Call):
        access: Access = "read" if call.tool in ("read_range", "get_named_ranges") else "write"
        part = ToolCallPart(
            call_id=f"c{len(made)}", name=call.tool, arguments=call.arguments, state="success", access=access, host="h"
        )
        made.append(done(part, workbook))
    return [(one.name, one.arguments) for one in made if one.access == "write"], call


async def test_a_name_of_the_workbook_stands_for_its_range() -> None:
    workbook = months()
    await tell("Name B2:B6 as Takings", workbook)
    assert workbook.names == {"Takings": "B2:B6"}
    assert "730" in said(await tell("What is the total of takings?", workbook))
    await tell("make Takings bold", workbook)
    assert list(workbook.formats) == ["B2", "B3", "B4", "B5", "B6"]


@pytest.mark.parametrize(
    ("sentence", "position", "kind", "count"),
    [
        ("Insert a row above row 3", "3", "rows", 1),
        ("insert 2 blank rows below the header", "2", "rows", 2),
        ("Add an empty column between A and B", "B", "columns", 1),
        ("insert a row between Feb and Mar", "4", "rows", 1),
        ("insert a column to the left of Cost", "C", "columns", 1),
    ],
)
async def test_rows_and_columns_are_inserted(sentence: str, position: str, kind: str, count: int) -> None:
    workbook = months()
    await tell(sentence, workbook)
    assert workbook.inserted == [{"position": position, "type": kind, "count": count}]


@settings(max_examples=150)
@given(st.sampled_from(PLAIN), st.sampled_from(JUNK), st.integers(0, 40))
def test_a_word_too_many_never_leads_to_another_write(
    sentence: tuple[Callable[[], Workbook], str], junk: str, at: int
) -> None:
    made, good = sentence
    words = good.split()
    words.insert(at % (len(words) + 1), junk)
    wanted, _ = effect(good, made())
    found, _ = effect(" ".join(words), made())
    assert found in ([], wanted)
    if junk in REVERSALS:
        assert not found or junk in good.split()


@settings(max_examples=100)
@given(st.sampled_from(PLAIN), st.integers(0, 40), st.integers(0, 12))
def test_a_letter_too_few_never_leads_to_another_write(
    sentence: tuple[Callable[[], Workbook], str], at: int, letter: int
) -> None:
    made, good = sentence
    words = good.split()
    long = [place for place, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    assume(long)
    place = long[at % len(long)]
    gone = letter % len(words[place])
    words[place] = words[place][:gone] + words[place][gone + 1 :]
    wanted, _ = effect(good, made())
    found, _ = effect(" ".join(words), made())
    # A new name is written as it was told.
    assert found in ([], wanted) or words[place].casefold() in str(found).casefold()


@settings(max_examples=60)
@given(st.sampled_from(PLAIN), st.integers(0, 40))
def test_a_word_too_few_never_fails(sentence: tuple[Callable[[], Workbook], str], at: int) -> None:
    made, good = sentence
    words = good.split()
    del words[at % len(words)]
    _, answer = effect(" ".join(words), made())
    assert answer


@settings(max_examples=60)
@given(st.lists(st.sampled_from(" ".join(sentence for _, sentence in PLAIN).split()), max_size=14))
def test_no_row_of_words_fails(words: list[str]) -> None:
    _, answer = effect(" ".join(words), months())
    assert answer
