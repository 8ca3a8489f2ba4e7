"""A tool that the user names, with its arguments, so that tools of one's own can be tried without a model:

    Use stock with sku=4711            Call the tool add_row with {"row": ["Tea", 3], "at": 2}

The sentence is this and nothing else; what is not understood to its end calls nothing.
"""

import json
import re
from collections.abc import Mapping, Sequence

from hub.chat.parts import Json, ToolCallPart
from hub.providers.base import ToolSpec
from hub.providers.history import result_text

MAX_ARGUMENTS = 1_000
"""Characters of them."""

_CALL = re.compile(
    r"\s*(?:please\s+)?(?:use|call|run|benutze|nutze)\s+(?:the\s+|das\s+)?(?:tool\s+|werkzeug\s+)?"
    r"[`\"']?(?P<name>[\w-]{1,64})[`\"']?(?:\s+(?:with|mit)\s+(?P<arguments>.*?))?\s*[.!]?\s*",
    re.IGNORECASE | re.DOTALL,
)
_PAIR = re.compile(
    r"(?P<name>\w+)\s*=\s*(?P<value>\"(?:[^\"\\]|\\.)*\"|.*?)(?:\s*(?:,|\s(?:and|und)\s)\s*(?=\w+\s*=)|\s*$)", re.DOTALL
)


def named_call(sentence: str, tools: Sequence[ToolSpec]) -> tuple[str, Mapping[str, Json]] | None:
    """The tool and its arguments, which are not checked; None if the sentence asks for no tool that there is."""
    match = _CALL.fullmatch(sentence) if len(sentence) <= 2 * MAX_ARGUMENTS else None
    tool = None if match is None else next((tool for tool in tools if tool.name == match["name"]), None)
    if match is None or tool is None:
        return None
    arguments = _arguments(match["arguments"] or "", tool.input_schema)
    return None if arguments is None else (tool.name, arguments)


def told(call: ToolCallPart) -> str:
    """What came of it, as it came."""
    text, is_error = result_text(call)
    longest = max(map(len, re.findall("`+", text)), default=2)
    fence = "`" * max(3, longest + 1)
    said = "did not do it" if is_error else "answered"
    return f"`{call.name}` {said}:\n\n{fence}\n{text}\n{fence}\n"


def _arguments(text: str, schema: Mapping[str, Json]) -> Mapping[str, Json] | None:
    if len(text) > MAX_ARGUMENTS:
        return None
    if text.startswith("{"):
        found = _read(text)
        return found if isinstance(found, dict) else None
    properties = schema.get("properties")
    kinds = properties if isinstance(properties, dict) else {}
    arguments: dict[str, Json] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or not pair["value"] or pair["name"] in arguments:
            return None
        arguments[pair["name"]] = _value(pair["value"], kinds.get(pair["name"]))
        at = pair.end()
    return arguments


def _value(text: str, kind: Json) -> Json:
    """JSON if it is some; else the text. A number is a text where the tool wants one."""
    found = _read(text)
    wants_text = isinstance(kind, dict) and kind.get("type") == "string"
    return text if found is None or (wants_text and not isinstance(found, str)) else found


def _read(text: str) -> Json:
    """None for what is no JSON; and for null, which nobody has to write."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
