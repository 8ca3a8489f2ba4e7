"""Names, schemas and results, without a server."""

import pytest
from mcp import Tool
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)

from hub.tools.base import ToolError
from hub.tools.mcp.translation import MAX_NAME, to_result, tool_name, tool_spec
from hub.tools.schema import TOOL_NAME

OBJECT = {"type": "object"}


def test_names_are_those_that_providers_take() -> None:
    assert tool_name("git", "read_file") == "git_read_file"
    assert tool_name("git", "files/read.all") == "git_files_read_all"
    long = [tool_name("git", "x" * 100 + end) for end in "ab"]
    assert len({*long}) == 2
    assert all(len(name) == MAX_NAME and TOOL_NAME.fullmatch(name) for name in long)


def test_what_is_not_said_to_read_only_writes() -> None:
    def access(hints: ToolAnnotations | None) -> str:
        return tool_spec("s", Tool(name="t", input_schema=OBJECT, annotations=hints)).access

    assert access(None) == access(ToolAnnotations()) == access(ToolAnnotations(read_only_hint=False)) == "write"
    assert access(ToolAnnotations(read_only_hint=True)) == "read"


def test_a_tool_is_described_by_what_there_is() -> None:
    bare = tool_spec("s", Tool(name="t", input_schema=OBJECT))
    assert (bare.name, bare.description, bare.title) == ("s_t", "t", None)
    titled = tool_spec("s", Tool(name="t", input_schema=OBJECT, annotations=ToolAnnotations(title="A tool")))
    assert (titled.description, titled.title) == ("A tool", "A tool")
    assert len(tool_spec("s", Tool(name="t", description="d" * 9_999, input_schema=OBJECT)).description) == 4_000


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({}, "no object"),
        ({"type": "array"}, "no object"),
        ({"type": "object", "properties": {"a": {"type": "thing"}}}, "its schema is none"),
        ({"type": "object", "properties": {"n": {"$ref": "http://127.0.0.1:1/schema"}}}, "its schema is none"),
        ({"type": "object", "description": "d" * 70_000}, "more than 65536 bytes"),
    ],
)
def test_a_schema_that_is_none_is_refused(schema: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        tool_spec("s", Tool(name="t", input_schema=schema))


def test_results() -> None:
    def result(*content: object, **more: object) -> CallToolResult:
        return CallToolResult.model_validate({"content": list(content), **more})

    text = TextContent(type="text", text="a")
    assert to_result(result(text, structured_content={"n": 1}), 100) == {"n": 1}
    assert to_result(result(text, structured_content={}), 100) == {}
    assert to_result(result(), 100) == ""
    others = [
        AudioContent(type="audio", data="", mime_type="audio/wav"),
        ResourceLink(type="resource_link", name="notes", uri="file:///notes"),
        EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///a", text="inside")),
        EmbeddedResource(
            type="resource", resource=BlobResourceContents(uri="file:///b", blob="", mime_type="application/pdf")
        ),
    ]
    assert to_result(result(text, *others), 1_000) == "\n".join(
        [
            "a",
            "[audio of type audio/wav, left out]",
            "[notes: file:///notes]",
            "inside",
            "[file:///b of type application/pdf, left out]",
        ]
    )
    with pytest.raises(ToolError, match="limit max_tool_result_bytes is 10"):
        to_result(result(structured_content={"n": "long enough"}), 10)


def test_failures() -> None:
    def failed(text: str) -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)

    with pytest.raises(ToolError, match=r"^no paper$"):
        to_result(failed("no paper"), 100)
    with pytest.raises(ToolError, match=r"^x{4000} …$"):
        to_result(failed("x" * 4_001), 100)
    with pytest.raises(ToolError, match="did not say why"):
        to_result(failed(""), 100)
