"""From the words of MCP to ours: a tool's name, schema and access, and its result."""

import hashlib
import re

import msgspec
from mcp import Tool as McpTool
from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from hub.chat.parts import Json
from hub.providers.base import ToolSpec
from hub.tools.base import ToolError
from hub.tools.json_schema import MAX_PROBLEM_CHARS, flaw_of
from hub.tools.schema import to_json

MAX_NAME = 64
"""What providers take."""
MAX_DESCRIPTION = 4_000
MAX_SCHEMA_BYTES = 64 * 1024
MAX_FAILURE = 4_000
"""Characters of what a failed tool says."""

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")


def tool_name(server: str, name: str) -> str:
    """`<server>_<tool>`, in letters that providers take; a long one is cut, and told apart by a hash."""
    full = f"{server}_{name}"
    plain = _FOREIGN.sub("_", full)
    if len(plain) <= MAX_NAME:
        return plain
    return f"{plain[: MAX_NAME - 9]}_{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def tool_spec(server: str, tool: McpTool) -> ToolSpec:
    """Raises `ValueError` for a schema that is none: one such would make providers refuse all tools."""
    schema = tool.input_schema
    if schema.get("type") != "object":
        raise ValueError("its arguments are no object")
    if len(msgspec.json.encode(schema)) > MAX_SCHEMA_BYTES:
        raise ValueError(f"its schema has more than {MAX_SCHEMA_BYTES} bytes")
    flaw = flaw_of(schema)
    if flaw is not None:
        raise ValueError(f"its schema is none: {flaw[:MAX_PROBLEM_CHARS]}")
    hints = tool.annotations
    title = tool.title or (hints.title if hints is not None else None)
    return ToolSpec(
        name=tool_name(server, tool.name),
        description=(tool.description or title or tool.name)[:MAX_DESCRIPTION],
        input_schema=schema,
        # What a server does not say reads only is taken to write.
        access="read" if hints is not None and hints.read_only_hint else "write",
        title=title,
    )


def to_result(result: CallToolResult, max_bytes: int) -> Json:
    """What the tool returned: its structured form, else its texts. Raises `ToolError` if it failed, or is too large."""
    if result.is_error:
        text = _text(result.content) or "The tool failed, and did not say why."
        raise ToolError(text if len(text) <= MAX_FAILURE else f"{text[:MAX_FAILURE]} …")
    if result.structured_content is not None:
        return to_json(result.structured_content, max_bytes)
    return to_json(_text(result.content), max_bytes)


def _text(content: list[ContentBlock]) -> str:
    return "\n".join(map(_text_of, content))


def _text_of(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            return f"[{block.type} of type {block.mime_type}, left out]"
        case ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case EmbeddedResource():
            return f"[{block.resource.uri} of type {block.resource.mime_type}, left out]"
