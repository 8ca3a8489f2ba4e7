"""A session's messages as the Responses API wants to be sent them: pure functions, the same output for the same input.

What comes out is a list of items, whatever the history has been through (stops, crashes, denials, other providers'
answers):

- the user first; the last item is the user's or the output of a call;
- each answer is cut by `step` into what the model made, in its order, and the outputs of its calls right after it;
- every call is answered once, and the answer tells the outcomes apart;
- ids of calls are unique in the request and at most 64 characters long, as are names; arguments are a JSON object;
- reasoning goes back only to who made it, encrypted as it came, and never without the words or the call that it led to.

No item but reasoning has an id: the API would look for the item in its store, where nothing is.

What came encrypted is kept in the signature of the thinking part, as JSON, with the item's id. A thinking part without
text may have a `phase` there: that of the model's next words, which newer models want back.
"""

import json
from collections.abc import Collection, Mapping, Sequence

from hub.chat.parts import FilePart, Json, Message, Part, TextPart, ThinkingPart, ToolCallPart
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
from hub.providers.openai.history import MAX_NAME
from hub.providers.text import json_text, whole_text

Item = dict[str, Json]
"""An item as the wire has it."""

MAX_ID = 64


def to_items(
    messages: Sequence[Message],
    client_errors: Sequence[str] = (),
    *,
    provider: str,
    files: Mapping[str, bytes] = {},
    takes: Collection[str] = ATTACHABLE,
    reasons: bool = True,
) -> list[Item]:
    """All but the system text. `provider` is who gets them; `client_errors` are told at the end. `files` are the bytes
    of those in messages of users, by id; `takes` are the types that the server takes. `reasons`: with reasoning."""
    ids = CallIds(MAX_ID)
    seen: set[Json] = set()  # ids of reasoning: an answer that was given again has the same
    items: list[Item] = []
    for message in messages:
        if message.role == "user":
            items.append(_user(*user_content(message, files, takes=takes)))
        else:
            signed = reasons and message.provider == provider
            for parts in steps(message.parts):
                items += _step(parts, ids, seen, signed=signed)
    if not items or items[0].get("role") != "user":
        items.insert(0, _user(LEFT_OUT if items else EMPTY_MESSAGE))
    if items[-1].get("role") == "assistant":
        items.append(_user(GO_ON))
    if client_errors:
        items.append(_user(errors_text(client_errors)))
    return items


def _user(*said: str | Attached) -> Item:
    texts = [one for one in said if isinstance(one, str)]
    whole = "\n\n".join(texts) if len(texts) == len(said) else [_part(one) for one in said]
    return {"type": "message", "role": "user", "content": whole}


def _part(said: str | Attached) -> Item:
    if isinstance(said, str):
        return {"type": "input_text", "text": said}
    url = f"data:{said.media_type};base64,{said.base64}"
    if said.media_type == PDF:
        return {"type": "input_file", "filename": said.name, "file_data": url}
    return {"type": "input_image", "image_url": url, "detail": "auto"}


def _step(parts: Sequence[Part], ids: CallIds, seen: set[Json], *, signed: bool) -> list[Item]:
    made: list[Item] = []
    outputs: list[Item] = []
    held: list[Item] = []  # reasoning that has led to nothing yet
    phase: Item = {}
    for part in parts:
        match part:
            case ThinkingPart():
                kept = read_signature(part.signature) if signed else {}
                if {"id", "encrypted_content"} <= set(kept) and kept["id"] not in seen:
                    seen.add(kept["id"])
                    held.append(_reasoning(part, kept))
                if "phase" in kept:
                    phase = {"phase": kept["phase"]}
            case TextPart():
                if part.text.strip():
                    made += [*held, _words(part.text, phase)]
                    held = []
            case ToolCallPart():
                call_id = ids.take(part.call_id)
                made += [*held, _call(part, call_id)]
                outputs.append({"type": "function_call_output", "call_id": call_id, "output": result_text(part)[0]})
                held = []
            case FilePart():
                pass  # a generated file is told by the result of the tool that made it
    return made + outputs


def _words(text: str, phase: Item) -> Item:
    return {"type": "message", "role": "assistant", "content": whole_text(text), **phase}


def _call(part: ToolCallPart, call_id: str) -> Item:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": valid_name(part.name, MAX_NAME),
        "arguments": json_text(part.arguments or {}),
    }


def _reasoning(part: ThinkingPart, kept: Mapping[str, Json]) -> Item:
    summary = [{"type": "summary_text", "text": whole_text(part.text)}] if part.text else []
    return {
        "type": "reasoning",
        "id": kept["id"],
        "summary": summary,
        "encrypted_content": kept["encrypted_content"],
    }


def signature(**kept: str) -> str:
    """What `read_signature` finds again: the `id` and the `encrypted_content` of reasoning, or a `phase`."""
    return json.dumps(kept, separators=(",", ":"))


def read_signature(signature: str | None) -> Mapping[str, Json]:
    """What was kept; nothing if the signature is of another kind (Chat Completions')."""
    if not signature or not signature.startswith("{"):
        return {}
    try:
        read = json.loads(signature)
    except (ValueError, RecursionError):
        return {}
    return {name: read[name] for name in ("id", "encrypted_content", "phase") if isinstance(read.get(name), str)}
