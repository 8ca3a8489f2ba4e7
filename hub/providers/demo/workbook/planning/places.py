"""From places as a sentence names them to ranges of cells."""

from typing import Literal

import msgspec

from hub.providers.demo.workbook.orders.places import (
    Columns,
    Crossing,
    EdgeRows,
    Extreme,
    Header,
    HeaderCell,
    It,
    LabelCell,
    LabelRow,
    Matching,
    Part,
    Place,
    Several,
)
from hub.providers.demo.workbook.planning.cells import column_of, crossing, joined, numeric_columns, row_of
from hub.providers.demo.workbook.planning.conditions import holds, rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, column_name
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread

Purpose = Literal["numbers", "look", "number look", "values"]


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
        case Several(places):
            return [desk.placed(one) for one in places]
        case EdgeRows():
            return [_edge(desk, place)]
        case It():
            if not desk.it or desk.result is not None:
                raise Refusal("I cannot tell what “it” is there: name the cells")
            return desk.it


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
    if place.which == "all numbers":
        totals = purpose in ("look", "number look")
        return joined([table.columns(column, with_totals=totals) for column in numeric_columns(desk, table)])
    if place.which in ("first column", "last column"):
        column = table.left if place.which == "first column" else table.right
        looks = purpose in ("look", "number look")
        return [table.columns(column, with_header=purpose == "look", with_totals=looks)]
    if place.which == "rows":
        return [table.columns(table.left, table.right)]
    if place.which == "totals" and not table.totals:
        raise Refusal("the table has no row of totals")
    row = {"header": table.top, "last": table.last, "totals": table.totals}[place.which]
    return [Range(table.left, row, table.right, row, table.sheet)]


def _edge(desk: Desk, place: EdgeRows) -> Range:
    table, column = column_of(desk, place.column)
    if place.of is not None:
        other, at = column_of(desk, place.of)
        # "Of the first three months" is about rows, "of the first three costs" about other numbers.
        if other != table or at == column or at in numeric_columns(desk, table):
            raise Misread
    elif column not in numeric_columns(desk, table):
        name = column_name(table, column)
        raise Refusal(f"whole rows, or the cells of {name} alone? Name the cells, or a column of numbers")
    rows = table.bottom - table.first + 1
    if place.count > rows:
        raise Refusal(f"the table has {rows} rows, not {place.count}")
    whole = table.columns(column)
    if place.last:
        return msgspec.structs.replace(whole, top=whole.bottom - place.count + 1)
    return msgspec.structs.replace(whole, bottom=whole.top + place.count - 1)


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
