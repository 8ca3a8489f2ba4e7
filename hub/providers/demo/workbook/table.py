"""Where the table of a sheet is: a row of headers, rows below it, at their end perhaps a row of totals."""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.ranges import Range

_TOTALS = frozenset({"total", "totals", "sum", "grand total", "average", "overall", "subtotal"})
_OF_MANY = ("=SUM(", "=AVERAGE(", "=MIN(", "=MAX(", "=COUNT(", "=COUNTA(", "=MEDIAN(", "=SUBTOTAL(")


class Table(msgspec.Struct, frozen=True):
    """Sides from 1, all included. `headers` are empty where the first row is not one of texts; `top` is the header's
    row then too. `bottom` is the last row of the rows below, without one of totals, whose row is `totals` (else 0)."""

    sheet: str | None
    left: int
    top: int
    right: int
    bottom: int
    headers: tuple[str, ...]
    totals: int = 0

    @property
    def first(self) -> int:
        """The first row of values."""
        return self.top + (1 if self.headers else 0)

    @property
    def last(self) -> int:
        """The last row that is in use, totals included."""
        return max(self.bottom, self.totals)

    def columns(self, *columns: int, with_header: bool = False, with_totals: bool = False) -> Range:
        """From the first of these to the last."""
        top = self.top if with_header else self.first
        return Range(min(columns), top, max(columns), self.last if with_totals else self.bottom, self.sheet)

    def header(self, column: int) -> str:
        at = column - self.left
        return self.headers[at] if 0 <= at < len(self.headers) else ""


def find(sheet: str | None, rows: Sequence[Sequence[Json]], formulas: Sequence[Sequence[str | None]]) -> Table:
    """`rows` begin at A1."""
    filled = [[at for at, cell in enumerate(row, start=1) if cell not in (None, "")] for row in rows]
    used = [at for at, cells in enumerate(filled, start=1) if cells]
    if not used:
        return Table(sheet, 1, 1, 1, 1, ())
    # A title above the table is one cell alone.
    top = used[0]
    if len(filled[top - 1]) == 1 and _is_text(rows[top - 1][filled[top - 1][0] - 1]):
        top = next((at for at in used if len(filled[at - 1]) > 1), top)
    left = filled[top - 1][0]
    right = left
    while right + 1 in filled[top - 1]:
        right += 1
    bottom = top
    while bottom < len(rows) and any(left <= at <= right for at in filled[bottom]):
        bottom += 1
    cells = rows[top - 1][left - 1 : right]
    has_headers = all(_is_text(cell) for cell in cells) and bottom > top
    headers = tuple(str(cell).strip() for cell in cells) if has_headers else ()
    totals = 0
    if has_headers and bottom > top + 1 and _is_totals(rows[bottom - 1], formulas[bottom - 1], left, right):
        totals, bottom = bottom, bottom - 1
        while bottom > top and not any(left <= at <= right for at in filled[bottom - 1]):
            bottom -= 1
    return Table(sheet, left, top, right, bottom, headers, totals)


def _is_text(cell: Json) -> bool:
    return isinstance(cell, str) and not cell.startswith("=") and bool(cell.strip())


def _is_totals(row: Sequence[Json], formulas: Sequence[str | None], left: int, right: int) -> bool:
    first = row[left - 1]
    named = isinstance(first, str) and first.strip().casefold() in _TOTALS
    of_many = [one for one in formulas[left - 1 : right] if one and one.replace(" ", "").upper().startswith(_OF_MANY)]
    return named or bool(
        of_many and len([cell for cell in row[left - 1 : right] if cell not in (None, "")]) == len(of_many)
    )
