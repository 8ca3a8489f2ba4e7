"""Which rows of a table a condition holds for."""

import msgspec

from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.places import Condition, Header
from hub.providers.demo.workbook.planning.cells import column_of
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, plain, told
from hub.providers.demo.workbook.table import Table


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


def condition_column(desk: Desk, where: Condition) -> int:
    if isinstance(where.column, Header):
        return column_of(desk, where.column)[1]
    assert where.column is not None
    return where.column.left


def criterion(where: Condition) -> tuple[str | None, str]:
    """As a formula takes it, and as it is told."""
    if where.also is not None:
        rest = criterion(where.also)[1]
        assert isinstance(where.also.column, Header)
        first = criterion(msgspec.structs.replace(where, also=None))[1]
        return None, f"{first} and {plain(where.also.column.name)} {rest}"
    if where.text is not None:
        text = where.text.replace('"', '""')
        return (None if set(text) & set("*?~<>=") else f'"{text}"'), f"“{plain(where.text)}”"
    if where.sign == "between":
        return None, f"between {told(where.low)} and {told(where.high)}"
    words = {">": "over", ">=": "at least", "<": "under", "<=": "at most", "=": "of"}
    sign = "" if where.sign == "=" else where.sign
    return f'"{sign}{where.low:.15g}"', f"{words[where.sign]} {told(where.low)}"
