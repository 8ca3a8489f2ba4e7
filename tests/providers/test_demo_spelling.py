"""Which known word a misspelt one stands for."""

import pytest

from hub.providers.demo.workbook.gate import is_about_a_sheet
from hub.providers.demo.workbook.language.spelling import nearest

KNOWN = ("average", "column", "columns", "revenue", "cost", "table", "label", "month")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("averge", "average"),  # one letter too few
        ("reveenue", "revenue"),  # one too many
        ("monzh", "month"),  # another
        ("mnoth", "month"),  # two that changed places
        ("costt", "cost"),
        ("tabel", None),  # "table" and "label" are as near
        ("cots", None),  # too short
        ("month", None),  # not wrong
        ("avrge", None),  # two letters away
        ("ab1de", None),
    ],
)
def test_the_only_known_word_a_letter_away(word: str, found: str | None) -> None:
    assert nearest(word, KNOWN) == found


@pytest.mark.parametrize(
    ("sentence", "about"),
    [
        ("averge of the colum", True),
        ("Raise all costs by 10%", True),
        ("Raise your hand", False),
        ("Tell me about the shape of clouds", False),
        ("Tell me a tale", False),
    ],
)
def test_whether_a_sentence_may_be_about_the_sheet(sentence: str, about: bool) -> None:
    assert is_about_a_sheet(sentence) is about
