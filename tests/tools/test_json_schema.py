"""Schemas that clients bring: which are usable, and which arguments fit them."""

import pytest

from hub.chat.parts import Json
from hub.tools.base import ToolError
from hub.tools.json_schema import MAX_PROBLEMS, argument_check, flaw_of, problems_of

TREE: dict[str, Json] = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "additionalProperties": False,
        }
    },
}


def of(**properties: Json) -> dict[str, Json]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "flaw"),
    [
        (7, "the schema is no object"),
        (of(a=7), "a of the schema is no object"),
        ({"type": "thing"}, "the type of the schema is none of object, array, string, boolean, null, number, integer"),
        ({"type": ["object", 7]}, "the type of the schema is none of"),
        ({"type": 7}, "the type of the schema is none of"),
        ({"required": "a"}, "`required` of the schema is no list of names"),
        ({"required": [1]}, "`required` of the schema is no list of names"),
        ({"enum": "a"}, "`enum` of the schema is no list"),
        (of(a={"minLength": "x"}), "`minLength` of a of the schema is no number"),
        (of(a={"maximum": True}), "`maximum` of a of the schema is no number"),
        ({"properties": []}, "`properties` of the schema is no object"),
        ({"anyOf": {}}, "`anyOf` of the schema is no list of schemas"),
        ({"oneOf": []}, "`oneOf` of the schema is no list of schemas"),
        (of(a={"$ref": "http://elsewhere.test/schema"}), "does not lead to a schema within the schema"),
        (of(a={"$ref": "#/$defs/missing"}), "does not lead to a schema within the schema"),
        (of(a={"$ref": "#/properties"}), "does not lead to a schema within the schema"),
        (of(a={"$ref": "#/properties/a/x/1"}), "does not lead to a schema within the schema"),
        (of(a={"pattern": 5}), "`pattern` of a of the schema is no string"),
        (of(a={"uniqueItems": "x"}), "`uniqueItems` of a of the schema is no boolean"),
        (of(a={"minItems": -1}), "`minItems` of a of the schema is less than 0"),
        (of(a={"multipleOf": "2"}), "`multipleOf` of a of the schema is no number"),
        (of(a={"not": 5}), "not of a of the schema is no object"),
        (of(a={"patternProperties": {"x": 5}}), "x of a of the schema is no object"),
        (of(a={"items": [{"type": "string"}]}), "items of a of the schema is no object"),
    ],
)
def test_schemas_that_cannot_be_used(schema: Json, flaw: str) -> None:
    found = flaw_of(schema)
    assert found is not None and flaw in found


@pytest.mark.parametrize("schema", [True, {}, TREE, of(a=True, b={"type": ["string", "null"]}, c={"enum": [1]})])
def test_schemas_that_can(schema: Json) -> None:
    assert flaw_of(schema) is None


def test_a_schema_may_not_be_nested_without_end() -> None:
    schema: Json = {}
    for _ in range(25):
        schema = of(a=schema)
    found = flaw_of(schema)
    assert found is not None and "over 20 levels deep" in found


@pytest.mark.parametrize(
    ("schema", "value", "problems"),
    [
        ({"type": "object"}, {"any": "thing"}, []),
        (of(a={"type": "integer"}), {"a": 2.0}, []),
        (of(a={"type": "integer"}), {"a": 2.5}, ["a must be integer"]),
        (of(a={"type": "integer"}), {"a": True}, ["a must be integer"]),
        (of(a={"type": ["string", "null"]}), {"a": None}, []),
        (of(a={"type": ["string", "null"]}), {"a": 1}, ["a must be string or null"]),
        ({**of(a={}), "required": ["a", "b"]}, {"a": 1}, ["b is required"]),
        ({**of(a={}), "additionalProperties": False}, {"b": 1}, ["b is not known"]),
        ({"additionalProperties": {"type": "string"}}, {"b": 1}, ["b must be string"]),
        (of(a={"enum": [1, "x"]}), {"a": True}, ["a must be one of 1, x"]),
        (of(a={"const": 1}), {"a": 1}, []),
        (of(a={"const": 1}), {"a": 2}, ["a must be 1"]),
        (of(a={"minLength": 2, "maxLength": 3}), {"a": "abcd"}, ["the length of a must be at most 3"]),
        (of(a={"minItems": 2}), {"a": [1]}, ["the length of a must be at least 2"]),
        (of(a={"minimum": 1, "maximum": 3}), {"a": 0}, ["a must be at least 1"]),
        (of(a={"exclusiveMinimum": 1}), {"a": 1}, ["a must be more than 1"]),
        (of(a={"exclusiveMaximum": 1}), {"a": 1}, ["a must be less than 1"]),
        (of(a={"items": {"type": "string"}}), {"a": ["x", 1]}, ["a.1 must be string"]),
        (of(a={"anyOf": [{"type": "string"}, {"type": "null"}]}), {"a": 1}, ["a fits none of what is allowed there"]),
        (of(a={"oneOf": [{"type": "string"}, {"type": "null"}]}), {"a": None}, []),
        (of(a={"allOf": [{"minimum": 1}, {"maximum": 3}]}), {"a": 4}, ["a must be at most 3"]),
        (TREE, {"root": {"children": [{"children": []}]}}, []),
        (TREE, {"root": {"children": [{"kids": []}]}}, ["root.children.0.kids is not known"]),
        ({"type": "object"}, [], ["arguments must be object"]),
        (of(a={"type": "string"}, b={"$ref": "#/properties/a"}), {"b": 1}, ["b must be string"]),
        (
            of(**{"a/b %": {"anyOf": [{}, {"type": "null"}]}, "c": {"$ref": "#/properties/a~1b%20%25/anyOf/1"}}),
            {"c": 1},
            ["c must be null"],
        ),
        ({**of(a={"$ref": "#"}), "additionalProperties": False}, {"a": {"a": {"b": 1}}}, ["a.a.b is not known"]),
        (of(a={"prefixItems": [{"type": "string"}], "items": False}), {"a": ["x", 1]}, ["a.1 is not known"]),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"x1": 1}, []),
    ],
)
def test_arguments(schema: Json, value: Json, problems: list[str]) -> None:
    assert flaw_of(schema) is None
    assert problems_of(schema, value) == problems


def test_a_schema_of_itself_ends() -> None:
    loop: Json = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert flaw_of(loop) is None
    assert problems_of(loop, {"a": 1}) == []


def test_only_the_first_problems_are_named() -> None:
    schema: Json = {"additionalProperties": False}
    assert len(problems_of(schema, {str(number): number for number in range(100)})) == MAX_PROBLEMS


def test_many_choices_within_each_other_take_no_time_without_end() -> None:
    schema: Json = {"type": "string"}
    for _ in range(18):
        schema = {"anyOf": [schema, schema, schema]}
    assert flaw_of({"anyOf": [{}] * 3}) is None
    assert isinstance(problems_of(schema, 7), list)


def test_what_arguments_break_is_said_to_the_model() -> None:
    check = argument_check({**of(a={"enum": ["x" * 1_000]}), "required": ["b"]})
    check({"a": "x" * 1_000, "b": 1})
    with pytest.raises(ToolError, match=r"Wrong arguments: b is required; a must be one of x{170,200}\.$"):
        check({"a": "y"})
