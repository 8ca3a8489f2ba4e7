"""A hub under a real uvicorn on an ephemeral port, and a raw SignalR client over the `websockets` package."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection

from hub.server.server import HubServer

_TAKEOVER = "hub.server.transports.uvicorn_takeover"


class Uvicorn(uvicorn.Server):
    """Runs beside the test: leaves signals alone, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def serve_live(server: HubServer, *, takeover: bool = False) -> AsyncIterator[str]:
    """`host:port` of a started hub server. The hub server itself is closed by its owner. `takeover`: WebSockets
    without ASGI."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=server.routes())
    protocols = {"http": f"{_TAKEOVER}:HttpProtocol", "ws": f"{_TAKEOVER}:WebSocketProtocol"} if takeover else {}
    live = Uvicorn(uvicorn.Config(app, lifespan="off", log_level="warning", **protocols))  # type: ignore[arg-type]  # names
    serving = asyncio.create_task(live.serve([listener]))
    await live.up.wait()
    try:
        host, port = listener.getsockname()
        yield f"{host}:{port}"
    finally:
        await server.close()
        live.should_exit = True
        await serving
        listener.close()


class RawClient:
    """JSON records over a WebSocket, one by one."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._records: list[object] = []

    async def handshake(self) -> object:
        await self.write({"protocol": "json", "version": 1})
        return await self.read()

    async def write(self, *records: object) -> None:
        await self.socket.send("".join(json.dumps(record) + "\x1e" for record in records))

    async def read(self) -> dict[str, object]:
        """The next record that is no ping."""
        while True:
            while not self._records:
                text = await self.socket.recv()
                assert isinstance(text, str)
                assert text.endswith("\x1e")  # whole records only (M12)
                self._records = [json.loads(record) for record in text[:-1].split("\x1e")]
            record = self._records.pop(0)
            assert isinstance(record, dict)
            if record != {"type": 6}:
                return record
