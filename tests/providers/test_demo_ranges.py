"""Ranges: every one that is written down is read back, and no text makes the parser fail."""

import string

from hypothesis import given
from hypothesis import strategies as st

from hub.providers.demo.workbook.language.words import Unreadable, words_of
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, MAX_ROWS, Range, column_number, letters, parse

columns = st.integers(1, MAX_COLUMNS)
rows = st.integers(1, MAX_ROWS)
sheets = st.none() | st.text(string.ascii_letters + string.digits + " '-.&", min_size=1, max_size=20)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    left, right = sorted((draw(columns), draw(columns)))
    top, bottom = sorted((draw(rows), draw(rows)))
    sheet = draw(sheets)
    match draw(st.sampled_from(["cells", "columns", "rows"])):
        case "cells":
            return Range(left, top, right, bottom, sheet)
        case "columns":
            return Range(left, 0, right, 0, sheet)
        case _:
            return Range(0, top, 0, bottom, sheet)


@given(ranges())
def test_an_address_is_read_back(place: Range) -> None:
    assert parse(place.address()) == place


@given(ranges())
def test_a_range_is_found_in_a_sentence(place: Range) -> None:
    assert [word.value for word in words_of(f"sum {place.address()} please")] == [None, place]


@given(columns)
def test_columns_have_names(column: int) -> None:
    assert column_number(letters(column)) == column


@given(st.text())
def test_no_text_makes_the_parser_fail(text: str) -> None:
    found = parse(text)
    assert found is None or parse(found.address()) == found


@given(
    st.lists(
        st.sampled_from("sum B2:B5 into B11 and make it bold , = ( \" ' ! chart Sheet2! - % column B row 3".split())
    )
)
def test_no_sentence_makes_the_reader_fail(words: list[str]) -> None:
    try:
        words_of(" ".join(words))
    except Unreadable as problem:
        assert str(problem)
