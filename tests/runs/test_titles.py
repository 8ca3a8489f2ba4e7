"""The title that a session gets from its first message."""

import pytest

from hub.chat.parts import TextPart
from hub.runs.ask import RunAsk
from hub.runs.drive.messages import TITLE_CHARS, title_of


def title(text: str) -> str:
    return title_of(
        RunAsk(message_id="m", answer_id="a", author="ann", parts=[TextPart(text)], provider="demo", model="demo")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What can you do?", "What can you do?"),
        ("  Hello,   there\nmore", "Hello, there"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nWhich is more?", "Which is more?"),
        ("```csv\na,b\n1,2\n```\nSum of b, please", "Sum of b, please"),
        ("a\tb\n1\t2\nSum?", "Sum?"),
        ("a,b\n1,2", "a,b"),
        ("", ""),
        ("Tell\x1b[31m me\x00 \u202emore\u2028", "Tell[31m me more"),
    ],
)
def test_a_title_is_the_first_line_of_words(text: str, expected: str) -> None:
    assert title(text) == expected


def test_a_long_line_is_cut_at_a_word() -> None:
    cut = title("word " * 40)
    assert cut.endswith("word…")
    assert len(cut) <= TITLE_CHARS + 1
