"""The server's side of a scenario: a real hub under a real uvicorn, the strict provider server behind it, and what
scenarios may ask of them.

A scenario's user message says, as JSON, what the provider is to answer (`lib/script.mjs` writes it):
`{"mark": …, "rounds": [[step, …], …]}`, one round for each model request. Any other text is repeated.
"""

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from hub import config
from hub.app import Hubline
from hub.backplane.base import SessionRecord
from hub.tools.base import ToolContext
from tests.provider_server.script import Answer, CallTool, Gate, Pace, Piece, Say, Script, Stall, Step, Think
from tests.provider_server.server import ProviderServer, ReceivedRequest, echo
from tests.server.live import Uvicorn

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / "node_modules" / "@microsoft"
WINDOW_TOKENS = 50_000_000
"""More than any scenario needs: long sessions are about the hub, not about the model's window."""

SLOW = "slow:"
"""The prefix of session ids whose lookup waits at the gate that follows: a store that takes its time."""


class Gates:
    """Gates by name, made when first named."""

    def __init__(self) -> None:
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)

    def __getitem__(self, name: str) -> Gate:
        return self._gates[name]


class Scripts:
    """Reads scripts from users' messages, and finds the requests that they caused."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates

    def answer(self, body: Mapping[str, Any]) -> Answer:
        found = script_of(body)
        if found is None:
            return echo(body)
        text, after = found
        rounds = json.loads(text)["rounds"]
        steps = rounds[min(after, len(rounds) - 1)]
        before = next((self._gates[step["before"]] for step in steps if "before" in step), None)
        return Script(*(self._step(step) for step in steps if "before" not in step), before_headers=before)

    def _step(self, step: Mapping[str, Any]) -> Step:
        match step:
            case {"say": pieces}:
                return Say(*(self._piece(piece) for piece in pieces))
            case {"count": amount, "after": after}:
                return Say(*(f"{number}{after}" for number in range(amount)))
            case {"think": pieces}:
                return Think(*(self._piece(piece) for piece in pieces))
            case {"tool": name, "arguments": arguments}:
                return CallTool(name, arguments)
            case _:
                return self._control(step)

    def _piece(self, piece: str | Mapping[str, Any]) -> Piece:
        return piece if isinstance(piece, str) else self._control(piece)

    def _control(self, step: Mapping[str, Any]) -> Gate | Pace | Stall:
        match step:
            case {"gate": name}:
                return self._gates[name]
            case {"pace_ms": pause_ms}:
                return Pace(pause_ms / 1000)
            case {"stall": _}:
                return Stall()
        raise ValueError(f"not a step of a script: {step}")


def script_of(body: Mapping[str, Any]) -> tuple[str, int] | None:
    """The newest script in a request's messages, and how many of the assistant's turns came after it."""
    after = 0
    for message in reversed(body.get("messages", [])):
        if message["role"] == "assistant":
            after += 1
            continue
        for block in reversed(message["content"]):
            if block["type"] == "text" and block["text"].startswith('{"mark":'):
                return block["text"], after
    return None


class Stage:
    """What scenarios ask for, by the names of `calls`."""

    def __init__(self, url: str, provider: ProviderServer, gates: Gates) -> None:
        self.url = url
        self.provider = provider
        self.gates = gates
        self.stopped_tools: set[str] = set()
        """The gates at which a tool waited when it was cancelled."""
        self.calls: dict[str, Callable[..., Awaitable[object]]] = {
            "open": self._open,
            "reached": self._reached,
            "requests": self._requests,
            "closed": self._closed,
            "tool_stopped": self._tool_stopped,
        }

    async def call(self, method: str, arguments: Sequence[object]) -> object:
        return await self.calls[method](*arguments)

    def refused(self) -> list[str]:
        """The rules that requests broke, since the stage was made."""
        return [request.refused for request in self.provider.requests if request.refused is not None]

    async def _open(self, name: str) -> None:
        self.gates[name].open()

    async def _reached(self, name: str) -> None:
        await self.gates[name].reached.wait()

    async def _requests(self, mark: str) -> list[dict[str, object]]:
        """The requests of a script, in the order of their arrival."""
        return [
            {
                "closed": request.closed_by_client.is_set(),
                "answered": request.answered.is_set(),
                "messages": request.body["messages"],
                "system": request.body.get("system"),
            }
            for request in self._marked(mark)
        ]

    async def _closed(self, mark: str) -> None:
        """Wait until the hub has closed the connection of the script's last request."""
        await self._marked(mark)[-1].closed_by_client.wait()

    async def _tool_stopped(self, gate: str) -> bool:
        return gate in self.stopped_tools

    def _marked(self, mark: str) -> list[ReceivedRequest]:
        found = ((request, script_of(request.body)) for request in self.provider.requests)
        return [request for request, script in found if script is not None and json.loads(script[0])["mark"] == mark]


def _add_tools(app: Hubline, stage: Stage) -> None:
    @app.tool(access="read")
    async def wait_at(gate: str, ctx: ToolContext) -> str:
        """Wait at a gate of the test.

        Args:
            gate: its name
        """
        await ctx.progress(0.5, "waiting")
        try:
            await stage.gates[gate].wait()
        except asyncio.CancelledError:
            stage.stopped_tools.add(gate)
            raise
        return f"{gate} is open"

    @app.tool(access="write")
    async def write_cell(cell: str, text: str) -> dict[str, str]:
        """Write into a cell; its result says what."""
        return {"cell": cell, "text": text}


def _slow_down(app: Hubline, gates: Gates, patch: pytest.MonkeyPatch) -> None:
    directory = app._backplane.directory
    get = directory.get

    async def slow_get(session_id: str) -> SessionRecord | None:
        if session_id.startswith(SLOW):
            await gates[session_id.removeprefix(SLOW)].wait()
        return await get(session_id)

    patch.setattr(directory, "get", slow_get)


@asynccontextmanager
async def open_stage(*, send_buffer_bytes: int | None = None, **settings: object) -> AsyncIterator[Stage]:
    """A hub on a free port, with the files of this folder and the official packages beside it."""
    gates = Gates()
    answers = Scripts(gates)
    async with ProviderServer(window_tokens=WINDOW_TOKENS, default=answers.answer) as provider:
        chosen = config.load(
            {
                "anthropic_api_key": provider.api_key,
                "anthropic_base_url": provider.base_url,
                "provider": "anthropic",
                "backplane": "memory://",
                **settings,
            }
        )
        app = Hubline(settings=chosen)
        listener = socket.create_server(("127.0.0.1", 0))
        if send_buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        stage = Stage(f"http://127.0.0.1:{listener.getsockname()[1]}", provider, gates)
        _add_tools(app, stage)
        with pytest.MonkeyPatch.context() as patch:
            _slow_down(app, gates, patch)
            async with app.lifespan(), _serving(app, listener, chosen.max_receive_bytes):
                yield stage


@asynccontextmanager
async def _serving(app: Hubline, listener: socket.socket, max_receive_bytes: int) -> AsyncIterator[None]:
    outside = Starlette(
        routes=[
            Mount("/interop", StaticFiles(directory=HERE)),
            Mount("/packages", StaticFiles(directory=PACKAGES)),
            Mount("/", app),
        ]
    )
    server = Uvicorn(
        uvicorn.Config(
            outside,
            lifespan="off",
            log_level="warning",
            http="hub.server.transports.uvicorn_takeover:HttpProtocol",  # as `hubline serve` does
            ws="hub.server.transports.uvicorn_takeover:WebSocketProtocol",
            ws_max_size=4 * max_receive_bytes,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve([listener]))
    await server.up.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()
