"""Tools by name."""

import pytest

from hub.tools.schema import make_tool
from hub.tools.toolset import Toolset


async def count(words: str) -> int:
    """Count words."""
    return len(words.split())


def test_tool_decorator_adds_and_leaves_the_function_as_it_is() -> None:
    tools = Toolset()
    assert tools.tool(title="Count", access="write", timeout_s=5)(count) is count
    tool = tools.get("count")
    assert tool is not None
    assert (tool.spec.title, tool.spec.access, tool.timeout_s) == ("Count", "write", 5)
    assert [spec.name for spec in tools.specs()] == ["count"]
    assert (len(tools), list(tools)) == (1, [tool])


def test_a_name_is_taken_once() -> None:
    tools = Toolset([make_tool(count)])
    with pytest.raises(ValueError, match="already a tool called count"):
        tools.add(make_tool(count))
    tools.add(make_tool(count, name="count-2"))
    assert tools.get("count-3") is None


def test_a_source_changes_its_tools() -> None:
    tools = Toolset([make_tool(count)])

    def names() -> list[str]:
        return [spec.name for spec in tools.specs()]

    assert tools.set_source("b", [make_tool(count, name="b_1"), make_tool(count, name="b_2")]) == []
    assert tools.set_source("a", [make_tool(count, name="a_1")]) == []
    assert names() == ["count", "a_1", "b_1", "b_2"]  # by source, whichever came first
    assert len(tools) == 4
    assert tools.set_source("b", [make_tool(count, name="b_2"), make_tool(count, name="b_3")]) == []
    assert names() == ["count", "a_1", "b_2", "b_3"]
    assert tools.get("b_1") is None
    assert tools.get("b_3") is not None
    assert tools.set_source("b", []) == []
    assert names() == ["count", "a_1"]


def test_a_source_takes_no_name_from_others() -> None:
    tools = Toolset([make_tool(count)])
    tools.set_source("a", [make_tool(count, name="one")])
    twice = [make_tool(count, name="two"), make_tool(count, name="two")]
    assert tools.set_source("b", [make_tool(count), make_tool(count, name="one"), *twice]) == ["count", "one", "two"]
    assert [spec.name for spec in tools.specs()] == ["count", "one", "two"]
    with pytest.raises(ValueError, match="already a tool called two"):
        tools.add(make_tool(count, name="two"))
