"""A hub in this process, under a real uvicorn, answered by a puppet."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from hub.app import Hubline
from hub.config import load
from hub.server.auth.gate import Authenticate
from tests.e2e.puppet import Puppet
from tests.server.live import Uvicorn


class LiveHub:
    """The application, its provider, and where it is served."""

    def __init__(self, app: Hubline, puppet: Puppet, port: int) -> None:
        self.app = app
        self.puppet = puppet
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def new_app(puppet: Puppet, authenticate: Authenticate | None = None, **settings: object) -> Hubline:
    wanted = load({"backplane": "memory://", "provider": "puppet", **settings})
    return Hubline(authenticate=authenticate, providers={"puppet": puppet}, settings=wanted)


@asynccontextmanager
async def serve(asgi: ASGIApp, app: Hubline) -> AsyncIterator[int]:
    """The port on which `asgi` is served while `app`, which it is or has mounted, lives."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        asgi, lifespan="off", log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = Uvicorn(config)
    async with app.lifespan():
        serving = asyncio.create_task(server.serve([listening]))
        await server.up.wait()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving
            listening.close()


@asynccontextmanager
async def live_hub(authenticate: Authenticate | None = None, **settings: object) -> AsyncIterator[LiveHub]:
    puppet = Puppet()
    app = new_app(puppet, authenticate, **settings)
    async with serve(app, app) as port:
        yield LiveHub(app, puppet, port)
