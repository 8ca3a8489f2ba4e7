"""What results come to, how they are told, and the formula that gives them in a cell."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.places import Columns, Condition, Crossing, Header
from hub.providers.demo.workbook.orders.values import (
    Aggregate,
    Arithmetic,
    CountColumns,
    CountRows,
    Growth,
    Number,
    Value,
)
from hub.providers.demo.workbook.planning.cells import cells_of, column_of, crossing, row_of, rows_with
from hub.providers.demo.workbook.planning.conditions import rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, is_number, plain, told
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.planning.targets import without
from hub.providers.demo.workbook.ranges import Range

NAMES = {"SUM": "sum", "AVERAGE": "average", "MIN": "minimum", "MAX": "maximum", "MEDIAN": "median"}
NAMES |= {"COUNTA": "count", "COUNT": "count of numbers"}


_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVERAGE": lambda numbers: sum(numbers) / len(numbers),
    "MIN": min,
    "MAX": max,
    "MEDIAN": median,
    "COUNT": len,
}


class Result(msgspec.Struct, frozen=True):
    """`number` None: not known, and `why`. `formula` without its =; None where no formula gives it.

    `areas` are the cells that it is of."""

    number: float | None
    said: str
    formula: str | None
    areas: tuple[Range, ...] = ()
    percent: bool = False
    why: str = "there are no numbers in it"


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


def _address(place: Range, target: Range | None) -> str:
    return place.address(with_sheet=target is None or place.sheet != target.sheet)


def _cell(desk: Desk, place: Range, target: Range | None, said: str) -> Result:
    cell = desk.book.rows(place)[0][0]
    if not isinstance(cell, int | float) or isinstance(cell, bool):
        if target is None or is_empty(cell):
            raise Refusal(f"{place.address()} has no number")
        return Result(None, said, _address(place, target), (place,))
    return Result(cell, said, _address(place, target), (place,))


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
        return Result(number, name, f"COUNTA({_address(place, target)})", (place,))
    table, rows = rows_where(desk, value.where)
    column = _condition_column(desk, value.where)
    place = table.columns(column)
    sign, said = _criterion(value.where)
    formula = None if sign is None else f"COUNTIF({_address(place, target)},{sign})"
    return Result(len(rows), f"the number of rows with {plain(table.header(column))} {said}", formula, (place,))


def _condition_column(desk: Desk, where: Condition) -> int:
    if isinstance(where.column, Header):
        return column_of(desk, where.column)[1]
    assert where.column is not None
    return where.column.left


def _criterion(where: Condition) -> tuple[str | None, str]:
    """As a formula takes it, and as it is told."""
    if where.also is not None:
        rest = _criterion(where.also)[1]
        assert isinstance(where.also.column, Header)
        first = _criterion(msgspec.structs.replace(where, also=None))[1]
        return None, f"{first} and {plain(where.also.column.name)} {rest}"
    if where.text is not None:
        text = where.text.replace('"', '""')
        return (None if set(text) & set("*?~<>=") else f'"{text}"'), f"“{plain(where.text)}”"
    if where.sign == "between":
        return None, f"between {told(where.low)} and {told(where.high)}"
    words = {">": "over", ">=": "at least", "<": "under", "<=": "at most", "=": "of"}
    sign = "" if where.sign == "=" else where.sign
    return f'"{sign}{where.low:.15g}"', f"{words[where.sign]} {told(where.low)}"


def _aggregate(desk: Desk, value: Aggregate, target: Range | None) -> Result:
    if value.place is None:
        if not desk.it:
            raise Refusal(f"the {NAMES[value.function]} of what? Name a column or a range")
        areas: list[Range] = list(desk.it)
    else:
        areas = ranges(desk, value.place, "numbers" if value.function != "COUNTA" else "values")
    if value.labels or value.where is not None:
        return _of_some(desk, value, areas, target)
    if target is not None:
        areas = [without(desk, area, target) for area in areas]
    name = (
        " and ".join(plain(header.name) for header in value.place.headers)
        if isinstance(value.place, Columns)
        else ", ".join(area.address() for area in areas)
    )
    said = f"the {NAMES[value.function]} of {name}"
    cells = cells_of(desk, areas)
    formula = f"{value.function}({','.join(_address(area, target) for area in areas)})"
    if value.function == "COUNTA":
        return Result(len(cells), said, formula, tuple(areas))
    return Result(_number(value.function, cells), said, formula, tuple(areas))


def _number(function: str, cells: Sequence[Json]) -> float | None:
    numbers = [cell for cell in cells if isinstance(cell, int | float) and is_number(cell)]
    return _FUNCTIONS[function](numbers) if numbers else None


def _of_some(desk: Desk, value: Aggregate, areas: list[Range], target: Range | None) -> Result:
    """Of a column, in the rows that have a label, or where a condition holds."""
    if not isinstance(value.place, Columns) or len(value.place.headers) != 1 or (value.labels and value.where):
        raise Refusal("I can do that for one column that is named by its header")
    table, column = column_of(desk, value.place.headers[0])
    area = areas[0]
    if value.where is not None:
        of, rows = rows_where(desk, value.where)
        at = _condition_column(desk, value.where)
        sign, told_so = _criterion(value.where)
        said = f"where {plain(of.header(at))} is {told_so}"
    else:
        of, at = table, value.labels[0].column
        if any((label.sheet, label.column) != (value.labels[0].sheet, at) for label in value.labels) or at == column:
            raise Refusal("those names are not in one column")
        if value.from_to:
            return _between(desk, value, area, target)
        rows = sorted(row for label in value.labels for row in rows_with(desk, label))
        of = desk.table(value.labels[0].sheet)
        sign = _criterion(Condition(None, "=", text=str(value.labels[0].value)))[0] if len(value.labels) == 1 else None
        said = "for " + ", ".join(plain(str(label.value)) for label in value.labels)
    if of.sheet != table.sheet:
        raise Refusal("both have to be on one sheet")
    number = _number(value.function, [desk.book.value(table.sheet, row, column) for row in rows])
    formula = None
    if value.function in ("SUM", "AVERAGE") and sign is not None:
        formula = f"{value.function}IF({_address(of.columns(at), target)},{sign},{_address(area, target)})"
    name = plain(value.place.headers[0].name)
    return Result(number, f"the {NAMES[value.function]} of {name} {said}", formula, (area,), why="no row is so")


def _between(desk: Desk, value: Aggregate, area: Range, target: Range | None) -> Result:
    """From the row of one label to that of another."""
    first, last = (row_of(desk, label) for label in value.labels)
    if first > last:
        raise Refusal("the rows are in the other order")
    place = msgspec.structs.replace(area, top=first, bottom=last)
    ends = " to ".join(plain(str(label.value)) for label in value.labels)
    assert isinstance(value.place, Columns)
    said = f"the {NAMES[value.function]} of {plain(value.place.headers[0].name)} from {ends}"
    formula = f"{value.function}({_address(place, target)})"
    return Result(_number(value.function, cells_of(desk, [place])), said, formula, (place,))
