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
