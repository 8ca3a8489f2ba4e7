"""What stands in one cell: a number in one of the world's spellings, a date, nothing, or text.

Whether "1.234" is one thousand or one and a bit cannot be told from the cell. `decimal_mark_of` collects what a column
proves; `read_number` takes the mark as its argument.
"""

import datetime
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

DecimalMark = Literal[".", ","]
DayOrder = Literal["dmy", "mdy"]

MAX_NUMBER_CHARACTERS = 60

_MISSING = frozenset(" - -- n/a na #n/a null none nan n.a. k.a. ? #ref! #div/0!".split(" ")) | {
    "\u2013",
    "\u2014",
}
_UNITS = r"€|\$|£|¥|₹|₽|₺|EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|kr|zł|Fr\.|US\$|%"
_MINUS = "-\u2212"
_GAP = " '\u2019\u00a0\u202f\u2009"
"""What groups thousands besides a point or a comma: spaces of all kinds, and the Swiss apostrophe."""

_BLANKS = re.compile(r"\s{2,}")
_NUMBER = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[{_MINUS}+])?\s*(?P<before>{_UNITS})?\s*(?P<sign_after>[{_MINUS}])?\s*"
    rf"(?P<digits>\d[\d.,{_GAP}]*\d|\d|[.,]\d+)(?P<exponent>[eE][-+]?\d{{1,2}})?\s*"
    rf"(?P<after>{_UNITS})?\s*(?P<close>\))?(?P<sign_last>-)?",
    re.IGNORECASE,
)
_SPACED = re.compile(rf"\d{{1,3}}(?:[{_GAP}]\d{{3}})+(?:[.,]\d+)?")
_SPACE = re.compile(rf"[{_GAP}]")
_GROUPED = {".": re.compile(r"\d{1,3}(?:\.\d{3})+"), ",": re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}")}


class Number(msgspec.Struct, frozen=True):
    """A number as written. `unit` is a currency, "%" (12 % is 12), or empty; `decimals` how many were written."""

    value: Decimal
    unit: str
    decimals: int


def is_missing(text: str) -> bool:
    return text.strip().lower() in _MISSING


def decimal_mark_of(texts: Iterable[str]) -> DecimalMark | None:
    """The decimal mark that these cells prove, the more frequent if they disagree; None if they prove nothing."""
    return more_frequent(*count_proofs(texts))


def more_frequent(points: int, commas: int) -> DecimalMark | None:
    if points == commas:
        return None
    return "." if points > commas else ","


def count_proofs(texts: Iterable[str]) -> tuple[int, int]:
    """How many cells prove the point, and how many the comma."""
    points = commas = 0
    for text in texts:
        match _proof(text):
            case ".":
                points += 1
            case ",":
                commas += 1
            case None:
                pass
    return points, commas


def read_number(text: str, mark: DecimalMark) -> Number | None:
    """The number in the cell. `mark` decides only what the cell alone does not."""
    found = _match(text)
    if found is None:
        return None
    digits = found["digits"]
    own = _mark_in(digits)
    plain = _SPACE.sub("", digits)
    if own == "invalid":
        return None
    used = mark if own is None else own
    plain = plain.replace("," if used == "." else ".", "").replace(used, ".")
    whole, _, fraction = plain.partition(".")
    value = Decimal(f"{whole or '0'}.{fraction or '0'}{found['exponent'] or ''}")
    negative = bool(found["open"] or found["sign_after"] or found["sign_last"]) or (found["sign"] or "+") in _MINUS
    unit = (found["before"] or found["after"] or "").upper() if (found["before"] or found["after"]) else ""
    return Number(-value if negative else value, unit, len(fraction))


def _match(text: str) -> re.Match[str] | None:
    # Runs of blanks say nothing, and would have the expression below try all ways to part them.
    stripped = text.strip()
    if len(stripped) <= 2 * MAX_NUMBER_CHARACTERS:
        stripped = _BLANKS.sub(" ", stripped)
    if not stripped or len(stripped) > MAX_NUMBER_CHARACTERS:
        return None
    found = _NUMBER.fullmatch(stripped)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    if found["before"] and found["after"]:
        return None
    if found["sign_after"] and (found["sign"] or not found["before"]):
        return None
    # Zeros in front are a code (a post code, an article), not an amount.
    digits = found["digits"]
    if len(digits) > 1 and digits[0] == "0" and digits.isdigit():
        return None
    return found


def _proof(text: str) -> DecimalMark | None:
    found = _match(text)
    if found is None:
        return None
    own = _mark_in(found["digits"])
    return None if own == "invalid" else own


def _mark_in(digits: str) -> DecimalMark | Literal["invalid"] | None:
    """The decimal mark that the digits prove; None if they are the same with either or could be both."""
    if _SPACE.search(digits):
        if _SPACED.fullmatch(digits) is None:
            return "invalid"
        # Spaces group, so what is left can only be the decimal mark.
        return "." if "." in digits else "," if "," in digits else None
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        decimal: DecimalMark = "." if digits.rfind(".") > digits.rfind(",") else ","
        whole, _, _ = digits.rpartition(decimal)
        other = "," if decimal == "." else "."
        return decimal if decimal not in whole and _GROUPED[other].fullmatch(whole) else "invalid"
    if not points and not commas:
        return None
    found: DecimalMark = "." if points else ","
    other_mark: DecimalMark = "," if points else "."
    if points + commas > 1:
        return other_mark if _GROUPED[found].fullmatch(digits) else "invalid"
    whole, _, fraction = digits.partition(found)
    if len(fraction) == 3 and 1 <= len(whole) <= 3 and whole != "0":
        return None
    return found


_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_THREE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?: (\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_NAMED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th|\.)?[ -])?([^\W\d_]{3,9})\.?[ -](?:(\d{1,2})(?:st|nd|rd|th)?,? )?(\d{4})"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january januar", "feb february februar", "mar march mär märz mrz", "apr april", "may mai",
         "jun june juni", "jul july juli", "aug august", "sep sept september", "oct october okt oktober",
         "nov november",
         "dec december dez dezember"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip


def day_order_of(texts: Iterable[str]) -> DayOrder:
    """Whether day or month comes first in dates like 03/04/2024, as far as these cells tell. A point says day first."""
    for text in texts:
        found = _THREE.fullmatch(text.strip())
        if found is None:
            continue
        if found[2] == "." or int(found[1]) > 12:
            return "dmy"
        if int(found[3]) > 12:
            return "mdy"
    return "mdy"


def read_date(text: str, order: DayOrder) -> datetime.datetime | None:
    """The date in the cell, with its time where one is given; zones are left aside."""
    stripped = text.strip()
    if not 6 <= len(stripped) <= 35:
        return None
    found = _ISO.fullmatch(stripped)
    if found is not None:
        return _date(found[1], found[2], found[3], found[4], found[5], found[6])
    found = _THREE.fullmatch(stripped)
    if found is not None:
        day, month = (found[1], found[3]) if order == "dmy" else (found[3], found[1])
        year = found[4] if len(found[4]) == 4 else f"20{found[4]}" if int(found[4]) < 70 else f"19{found[4]}"
        return _date(year, month, day, found[5], found[6], found[7])
    found = _NAMED.fullmatch(stripped)
    if found is not None and found[2].lower() in _MONTHS and not (found[1] and found[3]):
        return _date(found[4], str(_MONTHS[found[2].lower()]), found[1] or found[3] or "1", None, None, None)
    return None


def _date(
    year: str, month: str, day: str, hour: str | None, minute: str | None, second: str | None
) -> datetime.datetime | None:
    try:
        return datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
