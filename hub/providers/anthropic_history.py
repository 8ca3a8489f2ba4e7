"""A session's messages as Anthropic wants to be sent them: pure functions, from the same input always the same output.

What comes out keeps Anthropic's rules whatever the history has been through (stops, crashes, denials, other providers'
answers):

- the first turn is the user's; roles alternate; no turn and no text is empty or blank;
- each answer is cut by `step` into the assistant's turn and the user's turn with its tool results;
- every tool call is answered, first thing in the turn right after it, and the answer tells the outcomes apart;
- ids of calls are unique in the request; ids and names have the characters that Anthropic takes;
- documents are all to be cited, or none of them; by their place among all is told which one is;
- thinking goes back only to who made it, signed, at the head of its turn and never alone;
- strings hold no half characters (lone surrogates), and numbers are finite.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hub.chat.parts import FilePart, Json, Message, TextPart, ThinkingPart, ToolCallPart
from hub.providers.history import (
    ATTACHABLE,
    EMPTY_MESSAGE,
    GO_ON,
    IMAGES,
    LEFT_OUT,
    PROSE,
    Attached,
    CallIds,
    errors_text,
    result_text,
    steps,
    user_content,
    valid_name,
)
from hub.providers.text import has_half, whole_json, whole_text

Block = dict[str, Json]
"""A content block as Anthropic's JSON has it."""

PROVIDER = "anthropic"

_THINKING = ("thinking", "redacted_thinking")


class Turn(msgspec.Struct):
    """What one side says before the other answers."""

    role: str
    content: list[Block]


def to_turns(
    messages: Sequence[Message],
    client_errors: Sequence[str] = (),
    files: Mapping[str, bytes] = {},
    *,
    documents: list[str] | None = None,
) -> list[Turn]:
    """The turns of a request. `client_errors` are told at the end of the last turn of the user; `files` are the bytes
    of those in messages of users, by id. With `documents`, answers are to cite them: their ids are appended to it, by
    the place of each among the documents of the request."""
    ids = CallIds()
    turns: list[Turn] = []
    for message in messages:
        if message.role == "user":
            content = user_content(message, files, takes=ATTACHABLE if documents is None else (*ATTACHABLE, *PROSE))
            _add(turns, "user", [_said(said, documents) for said in content])
        else:
            _add_answer(turns, message, ids)
    if not turns or turns[0].role != "user":
        turns.insert(0, Turn("user", [_text(LEFT_OUT if turns else EMPTY_MESSAGE)]))
    if turns[-1].role == "assistant" and messages[-1].status != "streaming":
        # An answer is gone on with. Newer models refuse a request that ends with their own words.
        turns.append(Turn("user", [_text(GO_ON)]))
    _tidy_end(turns)
    if client_errors:
        last = next(turn for turn in reversed(turns) if turn.role == "user")
        last.content.append(_text(errors_text(client_errors)))
    return turns


def _text(text: str) -> Block:
    return {"type": "text", "text": whole_text(text)}


def _said(said: str | Attached, documents: list[str] | None) -> Block:
    if isinstance(said, str):
        return _text(said)
    source = {"type": "base64", "media_type": said.media_type, "data": said.base64}
    if said.media_type in IMAGES:
        return {"type": "image", "source": source}
    if said.text:
        source = {"type": "text", "media_type": "text/plain", "data": said.text}
    block: Block = {"type": "document", "source": source}
    if said.name.strip():
        block["title"] = said.name
    if documents is not None:
        block["citations"] = {"enabled": True}
        documents.append(said.file_id)
    return block


def _add(turns: list[Turn], role: str, blocks: list[Block]) -> None:
    """Append to the last turn if it is of this role. Thinking may only stand at the head of a turn."""
    if not blocks:
        return
    if turns and turns[-1].role == role:
        turns[-1].content.extend(block for block in blocks if block["type"] not in _THINKING)
    else:
        turns.append(Turn(role, blocks))


def _add_answer(turns: list[Turn], message: Message, ids: CallIds) -> None:
    own = message.provider == PROVIDER
    for parts in steps(message.parts):
        thinking: list[Block] = []
        said: list[Block] = []
        results: list[Block] = []
        for part in parts:
            match part:
                case ThinkingPart():
                    if own and not said:
                        thinking.extend(_thinking(part))
                case TextPart():
                    if part.text.strip():
                        said.append(_text(part.text))
                case ToolCallPart():
                    call_id = ids.take(part.call_id)
                    said.append(_tool_use(part, call_id))
                    results.append(_tool_result(part, call_id))
                case FilePart():
                    pass  # a generated file is told by the result of the tool that made it
        if said:
            _add(turns, "assistant", thinking + said)
            _add(turns, "user", results)


def _thinking(part: ThinkingPart) -> list[Block]:
    if part.redacted:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    if part.signature and not has_half(part.text):
        return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]
    return []  # cut off before it was signed, or not sendable as it was signed


def _tool_use(part: ToolCallPart, call_id: str) -> Block:
    return {
        "type": "tool_use",
        "id": call_id,
        "name": valid_name(part.name),
        "input": whole_json(part.arguments or {}),
    }


def _tool_result(part: ToolCallPart, call_id: str) -> Block:
    text, is_error = result_text(part)
    block: Block = {"type": "tool_result", "tool_use_id": call_id, "content": text}
    if is_error:
        block["is_error"] = True
    return block


def _tidy_end(turns: list[Turn]) -> None:
    """An assistant's last turn is what the model goes on from; it may not end in white space."""
    last = turns[-1]
    if last.role == "assistant" and last.content[-1]["type"] == "text":
        last.content[-1]["text"] = last.content[-1]["text"].rstrip()
