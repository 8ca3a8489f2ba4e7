"""Keeps what a model is sent within its window.

What goes first are results of tools, oldest first, each replaced by a few words; then whole turns, oldest first. A turn
is a user's message with the answers to it, so that a call and its result (one part) are never parted. The turn under
way stays; of its results the newest go last, and of one that is too long its beginning is kept.

What is left out of one request is left out of the next ones: turns are looked at in the order in which they were said,
and whenever they have grown over the room there is, they are cut down well below it. So requests mostly begin as the
ones before, which is what prompt caching lives on.

Tokens are estimated, rather too many than too few, and corrected by what the provider counts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from hub.chat.parts import FilePart, Json, Message, Part, TextPart, ThinkingPart, ToolCallPart, Usage
from hub.providers.base import ToolSpec

BYTES_PER_TOKEN = 3
PART_TOKENS = 20
"""What a part takes besides its text."""
CUT_DOWN_TO = 0.7
"""Of the room there is."""
IMAGE_TOKENS = 1600
"""Of an image, whatever its bytes."""
MAX_ANSWER_TOKENS = 32_000
"""Of the window, what is kept for the answer at most; of a small one it is a fifth."""
MIN_HEAD_TOKENS = 200
"""A result of which no more could be kept is left out as a whole."""

LEFT_OUT = "(Earlier messages are left out, since the conversation is longer than the model's window.)"
RESULT_LEFT_OUT = "(This result was left out to keep the conversation within the model's window. Call again if needed.)"

RESULT_CUT = "(The rest of this result was left out to keep the conversation within the model's window.)"


@dataclass
class _Turn:
    messages: list[Message]
    tokens: int
    has_results: bool  # that may be replaced


class Context:
    """What one run's requests have room for."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[Message, int]] = {}  # by message id; estimated before
        self._factor = 1.0  # what the provider counts for an estimated token
        self._estimate = 0.0  # of the last request, without the factor; 0 if it was not estimated
        self._last: tuple[Sequence[Message], int] | None = None  # the messages of the last request, and all else of it
        self._room: float | None = None  # set by `tighten`: tokens for all of a request, without the factor
        self._is_trimmed = False
        self._is_told = False

    def fit(
        self,
        messages: Sequence[Message],
        window_tokens: int | None,
        *,
        system: str = "",
        tools: Sequence[ToolSpec] = (),
        client_errors: Sequence[str] = (),
    ) -> Sequence[Message]:
        """The messages that a request has room for; all of them if the window is unknown."""
        besides = _size(system) + sum(map(_size, client_errors)) + sum(_size_of_json(tool) for tool in tools)
        fixed = besides // BYTES_PER_TOKEN + PART_TOKENS * (len(tools) + len(client_errors) + 1)
        self._last = messages, fixed
        room = self._room
        if window_tokens is not None:
            of_window = (window_tokens - min(window_tokens // 5, MAX_ANSWER_TOKENS)) / self._factor
            room = of_window if room is None else min(room, of_window)
        if room is None:
            self._estimate = 0.0
            return messages
        turns = self._trim([self._turn(turn) for turn in _turns(messages)], max(0.0, room - fixed))
        self._estimate = fixed + sum(turn.tokens for turn in turns)
        fitting = [message for turn in turns for message in turn.messages]
        if fitting and fitting[0].message_id != messages[0].message_id:
            fitting[0] = msgspec.structs.replace(fitting[0], parts=[TextPart(LEFT_OUT), *fitting[0].parts])
        return fitting

    def learn(self, usage: Usage) -> None:
        """What the provider has counted for the last request."""
        counted = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        if self._estimate and counted and not usage.estimated:
            # Never down: what was left out of the run's last request would be put back, at the cache's cost.
            self._factor = min(4.0, max(self._factor, 1.05 * counted / self._estimate))

    def tighten(self) -> bool:
        """After the provider has found the last request too long: make the next one half as long. False if that was
        done already."""
        if self._room is not None or self._last is None:
            return False
        messages, fixed = self._last
        self._room = (self._estimate or fixed + sum(map(self._tokens_of, messages))) / 2
        return True

    def news(self) -> str | None:
        """What the user should know, once: that something was left out."""
        if not self._is_trimmed or self._is_told:
            return None
        self._is_told = True
        return (
            "The conversation is longer than the model's window: the oldest of it is left out of what the model sees."
        )

    def _trim(self, turns: Sequence[_Turn], room: float) -> list[_Turn]:
        kept: list[_Turn] = []
        total = 0
        for turn in turns:
            kept.append(turn)
            total += turn.tokens
            if total <= room:
                continue
            before, total = total, self._cut_down(kept, total, room)
            self._is_trimmed = self._is_trimmed or total < before
        return kept

    def _cut_down(self, kept: list[_Turn], total: int, room: float) -> int:
        """Make the turns well shorter than `room`, as far as that goes without the last one; then that one too."""
        goal = room * CUT_DOWN_TO
        for turn in kept[:-1]:
            if total <= goal:
                return total
            total -= self._drop_results(turn, goal=None)
        if total <= room:
            return total
        gone = 0
        while gone < len(kept) - 1 and total > goal:
            total -= kept[gone].tokens
            gone += 1
        del kept[:gone]
        return total - self._drop_results(kept[-1], goal=total - goal) if total > room else total

    def _drop_results(self, turn: _Turn, goal: float | None) -> int:
        """Replace results, oldest first, until `goal` tokens are saved (None: all of them). The tokens saved."""
        if not turn.has_results:
            return 0
        saved = 0
        for place, message in enumerate(turn.messages):
            parts = list(message.parts)
            for number, part in enumerate(parts):
                if not isinstance(part, ToolCallPart) or (goal is not None and saved >= goal):
                    continue
                tokens = _size_of_json(part.result) // BYTES_PER_TOKEN
                shorter = _shortened(part.result, 0 if goal is None else tokens - math.ceil(goal - saved))
                less = tokens - _size_of_json(shorter) // BYTES_PER_TOKEN
                if less > 0:
                    parts[number] = msgspec.structs.replace(part, result=shorter)
                    saved += less
            if any(new is not old for new, old in zip(parts, message.parts, strict=True)):
                turn.messages[place] = msgspec.structs.replace(message, parts=parts)
        turn.has_results = goal is not None  # else none is left
        turn.tokens -= saved
        return saved

    def _turn(self, messages: list[Message]) -> _Turn:
        called = any(isinstance(part, ToolCallPart) for message in messages for part in message.parts)
        return _Turn(messages, sum(map(self._tokens_of, messages)), called)

    def _tokens_of(self, message: Message) -> int:
        known = self._tokens.get(message.message_id)
        if known is None or known[0] is not message:
            parts = sum(_size_of(part) for part in message.parts)
            context = 0 if message.context is None else _size_of_json(message.context)
            tokens = (parts + context) // BYTES_PER_TOKEN + PART_TOKENS * (1 + len(message.parts))
            known = self._tokens[message.message_id] = message, tokens
        return known[1]


def _turns(messages: Sequence[Message]) -> Iterable[list[Message]]:
    """Each message of a user with what was answered to it."""
    turn: list[Message] = []
    for message in messages:
        if message.role == "user" and turn:
            yield turn
            turn = []
        turn.append(message)
    if turn:
        yield turn


def _shortened(result: Json, tokens: int) -> str:
    """The beginning of a result, as text, of about so many tokens; or that it was left out."""
    if tokens < MIN_HEAD_TOKENS:
        return RESULT_LEFT_OUT
    text = result if isinstance(result, str) else msgspec.json.encode(result).decode()
    return f"{text[: tokens * BYTES_PER_TOKEN if text.isascii() else tokens]}\n{RESULT_CUT}"


def _size_of(part: Part) -> int:
    """In bytes, as far as they grow with what is said."""
    match part:
        case TextPart():
            return _size(part.text)
        case ThinkingPart():
            return _size(part.text) + len(part.signature or "") + len(part.redacted or "")
        case ToolCallPart():
            return _size_of_json(part.arguments) + _size_of_json(part.result) + _size(part.name + (part.error or ""))
        case FilePart():
            return _size(part.name) + (IMAGE_TOKENS * BYTES_PER_TOKEN if _is_image(part) else part.size)


def _is_image(part: FilePart) -> bool:
    return part.media_type.startswith("image/")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _size_of_json(value: Json) -> int:
    return len(msgspec.json.encode(value))
