"""How a client's tools are shown to models: what is filled in, and what they are called."""

import pytest

from hub.errors import CallError
from hub.tools.base import ToolError
from hub.tools.client_side import (
    MAX_NAME_CHARS,
    ClientTool,
    access_of,
    check_of,
    check_tools,
    prefix_of,
    prefixed,
    spec_of,
    timeout_of,
)
from hub.tools.schema import TOOL_NAME
from hub.tools.spreadsheet import TOOLS

OWN = ClientTool(name="lookup", description="Find.", input_schema={"type": "object"}, access="write")


def test_ready_made_tools_need_their_names_only() -> None:
    for tool in TOOLS:
        announced = ClientTool(name=tool.spec.name)
        check_tools([announced])
        spec = spec_of(announced, tool.spec.name, "Book")
        assert spec.description == f"{tool.spec.description} (In Book.)"
        assert (spec.input_schema, spec.access, spec.title) == (
            tool.spec.input_schema,
            tool.spec.access,
            tool.spec.title,
        )
        assert timeout_of(announced, 300.0) == tool.timeout_s


def test_a_host_cannot_make_a_tool_that_writes_one_that_reads() -> None:
    assert access_of(ClientTool(name="write_range", access="read")) == "write"
    assert access_of(ClientTool(name="read_range", access="write")) == "write"
    assert access_of(OWN) == "write"


def test_arguments_of_ready_made_tools_are_checked_as_theirs() -> None:
    check = check_of(ClientTool(name="read_range"))
    check({"range": "A1"})
    with pytest.raises(ToolError, match="range is required"):
        check({})


def test_a_hosts_own_schema_of_a_ready_made_tool_goes_first() -> None:
    schema = {"type": "object", "properties": {"area": {"type": "string"}}, "required": ["area"]}
    tool = ClientTool(name="read_range", description="Mine.", input_schema=schema)
    check_tools([tool])
    assert spec_of(tool, "read_range", "Book").input_schema == schema
    check_of(tool)({"area": "A1"})
    with pytest.raises(ToolError, match="area is required"):
        check_of(tool)({"range": "A1"})


def test_other_tools_may_take_the_whole_time() -> None:
    assert timeout_of(OWN, 300.0) == 300.0


def test_all_tools_together_have_a_bound() -> None:
    schema = {"type": "object", "title": "x" * 8_000}
    tools = [ClientTool(name=f"t{number}", description="d", input_schema=schema, access="read") for number in range(20)]
    with pytest.raises(CallError, match=r"The tools have .* bytes as JSON; a host's may have 131072"):
        check_tools(tools)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("Plan 2026.xlsx", "Plan_2026_xlsx"),
        ("Übersicht", "bersicht"),
        ("日本", "host"),
        ("", "host"),
        ("a" * 100, "a" * 24),
    ],
)
def test_prefixes(name: str, prefix: str) -> None:
    assert prefix_of(name, []) == prefix
    assert prefix_of(name, [prefix]) == f"{prefix}_2"
    assert prefix_of(name, [prefix, f"{prefix}_2"]) == f"{prefix}_3"


def test_names_that_would_be_too_long_stay_apart() -> None:
    one, other = (prefixed("a" * 24, "b" * 63 + last) for last in "xy")
    assert one != other
    for name in (one, other):
        assert len(name) == MAX_NAME_CHARS and TOOL_NAME.fullmatch(name)
