"""The ready-made spreadsheet tools."""

from typing import Any

import pytest

from hub.tools.base import ToolError
from hub.tools.policy.arguments import KNOWN_TOOLS, check_arguments
from hub.tools.schema import TOOL_NAME
from hub.tools.schema import check_arguments as check_schema
from hub.tools.spreadsheet import TOOLS, ready_made, ready_made_set, spreadsheet_tool

NAMES = (
    *("read_range", "write_range", "apply_formula", "format_range", "clear_range", "insert_rows_columns"),
    *("create_chart", "get_named_ranges", "create_named_range"),
)


def test_all_tools_of_the_contract_are_there_and_the_policy_knows_each() -> None:
    assert tuple(tool.spec.name for tool in TOOLS) == NAMES
    assert set(KNOWN_TOOLS) == set(NAMES)
    assert all(TOOL_NAME.fullmatch(name) for name in NAMES)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.spec.name)
def test_every_tool_says_what_it_is(tool: Any) -> None:
    assert tool.spec.title and tool.spec.description.endswith(".")
    assert tool.spec.input_schema["type"] == "object"
    assert tool.spec.input_schema["additionalProperties"] is False
    assert tool.timeout_s == (60 if tool.spec.access == "read" else 300)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.spec.name)
def test_the_policy_looks_at_every_argument_that_holds_text(tool: Any) -> None:
    arguments = {name: "=IMAGE(A1)" for name, kind in tool.spec.input_schema["properties"].items()}
    looked_at = {finding.path for finding in check_arguments(tool.spec.name, arguments)}
    assert looked_at == {f"$.{name}" for name in arguments}


def test_only_two_of_them_read() -> None:
    assert [tool.spec.name for tool in TOOLS if tool.spec.access == "read"] == ["read_range", "get_named_ranges"]


def test_tools_are_found_by_name_and_come_in_one_order() -> None:
    assert ready_made("write_range") is TOOLS[1].spec
    assert ready_made("sum_range") is None
    assert spreadsheet_tool("write_range") is TOOLS[1]
    assert [spec.name for spec in ready_made_set()] == list(NAMES)
    assert [spec.name for spec in ready_made_set(["write_range", "read_range"])] == ["read_range", "write_range"]
    with pytest.raises(ValueError, match="sum_range: not a ready-made tool"):
        ready_made_set(["sum_range"])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_range", {"range": "A1:B2"}),
        ("write_range", {"range": "A1:B2", "values": [["a", 1], [None, True]]}),
        ("apply_formula", {"range": "A1", "formula": "=SUM(B:B)", "relative_references": False}),
        ("format_range", {"range": "A1", "font": {"bold": True, "size": 12}, "alignment": {"horizontal": "center"}}),
        ("clear_range", {"range": "A1", "clear_type": "all"}),
        ("insert_rows_columns", {"position": "A5", "type": "rows"}),
        ("create_chart", {"data_range": "A1:B9", "chart_type": "column"}),
        ("get_named_ranges", {}),
        ("create_named_range", {"name": "Revenue", "range": "Sheet1!A1:A10"}),
    ],
)
def test_arguments_of_the_contract_fit_the_schema(name: str, arguments: dict[str, Any]) -> None:
    tool = spreadsheet_tool(name)
    assert tool is not None
    assert check_schema(tool.arguments, arguments).keys() == arguments.keys()


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("write_range", {"range": "A1", "values": ["a"]}, "values.0"),
        ("write_range", {"range": "A1"}, "values is required"),
        ("read_range", {"ranges": "A1"}, "ranges is not known"),
        ("insert_rows_columns", {"position": "A", "type": "cells"}, "type"),
        ("format_range", {"range": "A1", "font": {"bolt": True}}, "font.bolt is not known"),
    ],
)
def test_arguments_that_break_the_schema_are_told_to_the_model(
    name: str, arguments: dict[str, Any], problem: str
) -> None:
    tool = spreadsheet_tool(name)
    assert tool is not None
    with pytest.raises(ToolError, match=problem):
        check_schema(tool.arguments, arguments)
