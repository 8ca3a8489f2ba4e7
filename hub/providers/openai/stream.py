"""Chat Completions' answers turned into the hub's deltas: a pure machine, JSON in, deltas out.

    chunk*                      of text, thinking and pieces of tool calls, in any order
    chunk with finish_reason    then mostly one with the usage, then `[DONE]`

An answer in one piece is one chunk that has a `message` instead of a `delta`. The finish reason is the proper end: an
answer without it was cut off, `[DONE]` or not (a proxy that lost its server says that too). Only the fields that matter
are read.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from hub.chat.parts import Json, Usage
from hub.providers.base import (
    Cited,
    Delta,
    FinishReason,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    UsageSoFar,
)
from hub.providers.citing import Bound
from hub.providers.openai.calls import Calls, WireCall
from hub.providers.openai.citations import citation_of
from hub.providers.openai.counting import Details, Output
from hub.providers.openai.errors import Failures, read_error
from hub.providers.openai.history import REASONING_FIELDS, call_signature
from hub.providers.text import Joiner, decode_wire, is_deep

DONE: Final = b"[DONE]"
_REASONS: Mapping[str, FinishReason] = {
    "length": "max_output",
    "max_tokens": "max_output",
    "content_filter": "refused",
    "refusal": "refused",
    "model_context_window_exceeded": "context_full",
}
"""All others are a proper end; whether tools are to be called is told by the calls, as not all servers say it."""
_DECLINED = ("safety", "recitation", "prohibited_content", "blocklist", "spii", "image_safety", "model_armor")
"""What Gemini calls a refusal where it does not say `content_filter`."""
_TROUBLE = (
    "error",
    "insufficient_system_resource",
    # Gemini's model wrote a call that its own server could not read, or take: mostly nothing else was said.
    "function_call_filter",
    "malformed_function_call",
    "unexpected_tool_call",
    "too_many_tool_calls",
    "missing_thought_signature",
)
_CUT_OFF = ("abort", "cancelled")


class WireUsage(msgspec.Struct):
    """Token counts. The prompt's are with those read from the cache or written to it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: Details | None = None


class _Said(msgspec.Struct):
    """A `delta` or a `message`."""

    content: Json = None
    reasoning_content: Json = None
    reasoning: Json = None
    refusal: str | None = None
    tool_calls: list[WireCall] | None = None
    annotations: Json = None


class _Choice(msgspec.Struct):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """All that is read of any chunk, or of an answer in one piece."""

    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    error: Json = None
    message: Json = None
    detail: Json = None

    @property
    def is_error(self) -> bool:
        return bool(self.error) or (self.choices is None and bool(self.message or self.detail))


class _Content:
    """What was said, for annotations: they come at its end, or with it, and count from its beginning."""

    def __init__(self) -> None:
        self.pieces: list[str] = []  # of the last text
        self._block: int | None = None  # its number, once there is one
        self._begins = 0  # how many characters were said before it
        self._bound = Bound()

    def begin(self, block: int) -> None:
        self._begins += sum(map(len, self.pieces))
        self._block, self.pieces, self._bound = block, [], Bound()

    def cited(self, annotations: Json) -> Iterator[Delta]:
        if self._block is None or not isinstance(annotations, list) or self._bound.is_used_up:
            return
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        text = "".join(self.pieces)
        known = (citation_of(each, text, begins=self._begins) for each in annotations)
        if taken := self._bound.take(known):
            yield Cited(self._block, taken)


_decoder = msgspec.json.Decoder(Chunk)
_error_decoder = msgspec.json.Decoder()


class StreamReader:
    """Reads the chunks of one answer.

    `calls` keeps its tool calls; `sent_characters` is what the input is estimated by until the server tells it.
    """

    def __init__(self, calls: Calls, failures: Failures, *, sent_characters: int) -> None:
        self.began = False
        """Something of the answer has come."""
        self.has_ended = False
        """The model has ended; all that may still come is the usage."""
        self.is_done = False
        """Nothing comes any more."""
        self._calls = calls
        self._failures = failures
        self._output = Output(sent_characters)
        self._usage: WireUsage | None = None
        self._reason: str | None = None
        self._refusal = ""
        self._field: str | None = None  # of the thinking under way
        self._text: Joiner | None = None  # of the text or thinking under way
        self._block = -1
        self._content = _Content()

    def read(self, data: bytes) -> list[Delta]:
        """What one chunk means. Raises `ProviderError` if it is an error, or cannot be read."""
        if data.strip() == DONE:
            self.is_done = True
            return []
        try:
            chunk = decode_wire(_decoder, data)
            error = read_error(decode_wire(_error_decoder, data)) if chunk.is_error else None
        except ValueError:
            raise self._failures.truncated("something came that is not its format") from None
        if error is not None:
            raise self._failures.refused(200, error)
        deltas: list[Delta] = []
        if not self.began:
            self.began = True
            deltas.append(UsageSoFar(self._output.so_far()))
        if chunk.usage is not None:
            self._usage = chunk.usage
        for choice in (chunk.choices or ())[:1]:
            if (said := choice.delta or choice.message) is not None:
                deltas += self._read(said)
                deltas += self._output.estimates()
            if choice.finish_reason:
                self._reason, self.has_ended = choice.finish_reason, True
        return deltas

    def finish(self) -> list[Delta]:
        """The end of the step, once all has come. Raises `ProviderError` if it was not its proper end."""
        if self._reason is None:
            raise self._failures.truncated("it has no end")
        word = self._reason.lower().partition(":")[0].strip()
        if word in _CUT_OFF:
            raise self._failures.truncated("the server gave it up")
        if word in _TROUBLE:
            raise self._failures.refused(200, read_error({"message": "", "code": self._reason}))
        reason: FinishReason = "refused" if self._refusal or word in _DECLINED else _REASONS.get(word, "stop")
        # Cut off in the middle of its last call: even if what came of it parses, it may be less than was meant.
        ends = self._calls.ends(but_last=reason != "stop")
        if ends and reason == "stop":
            reason = "tool_calls"
        return [*self._close(), *ends, StepEnd(reason, self._total(), self._refusal or self._reason)]

    def _read(self, said: _Said) -> Iterator[Delta]:
        for field in REASONING_FIELDS:
            for text, _ in _texts(getattr(said, field)):
                yield from self._say(text, field)
        for text, thinks in _texts(said.content):
            yield from self._say(text, "content" if thinks else None)
        if said.refusal:
            self._refusal += said.refusal
            yield from self._say(said.refusal, None)
        yield from self._content.cited(said.annotations)
        for piece in said.tool_calls or ():
            yield from self._close()
            call, deltas = self._calls.read(piece)
            self._output.characters += sum(len(piece.delta) for piece in deltas.pieces)
            yield from deltas.all()
            if call is not None and piece.extra_content is not None and not is_deep(piece.extra_content):
                self._block += 1
                yield ThinkingEnd(self._block, signature=call_signature(call, piece.extra_content))

    def _say(self, piece: str, field: str | None) -> Iterator[Delta]:
        """Text, or thinking if it has a field."""
        if self._text is None or field != self._field:
            yield from self._close()
            self._block += 1
            self._text, self._field = Joiner(), field
            if field is None:
                self._content.begin(self._block)
        if text := self._text.join(piece):
            self._output.characters += len(text)
            yield self._delta(text)

    def _delta(self, text: str) -> Delta:
        if self._field is not None:
            return ThinkingDelta(self._block, text)
        self._content.pieces.append(text)
        return TextDelta(self._block, text)

    def _close(self) -> Iterator[Delta]:
        """End the text or thinking under way."""
        if self._text is None:
            return
        if rest := self._text.rest():
            yield self._delta(rest)
        if self._field is not None:
            yield ThinkingEnd(self._block, signature=self._field)
        self._text = None

    def _total(self) -> Usage:
        usage = self._usage or WireUsage()
        # Some count what was thought only in the total.
        output = max(usage.completion_tokens or 0, (usage.total_tokens or 0) - (usage.prompt_tokens or 0))
        return self._output.total(usage.prompt_tokens, output, usage.prompt_tokens_details)


def _texts(content: Json) -> Iterator[tuple[str, bool]]:
    """The texts of a content, and whether each is thinking: a string, or a list of parts (Mistral's thinking)."""
    if isinstance(content, str):
        if content:
            yield content, False
        return
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, Mapping):
            continue
        if part.get("type") == "thinking":
            for text, _ in _texts(part.get("thinking")):
                yield text, True
        elif isinstance(said := part.get("text"), str) and said:
            yield said, False
