"""The README's list of facts: none is missing, and each test that it names is there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TEXT = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w./]+\.(?:py|mjs))::(\w+)`", TEXT)))
NUMBERED = {"H": 9, "M": 13, "C": 4, "X": 4, "P": 3, "S": 8, "N": 7, "T": 2}


def test_every_numbered_fact_has_a_row_with_a_test() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]\d+) [^|]*\| (.*) \|$", TEXT, re.MULTILINE))
    wanted = {f"{letter}{number}" for letter, last in NUMBERED.items() for number in range(1, last + 1)}
    assert set(rows) == wanted
    assert all("::" in tests for tests in rows.values())


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_named_test_exists(path: str, name: str) -> None:
    source = (TESTS / path).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {name}\(|^export async function {name}\(", source, re.MULTILINE)


def test_every_scenario_of_the_features_is_named() -> None:
    """Or is about what section 2 of the reference says of servers: audiences, headers, cookies, sizes."""
    beyond = {
        "a_stream_for_an_upload",
        "audiences",
        "cookies_of_the_negotiation_come_along",
        "headers_and_query",
        "large_messages",
        "server_calls_are_handled_in_order",
        "streams_to_the_client",
    }
    folder = TESTS / "interop" / "features"
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.mjs")]
    there = {name for text in texts for name in re.findall(r"^export async function (\w+)", text, re.MULTILINE)}
    assert there - {name for _, name in NAMED} == beyond
