"""A sentence whose ranges, texts and formulas are put aside, so that what is left are plain words.

`⟦r0⟧` stands for the first range, `⟦s0⟧` for a quoted text, `⟦f0⟧` for a formula.
"""

import re
from collections.abc import Sequence

import msgspec

from hub.providers.demo.workbook.ranges import Range, parse

_SHEET_NAME = r"(?:'(?:[^']|'')+'|[^\W\d][\w.]*)"
_A1 = r"\$?[A-Z]{1,3}\$?[1-9]\d{0,6}"
_ADDRESS = re.compile(
    rf"(?<![\w!'$.⟦])(?:{_SHEET_NAME}!)?(?:{_A1}(?::{_A1})?|\$?[A-Z]{{1,3}}:\$?[A-Z]{{1,3}}|\$?\d{{1,7}}:\$?\d{{1,7}})(?![\w!(])",
    re.IGNORECASE,
)
_TO = r"\s*(?:to|through|thru|until|till|up to|-|\u2013)\s*"
_COLUMNS = re.compile(
    rf"\b(?:columns?|cols?\.?)\s+([A-Z]{{1,3}})(?:(?:{_TO}|\s+and\s+)([A-Z]{{1,3}}))?(?![\w:!'])", re.IGNORECASE
)
_ROWS = re.compile(rf"\brows?\s+(\d{{1,7}})(?:(?:{_TO}|\s+and\s+)(\d{{1,7}}))?(?![\w:!.])", re.IGNORECASE)
_BETWEEN = re.compile(r"(?<!difference )\b(?:between\s+)⟦r(\d+)⟧\s+and\s+⟦r(\d+)⟧")
_SPANNED = re.compile(rf"(?:\bfrom\s+)?⟦r(\d+)⟧{_TO}⟦r(\d+)⟧")
_ON = r"(?:(?:on|in|of|from)\s+)(?:the\s+)?"
_SHEET = (
    r"(?:(?:work)?sheet\s+(?:called\s+|named\s+)?(?:⟦s(?P<s1>\d+)⟧|(?P<w1>[^\W\d]\w*))"
    r"|(?:⟦s(?P<s2>\d+)⟧|(?P<w2>[^\W\d]\w*))\s+(?:work)?sheet\b|(?P<w3>sheet\d+)\b)"
)
_AFTER = re.compile(rf"⟦r(\d+)⟧\s+{_ON}{_SHEET}", re.IGNORECASE)
_BEFORE = re.compile(rf"^\s*{_ON}{_SHEET}[\s,:]*", re.IGNORECASE)
_NO_SHEETS = frozenset("this that same active current other another each every all new next".split())


class Masked(msgspec.Struct):
    """The words and what was put aside, each kind in its order."""

    words: str
    ranges: list[Range]
    texts: list[str]
    formulas: list[str]


def mask(sentence: str) -> Masked | None:
    """None for a sentence that has the marks itself, or a formula without its end."""
    if "⟦" in sentence or "⟧" in sentence:
        return None
    masked = Masked(sentence.translate({0x201C: '"', 0x201D: '"', 0x2019: "'", 0x2018: "'"}), [], [], [])
    _mask_texts(masked)
    if not _mask_formulas(masked):
        return None
    masked.words = _ADDRESS.sub(lambda found: _range(masked, found[0]), masked.words)
    masked.words = _COLUMNS.sub(lambda found: _columns(masked, found), masked.words)
    masked.words = _ROWS.sub(lambda found: _range(masked, f"{found[1]}:{found[2] or found[1]}", found), masked.words)
    for spanned in (_BETWEEN, _SPANNED):
        masked.words = spanned.sub(lambda found: _joined(masked, found), masked.words)
    masked.words = _AFTER.sub(lambda found: _sheeted(masked, found), masked.words)
    return _mask_first_sheet(masked)


def _mask_texts(masked: Masked) -> None:
    def put(found: re.Match[str]) -> str:
        masked.texts.append(found[1] if found[2] is None else found[2])
        return f"⟦s{len(masked.texts) - 1}⟧"

    masked.words = re.sub(r"""\"([^\"]*)\"(?!!)|(?<![\w'])'([^']*)'(?![\w'!])""", put, masked.words)


def _mask_formulas(masked: Masked) -> bool:
    """A formula goes on to the first blank outside its parentheses and quotes."""
    while (found := re.search(r"(?<![\w⟧<>=])=(?=\S)", masked.words)) is not None:
        end, depth = found.start(), 0
        while end < len(masked.words) and (depth > 0 or not masked.words[end].isspace()):
            depth += {"(": 1, ")": -1}.get(masked.words[end], 0)
            end += 1
        formula = masked.words[found.start() : end].rstrip(".,;!?")
        if depth != 0:
            return False
        formula = re.sub(r"⟦s(\d+)⟧", lambda text: f'"{masked.texts[int(text[1])]}"', formula)
        taken = masked.words[found.start() : end]
        rest = taken[len(taken.rstrip(".,;!?")) :]
        masked.formulas.append(formula)
        mark = f"⟦f{len(masked.formulas) - 1}⟧"
        masked.words = masked.words[: found.start()] + mark + rest + masked.words[end:]
    return True


def _range(masked: Masked, text: str, found: re.Match[str] | None = None) -> str:
    parsed = parse(text)
    if parsed is None:
        return text if found is None else found[0]
    masked.ranges.append(parsed)
    return f"⟦r{len(masked.ranges) - 1}⟧"


def _columns(masked: Masked, found: re.Match[str]) -> str:
    """Small letters, if more than one, may be a word, as in "the column in Data": those are no column."""
    names = [name for name in found.groups() if name is not None]
    if any(len(name) > 1 and (not name.isupper() or name in ("IN", "OF", "TO", "ON")) for name in names):
        return found[0]
    return _range(masked, f"{names[0]}:{names[-1]}", found)


def _joined(masked: Masked, found: re.Match[str]) -> str:
    first, last = masked.ranges[int(found[1])], masked.ranges[int(found[2])]
    if not (first.is_cell and last.is_cell) or last.sheet not in (None, first.sheet):
        return found[0]
    columns, rows = sorted((first.left, last.left)), sorted((first.top, last.top))
    masked.ranges[int(found[1])] = Range(columns[0], rows[0], columns[1], rows[1], first.sheet)
    return f"⟦r{found[1]}⟧"


def _sheet_in(masked: Masked, found: re.Match[str]) -> str | None:
    quoted = found["s1"] or found["s2"]
    name = masked.texts[int(quoted)] if quoted else found["w1"] or found["w2"] or found["w3"]
    return None if not name or name.lower() in _NO_SHEETS else name


def _sheeted(masked: Masked, found: re.Match[str]) -> str:
    sheet, at = _sheet_in(masked, found), int(found[1])
    if sheet is None or masked.ranges[at].sheet is not None:
        return found[0]
    masked.ranges[at] = msgspec.structs.replace(masked.ranges[at], sheet=sheet, loose=True)
    return f"⟦r{at}⟧"


def _mask_first_sheet(masked: Masked) -> Masked:
    """A sheet that is told before all else is meant for all ranges that have none of their own."""
    found = _BEFORE.match(masked.words)
    sheet = None if found is None else _sheet_in(masked, found)
    if found is not None and sheet is not None:
        masked.words = masked.words[found.end() :]
        masked.ranges = [one if one.sheet else msgspec.structs.replace(one, sheet=sheet) for one in masked.ranges]
    return masked


def mixes_sheets(ranges: Sequence[Range]) -> bool:
    """Whether a sheet was told in words for one range, and others have none: it may be meant for them too."""
    return any(one.loose for one in ranges) and any(one.sheet is None for one in ranges)
