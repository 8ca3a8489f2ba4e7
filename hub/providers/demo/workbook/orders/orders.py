"""What a sentence orders: typed steps on places that are named as the sentence names them."""

from typing import Literal

import msgspec

from hub.providers.demo.workbook.orders.places import Condition, Function, Header, Label, Place
from hub.providers.demo.workbook.orders.values import Compare, Compute, Number, PutResult, WhichIt
from hub.providers.demo.workbook.ranges import Range


class RowFormula(msgspec.Struct, frozen=True):
    """Over the cells of one row. Column numbers are told by letter. `OF_TOTAL`: a share of the column's total."""

    sign: Literal["-", "+", "*", "/", "growth", "of total", "running", "if", "formula"]
    first: "Term | str"
    second: "Term | None" = None
    percent: bool = False
    test: "Choice | None" = None  # of "if", on the column that is first


class Choice(msgspec.Struct, frozen=True):
    """One of two values in each row."""

    condition: Condition
    yes: float | str
    no: float | str


Term = Header | int | Number | RowFormula


class NewColumn(msgspec.Struct, frozen=True):
    """`letter` 0: the next free one. `name` None: no header is written."""

    name: str | None
    letter: int
    formula: RowFormula
    target: Range | None = None


class TotalRow(msgspec.Struct, frozen=True):
    function: Function
    columns: tuple[Header, ...] = ()
    row: int = 0  # told


class Look(msgspec.Struct, frozen=True):
    """What is None stays as it is. `colour`: of the text or the background, which was not told."""

    bold: bool | None = None
    italic: bool | None = None
    ink: str | None = None
    fill: str | None = None
    colour: str | None = None
    kind: Literal["currency", "dollars", "euros", "pounds", "percent", "thousands", "date", "general"] | None = None
    decimals: int | None = None
    size: float | None = None
    align: Literal["left", "center", "right"] | None = None

    @property
    def is_of_numbers(self) -> bool:
        """Nothing for a header."""
        others = (self.bold, self.italic, self.ink, self.fill, self.colour, self.size, self.align)
        return (self.kind, self.decimals) != (None, None) and all(one is None for one in others)


class Format(msgspec.Struct, frozen=True):
    """`places` empty: those of the order before."""

    places: tuple[Place, ...]
    look: Look
    more: bool = False  # goes on with a format before it
    shown: bool = False  # how what was just written is shown


class Fill(msgspec.Struct, frozen=True):
    """A value that was given, as told."""

    kind: Literal["value", "formula", "percent", "today"]
    value: float | str


class Write(msgspec.Struct, frozen=True):
    """One value for all cells, or one for each. `more`: goes on with a write before it. `was`: told to be there now."""

    target: Place
    values: tuple[Fill, ...]
    more: bool = False
    was: Fill | None = None


class Rename(msgspec.Struct, frozen=True):
    column: Header | Range
    text: str


class Replace(msgspec.Struct, frozen=True):
    """Whole cells."""

    old: str | float
    new: str | float
    place: Place | None
    everywhere: bool = True  # or only if it is one cell


class Copy(msgspec.Struct, frozen=True):
    source: Place
    target: Range
    move: bool = False


class FillDown(msgspec.Struct, frozen=True):
    """To row 0: as far as the table goes."""

    source: Range | None
    row: int = 0
    column: int = 0


class Insert(msgspec.Struct, frozen=True):
    kind: Literal["rows", "columns"]
    count: int
    at: Place | Literal["top", "left"]
    after: bool
    below: Label | None = None  # told to be the row before


class AddRow(msgspec.Struct, frozen=True):
    """`label` goes into `label_column`, or else the first."""

    label: Fill | None
    label_column: Header | None
    pairs: tuple[tuple[Header, Fill], ...] = ()
    values: tuple[Fill, ...] = ()


class Clear(msgspec.Struct, frozen=True):
    places: tuple[Place, ...]
    formats: bool = False


class Sort(msgspec.Struct, frozen=True):
    by: Header | int
    descending: bool
    alphabetic: bool = False
    area: Range | None = None


class Scale(msgspec.Struct, frozen=True):
    place: Place
    sign: Literal["+", "*"]
    number: float
    said: str  # "raised {} by 10%", the place left out


class Chart(msgspec.Struct, frozen=True):
    """`place` None: what the order before was about. `by`: the column with the labels."""

    kind: str
    place: Place | None
    by: Header | None = None
    title: str | None = None
    at: Range | None = None
    sheet: str | None = None
    legend: bool = True


class NameRange(msgspec.Struct, frozen=True):
    name: str
    place: Place


class Show(msgspec.Struct, frozen=True):
    """`first` and `last`: so many of its rows. A summary is about its columns of numbers."""

    place: Place
    how: Literal["cells", "summary", "first", "last"] = "cells"
    rows: int = 0


class Which(msgspec.Struct, frozen=True):
    """What `label` is where `column` is largest or smallest. None: the only one that it can be."""

    label: Header | None
    function: Function
    column: Header | None


class List(msgspec.Struct, frozen=True):
    """`what` None: whole rows. `top`: so many by `by`, else those where the condition holds."""

    what: Header | None
    where: Condition | None
    top: int = 0
    by: Header | None = None
    function: Function = "MAX"


Order = (
    Compute
    | Compare
    | PutResult
    | NewColumn
    | TotalRow
    | Format
    | Write
    | Rename
    | Replace
    | Copy
    | FillDown
    | Insert
    | AddRow
    | Clear
    | Sort
    | Scale
    | Chart
    | NameRange
    | Show
    | Which
    | WhichIt
    | List
)


class Sentence(msgspec.Struct, frozen=True):
    """`sheet`: told for all that has none. `only_tells`: it says that nothing may change."""

    orders: tuple[Order, ...]
    sheet: str | None = None
    only_tells: bool = False
