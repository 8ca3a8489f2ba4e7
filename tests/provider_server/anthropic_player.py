"""Plays a script as the Messages API streams an answer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.provider_server.player import Player
from tests.provider_server.rules import Signer, cites
from tests.provider_server.script import CallTool, End, ErrorEvent, Piece, Redacted, Say, Script, Think
from tests.provider_server.wire import Exchange, json_bytes


class AnthropicPlayer(Player):
    def __init__(self, exchange: Exchange, script: Script, body: Mapping[str, Any], signer: Signer) -> None:
        super().__init__(exchange, script, body)
        self._signer = signer
        self._index = 0  # of the next block

    async def _begin(self) -> None:
        usage = self._script.usage
        message = {
            "id": "msg_local",
            "type": "message",
            "role": "assistant",
            "model": self._body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": self._input_tokens(len(json.dumps(self._body))),
                "cache_creation_input_tokens": usage.cache_creation_input_tokens,
                "cache_read_input_tokens": usage.cache_read_input_tokens,
                "output_tokens": 1,
            },
        }
        await self._event("message_start", message=message)
        await self._ping()

    async def _say(self, step: Say) -> None:
        cited = cites(self._body)
        for cite in step.cites:
            assert "document_index" not in cite or cited[cite["document_index"]], "only what is to be cited is"
        block = {"type": "text", "text": "", **({"citations": []} if step.cites else {})}
        await self._block(block, step.pieces, "text_delta", "text", cites=step.cites)

    async def _think(self, step: Think) -> None:
        text = "".join(piece for piece in step.pieces if isinstance(piece, str))
        block = {"type": "thinking", "thinking": "", "signature": ""}
        await self._block(block, step.pieces, "thinking_delta", "thinking", self._signer.sign(text))

    async def _redacted(self, step: Redacted) -> None:
        await self._block({"type": "redacted_thinking", "data": self._signer.redact(step.text)}, (), "", "")

    async def _call_tool(self, step: CallTool) -> None:
        call_id = self._call_id(step, self._index)
        block = {"type": "tool_use", "id": call_id, "name": step.name, "input": {}}
        await self._block(block, step.pieces, "input_json_delta", "partial_json")

    async def _block(
        self,
        block: Mapping[str, Any],
        pieces: Sequence[Piece],
        delta: str,
        field: str,
        signature: str | None = None,
        cites: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        index, self._index = self._index, self._index + 1
        await self._event("content_block_start", index=index, content_block=block)
        async for piece in self._texts(pieces):
            await self._event("content_block_delta", index=index, delta={"type": delta, field: piece})
        for cite in cites:
            await self._event("content_block_delta", index=index, delta={"type": "citations_delta", "citation": cite})
        if signature is not None:
            signed = {"type": "signature_delta", "signature": signature}
            await self._event("content_block_delta", index=index, delta=signed)
        await self._event("content_block_stop", index=index)

    async def _end(self, end: End) -> None:
        delta = {"stop_reason": end.reason, "stop_sequence": None, "stop_details": end.stop_details}
        await self._event("message_delta", delta=delta, usage={"output_tokens": self._output_tokens(end)})
        await self._event("message_stop")

    async def _error(self, error: ErrorEvent) -> None:
        await self._event("error", error={"type": error.type, "message": error.message})

    async def _ping(self) -> None:
        await self._event("ping")

    async def _event(self, name: str, **fields: Any) -> None:
        await self._write(f"event: {name}\ndata: ".encode() + json_bytes({"type": name, **fields}) + b"\n\n")
