"""Plays a script onto an exchange, as the Messages API streams an answer."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.provider_server.rules import Signer
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
    Think,
    Truncate,
)
from tests.provider_server.wire import Exchange


class _Over(Exception):
    """The answer has ended before the script has."""


class Player:
    """Plays one script once."""

    def __init__(self, exchange: Exchange, script: Script, body: Mapping[str, Any], signer: Signer) -> None:
        self._exchange = exchange
        self._script = script
        self._body = body
        self._signer = signer
        self._pause_s = 0.0
        self._index = 0  # of the next block
        self._characters = 0  # of what was said, for usage

    async def play(self) -> None:
        try:
            if self._script.before_headers is not None:
                await self._control(self._script.before_headers)
            self._exchange.begin()
            await self._message_start()
            for step in self._script.steps:
                await self._step(step)
            if not any(isinstance(step, End) for step in self._script.steps):
                await self._end(End(self._script.stop_reason))
            self._exchange.end()
        except _Over:
            return

    async def _step(self, step: Say | Think | Redacted | CallTool | End | Control) -> None:
        match step:
            case Say():
                await self._block({"type": "text", "text": ""}, step.pieces, "text_delta", "text")
            case Think():
                await self._think(step)
            case Redacted():
                await self._block({"type": "redacted_thinking", "data": self._signer.redact(step.text)}, (), "", "")
            case CallTool():
                await self._call_tool(step)
            case End():
                await self._end(step)
            case _:
                await self._control(step)

    async def _message_start(self) -> None:
        usage = self._script.usage
        counted = usage.input_tokens
        if counted is None:
            counted = -(-len(json.dumps(self._body)) // 4)
        message = {
            "id": "msg_local",
            "type": "message",
            "role": "assistant",
            "model": self._body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": counted,
                "cache_creation_input_tokens": usage.cache_creation_input_tokens,
                "cache_read_input_tokens": usage.cache_read_input_tokens,
                "output_tokens": 1,
            },
        }
        await self._event("message_start", message=message)
        await self._event("ping")

    async def _block(
        self, block: Mapping[str, Any], pieces: Sequence[Piece], delta: str, field: str, signature: str | None = None
    ) -> None:
        index, self._index = self._index, self._index + 1
        await self._event("content_block_start", index=index, content_block=block)
        for piece in pieces:
            if isinstance(piece, str):
                await self._piece()
                self._characters += len(piece)
                await self._event("content_block_delta", index=index, delta={"type": delta, field: piece})
            else:
                await self._control(piece)
        if signature is not None:
            signed = {"type": "signature_delta", "signature": signature}
            await self._event("content_block_delta", index=index, delta=signed)
        await self._event("content_block_stop", index=index)

    async def _think(self, step: Think) -> None:
        text = "".join(piece for piece in step.pieces if isinstance(piece, str))
        block = {"type": "thinking", "thinking": "", "signature": ""}
        await self._block(block, step.pieces, "thinking_delta", "thinking", self._signer.sign(text))

    async def _call_tool(self, step: CallTool) -> None:
        taken = sum(1 for message in self._body["messages"] if message["role"] == "assistant")
        call_id = step.call_id or f"toolu_{taken}_{self._index}"
        block = {"type": "tool_use", "id": call_id, "name": step.name, "input": {}}
        await self._block(block, step.pieces, "input_json_delta", "partial_json")

    async def _end(self, end: End) -> None:
        tokens = end.output_tokens if end.output_tokens is not None else max(1, self._characters // 4)
        delta = {"stop_reason": end.reason, "stop_sequence": None, "stop_details": end.stop_details}
        await self._event("message_delta", delta=delta, usage={"output_tokens": tokens})
        await self._event("message_stop")

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
                await self._event("error", error={"type": step.type, "message": step.message})
                self._exchange.end()
                raise _Over
            case Ping():
                await self._event("ping")
            case Raw():
                await self._write(step.data)

    async def _piece(self) -> None:
        if self._pause_s:
            await asyncio.sleep(self._pause_s)

    async def _event(self, name: str, **fields: Any) -> None:
        value = {"type": name, **fields}
        text = json.dumps(value, ensure_ascii=False)
        if any("\ud800" <= character <= "\udfff" for character in text):
            text = json.dumps(value)  # half a character travels as its escape
        await self._write(f"event: {name}\ndata: {text}\n\n".encode())

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
