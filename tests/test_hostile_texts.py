"""Texts that some ways of reading them take hours for, with everything else standing still. Each ends here at once, or
runs into the time-out."""

import pytest

from hub.chat.parts import Json
from hub.hooks.injection import found_in
from hub.normalised import MAX_MARKS, normalised
from hub.runs.files.kinds import clean_name
from hub.tables.grid import find_grid
from hub.tools.json_schema import argument_check, flaw_of, problems_of
from hub.tools.policy.functions import canonical

MARKS = "a" + "\u0301\u0327" * 200_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * 500_000 + ",x\nb,c\n",
        "1,2,3\n" * 40_000 + "1,2\n" * 40_100,
        "".join("1," * (number % 700) + "1\n" for number in range(1400)),
    ],
)
def test_tables(text: str) -> None:
    find_grid(text)


def test_marks() -> None:
    found_in(MARKS)
    canonical(MARKS)
    assert len(clean_name(MARKS)) <= 300
    assert len(normalised("NFKC", MARKS)) <= MAX_MARKS + 1


def test_few_marks_are_as_ever() -> None:
    assert normalised("NFKC", "e\u0301 \uff21 \u1e9b\u0323 日本語" + "e\u0301" * 100) == "é A ṩ 日本語" + "é" * 100


def test_schemas_with_long_lists() -> None:
    leaf = {"enum": [0] * 6000, "required": ["x"] * 1000}
    schema = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}] * 20}, "b": {"anyOf": [leaf] * 25}}}
    problems_of({**schema, "properties": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 6}}}, {"a": 9})


def test_patterns_and_choices_within_choices() -> None:
    schema: dict[str, Json] = {
        "properties": {"a": {"pattern": "^(a+)+$"}, "b": {"uniqueItems": True}},
        "patternProperties": {"^(a+)+$": {}},
        "additionalProperties": False,
    }
    assert flaw_of(schema) is None
    check = argument_check(schema)
    check({"a": "a" * 200 + "!", "b": [{"n": number} for number in range(30_000)], "a" * 200 + "!": 1})
    argument_check({"$ref": "#"})({"a": 1})
    choices: dict[str, Json] = {str(level): {"anyOf": [{"$ref": f"#/$defs/{level + 1}"}] * 20} for level in range(15)}
    schema = {"$defs": {**choices, "15": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/0"}}}
    assert flaw_of(schema) is None
    argument_check(schema)({"a": 1})


def test_schemas_with_long_references() -> None:
    name = "a" * 30_000
    schema: dict[str, Json] = {"$defs": {name: {"anyOf": [{"type": "null"}] * 500}}}
    schema["items"] = {"$ref": f"#/$defs/{name}"}
    assert flaw_of(schema) is None
    problems_of({"properties": {"a": schema}, "$defs": schema["$defs"]}, {"a": [1] * 20_000})
    assert flaw_of({"enum": [{"n": number} for number in range(9_000)], "required": [{}] * 9_000}) is not None
