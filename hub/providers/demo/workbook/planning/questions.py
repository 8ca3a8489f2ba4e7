"""Questions about what is in the sheet."""

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.orders import List, Show, Which
from hub.providers.demo.workbook.orders.places import Header
from hub.providers.demo.workbook.planning.cells import cells_of, column_of, numeric_columns
from hub.providers.demo.workbook.planning.conditions import rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, column_name, plain, text_of, told
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.planning.results import number_of
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.table import Table

MAX_CELLS_SAID = 60


def show(desk: Desk, order: Show) -> None:
    if order.how == "summary":
        return _summary(desk)
    places = ranges(desk, order.place, "values")
    if order.how != "cells":
        return _edge_rows(desk, order, places[0])
    for place in places:
        cells = [cell for row in desk.book.rows(place) for cell in row]
        shown = ", ".join(text_of(cell) for cell in cells[:MAX_CELLS_SAID])
        more = f" … and {len(cells) - MAX_CELLS_SAID:,} more" if len(cells) > MAX_CELLS_SAID else ""
        desk.say(f"{place.address()}: `{shown}`{more}.")
    desk.about(*places)


def _edge_rows(desk: Desk, order: Show, place: Range) -> None:
    """One line for each. "It" is none of them: the header may be meant to be the first row."""
    rows = desk.book.rows(place)
    if order.rows > len(rows):
        raise Refusal(f"the table has {len(rows)} rows, not {order.rows}")
    chosen = rows[: order.rows] if order.how == "first" else rows[-order.rows :]
    lines = "; ".join(f"`{', '.join(text_of(cell) for cell in row)}`" for row in chosen[:MAX_CELLS_SAID])
    more = f" … and {len(chosen) - MAX_CELLS_SAID:,} more" if len(chosen) > MAX_CELLS_SAID else ""
    desk.say(f"The {order.how} rows: {lines}{more}.")
    desk.about()


def _summary(desk: Desk) -> None:
    table = desk.table()
    said = [f"{table.columns(table.left, table.right, with_header=True).address()} has the columns"]
    said[0] += f" {', '.join(plain(header) for header in table.headers)} and {table.bottom - table.first + 1} rows."
    for column in numeric_columns(desk, table):
        cells = cells_of(desk, [table.columns(column)])
        low, high, total, mean = (told(number_of(one, cells) or 0) for one in ("MIN", "MAX", "SUM", "AVERAGE"))
        name = column_name(table, column)
        said.append(f"{name}: from {low} to {high}, {total} in total, {mean} on average.")
    desk.say(" ".join(said))
    desk.about()


def which(desk: Desk, order: Which) -> None:
    """The rows of a label are added up, where it has several."""
    header = order.column or order.label
    assert header is not None
    table, _ = column_of(desk, header)
    numeric = numeric_columns(desk, table)
    column = column_of(desk, order.column)[1] if order.column is not None else _only(numeric, "column of numbers")
    texts = [at for at in range(table.left, table.right + 1) if at not in numeric]
    label = column_of(desk, order.label)[1] if order.label is not None else _only(texts[:1], "column of names")
    if label == column or column not in numeric:
        raise Refusal(f"{column_name(table, column)} is no column of numbers beside {column_name(table, label)}")
    sums: dict[str, float] = {}
    rows: dict[str, int] = {}
    for row in range(table.first, table.bottom + 1):
        name, number = (desk.book.value(table.sheet, row, at) for at in (label, column))
        if not is_empty(name) and isinstance(number, int | float) and not isinstance(number, bool):
            sums[text_of(name)] = sums.get(text_of(name), 0) + number
            rows[text_of(name)] = rows.get(text_of(name), 0) + 1
    if not sums:
        raise Refusal(f"there are no numbers in {column_name(table, column)}")
    best = (max if order.function == "MAX" else min)(sums.values())
    names = [f"`{name}`" for name, number in sums.items() if number == best]
    word = "highest" if order.function == "MAX" else "lowest"
    total = " in total" if max(rows.values()) > 1 else ""
    desk.say(f"{' and '.join(names)}, with the {word} {column_name(table, column)}{total}: {told(best)}.")
    desk.about()


def _only(columns: list[int], what: str) -> int:
    if len(columns) != 1:
        raise Refusal(f"which {what} is meant?")
    return columns[0]


def list_rows(desk: Desk, order: List) -> None:
    if order.top:
        assert order.by is not None
        table, rows = _top(desk, order, order.by)
    else:
        assert order.where is not None
        table, rows = rows_where(desk, order.where)
    if not rows:
        desk.say("No row is so.")
        return
    columns = range(table.left, table.right + 1)
    if order.what is not None and not order.top:
        columns = range(column_of(desk, order.what)[1], column_of(desk, order.what)[1] + 1)
    lines = [", ".join(text_of(desk.book.value(table.sheet, row, column)) for column in columns) for row in rows]
    many = f" … and {len(lines) - MAX_CELLS_SAID} more" if len(lines) > MAX_CELLS_SAID else ""
    shown = "; ".join(f"`{line}`" for line in lines[:MAX_CELLS_SAID])
    desk.say(f"{len(rows)} row{'s' if len(rows) > 1 else ''}: {shown}{many}.")
    desk.about(*(Range(columns[0], row, columns[-1], row, table.sheet) for row in rows))


def _top(desk: Desk, order: List, by: Header) -> tuple[Table, list[int]]:
    table, column = column_of(desk, by)
    if column not in numeric_columns(desk, table):
        raise Refusal(f"{plain(by.name)} is no column of numbers")
    cells: list[tuple[Json, int]] = [
        (desk.book.value(table.sheet, row, column), row) for row in range(table.first, table.bottom + 1)
    ]
    filled = [(float(cell), row) for cell, row in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]
    ordered = sorted(filled, key=lambda one: one[0], reverse=order.function == "MAX")
    return table, [row for _, row in ordered[: order.top]]
