"""One request of the hub as the body that the Responses API takes."""

import re
from collections.abc import Mapping

from hub.chat.parts import Json
from hub.providers.base import Request, ToolSpec
from hub.providers.history import ATTACHABLE, IMAGES, valid_name
from hub.providers.openai.errors import Said, is_too_long
from hub.providers.openai.history import MAX_NAME
from hub.providers.openai.presets import Preset
from hub.providers.openai.request import NO_STREAM, REFUSALS, parameters
from hub.providers.openai.responses.history import to_items
from hub.providers.text import whole_text

REASONING = "reasoning items"
"""Stands for the reasoning in the history among the fields that may be left out."""

_KEY_OF_CACHE = 64
_BAD_REASONING = re.compile(
    r"invalid_encrypted_content|encrypted content\b.*\b(verified|decrypted|parsed)|\brs_\w+|type 'reasoning'", re.I
)
_NOT_KNOWN: Mapping[str, re.Pattern[str]] = {
    "include": re.compile(r"^include\b|['\"`]include\b|supplied: include\b|encrypted content is not supported", re.I),
    "reasoning": re.compile(r"\breasoning\.\w+|'reasoning'|argument supplied: reasoning|reasoning summar", re.I),
    "stream_options": re.compile(r"stream_options|include_obfuscation"),
    "prompt_cache_key": re.compile(r"prompt_cache_key"),
    "max_output_tokens": re.compile(r"max_output_tokens"),
}
"""Fields that a server or a model may do without, and what it says if it does not take them."""


def to_body(
    request: Request, preset: Preset, *, max_tokens: int | None, left_out: frozenset[str] = frozenset()
) -> dict[str, Json]:
    """The body. `left_out` are the fields that the server has refused (see `refused_field`)."""
    items = to_items(
        request.messages,
        request.client_errors,
        provider=preset.name,
        files=request.files,
        takes=ATTACHABLE if preset.is_openai else IMAGES,
        reasons=REASONING not in left_out,
    )
    body: dict[str, Json] = {"model": whole_text(request.model), "input": items, "store": False}
    if request.system.strip():
        body["instructions"] = whole_text(request.system)
    if "stream" not in left_out:
        body["stream"] = True
    # Without a store, reasoning can only go back as it was sent: encrypted. Its summary is what users see of it.
    body["include"] = ["reasoning.encrypted_content"]
    body["reasoning"] = {"summary": "auto"}
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    if preset.is_openai:
        body["prompt_cache_key"] = valid_name(request.session_id, _KEY_OF_CACHE)
        if "stream" in body:
            # Else each delta carries random padding, against who may listen to the lengths of encrypted packets.
            body["stream_options"] = {"include_obfuscation": False}
    if max_tokens is not None:
        body["max_output_tokens"] = max_tokens
    return {field: value for field, value in body.items() if field not in left_out}


def refused_field(status: int, said: Said, body: Mapping[str, Json]) -> str | None:
    """The field of `body` that the server does not take, if that is why it refused the request."""
    if status not in REFUSALS or is_too_long(status, said):
        return None
    about = f"{said.param} {said.text}"
    if _BAD_REASONING.search(about) and any(item.get("type") == "reasoning" for item in body["input"]):
        return REASONING
    for field, pattern in _NOT_KNOWN.items():
        if field in body and pattern.search(about):
            return field
    # Only its own words: others may quote the user's, who may have spoken of a stream.
    return "stream" if "stream" in body and (said.param == "stream" or NO_STREAM.search(said.message)) else None


def _tool(spec: ToolSpec) -> dict[str, Json]:
    return {
        "type": "function",
        "name": valid_name(spec.name, MAX_NAME),
        "description": whole_text(spec.description),
        "parameters": parameters(spec.input_schema),
        "strict": False,  # which it is by default: then all properties would have to be required
    }
