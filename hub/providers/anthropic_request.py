"""One request of the hub as the body that Anthropic's Messages API takes."""

from collections.abc import Sequence

from hub.chat.parts import Json
from hub.providers.anthropic_history import Block, Turn, to_turns
from hub.providers.base import Request, ToolSpec
from hub.providers.history import valid_name
from hub.providers.text import whole_json, whole_text

_CACHE: Block = {"type": "ephemeral"}


def to_body(
    request: Request, *, max_tokens: int, thinking: bool, documents: list[str] | None = None
) -> dict[str, Json]:
    """The fields of the body, without `stream`. With `documents`, answers are to cite those of the request, whose ids
    are appended to it.

    Cache markers stand where prefixes end that come again: the tools, the system text, and the last two turns of the
    user. The one before the last is where the request before ended: from a marker, Anthropic looks back over 20 blocks
    only, and one step with many calls has more.
    """
    turns = to_turns(request.messages, request.client_errors, request.files, documents=documents)
    body: dict[str, Json] = {"model": request.model, "max_tokens": max_tokens}
    if request.system.strip():
        body["system"] = [{"type": "text", "text": whole_text(request.system), "cache_control": _CACHE}]
    if tools := [_tool(spec) for spec in request.tools]:
        tools[-1]["cache_control"] = _CACHE
        body["tools"] = tools
    elif names := _called(turns):
        # Anthropic refuses a history with tool calls if no tools are defined: the host of the tools may be gone.
        body["tools"] = [_gone(name) for name in names]
        body["tool_choice"] = {"type": "none"}
    if thinking:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    for turn in [turn for turn in turns if turn.role == "user"][-2:]:
        turn.content[-1]["cache_control"] = _CACHE
    body["messages"] = [{"role": turn.role, "content": turn.content} for turn in turns]
    return body


def _tool(spec: ToolSpec) -> Block:
    return {
        "name": valid_name(spec.name),
        "description": whole_text(spec.description),
        "input_schema": {"type": "object", **whole_json(spec.input_schema)},
    }


def _called(turns: Sequence[Turn]) -> list[str]:
    """The names of the tools that were called, each once, in order."""
    names = (block["name"] for turn in turns for block in turn.content if block["type"] == "tool_use")
    return list(dict.fromkeys(names))


def _gone(name: str) -> Block:
    return {"name": name, "description": "Not available any more.", "input_schema": {"type": "object"}}
