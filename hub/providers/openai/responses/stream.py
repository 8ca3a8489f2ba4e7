"""The Responses API's events turned into the hub's deltas: a pure machine, JSON in, deltas out.

    response.created · (response.output_item.added · deltas* · response.output_item.done)* · response.completed

An item is reasoning, a message or a call. `response.completed` is the proper end, `response.incomplete` one that cut
the last item off; `response.failed` and `error` are errors. An answer without any of them was cut off. An answer in one
piece is the `response` alone. What the deltas of an item have left out is taken from the item once it is done; only
the fields that matter are read.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hub.chat.parts import Json, Usage
from hub.providers.base import Cited, Delta, FinishReason, StepEnd, TextDelta, ThinkingDelta, ThinkingEnd, UsageSoFar
from hub.providers.citing import Bound
from hub.providers.openai.calls import Calls, WireCall, WireFunction
from hub.providers.openai.citations import citation_of
from hub.providers.openai.counting import Details, Output
from hub.providers.openai.errors import Failures, read_error
from hub.providers.openai.responses.history import signature
from hub.providers.openai.stream import DONE
from hub.providers.text import Joiner, decode_wire

_CUT: Mapping[str | None, FinishReason] = {"max_output_tokens": "max_output", "content_filter": "refused"}
"""Why an answer is incomplete; all others are a bound that was reached, too."""


class WireUsage(msgspec.Struct):
    """Token counts. The input's are with those read from the cache or written to it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: Details | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Content(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""
    annotations: list[Json] | None = None


class _Item(msgspec.Struct):
    type: str = ""
    id: str = ""
    status: str | None = None
    phase: str | None = None
    content: list[_Content] | None = None
    summary: list[_Content] | None = None
    encrypted_content: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: Json = None


class WireResponse(msgspec.Struct):
    """The answer as a whole, as far as it has come."""

    status: str | None = None
    output: list[_Item] | None = None
    usage: WireUsage | None = None
    incomplete_details: _Incomplete | None = None
    error: Json = None


class WireEvent(msgspec.Struct):
    """All that is read of any event."""

    type: str = ""
    delta: Json = None
    arguments: Json = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    item: _Item | None = None
    response: WireResponse | None = None
    object: str | None = None
    error: Json = None
    annotation: Json = None


_decoder = msgspec.json.Decoder(WireEvent)
_whole_decoder = msgspec.json.Decoder(WireResponse)
_error_decoder = msgspec.json.Decoder()


class _Block:
    """A text or a thinking that is under way."""

    def __init__(self, number: int, *, thinks: bool) -> None:
        self.number = number
        self.thinks = thinks
        self.text = Joiner()
        self.part = 0  # of a summary: the part whose text came last
        self.said: list[str] = []
        self.annotated = 0  # how many annotations have come
        self.bound = Bound()

    def delta(self, text: str) -> Delta:
        if self.thinks:
            return ThinkingDelta(self.number, text)
        self.said.append(text)
        return TextDelta(self.number, text)

    def cited(self, annotations: Sequence[Json]) -> Iterator[Delta]:
        if self.bound.is_used_up:
            return
        if len(self.said) > 1:
            self.said = ["".join(self.said)]
        if not (text := "".join(self.said)):
            return  # they come again with the item
        self.annotated += len(annotations)
        known = (citation_of(each, text) for each in annotations)
        if taken := self.bound.take(known):
            yield Cited(self.number, taken)


class ResponseReader:
    """Reads the events of one answer.

    `calls` keeps its tool calls; `sent_characters` is what the input is estimated by until the server tells it.
    """

    def __init__(self, calls: Calls, failures: Failures, *, sent_characters: int) -> None:
        self.began = False
        """Something of the answer has come."""
        self.has_ended = False
        """The model has ended, which is told with the usage, so nothing comes any more."""
        self._calls = calls
        self._failures = failures
        self._output = Output(sent_characters)
        self._blocks: dict[tuple[int, int | None], _Block] = {}  # by item, and by content; None: the item's reasoning
        self._called: set[int] = set()  # items that are calls, once they have begun
        self._argued: set[int] = set()  # those of them whose arguments have begun
        self._done: set[int] = set()  # items that are whole
        self._next = 0  # number of a block
        self._refusal = ""
        self._end: WireResponse | None = None

    @property
    def is_done(self) -> bool:
        return self.has_ended

    def read(self, data: bytes) -> list[Delta]:
        """What one event means. Raises `ProviderError` if it is an error, or cannot be read."""
        if data.strip() == DONE:
            return []
        try:
            event = decode_wire(_decoder, data)
            self._raise_error(event, data)
            whole = decode_wire(_whole_decoder, data) if event.object == "response" else None
        except ValueError:
            raise self._failures.truncated("something came that is not its format") from None
        deltas: list[Delta] = []
        if not self.began:
            self.began = True
            deltas.append(UsageSoFar(self._output.so_far()))
        deltas += self._read(event) if whole is None else self._whole(whole)
        deltas += self._output.estimates()
        return deltas

    def finish(self) -> list[Delta]:
        """The end of the step, once all has come. Raises `ProviderError` if it was not its proper end."""
        if self._end is None:
            raise self._failures.truncated("it has no end")
        if self._end.status in ("cancelled", "in_progress", "queued"):
            raise self._failures.truncated("the server gave it up")
        cut = self._end.incomplete_details.reason if self._end.incomplete_details else None
        reason: FinishReason = "stop"
        if self._refusal:
            reason = "refused"
        elif self._end.status == "incomplete":
            reason = _CUT.get(cut, "max_output")
        if reason == "stop" and self._called - self._done:
            raise self._failures.truncated("a call has no end")
        # Cut off in the middle of its last call: even if what came of it parses, it may be less than was meant.
        ends = self._calls.ends(but_last=reason != "stop")
        if ends and reason == "stop":
            reason = "tool_calls"
        return [*self._rests(), *ends, StepEnd(reason, self._total(), self._refusal or cut or self._end.status)]

    def _raise_error(self, event: WireEvent, data: bytes) -> None:
        failed = event.response is not None and (event.type == "response.failed" or event.response.status == "failed")
        if event.response is not None and failed:
            raise self._failures.refused(200, read_error(event.response.error or {"message": "", "code": "failed"}))
        if event.type == "error" or event.error:
            said = decode_wire(_error_decoder, data)
            # Its own `type` says only that it is an error.
            raise self._failures.refused(200, read_error({**said, "type": None} if event.type == "error" else said))

    def _whole(self, response: WireResponse) -> Iterator[Delta]:
        """An answer in one piece."""
        for place, item in enumerate(response.output or ()):
            yield from self._item_added(place, item)
        yield from self._ended(response)

    def _ended(self, response: WireResponse) -> Iterator[Delta]:
        """The end, and those items that it alone shows whole."""
        for place, item in enumerate(response.output or ()):
            if place not in self._done:
                yield from self._item_done(place, item)
        self._end, self.has_ended = response, True

    def _read(self, event: WireEvent) -> Iterator[Delta]:
        place, piece = event.output_index, event.delta if isinstance(event.delta, str) else ""
        match event.type:
            case "response.output_text.delta":
                yield from self._say(place, event.content_index, piece)
            case "response.refusal.delta":
                self._refusal += piece
                yield from self._say(place, event.content_index, piece)
            case "response.reasoning_summary_text.delta":
                yield from self._think(place, event.summary_index, piece)
            case "response.reasoning_text.delta":
                yield from self._think(place, event.content_index, piece)
            case "response.function_call_arguments.delta":
                yield from self._argue(place, piece)
            case "response.output_text.annotation.added":
                yield from self._block(place, event.content_index, thinks=False).cited([event.annotation])
            case "response.output_item.added" if event.item is not None:
                yield from self._item_added(place, event.item)
            case "response.output_item.done" if event.item is not None:
                yield from self._item_done(place, event.item)
            case "response.function_call_arguments.done":
                self._done.add(place)
                if place not in self._argued and event.arguments is not None:
                    yield from self._argue(place, event.arguments)
            case "response.completed" | "response.incomplete" if event.response is not None:
                yield from self._ended(event.response)

    def _item_added(self, place: int, item: _Item) -> Iterator[Delta]:
        if item.type == "function_call":
            yield from self._call(place, item)
        elif item.type == "message" and item.phase:
            yield ThinkingEnd(self._number(), signature=signature(phase=item.phase))

    def _item_done(self, place: int, item: _Item) -> Iterator[Delta]:
        if item.status != "incomplete":
            self._done.add(place)
        match item.type:
            case "message":
                for index, content in enumerate(item.content or ()):
                    if (place, index) not in self._blocks:
                        self._refusal += content.refusal
                        yield from self._say(place, index, content.text or content.refusal)
                    yield from self._rest(place, index)
                    if (block := self._blocks.get((place, index))) is not None:
                        yield from block.cited((content.annotations or [])[block.annotated :])
            case "reasoning":
                yield from self._reasoned(place, item)
            case "function_call":
                yield from self._call(place, item)
                if place not in self._argued and item.arguments is not None:
                    yield from self._argue(place, item.arguments)

    def _reasoned(self, place: int, item: _Item) -> Iterator[Delta]:
        if (place, None) not in self._blocks:
            for index, part in enumerate(item.summary or item.content or ()):
                yield from self._think(place, index, part.text)
        yield from self._rest(place, None)
        block = self._blocks.get((place, None))
        if item.encrypted_content and item.id:
            number = self._number() if block is None else block.number
            yield ThinkingEnd(number, signature=signature(id=item.id, encrypted_content=item.encrypted_content))
        elif block is not None:
            yield ThinkingEnd(block.number)

    def _say(self, place: int, index: int, piece: str) -> Iterator[Delta]:
        yield from self._more(self._block(place, index, thinks=False), piece)

    def _think(self, place: int, part: int, piece: str) -> Iterator[Delta]:
        """More of a reasoning's summary; its parts are paragraphs."""
        block = self._block(place, None, thinks=True)
        if part > block.part:
            block.part, piece = part, f"{block.text.rest()}\n\n{piece}"
        yield from self._more(block, piece)

    def _more(self, block: _Block, piece: str) -> Iterator[Delta]:
        if text := block.text.join(piece):
            self._output.characters += len(text)
            yield block.delta(text)

    def _block(self, place: int, index: int | None, *, thinks: bool) -> _Block:
        block = self._blocks.get((place, index))
        if block is None:
            block = self._blocks[place, index] = _Block(self._number(), thinks=thinks)
        return block

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _rest(self, place: int, index: int | None) -> Iterator[Delta]:
        """What was held back of a text that is whole now."""
        block = self._blocks.get((place, index))
        if block is not None and (rest := block.text.rest()):
            yield block.delta(rest)

    def _rests(self) -> Iterator[Delta]:
        for place, index in self._blocks:
            yield from self._rest(place, index)

    def _call(self, place: int, item: _Item) -> Iterator[Delta]:
        """The beginning of a call, if it has not come yet."""
        if place not in self._called:
            self._called.add(place)
            call_id = item.call_id or item.id or None
            yield from self._piece(WireCall(index=place, id=call_id, function=WireFunction(name=item.name)))

    def _argue(self, place: int, piece: Json) -> Iterator[Delta]:
        self._argued.add(place)
        yield from self._piece(WireCall(index=place, function=WireFunction(arguments=piece)))

    def _piece(self, piece: WireCall) -> Iterator[Delta]:
        _, pieces = self._calls.read(piece)
        self._output.characters += sum(len(more.delta) for more in pieces.pieces)
        yield from pieces.all()

    def _total(self) -> Usage:
        usage = (self._end.usage if self._end is not None else None) or WireUsage()
        return self._output.total(usage.input_tokens, usage.output_tokens, usage.input_tokens_details)
