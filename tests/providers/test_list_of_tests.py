"""The README's lists: none of their lines is missing, and each mode and each test that they name is there."""

import re
from pathlib import Path

import pytest

from tests.providers.failing import modes, stalls
from tests.providers.speakers import SPEAKERS

TESTS = Path(__file__).parents[1]
TEXT = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w./]+\.py)::(\w+)`", TEXT)))
NUMBERED = {"F": 18, "W": 19, "L": 15, "T": 11, "C": 8}


def test_every_line_is_there_and_names_a_test_or_a_mode() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]\d+) .* \| ([^|]*) \|$", TEXT, re.MULTILINE))
    assert set(rows) == {f"{letter}{number}" for letter, last in NUMBERED.items() for number in range(1, last + 1)}
    assert all(("::" in named) != line.startswith("F") for line, named in rows.items())


def test_every_mode_is_named_and_every_provider_has_it_or_another_has() -> None:
    listed = re.findall(r"^\| F\d+ .* \| ([^|]*) \|$", TEXT, re.MULTILINE)
    there = {**modes(), **stalls()}
    assert sorted(re.findall(r"`(\w+)`", " ".join(listed))) == sorted(there)
    for_all = [name for name, mode in there.items() if all(mode.of(speaker) for speaker in SPEAKERS)]
    assert set(there) - set(for_all) == {
        "paused",
        "call_that_the_server_could_not_read",
        "truncated_in_thinking",
        "truncated_in_thinking_that_is_not_shown",
    }


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_named_test_exists(path: str, name: str) -> None:
    source = (TESTS / path).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE)
