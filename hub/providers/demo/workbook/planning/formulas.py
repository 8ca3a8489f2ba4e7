"""Formulas that a sentence gives: whether they can be one, and how they move with their cell."""

import re

from hub.providers.demo.workbook.planning.desk import Desk, Refusal, plain
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, MAX_ROWS, column_number, letters, parse

_TEXT = re.compile(r'"[^"]*"')
_NAME = re.compile(r"(?<![\w$'!.])([^\W\d][\w.]*)(?![\w(!'.])")
_REFERENCE = re.compile(r"(?<![\w$.])(\$?)([A-Z]{1,3})(\$?)([1-9]\d{0,6})(?![\w(!.])", re.IGNORECASE)


def check_formula(desk: Desk, formula: str) -> str:
    """Words in it have to be functions, cells or the workbook's names: a header is nothing that a cell knows."""
    for found in _NAME.finditer(_TEXT.sub('""', formula)):
        name = found[1]
        known = (
            parse(name) is not None
            or re.fullmatch(r"[A-Za-z]{1,3}", name) is not None
            or name.upper() in ("TRUE", "FALSE")
        )
        if not known and name.casefold() not in {one.casefold() for one in desk.book.names or ()}:
            raise Refusal(f"“{plain(name)}” in the formula is no cell: name cells, as in =B2-C2")
    return formula


def moved(formula: str, down: int, right: int) -> str:
    """Its references that are not fixed by $ moved along."""

    def move(found: re.Match[str]) -> str:
        column = column_number(found[2]) + (0 if found[1] else right)
        row = int(found[4]) + (0 if found[3] else down)
        if not (1 <= column <= MAX_COLUMNS and 1 <= row <= MAX_ROWS):
            raise Refusal(f"a reference of {formula} would leave the sheet")
        return f"{found[1]}{letters(column)}{found[3]}{row}"

    parts = re.split(r'("[^"]*")', formula)
    return "".join(part if part.startswith('"') else _REFERENCE.sub(move, part) for part in parts)
