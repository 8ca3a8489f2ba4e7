"""Plays a script as Chat Completions answers it: as chunks, or as one completion where the request does not stream."""

import json
from collections.abc import Mapping
from typing import Any

from tests.provider_server.openai_rules import Style, signature_of
from tests.provider_server.player import Player
from tests.provider_server.rules import Signer
from tests.provider_server.script import CallTool, End, ErrorEvent, Raw, Redacted, Say, Script, Think
from tests.provider_server.wire import Exchange, json_bytes

REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}
"""From a script's reasons, which are Anthropic's; any other stands as it is."""


def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> Raw:
    """A chunk with this delta, such as tool calls whose pieces come in turn."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return Raw(b"data: " + json_bytes({"object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n")


class OpenAIPlayer(Player):
    """Chunks, each a `data:` line; the end is the finish reason, the usage if it was asked for, and `[DONE]`."""

    def __init__(
        self, exchange: Exchange, script: Script, body: Mapping[str, Any], style: Style, signer: Signer
    ) -> None:
        super().__init__(exchange, script, body)
        self._style = style
        self._signer = signer
        self._calls = 0
        self._has_usage = bool(body.get("stream_options", {}).get("include_usage"))

    async def _begin(self) -> None:
        await self._delta({"role": "assistant", "content": ""})

    async def _say(self, step: Say) -> None:
        async for piece in self._texts(step.pieces):
            await self._delta({"content": piece})
        if step.cites:
            annotations = [{"type": "url_citation", "url_citation": cite} for cite in step.cites]
            await self._delta({"annotations": annotations})

    async def _think(self, step: Think) -> None:
        async for piece in self._texts(step.pieces):
            if self._style.reasoning is not None:
                await self._delta({self._style.reasoning: piece})

    async def _redacted(self, step: Redacted) -> None:
        """There is no such thing here."""

    async def _call_tool(self, step: CallTool) -> None:
        number, self._calls = self._calls, self._calls + 1
        head: dict[str, Any] = {} if self._style.indexes == "none" else {"index": number}
        if self._style.indexes == "zero":
            head["index"] = 0
        call_id = self._call_id(step, number)
        first = {**head, "type": "function", "function": {"name": step.name, "arguments": ""}}
        if self._style.ids != "never":
            first["id"] = call_id
        if self._style.ids == "always":
            head["id"] = call_id
        if self._style.signs and number == 0:
            first["extra_content"] = {"google": {"thought_signature": signature_of(step.name, self._signer)}}
        await self._delta({"tool_calls": [first]})
        async for piece in self._texts(step.pieces):
            await self._delta({"tool_calls": [{**head, "function": {"arguments": piece}}]})

    async def _end(self, end: End) -> None:
        reason = REASONS.get(end.reason, end.reason)
        if reason == "tool_calls" and self._style.stops_with_calls:
            reason = "stop"
        await self._chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}])
        if self._has_usage:
            await self._chunk([], usage=self._usage(end))
        if self._style.says_done:
            await self._write(b"data: [DONE]\n\n")

    def _usage(self, end: End) -> dict[str, Any]:
        """As OpenAI counts: what was read from the cache is part of the prompt."""
        usage, output = self._script.usage, self._output_tokens(end)
        cached, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        prompt = self._input_tokens(len(json.dumps(self._body))) + cached + written
        return {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    async def _error(self, error: ErrorEvent) -> None:
        told = {"message": error.message, "type": error.type, "param": None, "code": error.type}
        await self._write(b"data: " + json_bytes({"error": told}) + b"\n\n")

    async def _ping(self) -> None:
        await self._write(b": ping\n\n")

    async def _delta(self, delta: Mapping[str, Any]) -> None:
        await self._chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])

    async def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> None:
        value: dict[str, Any] = {
            "id": "chatcmpl-local",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self._body["model"],
            "choices": choices,
        }
        if self._has_usage:
            value["usage"] = usage
        await self._write(b"data: " + json_bytes(value) + b"\n\n")


class WholePlayer(OpenAIPlayer):
    """One completion, in one piece of JSON. What goes wrong before its end leaves half of it."""

    content_type = "application/json"

    def __init__(
        self, exchange: Exchange, script: Script, body: Mapping[str, Any], style: Style, signer: Signer
    ) -> None:
        super().__init__(exchange, script, body, style, signer)
        self._texts_of: dict[str, str] = {}  # content and reasoning
        self._whole_calls: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    async def _begin(self) -> None:
        await self._write(b'{"id": "chatcmpl-local", "object": "chat.completion", ')

    async def _delta(self, delta: Mapping[str, Any]) -> None:
        for field, value in delta.items():
            if field == "annotations":
                self._annotations.extend(value)
                continue
            if field != "tool_calls":
                self._texts_of[field] = self._texts_of.get(field, "") + value
                continue
            for piece in value:
                if "type" in piece:
                    self._whole_calls.append({name: part for name, part in piece.items() if name != "index"})
                else:
                    self._whole_calls[-1]["function"]["arguments"] += piece["function"]["arguments"]

    async def _end(self, end: End) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": None, **self._texts_of}
        if self._annotations:
            message["annotations"] = self._annotations
        if self._whole_calls:
            message["tool_calls"] = self._whole_calls
        choice = {"index": 0, "message": message, "finish_reason": REASONS.get(end.reason, end.reason)}
        rest = json_bytes({"choices": [choice], "usage": self._usage(end)})
        await self._write(rest[1:])

    async def _error(self, error: ErrorEvent) -> None:
        told = {"message": error.message, "type": error.type, "param": None, "code": error.type}
        await self._write(json_bytes({"error": told})[1:])

    async def _ping(self) -> None:
        await self._write(b"\n")
