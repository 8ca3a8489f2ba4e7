"""What a plan is made on: the book, the acts so far, and what the order before was about."""

from collections.abc import Mapping, Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import Book, is_empty
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, MAX_ROWS, Range, letters
from hub.providers.demo.workbook.table import Table

MAX_CELLS_WRITTEN = 1_000
MAX_ACTS = 24
"""Of one sentence. A run has a limit of steps (`max_steps`), and each act is one."""


class Refusal(Exception):
    """Why nothing is done. The text is for the user."""


class Act(msgspec.Struct, frozen=True):
    """A call that writes. `key` is the argument that has the place. `said`: what is told of it afterwards, with
    {place}, {formula} and {values} as it ran: who approved it may have edited them. `follows`: the act whose place
    this one has too, wherever that ran."""

    tool: str
    place: Range | str
    arguments: Mapping[str, Json]
    said: str
    key: str = "range"
    follows: int | None = None


Step = Act | str
"""A text is an answer that is told at its place among the acts."""


class Desk:
    """`sheet`: told for every place that has none."""

    def __init__(self, book: Book, sheet: str | None) -> None:
        self.book, self.sheet = book, sheet
        self.steps: list[Step] = []
        self.it: list[Range] = []  # what "it" is; empty where that is not told
        self.charted: Range | None = None  # what "chart it" is
        self.last_act: int | None = None  # the act that "it" is the place of
        self.result: str | None = None  # a result that was only told: "it" may be that
        self.is_shifted = False  # rows or columns were inserted: what was read has moved

    def table(self, sheet: str | None = None) -> Table:
        """With headers. Raises `Refusal` where there are none."""
        found = self.block(sheet)
        if not found.headers:
            raise Refusal(f"{_where(found.sheet)} has no table with a row of headers")
        return found

    def block(self, sheet: str | None = None) -> Table:
        if self.is_shifted:
            raise Refusal("I cannot look at the table again after rows or columns were inserted: make it two messages")
        return self.book.table(sheet if sheet is not None else self.sheet)

    def placed(self, place: Range) -> Range:
        """On the sheet that is told for all."""
        return (
            place if place.sheet is not None or self.sheet is None else msgspec.structs.replace(place, sheet=self.sheet)
        )

    def act(self, act: Act) -> None:
        self.steps.append(act)
        if len(self.steps) > MAX_ACTS:
            raise Refusal("that takes too many steps")
        self.last_act = len(self.steps) - 1
        self.result = None

    def say(self, text: str) -> None:
        self.steps.append(text)

    def about(self, *places: Range, charted: Range | None = None) -> None:
        """What "it" is from now on."""
        self.it = list(places)
        self.charted = charted if charted is not None else places[0] if len(places) == 1 else None

    def write_values(self, place: Range, rows: Sequence[Sequence[Json]], said: str) -> None:
        """None leaves a cell as it is. Raises `Refusal` for too many."""
        down, across = place.bottom - place.top + 1, place.right - place.left + 1
        if down * across > MAX_CELLS_WRITTEN:
            raise Refusal(f"{place.address()} has more than {MAX_CELLS_WRITTEN:,} cells: too many to fill at once")
        self.act(Act("write_range", place, {"values": [list(row) for row in rows]}, said))
        for row_at, row in enumerate(rows):
            for at, cell in enumerate(row):
                if cell is not None:
                    self.book.write(place.sheet, place.top + row_at, place.left + at, None if cell == "" else cell)

    def write_formula(self, place: Range, formula: str, value: Json = None, said: str = "") -> None:
        """`value`: what it comes to, where that is known."""
        self.act(Act("apply_formula", place, {"formula": formula}, said or "I put {formula} into {place}."))
        for row in range(place.top, min(place.bottom, place.top + MAX_CELLS_WRITTEN) + 1):
            for column in range(place.left, place.right + 1):
                self.book.write(place.sheet, row, column, formula if value is None else value, formula)

    def want_clear(self, place: Range) -> None:
        if place.bottom > MAX_ROWS or place.right > MAX_COLUMNS:
            raise Refusal("there is no room for it on the sheet")
        if not self.book.is_clear(place):
            raise Refusal(f"{place.address()} is not empty: name the cell that it should go into")


def _where(sheet: str | None) -> str:
    return "the open sheet" if sheet is None else f"the sheet {plain(sheet)}"


def plain(text: str) -> str:
    """Nothing in it is markup."""
    return "".join(char for char in text if char.isalnum() or char in " .,:;!?'$€£%=+-/&()<>")[:80]


def told(number: float) -> str:
    return f"{number:,.10g}"


def is_number(cell: Json) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def text_of(cell: Json) -> str:
    """As code, so that nothing in it is markup."""
    if is_empty(cell):
        return "(empty)"
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return str(cell).replace("`", "'")


def column_name(table: Table, column: int) -> str:
    return plain(table.header(column)) or f"column {letters(column)}"
