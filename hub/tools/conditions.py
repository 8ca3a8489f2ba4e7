"""Which rows of a table count: conditions on its columns, as a model writes them."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.tables.cells import read_date, read_number
from hub.tables.table import Cell, Column, Table
from hub.tools.base import ToolError

Key = tuple[int, Decimal, str]
"""What cells are compared by."""


class Condition(BaseModel):
    """Which rows count: those whose cell in `column` compares so to `value`."""

    model_config = ConfigDict(extra="forbid")

    column: str
    operator: Literal["=", "!=", ">", ">=", "<", "<=", "contains", "in"] = "="
    value: str | float | list[str | float] = Field(
        description="A number, a text, or a date as YYYY-MM-DD; with `in`, a list of them. Letter case does not matter."
    )


Conditions = Annotated[
    list[Condition] | None, Field(description="All of them must hold; none: all rows.", max_length=20)
]


def column_of(table: Table, name: str) -> Column:
    """Raises ToolError, which names those that there are."""
    column = table.column(name)
    if column is None:
        known = ", ".join(each.name for each in table.columns[:30])
        raise ToolError(f"There is no column {name[:80]!r}; the columns are: {known}.")
    return column


def row_test(table: Table, condition: Condition) -> Callable[[int], bool]:
    """Whether the condition holds for the row of an index. Raises ToolError for a value that the column cannot have."""
    column = column_of(table, condition.column)
    cells = column.cells
    operator = condition.operator
    value = condition.value
    if operator == "in":
        each = value if isinstance(value, list) else [value]
        keys = {_operand(table, column, one) for one in each}
        return lambda row: (cell := cells[row]) is not None and sort_key(cell) in keys
    if isinstance(value, list):
        raise ToolError(f"A list of values needs the operator `in`, not {operator!r}.")
    if operator == "contains":
        index = list(table.columns).index(column)
        part = str(value).lower()
        return lambda row: part in table.rows[row][index].lower()
    wanted = _operand(table, column, value)

    def test(row: int) -> bool:
        cell = cells[row]
        if cell is None:
            return False
        left, right = sort_key(cell), wanted
        match operator:
            case "=":
                return left == right
            case "!=":
                return left != right
            case ">":
                return left > right
            case ">=":
                return left >= right
            case "<":
                return left < right
            case _:
                return left <= right

    return test


def _operand(table: Table, column: Column, value: str | float) -> Key:
    match column.kind:
        case "number":
            if isinstance(value, str):
                number = read_number(value, table.mark)
                if number is None:
                    raise ToolError(f"The column {column.name} is of numbers, and {value[:80]!r} is none.")
                return (0, number.value, "")
            return (0, Decimal(repr(value)), "")
        case "date":
            date = read_date(str(value), table.day_order)
            if date is None:
                raise ToolError(f"The column {column.name} is of dates; write {str(value)[:80]!r} as YYYY-MM-DD.")
            return sort_key(date)
        case _:
            plain = repr(value).removesuffix(".0") if isinstance(value, float) else value
            return sort_key(plain.strip())


def sort_key(cell: Cell) -> Key:
    """Numbers and dates by value, text by letters without their case. All cells of a column are of one kind."""
    match cell:
        case Decimal():
            return (0, cell, "")
        case datetime.datetime():
            return (0, Decimal(0), cell.isoformat())
        case _:
            return (0, Decimal(0), (cell or "").casefold())
