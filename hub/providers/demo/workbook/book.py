"""What is known of a workbook: what was read of it, and over that what the plan will have written.

Whoever asks for cells that were not read yet gets `Unread`: they are read, and the question is asked again.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, Range
from hub.providers.demo.workbook.table import Table, find

WHOLE = Range(1, 0, 26, 0)
"""Columns A to Z: where a sheet's table is looked for."""

MAX_CELLS = 500_000
"""Looked at for one sentence, each time that one is."""


class Unread(Exception):
    """These cells have to be read first. The plan starts anew with them. `guessed`: the sheet may not be there."""

    def __init__(self, place: Range, *, guessed: bool = False) -> None:
        super().__init__(place.address())
        self.place, self.guessed = place, guessed


class TooLarge(Exception):
    """What is asked about has more cells than are looked at."""


class UnreadNames(Exception):
    """The workbook's names have to be read first."""


class Area(msgspec.Struct, frozen=True):
    """What came for a range. Row 0 of `values` is row `top` of the sheet, and so on."""

    asked: Range
    left: int
    top: int
    values: Sequence[Sequence[Json]]
    formulas: Sequence[Sequence[Json]]


class Book:
    """Rows and columns from 1; sheets by name, None for the active one."""

    def __init__(self) -> None:
        self.areas: list[Area] = []
        self.no_sheets: set[str] = set()  # guessed, and not there
        self.names: Mapping[str, Range] | None = None  # None until they were read
        self._tables: dict[str, Table] = {}  # since the last write
        self._written: dict[tuple[str, int, int], tuple[Json, str | None]] = {}
        self._looked_at = 0  # cells

    def forget_writes(self) -> None:
        self._written.clear()
        self._tables.clear()

    def is_there(self, sheet: str, *, empty: bool) -> bool:
        """Whether a word is the name of a sheet; unless it may be `empty`, of one with something. Raises `Unread`."""
        if sheet.casefold() in self.no_sheets:
            return False
        place = msgspec.structs.replace(WHOLE, sheet=sheet)
        found = next((area for area in self.areas if area.asked == place), None)
        if found is None:
            raise Unread(place, guessed=True)
        return empty or any(not is_empty(cell) for row in found.values for cell in row)

    def value(self, sheet: str | None, row: int, column: int) -> Json:
        """None for an empty cell. Raises `TooLarge`, as all do that look at cells."""
        self._count(1)
        written = self._written.get((key(sheet), row, column))
        if written is not None:
            return written[0]
        found = self._covering(Range(column, row, column, row, sheet))
        return None if found is None else _at(found, found.values, row, column)

    def formula(self, sheet: str | None, row: int, column: int) -> str | None:
        """None for a cell that has none."""
        self._count(1)
        written = self._written.get((key(sheet), row, column))
        if written is not None:
            return written[1]
        found = self._covering(Range(column, row, column, row, sheet))
        return None if found is None else _formula(found, row, column)

    def rows(self, place: Range) -> list[list[Json]]:
        """The values from the first row and column of the range on; an open range ends where what is used ends."""
        shut = self.used(place)
        return [
            [self.value(place.sheet, row, column) for column in range(shut.left, shut.right + 1)]
            for row in range(shut.top, shut.bottom + 1)
        ]

    def used(self, place: Range) -> Range:
        """The range with its open sides shut. Raises `Unread`."""
        if place.is_bounded:
            self._covering(place)
            return place
        found = self._covering(place)
        assert found is not None
        rows = [at for at, row in enumerate(found.values, start=found.top) if any(not is_empty(one) for one in row)]
        wide = [
            at
            for row in found.values
            for at, one in enumerate(row, start=found.left)
            if not is_empty(one) and (place.left == 0 or place.left <= at <= place.right)
        ]
        told = [at for at in self._written if at[0] == key(place.sheet)]
        bottom = max([*rows, *(at[1] for at in told if place.left <= at[2] <= (place.right or MAX_COLUMNS))], default=0)
        return Range(
            place.left or 1,
            place.top or 1,
            place.right or max([*wide, *(at[2] for at in told)], default=1),
            place.bottom or max(bottom, 1),
            place.sheet,
        )

    def is_clear(self, place: Range) -> bool:
        return all(is_empty(one) for row in self.rows(place) for one in row)

    def write(self, sheet: str | None, row: int, column: int, value: Json, formula: str | None = None) -> None:
        self._count(1)
        self._written[key(sheet), row, column] = (value, formula)
        self._tables.clear()

    def table(self, sheet: str | None) -> Table:
        """The block of rows under a row of headers. Raises `Unread`."""
        known = self._tables.get(key(sheet))
        if known is not None:
            return known
        place = msgspec.structs.replace(WHOLE, sheet=sheet)
        shut = self.used(place)
        area = self._covering(shut)
        rows, columns = range(1, shut.bottom + 1), range(1, shut.right + 1)
        self._count(len(rows) * len(columns))
        values: list[list[Json]] = [[None] * len(columns) for _ in rows]
        formulas: list[list[str | None]] = [[None] * len(columns) for _ in rows]
        for row in rows if area is not None else ():
            for column in columns:
                assert area is not None
                values[row - 1][column - 1] = _at(area, area.values, row, column)
                formulas[row - 1][column - 1] = _formula(area, row, column)
        for (name, row, column), (value, formula) in self._written.items():
            if name == key(sheet) and row in rows and column in columns:
                values[row - 1][column - 1], formulas[row - 1][column - 1] = value, formula
        found = self._tables[key(sheet)] = find(sheet, values, formulas)
        return found

    def _count(self, cells: int) -> None:
        self._looked_at += cells
        if self._looked_at > MAX_CELLS:
            raise TooLarge

    def _covering(self, place: Range) -> Area | None:
        for area in self.areas:
            if _covers(area.asked, place):
                return area
        if place.is_bounded and all(
            (key(place.sheet), row, column) in self._written
            for row in range(place.top, min(place.bottom, place.top + 1_000) + 1)
            for column in range(place.left, min(place.right, place.left + 100) + 1)
        ):
            return None
        raise Unread(place)


def is_empty(cell: Json) -> bool:
    return cell is None or cell == ""


def key(sheet: str | None) -> str:
    return (sheet or "").casefold()


def _covers(asked: Range, place: Range) -> bool:
    if key(asked.sheet) != key(place.sheet):
        return False
    columns = asked.left == 0 or (0 < place.left and asked.left <= place.left and place.right <= asked.right)
    rows = asked.top == 0 or (0 < place.top and asked.top <= place.top and place.bottom <= asked.bottom)
    return columns and rows


def _formula(area: Area, row: int, column: int) -> str | None:
    told = [_at(area, area.formulas, row, column), _at(area, area.values, row, column)]
    return next((one for one in told if isinstance(one, str) and one.startswith("=")), None)


def _at(area: Area, rows: Sequence[Sequence[Json]], row: int, column: int) -> Json:
    down, right = row - area.top, column - area.left
    if 0 <= down < len(rows) and 0 <= right < len(rows[down]):
        return rows[down][right]
    return None
