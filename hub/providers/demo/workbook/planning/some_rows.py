"""Results of some rows of a column: those of labels, those from one to another, those where a condition holds."""

import msgspec

from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.places import Columns, Condition, Header
from hub.providers.demo.workbook.orders.values import Aggregate
from hub.providers.demo.workbook.planning.cells import cells_of, column_of, row_of, rows_with
from hub.providers.demo.workbook.planning.conditions import condition_column, criterion, rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, column_name, plain
from hub.providers.demo.workbook.planning.results import NAMES, Result, address_of, number_of
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread


def of_some(desk: Desk, value: Aggregate, areas: list[Range], target: Range | None) -> Result:
    """Of a column, in the rows that have a label, or where a condition holds."""
    if not isinstance(value.place, Columns) or len(value.place.headers) != 1 or (value.labels and value.where):
        raise Refusal("I can do that for one column that is named by its header")
    table, column = column_of(desk, value.place.headers[0])
    area = areas[0]
    if value.where is not None:
        of, rows = rows_where(desk, value.where)
        at = condition_column(desk, value.where)
        sign, told_so = criterion(value.where)
        said = f"where {plain(of.header(at))} is {told_so}"
    else:
        of, at = table, value.labels[0].column
        if any((label.sheet, label.column) != (value.labels[0].sheet, at) for label in value.labels) or at == column:
            raise Refusal("those names are not in one column")
        if value.from_to:
            return between(desk, value, area, target)
        rows = sorted(row for label in value.labels for row in rows_with(desk, label))
        of = desk.table(value.labels[0].sheet)
        if value.left_out:
            rows = [row for row in range(of.first, of.bottom + 1) if row not in rows]
        sign = criterion(Condition(None, "=", text=str(value.labels[0].value)))[0] if len(value.labels) == 1 else None
        if sign is not None and value.left_out:
            sign = f'"<>{sign[1:]}'
        said = ("without " if value.left_out else "for ") + ", ".join(plain(str(label.value)) for label in value.labels)
    if of.sheet != table.sheet:
        raise Refusal("both have to be on one sheet")
    number = number_of(value.function, [desk.book.value(table.sheet, row, column) for row in rows])
    formula = None
    if value.function in ("SUM", "AVERAGE") and sign is not None:
        formula = f"{value.function}IF({address_of(of.columns(at), target)},{sign},{address_of(area, target)})"
    name = plain(value.place.headers[0].name)
    return Result(number, f"the {NAMES[value.function]} of {name} {said}", formula, (area,), why="no row is so")


def check_each(desk: Desk, value: Aggregate, per: Header) -> None:
    """What is said of months is said of rows only where each row is another month."""
    if not isinstance(value.place, Columns) or len(value.place.headers) != 1:
        raise Misread
    table, column = column_of(desk, per)
    if column_of(desk, value.place.headers[0]) == (table, column):
        raise Misread
    names = [desk.book.value(table.sheet, row, column) for row in range(table.first, table.bottom + 1)]
    if len({str(name).casefold() for name in names if not is_empty(name)}) != len(names):
        raise Refusal(f"not every row is another {column_name(table, column)}, and I do not group rows")


def between(desk: Desk, value: Aggregate, area: Range, target: Range | None) -> Result:
    """From the row of one label to that of another."""
    first, last = (row_of(desk, label) for label in value.labels)
    if first > last:
        raise Refusal("the rows are in the other order")
    place = msgspec.structs.replace(area, top=first, bottom=last)
    ends = " to ".join(plain(str(label.value)) for label in value.labels)
    assert isinstance(value.place, Columns)
    said = f"the {NAMES[value.function]} of {plain(value.place.headers[0].name)} from {ends}"
    formula = f"{value.function}({address_of(place, target)})"
    return Result(number_of(value.function, cells_of(desk, [place])), said, formula, (place,))
