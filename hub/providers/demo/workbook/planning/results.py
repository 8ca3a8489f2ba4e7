"""What a result is: its number, how it is told, its formula, and the cells that it is of."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.planning.desk import is_number
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


def address_of(place: Range, target: Range | None) -> str:
    return place.address(with_sheet=target is None or place.sheet != target.sheet)


def number_of(function: str, cells: Sequence[Json]) -> float | None:
    numbers = [cell for cell in cells if isinstance(cell, int | float) and is_number(cell)]
    return _FUNCTIONS[function](numbers) if numbers else None
