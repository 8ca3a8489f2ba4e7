"""A provider whose every delta is given by the test, at the moment that the test chooses."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

import msgspec

from hub.chat.parts import Citation, Json, TextPart, Usage
from hub.errors import ProviderError
from hub.providers.base import (
    Cited,
    Delta,
    FinishReason,
    Request,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)

WAIT_S = 20.0


class Step:
    """One model request, answered piece by piece."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.closed = asyncio.Event()  # set once nobody reads the answer any more, whoever ended it
        self._words = 0
        self._deltas: asyncio.Queue[Delta | ProviderError] = asyncio.Queue()

    @property
    def asked(self) -> str:
        """The text of the last message."""
        return texts_of(self.request)[-1]

    def say(self, text: str, block: int = 0) -> None:
        self._words += len(text.split())
        self._deltas.put_nowait(TextDelta(block, text))

    def think(self, text: str) -> None:
        self._deltas.put_nowait(ThinkingDelta(0, text))

    def cite(self, *citations: Citation, block: int = 0) -> None:
        """What passages that have come rest on."""
        self._deltas.put_nowait(Cited(block, citations))

    def end_thought(self) -> None:
        self._deltas.put_nowait(ThinkingEnd(0))

    def call(self, call_id: str, name: str, arguments: Mapping[str, Json]) -> None:
        """A tool call; it runs once the step has ended."""
        self._deltas.put_nowait(ToolCallStart(call_id, name))
        self._deltas.put_nowait(ToolCallDelta(call_id, msgspec.json.encode(arguments).decode()))
        self._deltas.put_nowait(ToolCallEnd(call_id, arguments))

    def end(self, reason: FinishReason = "stop") -> None:
        self._deltas.put_nowait(StepEnd(reason, _usage(self._words)))

    def fail(self, error: ProviderError) -> None:
        self._deltas.put_nowait(error)

    def answer(self, text: str) -> None:
        """All of it at once."""
        self.say(text)
        self.end()

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        try:
            while True:
                delta = await self._deltas.get()
                if isinstance(delta, ProviderError):
                    raise delta
                yield delta
                if isinstance(delta, StepEnd):
                    return
        finally:
            self.closed.set()


class Puppet:
    """Hands each request to the test, unless `replies` says what to answer."""

    name = "puppet"
    default_model = "puppet-1"

    def __init__(self) -> None:
        self.replies: Callable[[Request], Sequence[str]] | None = None
        self._asked: asyncio.Queue[Step] = asyncio.Queue()

    async def step(self) -> Step:
        """The next request."""
        return await asyncio.wait_for(self._asked.get(), WAIT_S)

    @property
    def is_asked(self) -> bool:
        """Whether there is a request that no test has taken yet."""
        return not self._asked.empty()

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        step = Step(request)
        if self.replies is None:
            self._asked.put_nowait(step)
        else:
            for text in self.replies(request):
                step.say(text)
            step.end()
        async for delta in step.deltas():
            yield delta

    async def close(self) -> None:
        """Nothing is held."""


def texts_of(request: Request) -> list[str]:
    """What each message of the request says, oldest first."""
    return ["".join(part.text for part in message.parts if isinstance(part, TextPart)) for message in request.messages]


def _usage(words: int) -> Usage:
    return Usage(input_tokens=10, output_tokens=words, cache_read_tokens=0, cache_write_tokens=0, estimated=False)
