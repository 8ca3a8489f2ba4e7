"""Sentences, sheets and hosts that would take for ever: the answer says what is too much, and nothing is written."""

import pytest

from hub.chat.parts import Json, ToolCallPart
from hub.providers.demo.workbook.calls import Call, next_of

TOOLS = {name: name for name in ("read_range", "write_range", "apply_formula", "format_range", "clear_range")}
HEADERS: list[Json] = ["Month", "Revenue", "Cost", "Revenue and Cost", "Cost and Profit", "Profit"]
ROWS: list[list[Json]] = [HEADERS, ["Jan", 1, 2, 3, 4, 5], ["Feb", 6, 7, 8, 9, 10]]


def answer(sentence: str, **told: Json) -> str:
    """Of a host that has no more than these rows whatever is asked for, and `told` beside them. It must not write."""
    made: list[ToolCallPart] = []
    while isinstance(call := next_of(sentence, made, TOOLS), Call):
        assert call.tool == "read_range", call
        result: Json = {"values": ROWS, "formulas": [], **told}
        part = ToolCallPart(
            call_id=f"c{len(made)}",
            name=call.tool,
            arguments=call.arguments,
            state="success",
            access="read",
            host="h",
            result=result,
        )
        made.append(part)
    return call


def test_words_that_can_be_read_in_more_ways_than_can_be_looked_at() -> None:
    assert "too many ways" in answer("bold revenue and cost and profit and " + "revenue and cost and profit and " * 9)


@pytest.mark.parametrize("sentence", ["sum A1:XFD1048576", "clear A1:XFD1048576", "multiply A1:XFD1048576 by 2"])
def test_a_range_of_all_that_a_sheet_can_hold(sentence: str) -> None:
    assert "too many cells" in answer(sentence)


def test_a_host_that_says_it_begins_far_down() -> None:
    assert "too many cells" in answer("sum of revenue", address="B1048560")


@pytest.mark.parametrize("sentence", ["set B2 to {}", "increase revenue by {}%", "multiply column B by -{}"])
def test_a_number_that_no_sheet_keeps(sentence: str) -> None:
    assert "more than 15 digits" in answer(sentence.format("9" * 330))


OPTIONS: list[Json] = [["Option", "A", "B", "C"], ["x", 1, 2, 3], ["y", 4, 5, 6]]


@pytest.mark.parametrize(
    "sentence",
    [
        *("multiply column B by 2", "make the B values bold", "clear column C", "sort by B", "bold B and C"),
        *(
            "sum column b",
            "put the total of B in E1",
            "add a column Extra that is B times 2",
            "copy column A to column F",
        ),
    ],
)
def test_a_letter_that_is_the_header_of_another_column(sentence: str) -> None:
    assert "the letter of another column" in answer(sentence, values=OPTIONS)


@pytest.mark.parametrize(
    ("sentence", "says"),
    [("sum column C", "is 9"), ("what is the total of B?", "is 7")],
)
def test_a_letter_that_is_the_header_of_its_own_column(sentence: str, says: str) -> None:
    assert says in answer(sentence, values=[["A", "B", "C"], [1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    "sentence", ["sum column VAT", "what is the total of VAT?", "what is the sum of the VAT values?"]
)
def test_letters_of_a_column_far_away_are_the_header(sentence: str) -> None:
    assert "is 7" in answer(sentence, values=[["Item", "VAT"], ["x", 3], ["y", 4]])
