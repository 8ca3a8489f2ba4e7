"""Results of some rows of a column: those of labels, those from one to another, those where a condition holds."""

import msgspec

from hub.providers.demo.workbook.orders.places import Columns, Condition
from hub.providers.demo.workbook.orders.values import Aggregate
from hub.providers.demo.workbook.planning.cells import cells_of, column_of, row_of, rows_with
from hub.providers.demo.workbook.planning.conditions import condition_column, criterion, rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, plain
from hub.providers.demo.workbook.planning.results import NAMES, Result, address_of, number_of
from hub.providers.demo.workbook.ranges import Range


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
        sign = criterion(Condition(None, "=", text=str(value.labels[0].value)))[0] if len(value.labels) == 1 else None
        said = "for " + ", ".join(plain(str(label.value)) for label in value.labels)
    if of.sheet != table.sheet:
        raise Refusal("both have to be on one sheet")
    number = number_of(value.function, [desk.book.value(table.sheet, row, column) for row in rows])
    formula = None
    if value.function in ("SUM", "AVERAGE") and sign is not None:
        formula = f"{value.function}IF({address_of(of.columns(at), target)},{sign},{address_of(area, target)})"
    name = plain(value.place.headers[0].name)
    return Result(number, f"the {NAMES[value.function]} of {name} {said}", formula, (area,), why="no row is so")


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
