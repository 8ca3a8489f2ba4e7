"""A provider that says what a test's script says, and remembers how it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from hub.chat.parts import Message, TextPart, Usage
from hub.providers.base import (
    Delta,
    FinishReason,
    Request,
    StepEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)

Act = Delta | asyncio.Event | Exception | None
"""What a stream does next: yield a delta, wait for a gate, raise, or (None) let the loop turn once."""

USAGE = Usage(input_tokens=10, output_tokens=5, cache_read_tokens=1, cache_write_tokens=2, estimated=False)


def end(reason: FinishReason = "stop") -> StepEnd:
    return StepEnd(reason, USAGE)


def says(*pieces: str, block: int = 0) -> list[Act]:
    """A whole step of text."""
    return [*(TextDelta(block, piece) for piece in pieces), end()]


def call(call_id: str, name: str = "count", **arguments: object) -> list[Act]:
    """A whole tool call."""
    return [ToolCallStart(call_id, name), ToolCallDelta(call_id, "{"), ToolCallEnd(call_id, arguments)]


def text_of(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


def asked_of(request: Request) -> str:
    """The text of the newest message of a user."""
    return next(text_of(message) for message in reversed(request.messages) if message.role == "user")


@dataclass
class Stream:
    """One request, and what became of it."""

    request: Request
    is_open: bool = False
    is_closed: bool = False
    yielded: list[Delta] = field(default_factory=list)


class ScriptedProvider:
    """Answers by `plan`, which is given the request; without one by `scripts`, one for each request, in order."""

    def __init__(self, plan: Callable[[Request], Sequence[Act]] | None = None, *, name: str = "scripted") -> None:
        self.name = name
        self.default_model = "script-1"
        self.scripts: list[Sequence[Act]] = []
        self.streams: list[Stream] = []
        self._plan = plan

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        stream = Stream(request, is_open=True)
        self.streams.append(stream)
        try:
            for act in self._next(request):
                match act:
                    case None:
                        await asyncio.sleep(0)
                    case asyncio.Event():
                        await act.wait()
                    case Exception():
                        raise act
                    case _:
                        stream.yielded.append(act)
                        yield act
        finally:
            stream.is_open, stream.is_closed = False, True

    def _next(self, request: Request) -> Sequence[Act]:
        if self._plan is not None:
            return self._plan(request)
        return self.scripts.pop(0) if self.scripts else says("ok")

    async def close(self) -> None:
        return None

    @property
    def open_streams(self) -> int:
        return sum(stream.is_open for stream in self.streams)
