"""Results that are told, or put into a cell."""

import msgspec

from hub.providers.demo.workbook.orders.places import Columns
from hub.providers.demo.workbook.orders.values import (
    Aggregate,
    Arithmetic,
    Below,
    Compare,
    Compute,
    Into,
    Number,
    Value,
)
from hub.providers.demo.workbook.planning.cells import numeric_columns
from hub.providers.demo.workbook.planning.conditions import fits
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, plain, told
from hub.providers.demo.workbook.planning.looks import apply_format
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.planning.results import Result
from hub.providers.demo.workbook.planning.targets import below, beside
from hub.providers.demo.workbook.planning.values import value_of
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread


def compute(desk: Desk, order: Compute) -> None:
    into = order.into
    if isinstance(into, Range):
        into = desk.placed(into)
        if not into.is_cell and isinstance(order.value, Arithmetic):
            raise Misread
        if not into.is_cell:
            raise Refusal(f"which cell of {into.address()} should the result go into?")
        if order.here and desk.sheet is not None:
            raise Refusal(f"is “here” {plain(desk.sheet)}, or the open sheet? Name the sheet of {into.address()}")
        if not order.here:
            _check_sheets(order.value, into)
    if into is not None:
        _check_told(order.value)
    result = _placed(desk, order.value, into) if into is not None else None
    if result is None:
        found = value_of(desk, order.value, None)
        number = f"not known: {found.why}" if found.number is None else told(found.number) + "%" * found.percent
        desk.say(f"{found.said[0].upper()}{found.said[1:]} is {number}.")
        desk.about(*found.areas)
        desk.result = found.said
        return
    found, target = result
    if found.formula is None:
        raise Refusal(f"I know no formula for {found.said}")
    worth = None if found.number is None else found.number / 100 if found.percent else found.number
    desk.write_formula(target, f"={found.formula}", worth)
    act = desk.last_act
    if found.percent:
        apply_format(desk, [target], {"number_format": "0.0%"}, "per cent")
    desk.last_act = act
    desk.about(target, charted=found.areas[0] if len(found.areas) == 1 else target)


def _check_told(value: Value) -> None:
    """What may be of a whole column or of one row is told, but never put into a cell; and 12/05 may be a date."""
    if isinstance(value, Arithmetic):
        if isinstance(value.first, Number) and isinstance(value.second, Number):
            raise Refusal("is that a result, or a text? Put a text in quotes, and begin a formula with =")
        _check_told(value.first)
        _check_told(value.second)
    elif isinstance(value, Aggregate) and value.implied and not value.labels and isinstance(value.place, Columns):
        name = plain(value.place.headers[0].name)
        raise Refusal(f"the total of {name}, or each row's? Say “total {name}”, or put it into a column")


def _check_sheets(value: Value, into: Range) -> None:
    """A sheet told in words for one of both may be meant for the other too."""
    if isinstance(value, Arithmetic):
        _check_sheets(value.first, into)
        _check_sheets(value.second, into)
        return
    place = value.place if isinstance(value, Aggregate) else value
    if (
        isinstance(place, Range)
        and place.sheet != into.sheet
        and ((place.loose and into.sheet is None) or (into.loose and place.sheet is None))
    ):
        raise Refusal("which of the two ranges is on that sheet? Name it for both, as in Sheet2!B11")


def _placed(desk: Desk, value: Value, into: Into) -> tuple[Result, Range]:
    if isinstance(into, Range):
        found = value_of(desk, value, into)
        for area in found.areas:
            shut = desk.book.used(area) if not area.is_bounded else area
            if (
                shut.sheet == into.sheet
                and shut.left <= into.left <= shut.right
                and shut.top <= into.top <= shut.bottom
            ):
                raise Refusal(f"{into.address()} is within {area.address()}: a formula there would count itself")
        return found, into
    if isinstance(into, Below):
        goals = ranges(desk, into.place, "numbers")
        if len(goals) != 1:
            raise Refusal("which cell should the result go into? Those are several columns")
        table = desk.block(goals[0].sheet)
        if table.headers and goals[0].left not in numeric_columns(desk, table):
            raise Refusal("which cell should the result go into? That is no column of numbers")
        target = below(desk, goals[0], into.place)[1]
        desk.want_clear(target)
        return _placed(desk, value, target)
    if not isinstance(value, Aggregate) or value.place is None:
        raise Refusal("which cell should the result go into?")
    areas = ranges(desk, value.place, "numbers")
    if len(areas) != 1:
        raise Refusal("which cell should the result go into? Those are several ranges")
    source, target = (below if into == "below" else beside)(desk, areas[0], value.place)
    desk.want_clear(target)
    return value_of(desk, msgspec.structs.replace(value, place=source), target), target


def compare(desk: Desk, order: Compare) -> None:
    """Yes or no, and the numbers."""
    first = value_of(desk, order.first, None)
    if first.number is None:
        raise Refusal(f"{first.said} is not known: {first.why}")
    said = f"{first.said} is {told(first.number)}"
    if order.condition is not None:
        yes = fits(first.number, order.condition)
    else:
        assert order.second is not None
        second = value_of(desk, order.second, None)
        if second.number is None:
            raise Refusal(f"{second.said} is not known: {second.why}")
        yes = first.number > second.number if order.is_more else first.number < second.number
        said += f", {second.said} is {told(second.number)}"
    desk.say(f"{'Yes' if yes else 'No'}: {said}.")
    desk.about()
