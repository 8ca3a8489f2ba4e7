"""The tool calls of one answer, put together out of pieces that not all servers number or name alike.

| what a piece has | what it belongs to |
|---|---|
| an id that an earlier one had | that call |
| another id | a new call, whatever its index (Ollama gives all the index 0) |
| no id, an index that an earlier one had, no other name | the last call with that index |
| no id, a new index | a new call |
| neither, a name | a new call (Gemini gives no index, and its calls come whole) |
| neither, no name | the last call |
"""

import json
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from hub.chat.parts import Json
from hub.errors import ProviderError
from hub.providers.base import Delta, ToolCallDelta, ToolCallEnd, ToolCallStart
from hub.providers.history import NO_TOOL_NAME
from hub.providers.text import Joiner, is_deep, parse_arguments

TOO_DEEP = "too deep"
"""Stands for arguments that cannot be written, and fails their call: it is no JSON."""
MAX_NAMELESS_CHARS = 1_000_000
"""How much of calls is held that do not say which tool they are for: nothing of it is given on before, nor counted."""
PIECE_CHARS = 100
"""What a piece counts by itself."""


class WireFunction(msgspec.Struct):
    """What a piece says of the function that is called."""

    name: str | None = None
    arguments: Json = None


class WireCall(msgspec.Struct):
    """A piece of a tool call."""

    index: int | None = None
    id: str | None = None
    function: WireFunction | None = None
    extra_content: Json = None


class Pieces(msgspec.Struct):
    """What one piece says: that a call begins, more of its arguments, or both."""

    start: ToolCallStart | None
    pieces: list[ToolCallDelta]

    def all(self) -> Iterator[Delta]:
        if self.start is not None:
            yield self.start
        yield from self.pieces


class _Call:
    def __init__(self, call_id: str, given_id: str | None, index: int | None) -> None:
        self.call_id = call_id
        self.given_id = given_id
        self.index = index
        self.name: str | None = None  # set once it comes, mostly at once
        self.text = Joiner()
        self.arguments: list[str] = []  # pieces of their JSON


class Calls:
    """`names`: from those that tools were sent by to their own. `taken`: ids that the session's calls have; a call
    that has one of them, or none, gets one that begins by `own_id`."""

    def __init__(self, names: Mapping[str, str], taken: Iterable[str], own_id: str) -> None:
        self._names = names
        self._taken = set(taken)
        self._own_id = own_id
        self._calls: list[_Call] = []
        self._last: _Call | None = None  # that a piece was for
        self._nameless = 0  # characters that are held

    def read(self, piece: WireCall) -> tuple[str | None, Pieces]:
        """The id of the call that a piece is for, and what it says of it."""
        function = piece.function or WireFunction()
        call = self._find(piece, function)
        if call is None:
            if not (piece.id or function.name or function.arguments):
                return None, Pieces(None, [])
            call = self._begin(piece)
        self._last = call
        start = None
        if call.name is None and function.name:
            call.name = self._names.get(function.name, function.name)
            start = ToolCallStart(call.call_id, call.name)
        given = function.arguments
        if given is None:
            given = ""
        elif not isinstance(given, str):
            given = TOO_DEEP if is_deep(given) else json.dumps(given)
        pieces = self._more(call, call.text.join(given), begins=start is not None)
        return call.call_id, Pieces(start, pieces)

    def ends(self, *, but_last: bool) -> list[Delta]:
        """The ends of all calls, in order; `but_last`: without the one that was being written."""
        ends: list[Delta] = []
        for call in self._calls:
            if but_last and call is self._last:
                continue
            if call.name is None:
                ends.append(ToolCallStart(call.call_id, NO_TOOL_NAME))
                ends.append(ToolCallEnd(call.call_id, None, "The call does not say which tool it is for."))
                continue
            arguments, error = parse_arguments("".join(call.arguments) + call.text.rest())
            ends.append(ToolCallEnd(call.call_id, arguments, error))
        return ends

    def _find(self, piece: WireCall, function: WireFunction) -> _Call | None:
        """The call that a piece goes on with."""
        if piece.id:
            known = next((call for call in self._calls if call.given_id == piece.id), None)
            last = self._with_index(piece.index)
            if known is None and last is not None and last.given_id is None and not function.name:
                last.given_id = piece.id  # which comes after the call's first piece
                return last
            return known
        if piece.index is None:
            return None if function.name else self._last
        last = self._with_index(piece.index)
        return None if last is not None and self._is_other(last, function) else last

    def _is_other(self, call: _Call, function: WireFunction) -> bool:
        """Whether a piece that has a name begins another call than this one, whose index it has."""
        if not function.name or call.name is None:
            return False
        if self._names.get(function.name, function.name) != call.name:
            return True
        return bool(function.arguments) and parse_arguments("".join(call.arguments) or "none")[0] is not None

    def _with_index(self, index: int | None) -> _Call | None:
        return next((call for call in reversed(self._calls) if index is not None and call.index == index), None)

    def _begin(self, piece: WireCall) -> _Call:
        call_id = piece.id or ""
        if not call_id or call_id in self._taken:
            call_id = f"{self._own_id}_{len(self._calls)}"
        self._taken.add(call_id)
        call = _Call(call_id, piece.id or None, piece.index)
        self._calls.append(call)
        return call

    def _more(self, call: _Call, text: str, *, begins: bool) -> list[ToolCallDelta]:
        """More arguments; those that came before the call's name are told with it."""
        held = "".join(call.arguments) if begins else ""
        if text:
            call.arguments.append(text)
        if call.name is None:
            self._nameless += len(text) + PIECE_CHARS
            if self._nameless > MAX_NAMELESS_CHARS:
                raise ProviderError("provider_truncated", "The answer was cut off: its calls do not name their tools.")
        if call.name is None or not (held or text):
            return []
        return [ToolCallDelta(call.call_id, held + text)]
