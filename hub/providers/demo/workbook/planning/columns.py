"""New columns of formulas, rows of totals, renamed headers, numbers that are all changed alike."""

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import WHOLE, is_empty
from hub.providers.demo.workbook.orders.orders import NewColumn, Rename, Scale, TotalRow
from hub.providers.demo.workbook.orders.places import Header, Part
from hub.providers.demo.workbook.planning.cells import column_of, numeric_columns
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, is_number, plain
from hub.providers.demo.workbook.planning.looks import apply_format
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.planning.row_formulas import formula_of, headers_of, simulate
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, Range, letters
from hub.providers.demo.workbook.table import Table

_TOTALS = {"SUM": "Total", "AVERAGE": "Average", "MIN": "Minimum", "MAX": "Maximum", "MEDIAN": "Median"}


def new_column(desk: Desk, order: NewColumn) -> None:
    """Its cells have to be free, its header too."""
    headers = headers_of(order.formula)
    table = desk.table(headers[0].sheet if headers else None)
    if any(header.sheet != headers[0].sheet for header in headers):
        raise Refusal("both columns have to be on one sheet")
    if table.bottom < table.first:
        raise Refusal("the table has no rows")
    target = _target(desk, order, table)
    column = target.left
    formula = formula_of(desk, order.formula, table, column, target.top)
    if not desk.book.is_clear(target):
        raise Refusal(f"{target.address()} is not empty: name a free column")
    if order.name is not None:
        _write_header(desk, order.name, table, column)
    desk.write_formula(target, formula, said="I put {formula} into {place}, each row with its own cells.")
    simulate(desk, order.formula, table, target)
    act = desk.last_act
    if order.formula.percent:
        apply_format(desk, [target], {"number_format": "0.0%"}, "per cent")
    whole = table.columns(column, with_header=order.name is not None)
    desk.about(whole if order.name is not None else target)
    desk.last_act = None if order.name is not None else act


def _target(desk: Desk, order: NewColumn, table: Table) -> Range:
    column = order.letter or table.right + 1
    if order.target is not None:
        place = desk.placed(order.target)
        if (place.sheet or "").casefold() != (table.sheet or "").casefold() or place.left != place.right:
            raise Refusal(f"{place.address()} is not one column of the table's sheet")
        if place.top and (place.top, place.bottom) != (table.first, table.bottom):
            raise Refusal(f"the table's rows are {table.first} to {table.bottom}, other than {place.address()}")
        column = place.left
    if column > MAX_COLUMNS:
        raise Refusal("there is no room right of the table")
    return table.columns(column)


def _write_header(desk: Desk, name: str, table: Table, column: int) -> None:
    if any(name.casefold() == header.casefold() for header in table.headers):
        raise Refusal(f"there is a column “{plain(name)}” already")
    cell = Range(column, table.top, column, table.top, table.sheet)
    if not desk.book.is_clear(cell):
        raise Refusal(f"{cell.address()} is not empty: name a free column")
    desk.write_values(cell, [[safe_text(name)]], f"I wrote {plain(name)} into {{place}}.")


def safe_text(text: str) -> str:
    """A text that a sheet would take for a formula stays text."""
    return f"'{text}" if text.lstrip()[:1] in ("+", "-", "@", "=") else text


def total_row(desk: Desk, order: TotalRow) -> None:
    """Below the last row: what it is in the first column, if that has no numbers, and a formula per column."""
    table = desk.table(order.columns[0].sheet if order.columns else None)
    if table.totals:
        raise Refusal(f"row {table.totals} has totals already")
    numeric = numeric_columns(desk, table)
    chosen = [column_of(desk, header)[1] for header in order.columns] or numeric
    if not numeric or any(column not in numeric for column in chosen):
        raise Refusal("only columns of numbers have a total")
    row = table.bottom + 1
    if order.row not in (0, row):
        raise Refusal(f"the first row below the table is {row}, not {order.row}")
    desk.want_clear(Range(table.left, row, table.right, row, table.sheet))
    if table.left not in numeric:
        name = _TOTALS[order.function]
        desk.write_values(
            Range(table.left, row, table.left, row, table.sheet), [[name]], f"I wrote {name} into {{place}}."
        )
    for column in chosen:
        place = Range(column, row, column, row, table.sheet)
        formula = f"={order.function}({table.columns(column).address(with_sheet=False)})"
        desk.write_formula(place, formula)
    desk.about(Range(table.left, row, table.right, row, table.sheet))
    desk.last_act = None


def rename(desk: Desk, order: Rename) -> None:
    if isinstance(order.column, Header):
        table, column = column_of(desk, order.column)
    else:
        place = desk.placed(order.column)
        table, column = desk.table(place.sheet), place.left
        if place.left != place.right or not table.left <= column <= table.right:
            raise Refusal(f"{place.address()} is no column of the table")
    if any(order.text.casefold() == header.casefold() for header in table.headers):
        raise Refusal(f"there is a column “{plain(order.text)}” already")
    cell = Range(column, table.top, column, table.top, table.sheet)
    desk.write_values(cell, [[safe_text(order.text)]], f"I wrote {plain(order.text)} into {{place}}.")
    desk.about(cell)


def scale(desk: Desk, order: Scale) -> None:
    """Numbers are written anew; where there are formulas, nothing is."""
    if isinstance(order.place, Part):
        _check_all(desk, order.place)
    for place in ranges(desk, order.place, "numbers"):
        shut = desk.book.used(place)
        while shut.top < shut.bottom and not any(is_number(cell) for cell in desk.book.rows(shut)[0]):
            shut = msgspec.structs.replace(shut, top=shut.top + 1)
        columns = range(shut.left, shut.right + 1)
        rows = [
            [_scaled(desk, order, shut, row, column) for column in columns] for row in range(shut.top, shut.bottom + 1)
        ]
        if all(cell is None for row_of in rows for cell in row_of):
            raise Refusal(f"there are no numbers in {place.address()}")
        desk.write_values(shut, rows, f"I {order.said.format('the numbers in {place}')}.")
        desk.about(shut)


def _check_all(desk: Desk, place: Part) -> None:
    """Those of a sheet are those of its table, if no others are there."""
    table = desk.block(place.sheet)
    numeric = numeric_columns(desk, table)
    used = desk.book.used(msgspec.structs.replace(WHOLE, sheet=table.sheet))
    for row, cells in enumerate(desk.book.rows(used), start=used.top):
        for column, cell in enumerate(cells, start=used.left):
            is_inside = table.first <= row <= table.bottom and column in numeric
            if is_number(cell) and not is_inside:
                raise Refusal(f"{letters(column)}{row} has a number too: name the cells that are meant")


def _scaled(desk: Desk, order: Scale, place: Range, row: int, column: int) -> Json:
    if desk.book.formula(place.sheet, row, column) is not None:
        raise Refusal(f"{place.address()} has formulas, which I do not change")
    cell = desk.book.value(place.sheet, row, column)
    if is_empty(cell) or not isinstance(cell, int | float) or isinstance(cell, bool):
        return None
    result = round(cell * order.number if order.sign == "*" else cell + order.number, 10)
    return int(result) if result == int(result) else result
