"""Tables in other shapes than lines with a delimiter: a JSON array of flat objects, and columns aligned by spaces."""

import json
import re
from collections.abc import Sequence

MAX_TRIES = 5
"""Places in a text at which an array is tried."""

_ARRAY = re.compile(r"\[\s*\{")
_GAP = re.compile(r"\s{2,}")


def find_records(text: str) -> tuple[list[list[str]], int, int] | None:
    """The rows of an array of flat objects, the names of the fields first, and where it begins and ends in the text."""
    decoder = json.JSONDecoder()
    for tried, found in enumerate(_ARRAY.finditer(text)):
        if tried == MAX_TRIES:
            break
        try:
            value, end = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        rows = _rows(value)
        if rows is not None:
            return rows, found.start(), end
    return None


def _rows(value: object) -> list[list[str]] | None:
    if not isinstance(value, list) or not all(isinstance(record, dict) and record for record in value):
        return None
    cells = [cell for record in value for cell in record.values()]
    if any(isinstance(cell, dict | list) for cell in cells):
        return None
    names = list(dict.fromkeys(name for record in value for name in record))
    return [names, *([_cell(record.get(name)) for name in names] for record in value)]


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return " ".join(str(value).split())


def aligned(lines: Sequence[str]) -> tuple[list[list[str]], int, int] | None:
    """The longest run of three lines or more that gaps of two spaces cut into as many cells; its first and end line."""
    best: tuple[list[list[str]], int, int] | None = None
    rows: list[list[str]] = []
    for place, line in enumerate([*lines, ""]):
        cells = _GAP.split(line.strip())
        if rows and len(cells) == len(rows[0]):
            rows.append(cells)
            continue
        if len(rows) >= 3 and (best is None or len(rows) > len(best[0])):
            best = rows, place - len(rows), place
        rows = [cells] if len(cells) >= 2 else []
    return best
