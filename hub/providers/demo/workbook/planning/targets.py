"""Where the result of a range goes, if that is told by the range: below it, beside it, at the end of its column."""

import msgspec

from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.places import Columns, Place
from hub.providers.demo.workbook.planning.desk import Desk, Refusal
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, MAX_ROWS, Range


def below(desk: Desk, source: Range, place: Place) -> tuple[Place, Range]:
    """The source, with its open end shut, and the cell."""
    if source.left != source.right or source.left == 0:
        raise Refusal("below which column? Name one column, or the cell that the result should go into")
    shut = desk.book.used(source)
    if shut.bottom >= MAX_ROWS:
        raise Refusal("there is no row for the result")
    found: Place = place if isinstance(place, Columns) else shut
    return found, msgspec.structs.replace(shut, top=shut.bottom + 1, bottom=shut.bottom + 1)


def beside(desk: Desk, source: Range, place: Place) -> tuple[Place, Range]:
    if not source.is_bounded or source.right >= MAX_COLUMNS:
        raise Refusal("next to what? Name the cell that the result should go into")
    if source.left != source.right and source.top != source.bottom:
        raise Refusal("next to which cell? Name the cell that the result should go into")
    at = source.right + 1
    return place, msgspec.structs.replace(source, left=at, right=at, bottom=source.top)


def without(desk: Desk, source: Range, target: Range) -> Range:
    """A whole column that has the target ends above it."""
    left, right = source.left or 1, source.right or MAX_COLUMNS
    top, bottom = source.top or 1, source.bottom or MAX_ROWS
    apart = (source.sheet or "").casefold() != (target.sheet or "").casefold()
    if apart or not (left <= target.left <= right and top <= target.top <= bottom):
        return source
    if source.top or left != right or target.top == 1:
        raise Refusal(f"{target.address()} is within {source.address()}: a formula there would count itself")
    rows = desk.book.rows(source)
    if any(not is_empty(cell) for row in rows[target.top :] for cell in row):
        raise Refusal(f"column {source.address()} goes on below {target.address()}: name the cells, such as B2:B10")
    return msgspec.structs.replace(source, top=1, bottom=target.top - 1)
