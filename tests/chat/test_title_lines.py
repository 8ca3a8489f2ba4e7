"""Titles are one line, whatever was given for them."""

import pytest

from hub.chat.titles import clean_title


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Plans", "Plans"),
        ("  Plans\tfor\r\n next   week ", "Plans for next week"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("\u2028one\u2029two", "one two"),
        ("right\u202eleft", "rightleft"),
        ("", ""),
        ("\n\t", ""),
    ],
)
def test_clean_title(given: str, shown: str) -> None:
    assert clean_title(given) == shown
