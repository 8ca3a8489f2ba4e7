"""From places as a sentence names them to ranges of cells."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.language.lexicon import Header, Label
from hub.providers.demo.workbook.language.orders import (
    Columns,
    Condition,
    Crossing,
    Extreme,
    HeaderCell,
    It,
    LabelCell,
    LabelRow,
    Matching,
    Part,
    Place,
)
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, column_name, is_number, plain
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.table import Table

Purpose = Literal["numbers", "look", "number look", "values"]
MAX_PLACES = 12


def ranges(desk: Desk, place: Place, purpose: Purpose) -> list[Range]:
    """At least one. Headers belong to a look, but never to numbers."""
    match place:
        case Range():
            return [desk.placed(place)]
        case Columns():
            return _columns(desk, place, purpose)
        case Part():
            return _part(desk, place, purpose)
        case LabelRow(label):
            table = desk.table(label.sheet)
            row = row_of(desk, label)
            return [Range(table.left, row, table.right, row, table.sheet)]
        case LabelCell(label):
            row = row_of(desk, label)
            return [Range(label.column, row, label.column, row, desk.table(label.sheet).sheet)]
        case HeaderCell(headers):
            return joined([_header_cell(desk, header) for header in headers])
        case Crossing():
            return [crossing(desk, place)]
        case Extreme():
            return _extreme(desk, place)
        case Matching():
            return _matching(desk, place)
        case It():
            if not desk.it or desk.result is not None:
                raise Refusal("I cannot tell what “it” is there: name the cells")
            return desk.it


def column_of(desk: Desk, header: Header) -> tuple[Table, int]:
    """Also of a column that the sentence has added before."""
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


def holds(desk: Desk, table: Table, condition: Condition, row: int, column: int) -> bool:
    cell = desk.book.value(table.sheet, row, column)
    if condition.text is not None:
        return not is_empty(cell) and str(cell).strip().casefold() == condition.text.strip().casefold()
    return isinstance(cell, int | float) and not isinstance(cell, bool) and fits(cell, condition)


def fits(number: float, condition: Condition) -> bool:
    match condition.sign:
        case ">":
            return number > condition.low
        case ">=":
            return number >= condition.low
        case "<":
            return number < condition.low
        case "<=":
            return number <= condition.low
        case "=":
            return number == condition.low
        case "between":
            return condition.low <= number <= condition.high


def rows_where(desk: Desk, condition: Condition) -> tuple[Table, list[int]]:
    """Rows of the table below the header, where all of them hold."""
    if condition.also is not None:
        table, rows = rows_where(desk, msgspec.structs.replace(condition, also=None))
        other, more = rows_where(desk, condition.also)
        if other.sheet != table.sheet:
            raise Refusal("both conditions have to be on one sheet")
        return table, [row for row in rows if row in more]
    if isinstance(condition.column, Header):
        table, column = column_of(desk, condition.column)
    else:
        assert condition.column is not None
        place = desk.placed(condition.column)
        table, column = desk.block(place.sheet), place.left
        if place.left != place.right or place.left == 0:
            raise Refusal("the condition has to be on one column")
    return table, [row for row in range(table.first, table.bottom + 1) if holds(desk, table, condition, row, column)]


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


def _columns(desk: Desk, place: Columns, purpose: Purpose) -> list[Range]:
    found = []
    for header in place.headers:
        table, column = column_of(desk, header)
        if table.bottom < table.first:
            raise Refusal(f"column {column_name(table, column)} has nothing below its header")
        looks = purpose in ("look", "number look")
        found.append(
            table.columns(
                column, with_header=purpose == "look" and not place.values, with_totals=looks and not place.values
            )
        )
    return joined(found)


def _part(desk: Desk, place: Part, purpose: Purpose) -> list[Range]:
    if place.which in ("table", "numbers"):
        table = desk.block(place.sheet)
        if purpose in ("numbers", "number look"):
            columns = numeric_columns(desk, table)
            if not columns:
                raise Refusal("there are no columns of numbers")
            return joined([table.columns(column, with_totals=purpose == "number look") for column in columns])
        return [table.columns(table.left, table.right, with_header=True, with_totals=True)]
    table = desk.table(place.sheet)
    if place.which == "rows":
        return [table.columns(table.left, table.right)]
    if place.which == "totals" and not table.totals:
        raise Refusal("the table has no row of totals")
    row = {"header": table.top, "last": table.last, "totals": table.totals}[place.which]
    return [Range(table.left, row, table.right, row, table.sheet)]


def _header_cell(desk: Desk, header: Header) -> Range:
    table, column = column_of(desk, header)
    return Range(column, table.top, column, table.top, table.sheet)


def _extreme(desk: Desk, place: Extreme) -> list[Range]:
    found = ranges(desk, place.of, "numbers")
    if len(found) != 1 or found[0].left != found[0].right:
        raise Refusal("that has to be one column")
    area = desk.book.used(found[0])
    cells: list[tuple[float, int]] = []
    for at, row in enumerate(desk.book.rows(area), start=area.top):
        cells += [(cell, at) for cell in row if isinstance(cell, int | float) and not isinstance(cell, bool)]
    if not cells:
        raise Refusal(f"there are no numbers in {area.address()}")
    best = (max if place.function == "MAX" else min)(cell for cell, _ in cells)
    rows = [at for cell, at in cells if cell == best]
    if place.rows:
        table = desk.table(area.sheet)
        return joined([Range(table.left, row, table.right, row, area.sheet) for row in rows])
    column = column_of(desk, place.column)[1] if place.column is not None else area.left
    return joined([Range(column, row, column, row, area.sheet) for row in rows])


def _matching(desk: Desk, place: Matching) -> list[Range]:
    """Row by row; of columns without a condition of their own, each cell by itself."""
    condition = place.condition
    found: list[Range] = []
    if condition.column is None:
        assert place.columns is not None
        for area in ranges(desk, place.columns, "numbers"):
            shut = desk.book.used(area)
            table = desk.block(shut.sheet)
            for column in range(shut.left, shut.right + 1):
                found += [
                    Range(column, row, column, row, shut.sheet)
                    for row in range(shut.top, shut.bottom + 1)
                    if row != table.totals and holds(desk, table, condition, row, column)
                ]
    else:
        table, rows = rows_where(desk, condition)
        if place.columns is None:
            found = [Range(table.left, row, table.right, row, table.sheet) for row in rows]
        else:
            wanted = ranges(desk, place.columns, "numbers")[0]
            found = [Range(wanted.left, row, wanted.right, row, table.sheet) for row in rows]
    if not found:
        raise Refusal("no cell is so: there is nothing to do")
    return joined(found)


def cells_of(desk: Desk, places: Sequence[Range]) -> list[Json]:
    """All that is not empty."""
    return [cell for place in places for row in desk.book.rows(place) for cell in row if not is_empty(cell)]
