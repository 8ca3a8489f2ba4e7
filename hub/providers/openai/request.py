"""One request of the hub as the body that Chat Completions takes."""

import re
from collections.abc import Mapping
from typing import Final

from hub.chat.parts import Json
from hub.providers.base import Request, ToolSpec
from hub.providers.history import ATTACHABLE, IMAGES, valid_name
from hub.providers.openai.errors import Said, is_too_long
from hub.providers.openai.history import MAX_NAME, to_messages
from hub.providers.openai.presets import LimitField, Preset
from hub.providers.text import whole_json, whole_text

_LIMIT_FIELDS: Final[tuple[LimitField, ...]] = ("max_completion_tokens", "max_tokens")
_UNIONS = ("oneOf", "anyOf", "allOf", "enum", "not")
_NAMED = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
"""Words of JSON Schema under which names stand, each with a schema."""
_VALUES = frozenset({"enum", "const", "default", "examples"})
"""Words under which no schemas stand."""

_NOT_KNOWN: Mapping[str, re.Pattern[str]] = {
    "stream_options": re.compile(r"stream_options|include_usage|include_obfuscation"),
    "prompt_cache_key": re.compile(r"prompt_cache_key"),
    "max_completion_tokens": re.compile(r"max_completion_tokens"),
    "max_tokens": re.compile(r"max_tokens"),
}
"""Fields that a server may do without, and what it says if it does not know them."""
NO_STREAM = re.compile(r"stream\w*\b.*\b(not|un\w+|only|must be)\b|\b(not|un\w+)\b.*\bstream", re.I)
REFUSALS = (400, 404, 405, 415, 422, 501)


def to_body(
    request: Request, preset: Preset, *, max_tokens: int | None, left_out: frozenset[str] = frozenset()
) -> dict[str, Json]:
    """The body. `left_out` are the fields that the server has refused (see `refused_field`)."""
    messages = to_messages(
        request.messages,
        request.client_errors,
        provider=preset.name,
        signs_calls=preset.signs_calls,
        files=request.files,
        takes=ATTACHABLE if preset.is_openai else IMAGES,  # the others know no documents
    )
    if request.system.strip():
        messages.insert(0, {"role": "system", "content": whole_text(request.system)})
    body: dict[str, Json] = {"model": whole_text(request.model), "messages": messages}
    if "stream" not in left_out:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
        if preset.is_openai:
            # Else each delta carries random padding, against who may listen to the lengths of encrypted packets.
            body["stream_options"]["include_obfuscation"] = False
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
        if "reasoning_effort" in left_out:
            body["reasoning_effort"] = "none"  # newer models of OpenAI take tools here only so
    if preset.is_openai:
        body["prompt_cache_key"] = valid_name(request.session_id, MAX_NAME)
    if max_tokens is not None:
        fields = sorted(_LIMIT_FIELDS, key=lambda field: field != preset.limit_field)
        if field := next((field for field in fields if field not in left_out), None):
            body[field] = max_tokens
    return {field: value for field, value in body.items() if field not in left_out or field == "reasoning_effort"}


def refused_field(status: int, said: Said, body: Mapping[str, Json]) -> str | None:
    """The field of `body` that the server does not know, if that is why it refused the request."""
    if status not in REFUSALS or is_too_long(status, said):
        return None
    about = f"{said.param} {said.text}"
    if "tools" in body and "reasoning_effort" not in body and "reasoning_effort" in about:
        return "reasoning_effort"
    for field, pattern in _NOT_KNOWN.items():
        if field in body and pattern.search(about):
            return field
    # Only its own words: others may quote the user's, who may have spoken of a stream.
    return "stream" if "stream" in body and (said.param == "stream" or NO_STREAM.search(said.message)) else None


def _tool(spec: ToolSpec) -> dict[str, Json]:
    return {
        "type": "function",
        "function": {
            "name": valid_name(spec.name, MAX_NAME),
            "description": whole_text(spec.description),
            "parameters": parameters(spec.input_schema),
        },
    }


def parameters(schema: Mapping[str, Json]) -> dict[str, Json]:
    """`schema` within what these servers take: an object at its top that is no union, arrays that say of what.

    A union at the top is left out: arguments are checked against the whole schema before a tool runs.
    """
    plain = {word: value for word, value in whole_json(schema).items() if word not in _UNIONS}
    filled: dict[str, Json] = _with_items({"properties": {}, **plain, "type": "object"})
    return filled


def _with_items(schema: Json) -> Json:
    if isinstance(schema, list):
        return [_with_items(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    filled: dict[str, Json] = {}
    for word, value in schema.items():
        if word in _NAMED and isinstance(value, dict):
            filled[word] = {name: _with_items(each) for name, each in value.items()}
        else:
            filled[word] = value if word in _VALUES else _with_items(value)
    kind = schema.get("type")
    if kind == "array" or (isinstance(kind, list) and "array" in kind):
        filled.setdefault("items", {})
    return filled
