"""A table with typed columns, read from text.

`build` is a generator: it yields how far it is (a fraction) every few thousand cells and returns the table, so that
whoever drives it can report that, give way to others, and stop.
"""

import datetime
import re
from collections.abc import Generator, Sequence
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from hub.tables.cells import (
    DayOrder,
    DecimalMark,
    count_proofs,
    day_order_of,
    is_missing,
    more_frequent,
    read_date,
    read_number,
)
from hub.tables.grid import Grid, find_grid

MAX_BYTES = 1024 * 1024
MAX_CELLS = 200_000
MAX_COLUMNS = 500
CELLS_PER_YIELD = 2_000
PROOFS_SHARE = 0.4
"""Of the time that reading takes, by how many cells it looks at."""

MIN_READABLE = 0.8
"""A column is of numbers (or dates) if this share of its filled cells is; the others are counted as unreadable."""

Kind = Literal["number", "date", "text", "empty"]
Cell = Decimal | datetime.datetime | str | None
T = TypeVar("T")

_TOTAL = re.compile(
    r"(?:(?:(?:grand|sub)[ -]?)?totals?|sum|gesamt(?:summe|ergebnis)?|summe|zwischensumme):?", re.IGNORECASE
)


class TableError(Exception):
    """There is no table in the text, or one too large. The text is one sentence for the user."""


class Column(msgspec.Struct, frozen=True):
    """One column. `cells` are of its kind, None where missing or `unreadable` (how many of those there are)."""

    name: str
    kind: Kind
    cells: Sequence[Cell]
    unit: str = ""
    decimals: int = 0
    unreadable: int = 0


class Table(msgspec.Struct, frozen=True):
    """`rows` are the cells as written, without the header and without the rows of totals, which are in `left_out`."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    has_header: bool
    left_out: Sequence[str]
    mark: DecimalMark
    day_order: DayOrder

    def column(self, name: str) -> Column | None:
        """By its name; letter case and spaces do not matter."""
        wanted = " ".join(name.lower().split())
        for column in self.columns:
            if column.name == name:
                return column
        for column in self.columns:
            if " ".join(column.name.lower().split()) == wanted:
                return column
        return None


def drain(steps: Generator[float, None, T]) -> T:
    """Run such a generator to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


def check_size(text: str) -> None:
    """Raises `TableError` for a text that is too long to be read."""
    size = len(text) if len(text) > MAX_BYTES else len(text.encode())
    if size > MAX_BYTES:
        raise TableError(f"the text has {size:,} bytes or more, and the limit is {MAX_BYTES:,}")


def find(text: str) -> Grid:
    """The cells of the table in the text. Raises `TableError`."""
    check_size(text)
    grid = find_grid(text)
    if grid is None:
        raise TableError("there is no table in the text (two rows and two columns at least, or a column of numbers)")
    return grid


def build(grid: Grid) -> Generator[float, None, Table]:
    """Give a grid its header and its columns their kinds. Raises `TableError`."""
    count = sum(len(row) for row in grid.rows)
    if count > MAX_CELLS:
        raise TableError(f"the table has {count:,} cells, and the limit is {MAX_CELLS:,}")
    width = max((len(row) for row in grid.rows), default=0)
    if width > MAX_COLUMNS:
        raise TableError(f"the table has {width:,} columns, and the limit is {MAX_COLUMNS:,}")
    has_header = grid.has_rule or _has_header(grid.rows)
    header = grid.rows[0] if has_header else [""] * len(grid.rows[0])
    body = [row for row in (grid.rows[1:] if has_header else grid.rows) if any(row)]
    body, left_out = _without_totals(body)
    filled = [_filled([row[index] for row in body]) for index in range(len(header))]
    default: DecimalMark = "," if grid.delimiter == ";" else "."
    proofs: list[tuple[int, int]] = []
    for index, texts in enumerate(filled):
        proofs.append((yield from _proofs(texts, (index, len(filled)))))
    usual = more_frequent(sum(points for points, _ in proofs), sum(commas for _, commas in proofs)) or default
    names = _names(header)
    columns: list[Column] = []
    for index, name in enumerate(names):
        texts = [row[index] for row in body]
        mark = more_frequent(*proofs[index]) or usual
        columns.append((yield from _column(name, texts, filled[index], mark, (index, len(names)))))
    order = day_order_of(text for texts in filled for text in texts[:1000])
    return Table(columns, body, has_header, left_out, usual, order)


def _filled(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if not is_missing(text)]


def _proofs(texts: Sequence[str], place: tuple[int, int]) -> Generator[float, None, tuple[int, int]]:
    """How many cells of a column prove a decimal point, and a comma; `place` is (index, of how many)."""
    points = commas = 0
    for start in range(0, len(texts), CELLS_PER_YIELD):
        found = count_proofs(texts[start : start + CELLS_PER_YIELD])
        points, commas = points + found[0], commas + found[1]
        yield PROOFS_SHARE * (place[0] + start / len(texts)) / place[1]
    return points, commas


def _column(
    name: str, texts: Sequence[str], filled: Sequence[str], mark: DecimalMark, place: tuple[int, int]
) -> Generator[float, None, Column]:
    """One column; `place` is (index, of how many), for how far it is."""

    def share(done: float) -> float:
        return PROOFS_SHARE + (1 - PROOFS_SHARE) * (place[0] + done) / place[1]

    if not filled:
        return Column(name, "empty", [None] * len(texts))
    sample = filled[:: max(1, len(filled) // 200)]
    order: DayOrder = "mdy"
    kind: Kind = "text"
    if sum(read_number(text, mark) is not None for text in sample) >= MIN_READABLE * len(sample):
        kind = "number"
    else:
        order = day_order_of(filled)
        if sum(read_date(text, order) is not None for text in sample) >= MIN_READABLE * len(sample):
            kind = "date"
    cells: list[Cell] = []
    units: set[str] = set()
    decimals = unreadable = 0
    for number, text in enumerate(texts, start=1):
        if number % CELLS_PER_YIELD == 0:
            yield share(number / len(texts))
        cell: Cell = None
        if is_missing(text):
            pass
        elif kind == "number":
            found = read_number(text, mark)
            if found is None:
                unreadable += 1
            else:
                cell = found.value
                units.add(found.unit)
                decimals = max(decimals, found.decimals)
        elif kind == "date":
            cell = read_date(text, order)
            unreadable += cell is None
        else:
            cell = text
        cells.append(cell)
    yield share(1.0)
    written = [unit for unit in units if unit]
    # A column of several currencies has none.
    unit = written[0] if len(written) == 1 else "" if written else _unit_in(name)
    return Column(name, kind, cells, unit, decimals, unreadable)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: words above values, years above numbers, or all words, none twice."""
    first, below = rows[0], rows[1:]
    if len(rows) < 2:
        return False
    texts_above_values = values = 0
    for index, cell in enumerate(first):
        filled = _filled([row[index] for row in below[:50]])
        column_of_values = bool(filled) and sum(map(_is_value, filled)) >= MIN_READABLE * len(filled)
        if _is_value(cell):
            values += not (_is_year(cell) and not all(map(_is_year, filled)))
        elif column_of_values and not is_missing(cell):
            texts_above_values += 1
    if texts_above_values:
        return True
    if values:
        return False
    named = [cell for cell in first if cell]
    return len(named) >= len(first) - 1 and len(set(named)) == len(named)


def _is_value(text: str) -> bool:
    if read_number(text, ".") is not None:
        return True
    return read_date(text, "dmy") is not None or read_date(text, "mdy") is not None


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and 1900 <= int(text) <= 2100


def _without_totals(body: list[Sequence[str]]) -> tuple[list[Sequence[str]], list[str]]:
    """Rows that sum up others would be counted twice. They are told by the first word in them."""
    kept: list[Sequence[str]] = []
    left_out: list[str] = []
    for row in body:
        label = next((cell for cell in row if cell), "")
        if _TOTAL.fullmatch(label.strip("*_ ")) is not None and len(body) > 2:
            left_out.append(label.strip("*_ "))
        else:
            kept.append(row)
    return kept, left_out


def _names(header: Sequence[str]) -> list[str]:
    names: dict[str, None] = {}  # in order
    next_number: dict[str, int] = {}  # by name that came before
    for index, cell in enumerate(header):
        name = " ".join(cell.strip().strip("*_`").split())[:80] or f"Column {letters(index)}"
        unique = name
        while unique in names:
            number = next_number.get(name, 2)
            next_number[name] = number + 1
            unique = f"{name} ({number})"
        names[unique] = None
    return list(names)


def letters(index: int) -> str:
    """0 is A, 26 is AA, as spreadsheets count."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def _unit_in(name: str) -> str:
    """The unit that a header gives: "Price (€)", "Gehalt in EUR"."""
    found = re.search(r"(€|\$|£|%|\b(?:EUR|USD|GBP|CHF)\b)", name, re.IGNORECASE)
    return found[1].upper() if found is not None else ""
