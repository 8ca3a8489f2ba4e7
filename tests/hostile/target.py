"""The server that is attacked: a process of its own, with small limits. `python target.py direct|portable`.

`direct`: WebSockets taken over, as `hubline serve` does. `portable`: through plain ASGI, as under any other server.
"""

import asyncio
import resource
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn

from hub import Hub, Hubline, log
from hub.server.options import HubOptions
from hub.server.transports import uvicorn_hook

MAX_RECEIVE_BYTES = 65_536
MAX_MESSAGE_BYTES = 4 * MAX_RECEIVE_BYTES
"""Of one WebSocket message: it may hold several records."""
HASTE_S = 0.5
"""How long `/hasty` waits for a handshake."""
PATIENCE_S = 8.0
"""How long `/patient` waits for a handshake, and the server for a request: long enough for a crowd to gather."""


class Echo(Hub):
    async def echo(self, value: object) -> object:
        return value

    async def remember(self, value: str) -> str | None:
        """What this connection said before."""
        before: str | None = getattr(self, "said", None)
        self.said = value
        return before

    async def forever(self) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    async def hoard(self, items: AsyncIterator[object]) -> None:
        """Takes an upload and never looks at it."""
        await asyncio.Event().wait()

    async def count(self, items: AsyncIterator[object]) -> int:
        return len([None async for _ in items])


def main(way: str) -> None:
    log.configure("info")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    app = Hubline(
        backplane="memory://",
        max_receive_bytes=MAX_RECEIVE_BYTES,
    )
    hubs = {"/echo": 30.0, "/hasty": HASTE_S, "/patient": PATIENCE_S}
    for path, seconds in hubs.items():
        options = HubOptions(
            handshake_timeout_s=seconds, max_receive_bytes=MAX_RECEIVE_BYTES, max_invocations_per_s=0.0
        )
        app.hub(path, options)(Echo)
    uvicorn_hook.HttpProtocol.head_timeout_s = PATIENCE_S
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    takeover = "hub.server.transports.uvicorn_takeover"
    settings = uvicorn.Config(
        app,
        http="httptools" if way == "portable" else f"{takeover}:HttpProtocol",
        ws="websockets-sansio" if way == "portable" else f"{takeover}:WebSocketProtocol",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(settings).run([listener])


if __name__ == "__main__":
    main(sys.argv[1])
