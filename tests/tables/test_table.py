"""Reading tables out of text: cells, grids, kinds of columns."""

import csv
import datetime
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.tables.cells import (
    DecimalMark,
    day_order_of,
    decimal_mark_of,
    is_missing,
    read_date,
    read_number,
)
from hub.tables.grid import around, find_grid, table_text
from hub.tables.table import MAX_CELLS, MAX_COLUMNS, Table, TableError, build, drain, find, letters


def table_of(text: str) -> Table:
    return drain(build(find(text)))


@pytest.mark.parametrize(
    ("text", "mark", "value", "unit"),
    [
        ("12", ".", "12", ""),
        ("1,234.50", ".", "1234.50", ""),
        ("1.234,50", ".", "1234.50", ""),
        ("1.234", ".", "1.234", ""),
        ("1.234", ",", "1234", ""),
        ("1,234", ".", "1234", ""),
        ("1,234", ",", "1.234", ""),
        ("1,5", ".", "1.5", ""),
        ("1.5", ",", "1.5", ""),
        ("1.234.567", ".", "1234567", ""),
        ("12,34,567", ".", "1234567", ""),
        ("0.125", ",", "0.125", ""),
        ("1 234,5", ".", "1234.5", ""),
        ("1\u00a0234\u202f567", ".", "1234567", ""),
        ("1'234.50", ",", "1234.50", ""),
        ("$1,200.50", ".", "1200.50", "$"),
        ("12,90 €", ",", "12.90", "€"),
        ("€ 5", ".", "5", "€"),
        ("7 eur", ".", "7", "EUR"),
        ("12%", ".", "12", "%"),
        ("(1,200)", ".", "-1200", ""),
        ("($3.50)", ".", "-3.50", "$"),
        ("-5", ".", "-5", ""),
        ("\u22125", ".", "-5", ""),
        ("$-5", ".", "-5", "$"),
        ("5-", ".", "-5", ""),
        ("+5", ".", "5", ""),
        ("1e3", ".", "1000", ""),
        (".5", ".", "0.5", ""),
        ("0", ".", "0", ""),
    ],
)
def test_numbers(text: str, mark: DecimalMark, value: str, unit: str) -> None:
    number = read_number(text, mark)
    assert number is not None
    assert (number.value, number.unit) == (Decimal(value), unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1,2,3",
        "1.2.3",
        "007",
        "12 34",
        "(5",
        "5)",
        "1-2",
        "2024-01-02",
        "M4",
        "1,23,4",
        "$5€",
        "--5",
        "9" * 80,
    ],
)
def test_not_numbers(text: str) -> None:
    assert read_number(text, ".") is None
    assert read_number(text, ",") is None


def test_decimal_mark_is_what_the_column_proves() -> None:
    assert decimal_mark_of(["1.234", "5,5", "7"]) == ","
    assert decimal_mark_of(["1,234", "5.5"]) == "."
    assert decimal_mark_of(["1,234", "1.234", "7"]) is None
    assert decimal_mark_of(["1,5", "2,5", "1.5"]) == ","


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-01-31", (2024, 1, 31)),
        ("2024/1/5", (2024, 1, 5)),
        ("31.01.2024", (2024, 1, 31)),
        ("31/01/24", (2024, 1, 31)),
        ("3 Jan 2024", (2024, 1, 3)),
        ("Jan 3, 2024", (2024, 1, 3)),
        ("3. März 2024", (2024, 3, 3)),
        ("Mar 2024", (2024, 3, 1)),
        ("2024-01-31T10:20:30Z", (2024, 1, 31, 10, 20, 30)),
        ("2024-01-31 10:20", (2024, 1, 31, 10, 20)),
    ],
)
def test_dates(text: str, date: tuple[int, int, int]) -> None:
    assert read_date(text, day_order_of([text])) == datetime.datetime(*date)


def test_day_order_is_what_the_column_proves() -> None:
    assert day_order_of(["01/02/2024", "25/02/2024"]) == "dmy"
    assert day_order_of(["01/02/2024", "02/25/2024"]) == "mdy"
    assert read_date("03/04/2024", "mdy") == datetime.datetime(2024, 3, 4)
    assert read_date("31.02.2024", "dmy") is None
    assert read_date("May 2024 rose", "dmy") is None


def test_missing_cells() -> None:
    assert all(is_missing(text) for text in ("", " ", "-", "n/a", "NULL", "\u2013", "k.A."))
    assert not is_missing("0")


def spelled(value: Decimal, mark: str) -> str:
    """As people write it, with thousands grouped by the other mark."""
    text = f"{value:,f}"
    return text if mark == "." else text.translate(str.maketrans(",.", ".,"))


@given(
    st.lists(st.decimals(-10_000_000, 10_000_000, places=2), min_size=1, max_size=20),
    st.sampled_from([".", ","]),
    st.sampled_from(["", "€", "$", "%"]),
)
def test_a_column_of_numbers_reads_back(values: list[Decimal], mark: str, unit: str) -> None:
    written = [f"{spelled(value, mark)} {unit}".strip() for value in values]
    found = decimal_mark_of(written)
    assert found == mark
    numbers = [read_number(text, found) for text in written]
    assert [number.value for number in numbers if number is not None] == values


# Letters only where no delimiter should be confused with another.
PLAIN = st.from_regex(r"[A-Za-z]{2,8}", fullmatch=True)


@given(
    st.sampled_from(",;\t"),
    st.integers(2, 5),
    st.data(),
)
def test_written_csv_reads_back_cell_by_cell(delimiter: str, width: int, data: st.DataObject) -> None:
    cell = st.one_of(PLAIN, st.builds("{}, {}".format, PLAIN, PLAIN), st.builds("{}\n{}".format, PLAIN, PLAIN))
    header = [f"h{index}" for index in range(width)]
    row = st.tuples(st.integers(0, 999).map(str), *[cell] * (width - 1))
    rows = data.draw(st.lists(row.map(list), min_size=2, max_size=8))
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    grid = find_grid(out.getvalue())
    assert grid is not None
    assert [list(each) for each in grid.rows] == [header, *rows]


@given(st.text(max_size=300))
def test_any_text_is_a_table_or_a_table_error(text: str) -> None:
    try:
        table = table_of(text)
    except TableError:
        return
    assert all(len(column.cells) == len(table.rows) for column in table.columns)


@given(st.lists(st.text(st.sampled_from('a1,;|\t"\n -'), max_size=12), max_size=12))
def test_any_mess_of_delimiters_is_a_table_or_a_table_error(lines: list[str]) -> None:
    try:
        table = table_of("\n".join(lines))
    except TableError:
        return
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_words_around_a_table_are_not_in_it() -> None:
    text = "Hi, please sum this up, thanks\nRegion,Quarter,Revenue\nNorth,Q1,5\nSouth,Q2,6\nWhat is the total, please?"
    grid = find_grid(text)
    assert grid is not None
    assert [row[0] for row in grid.rows] == ["Region", "North", "South"]
    assert around(text, grid) == "Hi, please sum this up, thanks\nWhat is the total, please?"
    assert table_text(text, grid).startswith("Region,Quarter")


def test_a_fence_is_no_part_of_the_table_or_the_words() -> None:
    text = "sum b\n```csv\na,b\n1,2\n3,4\n```"
    grid = find_grid(text)
    assert grid is not None
    assert len(grid.rows) == 3
    assert around(text, grid) == "sum b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "Hello, this is a test.\nI have, as you know, no idea.\nNothing, really.",
        "one line, with a comma",
        "First, we eat, then we sleep a bit\nSecond, we write, then we read it all",
    ],
)
def test_prose_is_no_table(text: str) -> None:
    with pytest.raises(TableError):
        table_of(text)


def test_columns_have_kinds_units_and_missing_cells() -> None:
    table = table_of(
        "Item,Price (€),Day,Note\nA,1,2024-01-02,x\nB,n/a,2024-02-03,\nC,3.50,soon,y\nD,4,2024-05-06,z\nE,5,2024-05-07,"
    )
    assert [(column.name, column.kind, column.unit) for column in table.columns] == [
        ("Item", "text", ""),
        ("Price (€)", "number", "€"),
        ("Day", "date", ""),
        ("Note", "text", ""),
    ]
    assert [column.unreadable for column in table.columns] == [0, 0, 1, 0]
    assert table.columns[1].cells == [Decimal(1), None, Decimal("3.50"), Decimal(4), Decimal(5)]


def test_a_column_of_several_currencies_has_no_unit() -> None:
    assert table_of("a,b\nx,$5\ny,€6").columns[1].unit == ""


def test_german_numbers_by_semicolon() -> None:
    table = table_of("Artikel;Preis;Menge\nA;1.234,50 €;1.000\nB;0,05 €;2.500")
    assert [list(column.cells) for column in table.columns[1:]] == [
        [Decimal("1234.50"), Decimal("0.05")],
        [Decimal(1000), Decimal(2500)],
    ]


@pytest.mark.parametrize(
    ("text", "has_header", "names"),
    [
        ("a,b\n1,2", True, ["a", "b"]),
        ("1,2\n3,4", False, ["Column A", "Column B"]),
        ("north,5\nsouth,6", False, ["Column A", "Column B"]),
        ("name\t2022\t2023\na\t10\t20\nb\t30\t40", True, ["name", "2022", "2023"]),
        ("name,city\nann,bonn\nbob,graz", True, ["name", "city"]),
        ("a,a\n1,2", True, ["a", "a (2)"]),
        (",x\nq,2\nr,3", True, ["Column A", "x"]),
    ],
)
def test_headers(text: str, has_header: bool, names: list[str]) -> None:
    table = table_of(text)
    assert (table.has_header, [column.name for column in table.columns]) == (has_header, names)


def test_rows_of_totals_are_left_out() -> None:
    table = table_of("Region,Sum\nNorth,1\nSouth,2\nTotal,3\nGrand total:,3")
    assert (len(table.rows), list(table.left_out)) == (2, ["Total", "Grand total:"])


def test_markdown_with_escaped_pipes() -> None:
    table = table_of("| a | b |\n|:--|--:|\n| x \\| y | 1 |\n| z | 2 |")
    assert [list(row) for row in table.rows] == [["x | y", "1"], ["z", "2"]]


def test_a_column_of_numbers_is_a_table() -> None:
    assert table_of("sum this:\n12\n13.5\n15").columns[0].cells == [Decimal(12), Decimal("13.5"), Decimal(15)]


def test_limits_say_their_number() -> None:
    with pytest.raises(TableError, match="1,048,576"):
        table_of("a,b\n" + "1,2\n" * 300_000)
    grid = find_grid("a,b\n" + "1,2\n" * (MAX_CELLS // 2))
    assert grid is not None
    with pytest.raises(TableError, match="200,000"):
        drain(build(grid))


def test_reading_tells_how_far_it_is() -> None:
    fractions = list(build(find("a,b\n" + "1,2\n" * 10_000)))
    assert fractions == sorted(fractions)
    assert (len(fractions) > 5, fractions[-1]) == (True, 1.0)


def test_letters_of_columns() -> None:
    assert [letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_many_columns_of_one_name_are_told_apart_quickly() -> None:
    header = ",".join(["x"] * MAX_COLUMNS)
    table = table_of(f"{header}\n{','.join(['1'] * MAX_COLUMNS)}")
    names = [column.name for column in table.columns]
    assert names[:3] == ["x", "x (2)", "x (3)"]
    assert len(set(names)) == MAX_COLUMNS


def test_too_many_columns_are_refused() -> None:
    header = ",".join(["x"] * (MAX_COLUMNS + 1))
    with pytest.raises(TableError, match="columns, and the limit is"):
        table_of(f"{header}\n{','.join(['1'] * (MAX_COLUMNS + 1))}")
