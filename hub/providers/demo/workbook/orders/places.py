"""Places and conditions, named as a sentence names them."""

from typing import Literal

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.ranges import Range


class Header(msgspec.Struct, frozen=True):
    """A column of a table, by its header. Column 0: one that the sentence itself adds."""

    sheet: str | None
    column: int
    name: str


class Label(msgspec.Struct, frozen=True):
    """A value in a column of a table, as "Jan" in Month."""

    sheet: str | None
    column: int
    value: Json


Compared = Literal[">", ">=", "<", "<=", "=", "between"]


Function = Literal["SUM", "AVERAGE", "MIN", "MAX", "MEDIAN", "COUNTA", "COUNT"]


class Condition(msgspec.Struct, frozen=True):
    """`column` None: told elsewhere. `text` is compared, if it is there, else the numbers."""

    column: Header | Range | None
    sign: Compared
    low: float = 0
    high: float = 0
    text: str | None = None
    also: "Condition | None" = None


class Columns(msgspec.Struct, frozen=True):
    """By their headers. `values`: the header is told not to be meant, or cannot be."""

    headers: tuple[Header, ...]
    values: bool = False


class Part(msgspec.Struct, frozen=True):
    """A row of the sheet's table, or all of it."""

    which: Literal["header", "last", "totals", "table", "rows", "numbers", "all numbers", "first column", "last column"]
    sheet: str | None = None


class LabelRow(msgspec.Struct, frozen=True):
    label: Label


class LabelCell(msgspec.Struct, frozen=True):
    label: Label


class HeaderCell(msgspec.Struct, frozen=True):
    columns: tuple[Header, ...]


class Crossing(msgspec.Struct, frozen=True):
    """The cell of a column in the one row of a label."""

    column: Header
    label: Label


class Extreme(msgspec.Struct, frozen=True):
    """The cells with a column's largest or smallest number, or their rows, or what the rows have in `column`."""

    function: Function
    of: Columns | Range
    rows: bool = False
    column: Header | None = None


class Matching(msgspec.Struct, frozen=True):
    """The cells of columns, or the rows of the table (`columns` None), where the condition holds."""

    columns: Columns | Range | None
    condition: Condition


class Several(msgspec.Struct, frozen=True):
    """Rows or columns that are not side by side."""

    places: tuple[Range, ...]


class EdgeRows(msgspec.Struct, frozen=True):
    """The first so many values of a column, or the last; told as so many of the column `of`."""

    column: Header
    count: int
    last: bool = False
    of: Header | None = None


class It(msgspec.Struct, frozen=True):
    """What the order before was about."""


Place = (
    Range | Columns | Part | LabelRow | LabelCell | HeaderCell | Crossing | Extreme | Matching | Several | EdgeRows | It
)
