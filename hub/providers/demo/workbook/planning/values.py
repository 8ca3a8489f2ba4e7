"""What results come to, how they are told, and the formula that gives them in a cell."""

from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.places import Columns, Crossing
from hub.providers.demo.workbook.orders.values import (
    Aggregate,
    Arithmetic,
    CountColumns,
    CountRows,
    Growth,
    Number,
    Value,
)
from hub.providers.demo.workbook.planning.cells import cells_of, column_of, crossing, numeric_columns
from hub.providers.demo.workbook.planning.conditions import condition_column, criterion, rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, plain, told
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.planning.results import NAMES, Result, address_of, number_of
from hub.providers.demo.workbook.planning.some_rows import check_each, of_some
from hub.providers.demo.workbook.planning.targets import without
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread


def value_of(desk: Desk, value: Value, target: Range | None) -> Result:
    """`target`: the cell that the formula is for."""
    match value:
        case Number(number):
            return Result(number, told(number), f"{number:.15g}")
        case Range():
            return _cell(desk, desk.placed(value), target, value.address())
        case Crossing():
            said = f"{plain(value.column.name)} of {plain(str(value.label.value))}"
            return _cell(desk, crossing(desk, value), target, said)
        case Growth():
            return _growth(desk, value, target)
        case Arithmetic():
            return _arithmetic(desk, value, target)
        case CountColumns():
            table = desk.table()
            return Result(len(table.headers), "the number of columns", None)
        case CountRows():
            return _count_rows(desk, value, target)
        case Aggregate():
            return _aggregate(desk, value, target)


def _cell(desk: Desk, place: Range, target: Range | None, said: str) -> Result:
    cell = desk.book.rows(place)[0][0]
    if not isinstance(cell, int | float) or isinstance(cell, bool):
        if target is None or is_empty(cell):
            raise Refusal(f"{place.address()} has no number")
        return Result(None, said, address_of(place, target), (place,))
    return Result(cell, said, address_of(place, target), (place,))


def _growth(desk: Desk, value: Growth, target: Range | None) -> Result:
    first = _cell(desk, crossing(desk, Crossing(value.column, value.first)), target, "")
    last = _cell(desk, crossing(desk, Crossing(value.column, value.last)), target, "")
    if not first.number or last.number is None:
        raise Refusal(f"the first of both is {first.number or 'not known'}, so there is no growth in per cent")
    ends = " to ".join(plain(str(label.value)) for label in (value.first, value.last))
    said = f"the change of {plain(value.column.name)} from {ends}"
    said += f" ({told(first.number)} to {told(last.number)})"
    return Result(
        round(100 * (last.number / first.number - 1), 10),
        said,
        f"{last.formula}/{first.formula}-1",
        (*first.areas, *last.areas),
        percent=True,
    )


def _arithmetic(desk: Desk, value: Arithmetic, target: Range | None) -> Result:
    for part in (value.first, value.second):
        if isinstance(part, Aggregate) and part.implied and isinstance(part.place, Columns):
            table, column = column_of(desk, part.place.headers[0])
            # "Cost over the months" divides nothing.
            if column not in numeric_columns(desk, table):
                raise Misread
    first, second = (value_of(desk, one, target) for one in (value.first, value.second))
    formula = None
    if first.formula is not None and second.formula is not None:
        parts = [
            f"({one.formula})" if isinstance(whole, Arithmetic) else one.formula
            for one, whole in ((first, value.first), (second, value.second))
        ]
        formula = f"{parts[0]}{'/' if value.sign == '%' else value.sign}{parts[1]}"
    words = {"-": "minus", "+": "plus", "*": "times", "/": "divided by", "%": "as a percentage of"}
    said = f"{first.said} {words[value.sign]} {second.said}"
    areas = first.areas + second.areas
    if first.number is None or second.number is None:
        if target is None:
            raise Refusal(f"I do not know what {said} comes to")
        return Result(None, said, formula, areas, percent=value.sign == "%")
    a, b = first.number, second.number
    if value.sign in ("/", "%") and b == 0:
        raise Refusal(f"{second.said} is 0, so nothing can be divided by it")
    number = a - b if value.sign == "-" else a + b if value.sign == "+" else a * b if value.sign == "*" else a / b
    number = round(100 * number if value.sign == "%" else number, 10)
    return Result(number, said, formula, areas, percent=value.sign == "%")


def _count_rows(desk: Desk, value: CountRows, target: Range | None) -> Result:
    sheet = value.column.sheet if value.column is not None else None
    if value.where is None:
        table = desk.table(sheet)
        column = column_of(desk, value.column)[1] if value.column is not None else table.left
        place = table.columns(column)
        number = len(cells_of(desk, [place]))
        name = f"the number of rows with a {plain(table.header(column))}" if value.column else "the number of rows"
        return Result(number, name, f"COUNTA({address_of(place, target)})", (place,))
    table, rows = rows_where(desk, value.where)
    column = condition_column(desk, value.where)
    place = table.columns(column)
    sign, said = criterion(value.where)
    formula = None if sign is None else f"COUNTIF({address_of(place, target)},{sign})"
    return Result(len(rows), f"the number of rows with {plain(table.header(column))} {said}", formula, (place,))


def _aggregate(desk: Desk, value: Aggregate, target: Range | None) -> Result:
    if value.place is None:
        if not desk.it:
            raise Refusal(f"the {NAMES[value.function]} of what? Name a column or a range")
        areas: list[Range] = list(desk.it)
    else:
        areas = ranges(desk, value.place, "numbers" if value.function != "COUNTA" else "values")
    if value.per is not None:
        if value.function != "AVERAGE":
            raise Misread
        check_each(desk, value, value.per)
    if value.among is not None:
        check_each(desk, value, value.among)
    if value.labels or value.where is not None:
        return of_some(desk, value, areas, target)
    if target is not None:
        areas = [without(desk, area, target) for area in areas]
    name = (
        " and ".join(plain(header.name) for header in value.place.headers)
        if isinstance(value.place, Columns)
        else ", ".join(area.address() for area in areas)
    )
    said = f"the {NAMES[value.function]} of {name}"
    cells = cells_of(desk, areas)
    formula = f"{value.function}({','.join(address_of(area, target) for area in areas)})"
    if value.function == "COUNTA":
        return Result(len(cells), said, formula, tuple(areas))
    return Result(number_of(value.function, cells), said, formula, tuple(areas))
