"""Columns and rows of tables, and the cells in ranges."""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.places import Crossing, Header, Label
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, is_number, plain
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread
from hub.providers.demo.workbook.table import Table

MAX_PLACES = 12


def column_of(desk: Desk, header: Header) -> tuple[Table, int]:
    """Also of a column that the sentence has added before."""
    if header.column and header.sheet is None and desk.sheet is not None:
        # The sentence is about another sheet than the one that has it.
        raise Misread
    table = desk.table(header.sheet)
    if header.column:
        return table, header.column
    found = [at for at, name in enumerate(table.headers) if name.casefold() == header.name.casefold()]
    if len(found) != 1:
        raise Refusal(f"there is no column “{plain(header.name)}”")
    return table, table.left + found[0]


def row_of(desk: Desk, label: Label) -> int:
    """The one row that has the label. Raises `Refusal` where several have it."""
    found = rows_with(desk, label)
    if len(found) != 1:
        raise Refusal(f"{len(found)} rows have “{plain(str(label.value))}”: name the row or the cell")
    return found[0]


def rows_with(desk: Desk, label: Label) -> list[int]:
    if label.sheet is None and desk.sheet is not None:
        raise Misread
    table = desk.table(label.sheet)
    return [
        row
        for row in range(table.first, table.bottom + 1)
        if desk.book.value(table.sheet, row, label.column) == label.value
    ]


def crossing(desk: Desk, place: Crossing) -> Range:
    table, column = column_of(desk, place.column)
    if place.label.sheet != place.column.sheet or place.label.column == column:
        raise Refusal(f"I cannot find “{plain(place.column.name)}” of “{plain(str(place.label.value))}”")
    row = row_of(desk, place.label)
    return Range(column, row, column, row, table.sheet)


def numeric_columns(desk: Desk, table: Table) -> list[int]:
    """Those with a number, and with nothing but numbers."""
    found = []
    for column in range(table.left, table.right + 1):
        cells = [desk.book.value(table.sheet, row, column) for row in range(table.first, table.bottom + 1)]
        filled = [cell for cell in cells if not is_empty(cell)]
        formulas = [desk.book.formula(table.sheet, row, column) for row in range(table.first, table.bottom + 1)]
        if filled and all(
            is_number(cell) or formula for cell, formula in zip(cells, formulas, strict=True) if not is_empty(cell)
        ):
            found.append(column)
    return found


def joined(places: Sequence[Range]) -> list[Range]:
    """Ranges that touch side by side, or one below the other, as one."""
    found: list[Range] = []
    for place in sorted(set(places), key=lambda one: (one.sheet or "", one.top, one.left)):
        last = found[-1] if found else None
        if last is not None and (last.sheet, last.top, last.bottom, last.right + 1) == (
            place.sheet,
            place.top,
            place.bottom,
            place.left,
        ):
            found[-1] = msgspec.structs.replace(last, right=place.right)
        elif last is not None and (last.sheet, last.left, last.right, last.bottom + 1) == (
            place.sheet,
            place.left,
            place.right,
            place.top,
        ):
            found[-1] = msgspec.structs.replace(last, bottom=place.bottom)
        else:
            found.append(place)
    if len(found) > MAX_PLACES:
        raise Refusal(f"those are {len(found)} places apart from each other: too many at once")
    return found


def cells_of(desk: Desk, places: Sequence[Range]) -> list[Json]:
    """All that is not empty."""
    return [cell for place in places for row in desk.book.rows(place) for cell in row if not is_empty(cell)]
