"""Unicode's normal forms in linear time.

A letter with many marks behind it takes Python quadratic time to normalise, with all else standing still. No language
writes more than a few: Unicode's own stream-safe form (UAX #15, section 13) allows thirty.
"""

import re
import unicodedata
from typing import Literal

MAX_MARKS = 30

# All that can be a mark of its own right: of any class but 0, and what decomposes to such.
_MARKS = re.compile(rf"[^\x00-\u02ff]{{{MAX_MARKS + 1},}}")


def normalised(form: Literal["NFC", "NFKC"], text: str) -> str:
    """With marks beyond the thirtieth of one letter left out."""
    return unicodedata.normalize(form, text if text.isascii() else _MARKS.sub(_bounded, text))


def _bounded(found: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in found[0]:
        marks = marks + 1 if unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)
