"""The provider itself: deltas at a pace, from what the assistant composed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec

from hub.chat.parts import Message, TextPart, ThinkingPart, ToolCallPart, Usage
from hub.providers.base import (
    Delta,
    Request,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageSoFar,
)
from hub.providers.demo.assistant import PlannedCall, compose
from hub.providers.demo.pace import deltas, skip, wished
from hub.providers.demo.wishes import words

ARGUMENT_PIECES = 4
"""Into how many deltas the arguments of a call are cut, if they are long enough to be worth it."""

MIN_ARGUMENT_PIECE_CHARACTERS = 24
DELTAS_PER_USAGE = 50


class DemoProvider:
    """Answers by fixed rules: no key, no network, no model. It keeps nothing between requests.

    `pace` is in deltas per second, each of one to three words; 0 waits for nothing, but gives way to the event loop
    before each delta. `sleep` waits for seconds.
    """

    name = "demo"
    default_model = "demo"

    def __init__(self, pace: float = 60.0, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._pace = pace
        self._sleep = sleep

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """One step. Closing the generator stops it at once, since it waits in `sleep` only."""
        reply = await compose(request)
        pace = wished(self._pace, words(reply.instruction))
        wait_s = 1 / pace if pace > 0 else 0.0
        spoken = _Usage(sum(_count(message) for message in request.messages))
        yield UsageSoFar(spoken.usage())
        if reply.thinking is not None:
            for piece in deltas([reply.thinking]):
                await self._sleep(wait_s)
                spoken.add(piece)
                yield ThinkingDelta(0, piece)
            yield ThinkingEnd(0)
        for number, piece in enumerate(deltas(skip(reply.text, reply.written)), start=1):
            await self._sleep(wait_s)
            spoken.add(piece)
            yield TextDelta(0, piece)
            if number % DELTAS_PER_USAGE == 0:
                yield UsageSoFar(spoken.usage())
        for index, call in enumerate(reply.calls):
            spoken.add(call.tool)
            async for delta in self._call(f"{request.run_id}-{request.step}-{index}", call, wait_s):
                yield delta
        yield StepEnd("tool_calls" if reply.calls else "stop", spoken.usage())

    async def close(self) -> None:
        """Nothing is held."""

    async def _call(self, call_id: str, call: PlannedCall, wait_s: float) -> AsyncGenerator[Delta, None]:
        yield ToolCallStart(call_id, call.tool)
        text = msgspec.json.encode(call.arguments).decode()
        size = max(MIN_ARGUMENT_PIECE_CHARACTERS, -(-len(text) // ARGUMENT_PIECES))
        for start in range(0, len(text), size):
            await self._sleep(wait_s)
            yield ToolCallDelta(call_id, text[start : start + size])
        yield ToolCallEnd(call_id, call.arguments)


class _Usage:
    """Counts words: what this provider takes for tokens, and knows exactly."""

    def __init__(self, input_words: int) -> None:
        self._input = input_words
        self._output = 0

    def add(self, text: str) -> None:
        self._output += len(text.split())

    def usage(self) -> Usage:
        return Usage(
            input_tokens=self._input,
            output_tokens=self._output,
            cache_read_tokens=0,
            cache_write_tokens=0,
            estimated=False,
        )


def _count(message: Message) -> int:
    count = 0
    for part in message.parts:
        match part:
            case TextPart() | ThinkingPart():
                count += len(part.text.split())
            case ToolCallPart():
                count += 1
            case _:
                pass
    return count
