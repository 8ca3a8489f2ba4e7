"""Anthropic's stream events turned into the hub's deltas: a pure machine, events in, deltas out.

Only the fields that matter are read; unknown events, blocks and fields are passed over, as the API's versioning asks.

    message_start · (content_block_start · content_block_delta* · content_block_stop)* · message_delta · message_stop
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hub.chat.parts import NO_USAGE, Usage
from hub.providers.anthropic_citations import WireCitation, citation_of
from hub.providers.anthropic_errors import truncated
from hub.providers.base import (
    Cited,
    Delta,
    FinishReason,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageSoFar,
)
from hub.providers.citing import MAX_CITATIONS, Bound, units
from hub.providers.text import CHARACTERS_PER_TOKEN, USAGE_EVERY_CHARACTERS, Joiner, decode_wire, parse_arguments

_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "max_output",
    "pause_turn": "pause",
    "refusal": "refused",
    "model_context_window_exceeded": "context_full",
}
_KINDS = ("text", "thinking", "redacted_thinking", "tool_use")
_WHOLE = ("stop", "tool_calls", "pause")  # reasons that do not cut the last block off


class WireUsage(msgspec.Struct):
    """Token counts. `input_tokens` are without those read from the cache or written to it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Block(msgspec.Struct):
    type: str
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    data: str = ""


class _StopDetails(msgspec.Struct):
    category: str | None = None
    explanation: str | None = None


class _WireDelta(msgspec.Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None
    citation: WireCitation | None = None


class _Started(msgspec.Struct):
    usage: WireUsage | None = None


class WireEvent(msgspec.Struct):
    """All that is read of any event."""

    index: int = 0
    message: _Started | None = None
    content_block: _Block | None = None
    delta: _WireDelta | None = None
    usage: WireUsage | None = None


class WireError(msgspec.Struct):
    """The error of an `error` event."""

    type: str | None = None
    message: str | None = None


class _ErrorEvent(msgspec.Struct):
    error: WireError


_decoder = msgspec.json.Decoder(WireEvent)


def decode_error(data: str) -> WireError:
    """What an `error` event says; nothing, if it cannot be read."""
    try:
        return msgspec.json.decode(data, type=_ErrorEvent).error
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return WireError()


def _decode(data: str) -> WireEvent:
    try:
        return decode_wire(_decoder, data)
    except ValueError as error:
        raise truncated("something came that is not its format") from error


class _Open:
    """The block that is under way."""

    def __init__(self, index: int, block: _Block) -> None:
        self.index = index  # by which it is given on
        self.kind = block.type
        self.call_id = block.id
        self.data = block.data
        self.signature: str | None = None
        self.text = Joiner()
        self.arguments: list[str] = []  # pieces of their JSON
        self.units = 0  # of the text so far
        self.citations: list[WireCitation] = []


class _Text(msgspec.Struct):
    """A text, which may be of several blocks: a passage that is cited is one of its own, in the midst of a sentence."""

    index: int
    units: int = 0
    bound: Bound = msgspec.field(default_factory=Bound)


class StreamReader:
    """Reads the events of one answer.

    `names`: from the names that tools were sent by to their own. `documents`: the ids of those that it may cite; with
    any, blocks of text that follow each other are one.
    """

    def __init__(self, names: Mapping[str, str], documents: Sequence[str] = ()) -> None:
        self.began = False
        """Something of the answer has come."""
        self.ended = False
        """The answer has come to its proper end."""
        self._names = names
        self._documents = documents
        self._text: _Text | None = None  # the last block's, if it was of text
        self._open: _Open | None = None
        self._held: ToolCallEnd | None = None  # the last block's; given once it is clear that it was not cut off
        self._counts = WireUsage()
        self._reason: str | None = None
        self._detail: str | None = None
        self._characters = 0  # of the output
        self._told = 0  # of them, how many the last estimate counted
        self._has_calls = False

    def read(self, name: str, data: str) -> list[Delta]:
        """What the event `name` with the JSON `data` means. Raises `ProviderError` if it cannot be read."""
        match name:
            case "content_block_delta":
                return self._delta(_decode(data))
            case "content_block_start":
                return self._block_start(_decode(data))
            case "content_block_stop":
                return self._block_stop()
            case "message_start":
                return self._message_start(_decode(data))
            case "message_delta":
                self._message_delta(_decode(data))
                return []
            case "message_stop":
                return self._message_stop()
            case _:
                return []

    def _message_start(self, event: WireEvent) -> list[Delta]:
        self.began = True
        if event.message is not None and event.message.usage is not None:
            self._count(event.message.usage)
        return [UsageSoFar(self._usage(estimated=True))]

    def _block_start(self, event: WireEvent) -> list[Delta]:
        deltas = self._release()
        block = event.content_block
        if block is None or block.type not in _KINDS:
            return deltas
        self._open = _Open(event.index, block)
        if block.type != "text":
            self._text = None
        elif self._text is None or not self._documents:
            self._text = _Text(event.index)
        else:
            self._open.index = self._text.index
        if block.type == "tool_use":
            self._has_calls = True
            deltas.append(ToolCallStart(block.id, self._names.get(block.name, block.name)))
        elif text := self._open.text.join(block.text or block.thinking):
            deltas.append(self._said(self._open, text))
        return deltas

    def _delta(self, event: WireEvent) -> list[Delta]:
        block, delta = self._open, event.delta
        if block is None or delta is None:
            return []
        match delta.type:
            case "text_delta":
                piece = delta.text
            case "thinking_delta":
                piece = delta.thinking
            case "input_json_delta":
                piece = delta.partial_json
            case "signature_delta":
                block.signature = delta.signature
                return []
            case "citations_delta":
                if delta.citation is not None and len(block.citations) < MAX_CITATIONS:
                    block.citations.append(delta.citation)
                return []
            case _:
                return []
        text = block.text.join(piece)
        return [self._said(block, text), *self._estimate(len(text))] if text else []

    def _said(self, block: _Open, text: str) -> Delta:
        match block.kind:
            case "thinking":
                return ThinkingDelta(block.index, text)
            case "tool_use":
                block.arguments.append(text)
                return ToolCallDelta(block.call_id, text)
            case _:
                block.units += units(text)
                return TextDelta(block.index, text)

    def _estimate(self, characters: int) -> list[Delta]:
        self._characters += characters
        if self._characters - self._told < USAGE_EVERY_CHARACTERS:
            return []
        self._told = self._characters
        return [UsageSoFar(self._usage(estimated=True))]

    def _block_stop(self) -> list[Delta]:
        block, self._open = self._open, None
        if block is None:
            return []
        deltas: list[Delta] = []
        if rest := block.text.rest():
            deltas.append(self._said(block, rest))
        match block.kind:
            case "tool_use":
                arguments, error = parse_arguments("".join(block.arguments))
                self._held = ToolCallEnd(block.call_id, arguments, error)
            case "thinking":
                deltas.append(ThinkingEnd(block.index, signature=block.signature or None))
            case "redacted_thinking":
                deltas.append(ThinkingEnd(block.index, redacted=block.data))
            case "text":
                deltas += self._cited(block)
        return deltas

    def _cited(self, block: _Open) -> Iterator[Delta]:
        """What the passage rests on that this block is."""
        if (text := self._text) is None:
            return
        start, text.units = text.units, text.units + block.units
        known = (citation_of(each, self._documents, (start, text.units)) for each in block.citations)
        if block.units and (taken := text.bound.take(known)):
            yield Cited(text.index, taken)

    def _release(self) -> list[Delta]:
        held, self._held = self._held, None
        return [] if held is None else [held]

    def _message_delta(self, event: WireEvent) -> None:
        if event.usage is not None:
            self._count(event.usage)
        if event.delta is None or event.delta.stop_reason is None:
            return
        self._reason = self._detail = event.delta.stop_reason
        if (details := event.delta.stop_details) is not None:
            self._detail = ": ".join(filter(None, (details.category, details.explanation))) or self._reason

    def _message_stop(self) -> list[Delta]:
        if self._reason is None:
            raise truncated("it did not say why it ended")
        self.ended = True
        reason = _REASONS.get(self._reason, "stop")
        if reason not in _WHOLE:
            # Cut off in the middle of its last block. Even if what came of it parses ("{}" for nothing at all does),
            # it may be less than was meant.
            self._held = None
        if reason == "tool_calls" and not self._has_calls:
            reason = "stop"  # there is nothing to answer; to ask again would be to go on from its own words
        return [*self._release(), StepEnd(reason, self._usage(estimated=False), self._detail)]

    def _count(self, usage: WireUsage) -> None:
        """Later counts are totals and replace earlier ones."""
        for field in WireUsage.__struct_fields__:
            if (value := getattr(usage, field)) is not None:
                setattr(self._counts, field, value)

    def _usage(self, *, estimated: bool) -> Usage:
        counts = self._counts
        output = counts.output_tokens or 0
        return msgspec.structs.replace(
            NO_USAGE,
            input_tokens=counts.input_tokens or 0,
            output_tokens=max(output, self._characters // CHARACTERS_PER_TOKEN) if estimated else output,
            cache_read_tokens=counts.cache_read_input_tokens or 0,
            cache_write_tokens=counts.cache_creation_input_tokens or 0,
            estimated=estimated,
        )
