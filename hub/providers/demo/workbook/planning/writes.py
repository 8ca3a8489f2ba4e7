"""Values: written, replaced, copied, moved, filled down, cleared."""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.orders import Clear, Copy, Fill, FillDown, Replace, Write
from hub.providers.demo.workbook.orders.places import Columns
from hub.providers.demo.workbook.planning.cells import joined
from hub.providers.demo.workbook.planning.columns import safe_text
from hub.providers.demo.workbook.planning.desk import Act, Desk, Refusal, plain, text_of
from hub.providers.demo.workbook.planning.formulas import check_formula, moved
from hub.providers.demo.workbook.planning.looks import apply_format
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, MAX_ROWS, Range, letters


def write(desk: Desk, order: Write) -> None:
    found = ranges(desk, order.target, "values")
    place = found[0]
    if len(found) != 1 or not place.is_bounded:
        raise Refusal(f"which cells of {place.address()}? Name them, such as B2:B10")
    if order.more and not desk.steps:
        raise Refusal("write what?")
    if order.was is not None:
        cell = desk.book.rows(place)[0][0]
        if not place.is_cell or cell != order.was.value:
            raise Refusal(f"{place.address()} is {text_of(cell)}, not {plain(str(order.was.value))}")
    if len(order.values) == 1:
        _fill(desk, place, order.values[0])
    else:
        cells = [_value(one) for one in order.values]
        down, across = place.bottom - place.top + 1, place.right - place.left + 1
        if len(cells) != down * across or min(down, across) != 1:
            raise Refusal(f"{len(cells)} values do not fit into {place.address()}")
        rows = [cells] if down == 1 else [[one] for one in cells]
        desk.write_values(place, rows, "I wrote {values} into {place}.")
    act = desk.last_act
    if all(fill.kind == "percent" for fill in order.values):
        apply_format(desk, [place], {"number_format": "0%" if _is_whole(order.values) else "0.0%"}, "per cent")
    desk.last_act = act
    desk.about(place)


def _is_whole(values: Sequence[Fill]) -> bool:
    return all(isinstance(one.value, int | float) and round(one.value * 100, 8) % 1 == 0 for one in values)


def _value(fill: Fill) -> Json:
    if fill.kind in ("formula", "today"):
        raise Refusal("I can write one formula at a time")
    return safe_text(fill.value) if isinstance(fill.value, str) else fill.value


def _fill(desk: Desk, place: Range, fill: Fill) -> None:
    if fill.kind in ("formula", "today"):
        desk.write_formula(place, check_formula(desk, str(fill.value)))
        return
    across, down = place.right - place.left + 1, place.bottom - place.top + 1
    desk.write_values(place, [[_value(fill)] * across] * down, "I wrote {values} into {place}.")


def replace(desk: Desk, order: Replace) -> None:
    """Whole cells alone. Where the text is a part of others, it is not told whether they are meant."""
    places = ranges(desk, order.place, "values") if order.place is not None else []
    if not places:
        table = desk.block()
        places = [table.columns(table.left, table.right, with_header=True, with_totals=True)]
    shut = [desk.book.used(place) for place in places]
    found: list[Range] = []
    for place in shut:
        for row, cells in enumerate(desk.book.rows(place), start=place.top):
            for column, cell in enumerate(cells, start=place.left):
                if desk.book.formula(place.sheet, row, column) is not None or is_empty(cell):
                    continue
                if _is(cell, order.old):
                    found.append(Range(column, row, column, row, place.sheet))
                elif isinstance(order.old, str) and order.old.casefold() in str(cell).casefold():
                    raise Refusal(f"“{plain(order.old)}” is a part of “{plain(str(cell))}”: name the cell to change")
    if not found:
        raise Refusal(f"no cell is “{plain(str(order.old))}”")
    if len(found) > 1 and not order.everywhere:
        raise Refusal(f"{len(found)} cells are “{plain(str(order.old))}”: say “replace all”, or name the cell")
    value = safe_text(order.new) if isinstance(order.new, str) else order.new
    for place in joined(found):
        across, down = place.right - place.left + 1, place.bottom - place.top + 1
        desk.write_values(place, [[value] * across] * down, "I wrote {values} into {place}.")
    desk.about(*joined(found))


def _is(cell: Json, old: str | float) -> bool:
    if isinstance(old, str):
        return isinstance(cell, str) and cell.strip().casefold() == old.strip().casefold()
    return isinstance(cell, int | float) and not isinstance(cell, bool) and cell == old


def copy(desk: Desk, order: Copy) -> None:
    """Values and formulas, which stay as they are where they refer to nothing beside them."""
    purpose = "look" if isinstance(order.source, Columns) and not order.source.values else "values"
    found = ranges(desk, order.source, "look" if purpose == "look" else "values")
    if len(found) != 1:
        raise Refusal("I can copy one range at a time")
    given, target = found[0], desk.placed(order.target)
    if (target.loose and given.sheet is None) or (given.loose and target.sheet is None):
        raise Refusal("is the other range on that sheet too? Name it for both, as in Sheet2!B11")
    source = desk.book.used(given)
    goal = _goal(source, target, is_column=given.top == 0 or isinstance(order.source, Columns))
    if goal.sheet == source.sheet and _overlap(source, goal):
        raise Refusal(f"{source.address()} and {goal.address()} overlap")
    if not desk.book.is_clear(goal):
        raise Refusal(f"{goal.address()} is not empty: name a free range, or clear it first")
    cells = [
        (row, column)
        for row in range(source.top, source.bottom + 1)
        for column in range(source.left, source.right + 1)
        if desk.book.formula(source.sheet, row, column) is not None
    ]
    if cells:
        raise Refusal(f"{source.address()} has formulas, which I do not copy")
    rows = desk.book.rows(source)
    desk.write_values(goal, rows, f"I copied {source.address()} to {{place}}.")
    if order.move:
        clear_cells(desk, source)
    desk.about(goal)


def _goal(source: Range, target: Range, *, is_column: bool) -> Range:
    """A cell is the upper left corner; else the shape has to be the same."""
    down, across = source.bottom - source.top, source.right - source.left
    if target.left == 0:
        if target.top != target.bottom or source.top != source.bottom:
            raise Refusal("I can copy one row to one row")
        target = Range(source.left, target.top, source.left, target.top, target.sheet)
    if target.top == 0 and target.left:
        if not (is_column or source.is_bounded) or target.right - target.left != across:
            raise Refusal(f"which cells of {target.address()}? Name the first one")
        target = Range(target.left, source.top, target.left, source.top, target.sheet)
    if target.is_cell:
        return Range(target.left, target.top, target.left + across, target.top + down, target.sheet)
    if (target.bottom - target.top, target.right - target.left) != (down, across) or not target.is_bounded:
        raise Refusal(f"{source.address()} does not fit into {target.address()}")
    return msgspec.structs.replace(target, loose=False)


def _overlap(one: Range, two: Range) -> bool:
    return one.left <= two.right and two.left <= one.right and one.top <= two.bottom and two.top <= one.bottom


def clear(desk: Desk, order: Clear) -> None:
    for place in order.places:
        if isinstance(place, Columns) and not place.values:
            name = plain(place.headers[0].name)
            raise Refusal(f"with its header, or the values alone? Say “clear the {name} values”, or name the cells")
        for found in ranges(desk, place, "values"):
            clear_cells(desk, found)


def clear_cells(desk: Desk, place: Range) -> None:
    desk.act(Act("clear_range", place, {}, "I cleared the contents of {place}."))
    if place.is_bounded:
        for row in range(place.top, min(place.bottom, place.top + 10_000) + 1):
            for column in range(place.left, place.right + 1):
                desk.book.write(place.sheet, row, column, None)
    else:
        desk.is_shifted = True
    desk.about(place)


def fill_down(desk: Desk, order: FillDown) -> None:
    """From the first row of what was written, or of the cells named, to the row that is told or the table's last."""
    source = desk.placed(order.source) if order.source is not None else desk.it[0] if len(desk.it) == 1 else None
    if source is None or not source.is_bounded or source.top != source.bottom or desk.result is not None:
        raise Refusal("fill down which cell? Name it")
    if order.column and order.column != source.right:
        raise Refusal("filling down stays in its column")
    last = order.row or desk.block(source.sheet).bottom
    if not source.top < last <= MAX_ROWS or source.right > MAX_COLUMNS:
        raise Refusal(f"there is nothing below {source.address()} to fill")
    desk.book.rows(source)
    for column in range(source.left, source.right + 1):
        rest = Range(column, source.top + 1, column, last, source.sheet)
        if not desk.book.is_clear(rest):
            raise Refusal(f"{rest.address()} is not empty: clear it first, or name where it should end")
        formula = desk.book.formula(source.sheet, source.top, column)
        value = desk.book.value(source.sheet, source.top, column)
        if formula is not None:
            desk.write_formula(rest, moved(formula, 1, 0), said="I filled {place} with {formula}.")
        elif is_empty(value):
            raise Refusal(f"{letters(column)}{source.top} is empty")
        else:
            desk.write_values(rest, [[value]] * (last - source.top), "I wrote {values} into {place}.")
    desk.about(Range(source.left, source.top, source.right, last, source.sheet))
    desk.last_act = None
