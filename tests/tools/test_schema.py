"""A tool made from a function: schema, check of arguments, result."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import pytest
from pydantic import BaseModel, Field

from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.schema import make_tool, read_docstring


class Where(BaseModel):
    title: str
    operator: Literal["is", "is not"]


class Stock(msgspec.Struct):
    sku: str
    left: int


def schema_of(tool: Tool) -> Mapping[str, Any]:
    return tool.spec.input_schema


def context() -> ToolContext:
    return ToolContext(
        user="ann", organisation=None, session_id="s1", run_id="r1", call_id="c1", report=lambda fraction, note: None
    )


async def stock(sku: str, ctx: ToolContext, warehouses: list[Where] | None = None, copy: bool = False) -> Stock:
    """Count what is left.

    Looks into every
    warehouse.

    Args:
        sku: The number on the box,
            with its dashes.
        warehouses (list of Where): Where to look.

    Returns:
        What is left.
    """
    return Stock(f"{sku} for {ctx.user}, {warehouses}, {copy}", 3)


def test_description_is_the_docstring_up_to_its_sections() -> None:
    assert make_tool(stock).spec.description == "Count what is left.\n\nLooks into every warehouse."


def test_schema_has_types_descriptions_and_required_and_no_context() -> None:
    schema = schema_of(make_tool(stock))
    assert schema["type"] == "object"
    assert schema["required"] == ["sku"]
    assert set(schema["properties"]) == {"sku", "warehouses", "copy"}
    assert schema["properties"]["sku"] == {
        "type": "string",
        "description": "The number on the box, with its dashes.",
    }
    assert schema["properties"]["warehouses"]["description"] == "Where to look."
    assert schema["additionalProperties"] is False


def test_generated_titles_go_but_a_property_called_title_stays() -> None:
    schema = schema_of(make_tool(stock))
    assert set(schema["$defs"]["Where"]["properties"]) == {"title", "operator"}
    assert "title" not in schema["properties"]["sku"]


def test_description_from_annotated_field() -> None:
    async def find(query: Annotated[str, Field(description="What to look for", max_length=5)]) -> str:
        return query

    assert schema_of(make_tool(find))["properties"]["query"] == {
        "type": "string",
        "description": "What to look for",
        "maxLength": 5,
    }


async def test_arguments_arrive_as_their_types_and_defaults_stay() -> None:
    tool = make_tool(stock)
    result = await tool.run({"sku": "A-1", "warehouses": [{"title": "x", "operator": "is"}]}, context())
    assert result == {"sku": "A-1 for ann, [Where(title='x', operator='is')], False", "left": 3}


async def test_wrong_arguments_are_told_before_the_tool_runs() -> None:
    with pytest.raises(ToolError) as caught:
        await make_tool(stock).run({"copy": "maybe", "color": 1, "warehouses": [{"title": "x"}]}, context())
    text = str(caught.value)
    assert text.startswith("Wrong arguments: ")
    for problem in ("sku is required", "color is not known", "warehouses.0.operator is required", "copy: input should"):
        assert problem in text


async def test_many_wrong_arguments_are_cut() -> None:
    with pytest.raises(ToolError, match="and 13 more"):
        await make_tool(stock).run({f"x{n}": n for n in range(20)}, context())


async def test_result_of_dates_models_and_not_a_number() -> None:
    async def now() -> dict[str, object]:
        return {"day": datetime.date(2024, 5, 1), "where": Where(title="t", operator="is"), "nan": float("nan")}

    result = await make_tool(now).run({}, context())
    assert result == {"day": "2024-05-01", "where": {"title": "t", "operator": "is"}, "nan": None}


async def test_result_that_is_not_json_is_a_tool_error() -> None:
    async def odd() -> object:
        return object()

    with pytest.raises(ToolError, match="cannot be written as JSON"):
        await make_tool(odd).run({}, context())


async def test_result_over_the_limit_names_the_limit() -> None:
    async def much(n: int) -> str:
        return "x" * n

    tool = make_tool(much, max_result_bytes=100)
    assert await tool.run({"n": 98}, context()) == "x" * 98
    with pytest.raises(ToolError, match="101 bytes; the limit max_tool_result_bytes is 100"):
        await tool.run({"n": 99}, context())


def test_what_cannot_be_a_tool_is_refused_with_what_to_change() -> None:
    def plain() -> None: ...

    async def unannotated(x) -> None: ...  # type: ignore[no-untyped-def]  # the point of the test

    async def variadic(*xs: int) -> None: ...

    async def unknown(x: ToolError) -> None: ...

    with pytest.raises(TypeError, match="async def"):
        make_tool(plain)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(TypeError, match="parameter x of the tool unannotated needs a type annotation"):
        make_tool(unannotated)
    with pytest.raises(TypeError, match="own name"):
        make_tool(variadic)
    with pytest.raises(TypeError, match="no JSON Schema"):
        make_tool(unknown)
    with pytest.raises(ValueError, match="1 to 64 letters"):
        make_tool(stock, name="stock level")


@pytest.mark.parametrize(
    ("text", "description", "parameters"),
    [
        ("", "", {}),
        ("One line.", "One line.", {}),
        (
            "Do.\n\nArgs:\n    a: The a.\n    b: The b:\n        more: of it.",
            "Do.",
            {"a": "The a.", "b": "The b: more: of it."},
        ),
        ("Do.\n\nReturns:\n    x: not a parameter", "Do.", {}),
    ],
)
def test_docstrings(text: str, description: str, parameters: dict[str, str]) -> None:
    assert read_docstring(text) == (description, parameters)


def test_arguments_can_be_checked_without_running_the_tool() -> None:
    async def never(to: int, ctx: ToolContext) -> None:
        raise AssertionError

    tool = make_tool(never)
    tool.check({"to": 1})
    with pytest.raises(ToolError, match="to is required"):
        tool.check({})
