"""The local provider server: Anthropic's and OpenAI's wire formats, strict about what it is asked and free in what it
answers.

    async with ProviderServer() as server:
        server.add(Script(Say("Hello")), Refuse(529))           # answers, in the order of the requests
        provider = AnthropicProvider(server.api_key, base_url=server.base_url)
        # or OpenAIProvider(OPENAI, server.api_key, base_url=server.openai_url)   # api="responses" for that API
        …
        request = await server.next_request()                    # as it arrived
        await request.closed_by_client.wait()                    # Stop was seen upstream

Requests are checked before a script is taken (see `rules`, `openai_rules` and `responses_rules`); a refused one uses up
no script. When no script is left, `default` answers: it may look at the request.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.provider_server.answering import AnthropicWire, OpenAIWire, ResponsesWire, Wire
from tests.provider_server.openai_rules import OPENAI, Style
from tests.provider_server.rules import MODELS, SIGNER, WINDOW_TOKENS, Signer
from tests.provider_server.script import Answer, Refuse, Say, Script
from tests.provider_server.wire import Closed, Connection, Exchange


class ReceivedRequest:
    """A request as it arrived, and what became of it."""

    def __init__(self, exchange: Exchange) -> None:
        self.headers = exchange.headers
        self.body: Mapping[str, Any] = {}
        """Its JSON, once it could be read."""
        self.at = time.monotonic()
        self.refused: str | None = None
        """The rule that it broke."""
        self.closed_by_client: Closed = exchange.closed_by_client
        self.answered: asyncio.Event = exchange.answered


def echo(body: Mapping[str, Any]) -> Answer:
    """Repeats the last text of the user (or a tool's), word by word."""
    last = (body["messages"] if "messages" in body else body["input"])[-1]
    content = last["output"] if "output" in last else last["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = next((block["text"] for block in reversed(blocks) if block["type"] in ("text", "input_text")), "done")
    words = str(text).split(" ")
    return Script(Say("You said:", *(f" {word}" for word in words)))


class ProviderServer:
    """Listens on loopback from `start` (or `async with`) to `close`."""

    def __init__(
        self,
        *,
        port: int = 0,
        api_key: str = "local-provider-key",
        models: Sequence[str] = MODELS,
        window_tokens: int = WINDOW_TOKENS,
        signer: Signer = SIGNER,
        style: Style = OPENAI,
        default: Callable[[Mapping[str, Any]], Answer] = echo,
    ) -> None:
        self.api_key = api_key
        self.window_tokens = window_tokens
        self.default = default
        self.requests: list[ReceivedRequest] = []
        """All so far, refused ones included, in the order of their arrival."""
        self._wires: Sequence[Wire] = (
            AnthropicWire(models, signer),
            OpenAIWire(style, signer),
            ResponsesWire(style, signer),
        )
        self._port = port
        self._answers: deque[Answer] = deque()
        self._taken = 0  # how many requests `next_request` has given
        self._arrived = asyncio.Condition()
        self.connections_made = 0
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None  # set while it listens

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def _connect(self) -> Connection:
        self.connections_made += 1
        return Connection(self._answer, self._connections)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        for connection in list(self._connections):
            connection.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> "ProviderServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def openai_url(self) -> str:
        """The base URL of the wire of OpenAI."""
        return f"{self.base_url}/v1"

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def add(self, *answers: Answer) -> None:
        """Answer the next requests so."""
        self._answers.extend(answers)

    async def next_request(self) -> ReceivedRequest:
        """The first request that was not given yet; waits for it to arrive."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) > self._taken)
            self._taken += 1
            return self.requests[self._taken - 1]

    async def _answer(self, exchange: Exchange) -> None:
        request = ReceivedRequest(exchange)
        wire = next((wire for wire in self._wires if wire.path == exchange.path), self._wires[0])
        answer = self._decide(wire, exchange, request)
        self.requests.append(request)
        async with self._arrived:
            self._arrived.notify_all()
        if isinstance(answer, Refuse):
            body = json.dumps(wire.error(answer)).encode() if answer.body is None else answer.body
            await exchange.error(answer.status, {"content-type": "application/json", **answer.headers}, body)
        else:
            await wire.player(exchange, answer, request.body).play()

    def _decide(self, wire: Wire, exchange: Exchange, request: ReceivedRequest) -> Answer:
        refusal = self._check(wire, exchange, request)
        if refusal is not None:
            request.refused = refusal.message
            return refusal
        return self._answers.popleft() if self._answers else self.default(request.body)

    def _check(self, wire: Wire, exchange: Exchange, request: ReceivedRequest) -> Refuse | None:
        if (exchange.method, exchange.path) != ("POST", wire.path):
            return Refuse(404, message=f"no such path: {exchange.method} {exchange.path}")
        if refusal := wire.check_headers(exchange.headers, self.api_key):
            return refusal
        if not exchange.headers.get("content-type", "").startswith("application/json"):
            return Refuse(400, message="content-type: must be application/json")
        try:
            request.body = json.loads(exchange.body)
        except ValueError:
            return Refuse(400, message="the body is not JSON in UTF-8")
        return wire.check_body(request.body, self.window_tokens)
