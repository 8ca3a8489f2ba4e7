"""What a reference looks like, and by what one can be told that leaves its workbook."""

import re

_A1 = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})", re.IGNORECASE)
_COLUMN = re.compile(r"\$?[A-Z]{1,3}", re.IGNORECASE)
_ROW = re.compile(r"\$[1-9][0-9]{0,6}")
_CALC_CELL = re.compile(r"\$\w+\.\$?[A-Z]{1,3}\$?[0-9]{1,7}", re.IGNORECASE)  # LibreOffice's $Sheet1.A1
_AMOUNT = re.compile(r"[$\u00a2-\u00a5\u20a0-\u20cf][0-9.]+")  # no name begins with a currency
_FILE = re.compile(
    r"\.(?:xl\w{1,4}|ods|fods|ots|csv|tsv|txt|prn|dif|slk|dbf|mdb|accdb|html?|xml|odc|iqy|url|numbers)$", re.IGNORECASE
)
# The beginning of a computed reference that already says where it points, whatever is joined to it.
_PINNED = re.compile(
    r"""(?:[A-Z]{1,2}|\$?[A-Z]{1,3}\$?\d+|\$?[A-Z]{1,2}\$?\d*:\$?[A-Z]{1,3}\$?\d*|\$?\d+:\$?\d*)
      | (?:'[\w .-]+'|\w+)![$A-Z0-9:]*""",
    re.IGNORECASE | re.VERBOSE,
)

MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576


def is_cell(text: str) -> bool:
    """Whether no workbook can have a name of this form: a cell within Excel's bounds. `XFE1` is a name."""
    cell = _A1.fullmatch(text)
    if cell is None:
        return any(form.fullmatch(text) for form in (_CALC_CELL, _ROW, _AMOUNT))
    column = 0
    for letter in cell[1].upper():
        column = column * 26 + ord(letter) - 64
    return column <= MAX_COLUMNS and int(cell[2]) <= MAX_ROWS


def is_column(text: str) -> bool:
    """Whether this is a column beside a `:` and another one; alone it would be a name."""
    return _COLUMN.fullmatch(text) is not None


def is_file(text: str) -> bool:
    return _FILE.search(text) is not None


def leaves(content: str) -> bool:
    """Whether a quoted name is a path, an address or a file: no sheet's name has these characters."""
    return any(mark in content for mark in "[]\\/|?*") or is_file(content)


def is_pinned(text: str) -> bool:
    """Whether a reference that begins so stays in the workbook, whatever text is joined to it."""
    return _PINNED.fullmatch(text) is not None
