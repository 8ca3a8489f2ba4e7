"""Ranges as people name them: `Sheet2!B2:B20`, "column B", "rows 2 to 5", "cells A1 to C5 on sheet Data"."""

import re

import msgspec

MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576

_SHEET = r"(?:(?:'(?P<quoted>(?:[^']|'')+)'|(?P<sheet>[^\W\d][\w.]*))!)?"
_SPAN = re.compile(
    rf"{_SHEET}\$?(?P<left>[A-Z]{{0,3}})\$?(?P<top>\d{{0,7}})(?::\$?(?P<right>[A-Z]{{0,3}})\$?(?P<bottom>\d{{0,7}}))?",
    re.IGNORECASE,
)


class Range(msgspec.Struct, frozen=True):
    """Corners from 1, both included; 0 where a whole column or row is open. `sheet` is None for the active one.

    `loose`: the sheet was told in words beside the range, so that it may have been meant for others too.
    """

    left: int
    top: int
    right: int
    bottom: int
    sheet: str | None = None
    loose: bool = False

    @property
    def is_cell(self) -> bool:
        return 0 < self.left == self.right and 0 < self.top == self.bottom

    @property
    def is_bounded(self) -> bool:
        return min(self.left, self.top, self.right, self.bottom) > 0

    def address(self, *, with_sheet: bool = True) -> str:
        """As tools and formulas take it."""
        first, last = f"{letters(self.left)}{self.top or ''}", f"{letters(self.right)}{self.bottom or ''}"
        span = first if self.is_cell else f"{first}:{last}"
        if self.sheet is None or not with_sheet:
            return span
        return (
            "'" + self.sheet.replace("'", "''") + "'!" + span if _needs_quotes(self.sheet) else f"{self.sheet}!{span}"
        )


def letters(column: int) -> str:
    """The name of a column; nothing for 0."""
    name = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def column_number(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - 64
    return number


def parse(text: str) -> Range | None:
    """A range in A1 style, within Excel's bounds; None for all else. Corners may come in any order."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    left, top = found["left"], found["top"]
    right, bottom = found["right"], found["bottom"]
    if right is None:
        if not left or not top:
            return None
        right, bottom = left, top
    if (bool(left), bool(top)) != (bool(right), bool(bottom)) or not (left or top):
        return None
    columns = sorted((column_number(left), column_number(right)))
    rows = sorted((int(top or 0), int(bottom or 0)))
    if columns[1] > MAX_COLUMNS or rows[1] > MAX_ROWS or (top and rows[0] == 0):
        return None
    quoted = found["quoted"]
    sheet = quoted.replace("''", "'") if quoted is not None else found["sheet"]
    return Range(columns[0], rows[0], columns[1], rows[1], sheet)


def _needs_quotes(sheet: str) -> bool:
    return (
        re.fullmatch(r"[^\W\d]\w*", sheet) is None
        or parse(sheet) is not None
        or re.fullmatch(r"(?i)r\d*c?\d*|c\d*", sheet) is not None
    )
