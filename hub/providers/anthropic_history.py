"""A session's messages as Anthropic wants to be sent them: pure functions, from the same input always the same output.

Nothing here looks at a clock or makes random ids, so that the history of one request is the beginning of the next
one's, which is what prompt caching lives on. What comes out keeps Anthropic's rules whatever the history has been
through (stops, crashes, denials, other providers' answers):

- the first turn is the user's; roles alternate; no turn and no text is empty or blank;
- each answer is cut by `step` into the assistant's turn and the user's turn with its tool results;
- every tool call is answered, first thing in the turn right after it, and the answer tells the outcomes apart;
- ids of calls are unique in the request; ids and names have the characters that Anthropic takes;
- thinking goes back only to who made it, signed, at the head of its turn and never alone;
- strings hold no half characters (lone surrogates), and numbers are finite.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.chat.parts import FilePart, Json, Message, Part, TextPart, ThinkingPart, ToolCallPart

Block = dict[str, Json]
"""A content block as Anthropic's JSON has it."""

PROVIDER = "anthropic"
EMPTY_MESSAGE = "(empty message)"
LEFT_OUT = "(Earlier messages are left out.)"
NO_TOOL_NAME = "unnamed"
GO_ON = "Your last message was cut off. Go on exactly where it stopped; repeat nothing and do not mention the break."

_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_-]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_THINKING = ("thinking", "redacted_thinking")


class Turn(msgspec.Struct):
    """What one side says before the other answers."""

    role: str
    content: list[Block]


def to_turns(messages: Sequence[Message], client_errors: Sequence[str] = ()) -> list[Turn]:
    """The turns of a request. `client_errors` are told at the end of the last turn of the user."""
    ids = CallIds()
    turns: list[Turn] = []
    for message in messages:
        if message.role == "user":
            _add(turns, "user", _user_blocks(message))
        else:
            _add_answer(turns, message, ids)
    if not turns or turns[0].role != "user":
        turns.insert(0, Turn("user", [_text(LEFT_OUT if turns else EMPTY_MESSAGE)]))
    if turns[-1].role == "assistant" and messages[-1].status != "streaming":
        # An answer is gone on with. Newer models refuse a request that ends with their own words.
        turns.append(Turn("user", [_text(GO_ON)]))
    _tidy_end(turns)
    if client_errors:
        told = "Errors that the user's client reported since the last request:\n"
        text = told + "\n".join(f"- {error}" for error in client_errors)
        next(turn for turn in reversed(turns) if turn.role == "user").content.append(_text(text))
    return turns


def valid_name(name: str, max_length: int = 128) -> str:
    """`name` if Anthropic takes it; else one that it takes, and that another name is not likely to become."""
    if name and len(name) <= max_length and not _NOT_ALLOWED.search(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_NOT_ALLOWED.sub('_', name)[: max_length - 9] or NO_TOOL_NAME}_{digest}"


def whole_text(text: str) -> str:
    """`text` with halves of characters joined where both are there, and replaced by U+FFFD where not."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_json(value: Json) -> Json:
    """`value` as JSON that can be sent: whole strings, finite numbers, keys that are strings."""
    match value:
        case str():
            return whole_text(value)
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {whole_text(str(key)): whole_json(item) for key, item in value.items()}
        case list() | tuple():
            return [whole_json(item) for item in value]
        case _:
            return value


class CallIds:
    """Gives each tool call of a request an id that is valid and unique in it; by order, so always the same ones."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, call_id: str) -> str:
        valid = unique = valid_name(call_id)
        number = 1
        while unique in self._taken:
            number += 1
            unique = f"{valid}_{number}"
        self._taken.add(unique)
        return unique


def result_text(part: ToolCallPart) -> tuple[str, bool]:
    """What the model is told of a call, and whether it is an error.

    A call that was stopped is not "denied", and one that may have run is not "failed": a model that is told so draws
    the wrong conclusion.
    """
    if part.state == "success":
        return _result_json(part.result), False
    why = f" {part.error}" if part.error and part.error.strip() else ""
    again = "" if part.access == "read" else " It may have taken effect: check before you call it again."
    match part.state:
        case "failed":
            text = f"The call failed.{why}"
        case "denied":
            text = f"The user did not allow this call; it did not run.{why}"
        case "timed_out":
            text = f"No result came in time.{again}{why}"
        case "pending" | "approval":
            text = f"The answer was stopped before this call ran.{why}"
        case _ if part.arguments is None:
            text = f"The answer ended while this call was being written; it did not run.{why}"
        case _:
            text = f"The answer was stopped before this call's result came.{again}{why}"
    return whole_text(text), True


def _result_json(result: Json) -> str:
    if isinstance(result, str) and result.strip():
        return whole_text(result)
    return json.dumps(whole_json(result), ensure_ascii=False, default=str)


def _text(text: str) -> Block:
    return {"type": "text", "text": whole_text(text)}


def _add(turns: list[Turn], role: str, blocks: list[Block]) -> None:
    """Append to the last turn if it is of this role. Thinking may only stand at the head of a turn."""
    if not blocks:
        return
    if turns and turns[-1].role == role:
        turns[-1].content.extend(block for block in blocks if block["type"] not in _THINKING)
    else:
        turns.append(Turn(role, blocks))


def _user_blocks(message: Message) -> list[Block]:
    blocks: list[Block] = []
    if message.context is not None:
        context = json.dumps(whole_json(message.context), ensure_ascii=False, default=str)
        blocks.append(_text(f"<context>\n{context}\n</context>"))
    said = [_text(text) for part in message.parts if (text := _user_text(part)).strip()]
    return [*blocks, *(said or [_text(EMPTY_MESSAGE)])]


def _user_text(part: Part) -> str:
    match part:
        case TextPart():
            return part.text
        case FilePart():
            return f"[file: {part.name}, {part.media_type}, {part.size} bytes]"
        case _:
            return ""


def _add_answer(turns: list[Turn], message: Message, ids: CallIds) -> None:
    own = message.provider == PROVIDER
    for parts in _steps(message.parts):
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


def _steps(parts: Sequence[Part]) -> Iterable[list[Part]]:
    """The parts of each model request; they come in order."""
    group: list[Part] = []
    for part in parts:
        if group and group[-1].step != part.step:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _thinking(part: ThinkingPart) -> list[Block]:
    if part.redacted:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    if part.signature and not _SURROGATE.search(part.text):
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
