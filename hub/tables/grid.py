"""Finding a table in a text, and its cells: CSV by comma or semicolon, cells out of a spreadsheet, Markdown.

A message often has words before and after the table. The table is the longest run of lines that one delimiter cuts
into two cells or more; a column of numbers counts too.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from hub.tables.cells import is_missing, read_date, read_number
from hub.tables.records import aligned, find_records

Delimiter = str
"""One of "\\t", "|", ";", ",", "  " for aligned columns, "json", or "" for a single column."""

MAX_QUOTED_LINES = 100
"""A quoted cell with more line breaks is taken for a stray quote."""

_QUOTE_OPENS = {mark: re.compile(rf'(?:^|{re.escape(mark)})[ ]?"') for mark in "\t;,"}
_RULE_CELL = re.compile(r"\s*:?-+:?\s*")
MAX_WIDTHS = 100
"""In how many widths the records of a table may come before nobody looks for the usual one."""
_FENCE = re.compile(r"\s*(```|~~~)")
_PROSE_END = re.compile(r"[?!:]$|[^\W\d_]{2}\.$")


class Grid(msgspec.Struct, frozen=True):
    """The cells of a table as text, and where it stood: lines `first` to `last` (exclusive) of the text."""

    rows: Sequence[Sequence[str]]
    delimiter: Delimiter
    first: int
    last: int
    has_rule: bool = False
    """A Markdown table's rule was found: the first row is its header."""
    span: tuple[int, int] | None = None
    """Of a JSON array: where it begins and ends, in characters; it need not fill its lines."""


def find_grid(text: str) -> Grid | None:
    """The largest table in the text; None if there is none. Time is linear in the text."""
    records = find_records(text)
    if records is not None:
        rows, start, end = records
        return Grid(rows, "json", 0, 0, True, (start, end))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    best: Grid | None = None
    for delimiter in ("\t", "|", ";", ","):
        if sum(delimiter in line for line in lines) < 2:
            continue
        grid = _longest(lines, delimiter)
        if grid is not None and (best is None or _weight(grid) > _weight(best)):
            best = grid
    if best is None:
        spaced = aligned(lines)
        best = None if spaced is None else Grid(spaced[0], "  ", spaced[1], spaced[2])
    return _single_column(lines) if best is None else best


def around(text: str, grid: Grid) -> str:
    """The text without the table: what the user says about it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = lines[: grid.first] + lines[grid.last :]
    if grid.span is not None:
        kept = (text[: grid.span[0]] + "\n" + text[grid.span[1] :]).splitlines()
    return "\n".join(line for line in kept if _FENCE.match(line) is None).strip()


def table_text(text: str, grid: Grid) -> str:
    """The table alone, as it stood in the text."""
    if grid.span is not None:
        return text[grid.span[0] : grid.span[1]]
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(lines[grid.first : grid.last])


def _weight(grid: Grid) -> int:
    """Cells; a delimiter that cuts more wins, and numbers torn apart at their decimal comma do not."""
    cells = sum(len(row) for row in grid.rows)
    return cells * (4 if grid.delimiter == "\t" or grid.has_rule else 2 if grid.delimiter == ";" else 1)


def _longest(lines: Sequence[str], delimiter: Delimiter) -> Grid | None:
    best: Grid | None = None
    place = 0
    while place < len(lines):
        start = place
        records: list[tuple[int, list[str]]] = []
        has_rule = False
        while place < len(lines):
            end = _record_end(lines, place, delimiter)
            record = "\n".join(lines[place:end])
            if delimiter not in record or _is_prose(record, delimiter):
                break
            cells = _cells(record, delimiter)
            if cells is None or len(cells) < 2:
                break
            if delimiter == "|" and all(_RULE_CELL.fullmatch(cell) for cell in cells):
                has_rule = has_rule or len(records) == 1
            else:
                records.append((place, cells))
            place = end
        grid = _settle(records, delimiter, start, place, has_rule)
        if grid is not None and (best is None or _weight(grid) > _weight(best)):
            best = grid
        place = max(place, start + 1)
    return best


def _settle(
    records: list[tuple[int, list[str]]], delimiter: Delimiter, first: int, last: int, has_rule: bool
) -> Grid | None:
    """A grid from a run of records: their usual width counts, and lines of words at the top are left out."""
    records, first = _without_words(records, delimiter, first)
    if delimiter == ",":
        top = _of_other_width(records)
        if top:
            records = records[top:]
            first = records[0][0]
    if len(records) < 2:
        return None
    rows = [cells for _, cells in records]
    last = min(last, records[-1][0] + max(1, 1 + sum(cell.count("\n") for cell in rows[-1])))
    width = max(len(row) for row in rows)
    if delimiter == "," and not has_rule:
        usual_count = sum(len(row) == len(rows[0]) for row in rows)
        if usual_count * 2 < len(rows) or _looks_like_words(rows):
            return None
    return Grid([row + [""] * (width - len(row)) for row in rows], delimiter, first, last, has_rule)


def _of_other_width(records: Sequence[tuple[int, list[str]]]) -> int:
    """How many records at the top are not as wide as most of those below them."""
    widths = Counter(len(cells) for _, cells in records)
    top = 0
    for _, cells in records[:-1]:
        widths[len(cells)] -= 1
        # As many widths as there are would be looked at for each record; those who differ that much are no table.
        usual = max(widths, key=lambda width: (widths[width], width))
        if len(cells) == usual or len(widths) > MAX_WIDTHS:
            break
        top += 1
    return top


def _without_words(
    records: list[tuple[int, list[str]]], delimiter: Delimiter, first: int
) -> tuple[list[tuple[int, list[str]]], int]:
    """Leave out the user's own words right above and below a table by comma, where there is no blank line between."""
    if delimiter != "," or len(records) < 4 or not any(_is_value(cell) for cell in records[-2][1]):
        return records, first
    if _is_sentence(records[-1][1]):
        records = records[:-1]
    # The header has no values either, so the line above it is told by the header below it.
    if _is_sentence(records[0][1]) and not any(_is_value(cell) for cell in records[1][1]):
        records = records[1:]
        first = records[0][0]
    return records, first


def _ends_as_prose(text: str) -> bool:
    return _PROSE_END.search(text.rstrip()[-3:]) is not None


def _is_sentence(cells: Sequence[str]) -> bool:
    return not any(_is_value(cell) for cell in cells) and max(len(cell.split()) for cell in cells) >= 3


def _record_end(lines: Sequence[str], place: int, delimiter: Delimiter) -> int:
    """Past the record that begins at `place`: more than one line if a quoted cell goes on."""
    line = lines[place]
    if delimiter == "|" or line.count('"') % 2 == 0 or _QUOTE_OPENS[delimiter].search(line) is None:
        return place + 1
    for end in range(place + 1, min(len(lines), place + MAX_QUOTED_LINES)):
        if lines[end].count('"') % 2 == 1:
            return end + 1
    return place + 1


def _cells(record: str, delimiter: Delimiter) -> list[str] | None:
    if delimiter == "|":
        body = record.strip().removeprefix("|")
        body = body[:-1] if body.endswith("|") and not body.endswith("\\|") else body
        return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", body)]
    if '"' not in record:
        return [cell.strip() for cell in record.split(delimiter)]
    try:
        rows = list(csv.reader(record.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return None
    return [cell.strip() for cell in rows[0]] if len(rows) == 1 else [cell.strip() for cell in record.split(delimiter)]


def _is_prose(record: str, delimiter: Delimiter) -> bool:
    """A line of words that happens to hold the delimiter."""
    if delimiter in "\t|" or _FENCE.match(record):
        return bool(_FENCE.match(record))
    words = len(record.split())
    if delimiter == "," and _ends_as_prose(record) and words >= 3 and '"' not in record:
        return True
    return words > 12 * (record.count(delimiter) + 1)


def _looks_like_words(rows: Sequence[Sequence[str]]) -> bool:
    """Sentences with commas make runs too: no number or date in them, and cells of many words."""
    cells = [cell for row in rows for cell in row if cell]
    if any(_is_value(cell) for cell in cells):
        return False
    return sum(len(cell.split()) for cell in cells) > 2 * len(cells)


def _single_column(lines: Sequence[str]) -> Grid | None:
    """A run of three lines or more that are each one number, with the line above as its header."""
    best: tuple[int, int] | None = None
    place = 0
    while place < len(lines):
        start = place
        while place < len(lines) and lines[place].strip() and _is_value(lines[place]):
            place += 1
        if place - start >= 3 and (best is None or place - start > best[1] - best[0]):
            best = (start, place)
        place = max(place, start + 1)
    if best is None:
        return None
    first, last = best
    above = lines[first - 1].strip() if first else ""
    if above and len(above.split()) <= 3 and not _ends_as_prose(above):
        first -= 1
    return Grid([[line.strip()] for line in lines[first:last]], "", first, last)


def _is_value(cell: str) -> bool:
    return not is_missing(cell) and (read_number(cell, ".") is not None or read_date(cell, "mdy") is not None)
