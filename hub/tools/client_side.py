"""Tools that a client brings: what it may announce, and how models see it.

A host announces a tool whole, or by the name of a ready-made one (`hub.tools.spreadsheet`), which fills in what is left
out. Names are the host's own; those of a second host, and those that are taken, get the host's name before them.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from hub.chat.parts import Access, Json
from hub.errors import CallError
from hub.providers.base import ToolSpec
from hub.tools import json_schema, schema
from hub.tools.base import any_arguments
from hub.tools.spreadsheet import TOOLS, SpreadsheetTool, spreadsheet_tool

MAX_TOOLS = 64
MAX_DESCRIPTION_CHARS = 4_000
MAX_TITLE_CHARS = 200
MAX_SCHEMA_BYTES = 16 * 1024
MAX_TOOLS_BYTES = 128 * 1024
"""Of all tools of a host, as they are stored with its session."""
MAX_NAME_CHARS = 64
MAX_PREFIX_CHARS = 24

_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What providers take as the name of an argument; they refuse the whole request for another one."""


class ClientTool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool as its host announced it. None: as the ready-made tool of this name says."""

    name: str
    title: str | None = None
    description: str | None = None
    input_schema: Mapping[str, Json] | None = None
    access: Access | None = None


def check_tools(tools: Sequence[ClientTool]) -> None:
    """Raises `CallError`: `too_large` for what is over a limit, `invalid_arguments` for what else is wrong."""
    if len(tools) > MAX_TOOLS:
        raise CallError("too_large", f"There are {len(tools)} tools; a host may have {MAX_TOOLS}. Register fewer.")
    names: set[str] = set()
    for place, tool in enumerate(tools):
        if tool.name in names:
            raise CallError("invalid_arguments", f"tools.{place}.name: {tool.name} is there twice. Register it once.")
        names.add(tool.name)
        _check(tool, f"tools.{place}")
    size = len(msgspec.json.encode(tools))
    if size > MAX_TOOLS_BYTES:
        text = f"The tools have {size} bytes as JSON; a host's may have {MAX_TOOLS_BYTES}. Shorten them."
        raise CallError("too_large", text)


def _check(tool: ClientTool, place: str) -> None:
    if schema.TOOL_NAME.fullmatch(tool.name) is None:
        text = f"{place}.name: It must be 1 to {MAX_NAME_CHARS} letters, digits, underscores or hyphens."
        raise CallError("invalid_arguments", text)
    if spreadsheet_tool(tool.name) is None:
        for name, value in (
            ("description", tool.description),
            ("inputSchema", tool.input_schema),
            ("access", tool.access),
        ):
            if value is None:
                ready = ", ".join(one.spec.name for one in TOOLS)
                text = f"{place}.{name}: It is missing. Only the ready-made tools need none: {ready}."
                raise CallError("invalid_arguments", text)
    for name, value, limit in (
        ("title", tool.title, MAX_TITLE_CHARS),
        ("description", tool.description, MAX_DESCRIPTION_CHARS),
    ):
        if value is not None and len(value) > limit:
            text = f"{place}.{name} has {len(value)} characters; the limit is {limit}. Shorten it."
            raise CallError("too_large", text)
    if tool.input_schema is not None:
        _check_schema(tool.input_schema, f"{place}.inputSchema")


def _check_schema(found: Mapping[str, Json], place: str) -> None:
    size = len(msgspec.json.encode(found))
    if size > MAX_SCHEMA_BYTES:
        text = f"{place} has {size} bytes as JSON; the limit is {MAX_SCHEMA_BYTES}. Shorten it."
        raise CallError("too_large", text)
    flaw = json_schema.flaw_of(found)
    properties = found.get("properties", {})
    if flaw is None and found.get("type") != "object":
        flaw = 'its `type` must be "object"'
    if flaw is None and any(name in found for name in ("anyOf", "oneOf", "allOf", "$ref")):
        flaw = "providers take no anyOf, oneOf, allOf or $ref at its top"
    if flaw is None and (wrong := next((name for name in properties if not _PROPERTY.fullmatch(name)), None)):
        flaw = f"the argument {wrong!r} must be 1 to 64 letters, digits, underscores, dots or hyphens"
    if flaw is not None:
        raise CallError("invalid_arguments", f"{place} cannot be used: {flaw}. Change it.")


def access_of(tool: ClientTool) -> Access:
    """Where the ready-made tool of the name writes, no host makes it one that only reads."""
    ready = spreadsheet_tool(tool.name)
    if ready is None:
        return tool.access or "write"
    return "write" if ready.spec.access == "write" else tool.access or ready.spec.access


def spec_of(tool: ClientTool, shown_name: str, host_name: str) -> ToolSpec:
    """What a model is shown: above all, whose tool it is."""
    ready = spreadsheet_tool(tool.name)
    description = tool.description
    input_schema = tool.input_schema
    title = tool.title
    if ready is not None:
        description = ready.spec.description if description is None else description
        input_schema = ready.spec.input_schema if input_schema is None else input_schema
        title = ready.spec.title if title is None else title
    return ToolSpec(
        name=shown_name,
        description=f"{description or tool.name} (In {host_name}.)",
        input_schema=input_schema or {"type": "object"},
        access=access_of(tool),
        title=title,
    )


def check_of(tool: ClientTool) -> Callable[[Mapping[str, Json]], None]:
    """The check of arguments: raises `ToolError`."""
    found = tool.input_schema
    if found is not None:
        return json_schema.argument_check(found)
    ready = spreadsheet_tool(tool.name)
    return any_arguments if ready is None else _ready_check(ready)


def _ready_check(ready: SpreadsheetTool) -> Callable[[Mapping[str, Json]], None]:
    def check(arguments: Mapping[str, Json]) -> None:
        schema.check_arguments(ready.arguments, arguments)

    return check


def timeout_of(tool: ClientTool, limit_s: float) -> float:
    """Seconds that a call may take: the ready-made tools have shorter limits of their own."""
    ready = spreadsheet_tool(tool.name)
    return limit_s if ready is None else min(limit_s, ready.timeout_s)


# ----------------------------------------------------------------------------------------------------------- names


def prefix_of(host_name: str, taken: Iterable[str]) -> str:
    """What tells a second host's tools apart: its name as far as a tool's name may hold it, unlike those taken."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", host_name).strip("_")[:MAX_PREFIX_CHARS].strip("_") or "host"
    others = set(taken)
    prefix, number = words, 1
    while prefix in others:
        number += 1
        prefix = f"{words}_{number}"
    return prefix


def prefixed(prefix: str, name: str) -> str:
    """The two as one name; what is too long ends in a digest of it."""
    whole = f"{prefix}_{name}"
    if len(whole) <= MAX_NAME_CHARS:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{whole[: MAX_NAME_CHARS - len(digest) - 1]}_{digest}"
