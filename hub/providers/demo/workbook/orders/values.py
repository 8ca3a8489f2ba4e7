"""What a sentence wants to know, and where the result should go."""

from typing import Literal

import msgspec

from hub.providers.demo.workbook.orders.places import Condition, Crossing, Function, Header, Label, Place
from hub.providers.demo.workbook.ranges import Range

Sign = Literal["-", "+", "*", "/", "%"]


class Below(msgspec.Struct, frozen=True):
    """The cell below a column that is named."""

    place: Place


Into = Range | Below | Literal["below", "beside"]


class Aggregate(msgspec.Struct, frozen=True):
    """`place` None: of what the order before was about. `labels`: only in rows that have one of them."""

    function: Function
    place: Place | None
    labels: tuple[Label, ...] = ()
    where: Condition | None = None
    from_to: bool = False  # two labels, and all rows between them
    left_out: bool = False  # the labels are those that do not count
    per: Header | None = None  # each row is one of these
    among: Header | None = None  # what the rows are that `where` is about
    implied: bool = False  # "revenue" alone, which may be its total or what each row has


class CountColumns(msgspec.Struct, frozen=True):
    """Of the table."""


class CountRows(msgspec.Struct, frozen=True):
    """Rows that have something in `column`, of those where the condition holds."""

    column: Header | None
    where: Condition | None = None


class Arithmetic(msgspec.Struct, frozen=True):
    """`%`: the first as a percentage of the second."""

    sign: Sign
    first: "Value"
    second: "Value"


class Growth(msgspec.Struct, frozen=True):
    column: Header
    first: Label
    last: Label


class Number(msgspec.Struct, frozen=True):
    value: float


Value = Aggregate | CountRows | CountColumns | Arithmetic | Growth | Number | Range | Crossing


class Compute(msgspec.Struct, frozen=True):
    """`into` None: only told."""

    value: Value
    into: Into | None = None
    verb: bool = False  # a word for writing was there: somewhere it has to go
    here: bool = False  # on the open sheet, as it is told


class Compare(msgspec.Struct, frozen=True):
    """A question with yes or no for an answer. `second` is a number, or another value that `sign` compares with."""

    first: Value
    condition: Condition | None
    second: Value | None = None
    is_more: bool = False


class WhichIt(msgspec.Struct, frozen=True):
    """Where the largest or smallest, which the order before asks for, is found."""

    label: Header | None


class PutResult(msgspec.Struct, frozen=True):
    into: Into
    here: bool = False
