"""Plays a script as the Responses API answers it: as events, or as one response where the request does not stream."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.provider_server.player import Player
from tests.provider_server.responses_rules import AFTER, encrypted, reasoning_id
from tests.provider_server.rules import Signer
from tests.provider_server.script import CallTool, End, ErrorEvent, Piece, Raw, Redacted, Say, Script, Think
from tests.provider_server.wire import Exchange, json_bytes

INCOMPLETE: Mapping[str, str] = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
"""From a script's reasons, which are Anthropic's. A full window is a failure here; all others are the proper end."""

Item = dict[str, Any]


def response_event(name: str, **fields: Any) -> Raw:
    """An event as it is, such as one that no step of a script makes."""
    return Raw(f"event: {name}\ndata: ".encode() + json_bytes({"type": name, **fields}) + b"\n\n")


class ResponsesPlayer(Player):
    """Events, numbered in their order; the last one has the whole response."""

    def __init__(self, exchange: Exchange, script: Script, body: Mapping[str, Any], signer: Signer) -> None:
        super().__init__(exchange, script, body)
        self._signer = signer
        self._sequence = 0  # number of the next event
        self._output: list[Item] = []
        self._reasoning: str | None = None  # the id of the last
        self._encrypts = "reasoning.encrypted_content" in body.get("include", ())
        self._summarises = "summary" in body.get("reasoning", {})

    async def _begin(self) -> None:
        for name in ("created", "in_progress"):
            await self._event(f"response.{name}", response=self._response("in_progress"))

    async def _say(self, step: Say) -> None:
        item = {"type": "message", "id": self._id("msg"), "role": "assistant", "status": "in_progress", "content": []}
        at = await self._added(item)
        part: Item = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        where = {**at, "content_index": 0}
        await self._event("response.content_part.added", **where, part=dict(part))
        text = ""
        async for piece in self._texts(step.pieces):
            text += piece
            await self._event("response.output_text.delta", **where, delta=piece, logprobs=[])
        for index, cite in enumerate(step.cites):
            added = {**where, "annotation_index": index, "annotation": cite}
            await self._event("response.output_text.annotation.added", **added)
        part["annotations"] = list(step.cites)
        await self._event("response.output_text.done", **where, text=text, logprobs=[])
        await self._event("response.content_part.done", **where, part={**part, "text": text})
        await self._done({**item, "content": [{**part, "text": text}]})

    async def _think(self, step: Think) -> None:
        await self._reason(step.pieces if self._summarises else [], step.pieces)

    async def _redacted(self, step: Redacted) -> None:
        await self._reason([], [step.text])

    async def _reason(self, shown: Sequence[Piece], thought: Sequence[Piece]) -> None:
        """Reasoning, of which `shown` is the summary."""
        number = f"{len(self._body['input'])}_{len(self._output)}"
        name = self._reasoning = reasoning_id(number, self._signer)
        item: Item = {"type": "reasoning", "id": name, "summary": []}
        at = await self._added({**item, "encrypted_content": "not all of it"} if self._encrypts else item)
        if shown:
            where = {**at, "summary_index": 0}
            part = {"type": "summary_text", "text": ""}
            await self._event("response.reasoning_summary_part.added", **where, part=part)
            text = ""
            async for piece in self._texts(shown):
                text += piece
                await self._event("response.reasoning_summary_text.delta", **where, delta=piece)
            await self._event("response.reasoning_summary_text.done", **where, text=text)
            part["text"] = text
            await self._event("response.reasoning_summary_part.done", **where, part=part)
            item["summary"] = [part]
        else:
            for other in thought:
                if not isinstance(other, str):
                    await self._control(other)
        if self._encrypts:
            whole = "".join(piece for piece in thought if isinstance(piece, str))
            item["encrypted_content"] = encrypted(name, whole, self._signer)
        await self._done(item)

    async def _call_tool(self, step: CallTool) -> None:
        number = len(self._output)
        call_id = self._call_id(step, number)
        if self._reasoning is not None and step.call_id is None:
            call_id = f"{AFTER}{self._reasoning}_{number}"
        item = {"type": "function_call", "id": self._id("fc"), "call_id": call_id, "name": step.name, "arguments": ""}
        at = await self._added({**item, "status": "in_progress"})
        arguments = ""
        async for piece in self._texts(step.pieces):
            arguments += piece
            await self._event("response.function_call_arguments.delta", **at, delta=piece)
        await self._event("response.function_call_arguments.done", **at, arguments=arguments)
        await self._done({**item, "arguments": arguments})

    async def _end(self, end: End) -> None:
        if end.reason == "model_context_window_exceeded":
            error = {"code": "context_length_exceeded", "message": "Your input exceeds the context window."}
            failed = {**self._response("failed"), "error": error}
            await self._event("response.failed", response=failed)
            return
        reason = INCOMPLETE.get(end.reason)
        status = "completed" if reason is None else "incomplete"
        ended = {**self._response(status), "output": self._output, "usage": self._usage(end)}
        ended["incomplete_details"] = None if reason is None else {"reason": reason}
        await self._event(f"response.{status}", response=ended)

    def _usage(self, end: End) -> Item:
        """As OpenAI counts: what was read from the cache is part of the input."""
        usage, output = self._script.usage, self._output_tokens(end)
        cached, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        sent = self._input_tokens(len(json.dumps(self._body))) + cached + written
        return {
            "input_tokens": sent,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sent + output,
        }

    async def _error(self, error: ErrorEvent) -> None:
        await self._event("error", code=error.type, message=error.message, param=None)

    async def _ping(self) -> None:
        await self._event("keepalive")

    def _id(self, kind: str) -> str:
        return f"{kind}_{len(self._output)}"

    def _response(self, status: str) -> Item:
        return {
            "id": "resp_local",
            "object": "response",
            "created_at": 1,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._body["model"],
            "output": [],
            "usage": None,
            "store": False,
        }

    async def _added(self, item: Item) -> Item:
        """Begin an item; what the events about it say of its place."""
        at = {"output_index": len(self._output)}
        await self._event("response.output_item.added", **at, item=item)
        return {"item_id": item["id"], **at}

    async def _done(self, item: Item) -> None:
        if item["type"] != "reasoning":
            item = {**item, "status": "completed"}
        await self._event("response.output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)

    async def _event(self, name: str, **fields: Any) -> None:
        number, self._sequence = self._sequence, self._sequence + 1
        await self._write(response_event(name, **fields, sequence_number=number).data)


class WholeResponsePlayer(ResponsesPlayer):
    """One response, in one piece of JSON. What goes wrong before its end leaves half of it."""

    content_type = "application/json"

    async def _begin(self) -> None:
        await self._write(b'{"id": "resp_local", ')

    async def _event(self, name: str, **fields: Any) -> None:
        if name == "error":
            error = {"message": fields["message"], "type": fields["code"], "param": None, "code": fields["code"]}
            await self._write(json_bytes({"error": error})[1:])
        elif name in ("response.completed", "response.incomplete", "response.failed"):
            await self._write(json_bytes(fields["response"])[1:])

    async def _ping(self) -> None:
        await self._write(b"\n")
