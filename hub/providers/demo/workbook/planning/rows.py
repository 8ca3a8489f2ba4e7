"""Rows: added to the table, inserted, sorted."""

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.language.phrases import month_of
from hub.providers.demo.workbook.orders.orders import AddRow, Fill, Insert, Sort
from hub.providers.demo.workbook.orders.places import Header
from hub.providers.demo.workbook.planning.cells import column_of, row_of
from hub.providers.demo.workbook.planning.columns import safe_text
from hub.providers.demo.workbook.planning.desk import Act, Desk, Refusal, is_number, plain
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.ranges import Range, letters
from hub.providers.demo.workbook.table import Table


def add_row(desk: Desk, order: AddRow) -> None:
    """Below the last row, which has to be free."""
    named = [header for header, _ in order.pairs] + ([order.label_column] if order.label_column else [])
    table = desk.table(named[0].sheet if named else None)
    if table.totals:
        raise Refusal(f"row {table.totals} has totals: insert a row above it first")
    row = table.bottom + 1
    cells: dict[int, Json] = {}
    if order.label is not None:
        column = column_of(desk, order.label_column)[1] if order.label_column is not None else table.left
        cells[column] = _value(order.label)
    for header, fill in order.pairs:
        column = column_of(desk, header)[1]
        if column in cells:
            raise Refusal(f"{plain(header.name)} is told twice")
        cells[column] = _value(fill)
    if order.values:
        free = [column for column in range(table.left, table.right + 1) if column not in cells]
        if len(free) != len(order.values):
            raise Refusal(f"{len(order.values)} values for {len(free)} columns: name each, as in “with Cost 120”")
        cells |= {column: _value(fill) for column, fill in zip(free, order.values, strict=True)}
    if any(header.sheet != named[0].sheet for header in named):
        raise Refusal("all columns have to be on one sheet")
    place = Range(table.left, row, table.right, row, table.sheet)
    desk.want_clear(place)
    values = [cells.get(column) for column in range(table.left, table.right + 1)]
    desk.write_values(place, [values], "I wrote {values} into {place}.")
    desk.about(place)


def _value(fill: Fill) -> Json:
    if fill.kind in ("formula", "today"):
        raise Refusal("a new row may have values, no formulas")
    return safe_text(fill.value) if isinstance(fill.value, str) else fill.value


def insert(desk: Desk, order: Insert) -> None:
    if order.at == "top":
        at = 1
    elif order.at == "left":
        at = 1
    else:
        found = ranges(desk, order.at, "look")
        if len(found) != 1:
            raise Refusal("where? Name one row or column")
        place = found[0]
        at = (
            (place.bottom if order.after else place.top)
            if order.kind == "rows"
            else (place.right if order.after else place.left)
        )
        at += 1 if order.after else 0
    if order.below is not None and row_of(desk, order.below) != at - 1:
        raise Refusal("those two rows are not next to each other")
    sheet = found[0].sheet if not isinstance(order.at, str) else desk.sheet
    spot = Range(0, at, 0, at, sheet) if order.kind == "rows" else Range(at, 0, at, 0, sheet)
    name = f"{at}" if order.kind == "rows" else letters(at)
    address = spot.address()
    position = address.rsplit("!", 1)[0] + "!" + name if "!" in address else name
    many = f"{order.count} {order.kind}" if order.count > 1 else f"a {order.kind[:-1]}"
    arguments: dict[str, Json] = {"type": order.kind, "count": order.count}
    desk.act(Act("insert_rows_columns", position, arguments, f"I inserted {many} before {name}.", key="position"))
    desk.about()
    desk.is_shifted = True


def sort(desk: Desk, order: Sort) -> None:
    """Whole rows, by the values that they have now; empty cells last. Formulas would not move along."""
    table = desk.table(order.by.sheet if isinstance(order.by, Header) else None)
    column = column_of(desk, order.by)[1] if isinstance(order.by, Header) else order.by
    if not table.left <= column <= table.right:
        raise Refusal(f"column {letters(column)} is no column of the table")
    place = table.columns(table.left, table.right)
    if order.area is not None:
        area = desk.placed(order.area)
        with_header = table.columns(table.left, table.right, with_header=True)
        if (area.left, area.right, area.bottom) != (place.left, place.right, place.bottom) or area.top not in (
            place.top,
            with_header.top,
        ):
            raise Refusal(f"the table is {with_header.address()}: I can sort that")
    for row in range(place.top, place.bottom + 1):
        for at in range(place.left, place.right + 1):
            if desk.book.formula(place.sheet, row, at) is not None:
                raise Refusal("the table has formulas, which do not move along: sort it by hand")
    rows = desk.book.rows(place)
    ordered = _sorted(rows, column - place.left, table, order)
    desk.write_values(
        place,
        [["" if is_empty(cell) else cell for cell in row] for row in ordered],
        f"I sorted {{place}} by {plain(table.header(column))}, {'largest' if order.descending else 'smallest'} first.",
    )
    desk.about(place)


def _sorted(rows: list[list[Json]], at: int, table: Table, order: Sort) -> list[list[Json]]:
    filled = [row for row in rows if not is_empty(row[at])]
    empty = [row for row in rows if is_empty(row[at])]
    cells = [row[at] for row in filled]
    descending = order.descending
    if not order.alphabetic and all(isinstance(cell, str) and month_of(cell) for cell in cells):
        ordered = sorted(filled, key=lambda row: month_of(str(row[at])), reverse=descending)
    elif all(is_number(cell) for cell in cells):
        ordered = sorted(filled, key=lambda row: float(row[at]), reverse=descending)
    elif all(isinstance(cell, str) for cell in cells):
        ordered = sorted(filled, key=lambda row: str(row[at]).casefold(), reverse=descending)
    else:
        raise Refusal(f"column {plain(table.header(table.left + at))} has texts and numbers: I do not know their order")
    return ordered + empty
