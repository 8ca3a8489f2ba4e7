"""Titles of sessions: one line, whatever was written."""

import re
import unicodedata

# They turn the text around that a title stands in, in lists and in a terminal.
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean_title(text: str) -> str:
    """Without control characters and marks of direction; white space, line breaks too, becomes one space."""
    spaced = " ".join(_DIRECTIONS.sub("", text).split())
    return "".join(letter for letter in spaced if unicodedata.category(letter) not in ("Cc", "Cs"))
