"""Plays a script onto an exchange: what all wires have in common, faults included."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from tests.provider_server.script import (
    Abort,
    CallTool,
    Control,
    End,
    ErrorEvent,
    Gate,
    Pace,
    Piece,
    Ping,
    Raw,
    Redacted,
    Say,
    Script,
    Stall,
    Step,
    Think,
    Truncate,
)
from tests.provider_server.wire import Exchange


class _Over(Exception):
    """The answer has ended before the script has."""


class Player(ABC):
    """Plays one script once. A wire says how each thing is written."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, exchange: Exchange, script: Script, body: Mapping[str, Any]) -> None:
        self._exchange = exchange
        self._script = script
        self._body = body
        self._pause_s = 0.0
        self._characters = 0  # of what was said, for usage

    async def play(self) -> None:
        try:
            if self._script.before_headers is not None:
                await self._control(self._script.before_headers)
            self._exchange.begin(self.content_type)
            await self._begin()
            for step in self._script.steps:
                await self._step(step)
            if not any(isinstance(step, End) for step in self._script.steps):
                await self._end(End(self._script.stop_reason))
            self._exchange.end()
        except _Over:
            return

    async def _step(self, step: Step) -> None:
        match step:
            case Say():
                await self._say(step)
            case Think():
                await self._think(step)
            case Redacted():
                await self._redacted(step)
            case CallTool():
                await self._call_tool(step)
            case End():
                await self._end(step)
            case _:
                await self._control(step)

    @abstractmethod
    async def _begin(self) -> None: ...

    @abstractmethod
    async def _say(self, step: Say) -> None: ...

    @abstractmethod
    async def _think(self, step: Think) -> None: ...

    @abstractmethod
    async def _redacted(self, step: Redacted) -> None: ...

    @abstractmethod
    async def _call_tool(self, step: CallTool) -> None: ...

    @abstractmethod
    async def _end(self, end: End) -> None: ...

    @abstractmethod
    async def _error(self, error: ErrorEvent) -> None: ...

    @abstractmethod
    async def _ping(self) -> None: ...

    async def _texts(self, pieces: Sequence[Piece]) -> AsyncIterator[str]:
        """The pieces that are text, each in its time; what stands between them is done."""
        for piece in pieces:
            if isinstance(piece, str):
                if self._pause_s:
                    await asyncio.sleep(self._pause_s)
                self._characters += len(piece)
                yield piece
            else:
                await self._control(piece)

    def _call_id(self, step: CallTool, number: int) -> str:
        """The id of a call, by default one that no earlier answer of the session had."""
        sent = self._body["messages"] if "messages" in self._body else self._body["input"]
        taken = sum(1 for each in sent if each.get("role") == "assistant" or each.get("type") == "function_call")
        return step.call_id or f"toolu_{taken}_{number}"

    def _input_tokens(self, size: int) -> int:
        counted = self._script.usage.input_tokens
        return -(-size // 4) if counted is None else counted

    def _output_tokens(self, end: End) -> int:
        return end.output_tokens if end.output_tokens is not None else max(1, self._characters // 4)

    async def _control(self, step: Control) -> None:
        match step:
            case Gate():
                await step.wait()
            case Pace():
                self._pause_s = step.pause_s
            case Stall():
                await asyncio.Event().wait()  # until the connection ends, which cancels this
            case Truncate():
                self._exchange.end()
                raise _Over
            case Abort():
                self._exchange.abort(reset=step.reset)
                raise _Over
            case ErrorEvent():
                await self._error(step)
                self._exchange.end()
                raise _Over
            case Ping():
                await self._ping()
            case Raw():
                await self._write(step.data)

    async def _write(self, data: bytes) -> None:
        match self._script.delivery:
            case "whole":
                await self._exchange.write(data)
            case "drip":
                for index in range(len(data)):
                    await self._exchange.write(data[index : index + 1])
            case "cut_utf8":
                start = 0
                for index, byte in enumerate(data):
                    if byte >= 0xC0:  # the first byte of a character: cut after it
                        await self._exchange.write(data[start : index + 1])
                        start = index + 1
                await self._exchange.write(data[start:])
