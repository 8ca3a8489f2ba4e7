"""A session's messages as Chat Completions wants to be sent them: pure functions, the same output for the same input.

What comes out keeps the rules of all servers that we know of, whatever the history has been through (stops, crashes,
denials, other providers' answers):

- the system text first, then the user; neighbours of one role are one message; the last is the user's or a tool's;
- contents are plain strings that are not blank (not all servers take lists of parts), but where files go along;
- each answer is cut by `step` into the assistant's message with its calls and the tools' messages right after it;
- every call is answered once, and the answer tells the outcomes apart;
- ids of calls are unique in the request and at most 40 characters long, names at most 64; arguments are a JSON object.

What a server wants back of its own is kept in the signatures of thinking parts: the name of the field that the thinking
came in, or the `extra_content` of tool calls, by their ids, as JSON.
"""

import json
from collections.abc import Collection, Mapping, Sequence

from hub.chat.parts import Json, Message, Part, TextPart, ThinkingPart, ToolCallPart
from hub.providers.history import (
    ATTACHABLE,
    EMPTY_MESSAGE,
    GO_ON,
    LEFT_OUT,
    PDF,
    Attached,
    CallIds,
    errors_text,
    result_text,
    steps,
    user_content,
    valid_name,
)
from hub.providers.text import json_text, whole_text

Sent = dict[str, Json]
"""A message as the wire has it."""

MAX_ID = 40
MAX_NAME = 64
REASONING_FIELDS = ("reasoning_content", "reasoning")
UNSIGNED: Mapping[str, Json] = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""What Gemini takes for a call that others made, or whose signature was lost."""


def to_messages(
    messages: Sequence[Message],
    client_errors: Sequence[str] = (),
    *,
    provider: str,
    signs_calls: bool = False,
    files: Mapping[str, bytes] = {},
    takes: Collection[str] = ATTACHABLE,
) -> list[Sent]:
    """All but the system text. `provider` is who gets them; `client_errors` are told at the end. `files` are the bytes
    of those in messages of users, by id; `takes` are the types that the server takes."""
    ids = CallIds(MAX_ID)
    sent: list[Sent] = []
    for message in messages:
        if message.role == "user":
            _add_user(sent, *user_content(message, files, takes=takes))
        else:
            _add_answer(sent, message, ids, own=message.provider == provider, signs_calls=signs_calls)
    if not sent or sent[0]["role"] != "user":
        sent.insert(0, {"role": "user", "content": LEFT_OUT if sent else EMPTY_MESSAGE})
    if sent[-1]["role"] == "assistant":
        _add_user(sent, GO_ON)
    if client_errors:
        _add_user(sent, errors_text(client_errors))
    return sent


def _add_user(sent: list[Sent], *said: str | Attached) -> None:
    texts = [one for one in said if isinstance(one, str)]
    whole = "\n\n".join(texts) if len(texts) == len(said) else [_part(one) for one in said]
    _add(sent, {"role": "user", "content": whole})


def _part(said: str | Attached) -> Sent:
    if isinstance(said, str):
        return {"type": "text", "text": said}
    url = f"data:{said.media_type};base64,{said.base64}"
    if said.media_type == PDF:
        return {"type": "file", "file": {"filename": said.name, "file_data": url}}
    return {"type": "image_url", "image_url": {"url": url}}


def _both(one: Json, other: Json) -> Json:
    """Two contents as one: a text if both are."""
    if isinstance(one, list) or isinstance(other, list):
        return [*_parts(one), *_parts(other)]
    return "\n\n".join(filter(None, (one, other)))


def _parts(content: Json) -> list[Sent]:
    return content if isinstance(content, list) else [_part(content)] if content else []


def _add(sent: list[Sent], message: Sent) -> None:
    """Append to the last message if it is of this role and made no calls."""
    if sent and sent[-1]["role"] == message["role"] and "tool_calls" not in sent[-1]:
        content = _both(sent[-1].get("content"), message.get("content"))
        sent[-1] = {**sent[-1], **message, "content": content}
    else:
        sent.append(message)


def _add_answer(sent: list[Sent], message: Message, ids: CallIds, *, own: bool, signs_calls: bool) -> None:
    extras = _extras(message.parts) if own and signs_calls else {}
    for parts in steps(message.parts):
        text = "".join(whole_text(part.text) for part in parts if isinstance(part, TextPart))
        calls = [part for part in parts if isinstance(part, ToolCallPart)]
        call_ids = [ids.take(call.call_id) for call in calls]
        made: Sent = {"role": "assistant"}
        if text.strip():
            made["content"] = text
        if calls:
            made |= _reasoning(parts) if own else {}
            made["tool_calls"] = [_call(call, call_id) for call, call_id in zip(calls, call_ids, strict=True)]
            if signs_calls:
                _sign(made["tool_calls"], calls, extras)
        if len(made) > 1:
            _add(sent, made)
        for call, call_id in zip(calls, call_ids, strict=True):
            sent.append({"role": "tool", "tool_call_id": call_id, "content": result_text(call)[0]})


def _call(part: ToolCallPart, call_id: str) -> Sent:
    function = {"name": valid_name(part.name, MAX_NAME), "arguments": json_text(part.arguments or {})}
    return {"id": call_id, "type": "function", "function": function}


def _reasoning(parts: Sequence[Part]) -> Mapping[str, Json]:
    """The thinking that led to calls, in the field that it came in: some servers refuse the calls without it."""
    thinking = [part for part in parts if isinstance(part, ThinkingPart) and part.signature in REASONING_FIELDS]
    text = "".join(whole_text(part.text) for part in thinking)
    return {str(thinking[0].signature): text} if text else {}


def call_signature(call_id: str, extra: Json) -> str:
    """What `_extras` finds again."""
    return json.dumps({call_id: extra}, separators=(",", ":"), sort_keys=True)


def _extras(parts: Sequence[Part]) -> Mapping[str, Json]:
    """The `extra_content` of calls, by their ids."""
    found: dict[str, Json] = {}
    for part in parts:
        if isinstance(part, ThinkingPart) and part.signature and part.signature.startswith("{"):
            try:
                read = json.loads(part.signature)
            except (ValueError, RecursionError):
                continue
            found |= read if isinstance(read, dict) else {}
    return found


def _sign(sent: Sequence[Sent], calls: Sequence[ToolCallPart], extras: Mapping[str, Json]) -> None:
    for place, (call, part) in enumerate(zip(sent, calls, strict=True)):
        if part.call_id in extras:
            call["extra_content"] = extras[part.call_id]
        elif place == 0:
            call["extra_content"] = UNSIGNED
