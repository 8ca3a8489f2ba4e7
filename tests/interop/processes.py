"""A hub in a process of its own on an SQLite file, that scenarios may kill and start again on the same port."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from tests.interop.stage import WINDOW_TOKENS, Gates, Scripts, Stage
from tests.provider_server.server import ProviderServer
from tests.running import Running, running

LEASE_S = 0.2
"""So short that a killed node's session can be taken over as soon as the next one serves."""


class HubProcess:
    """At most one process at a time."""

    def __init__(self, folder: Path, provider: ProviderServer) -> None:
        self._folder = folder
        self._environment = {
            "ANTHROPIC_API_KEY": provider.api_key,
            "ANTHROPIC_BASE_URL": provider.base_url,
            "HUBLINE_LEASE_S": str(LEASE_S),
            "HUBLINE_DRAIN_S": "0",  # scenarios hold answers open
        }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._stack = ExitStack()
        self._running: Running | None = None  # set by `start`

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        hub = running(self._folder, "--port", str(self._port), environment=self._environment)
        self._running = await asyncio.to_thread(self._stack.enter_context, hub)

    async def end(self, number: int = signal.SIGKILL) -> None:
        assert self._running is not None
        await asyncio.to_thread(self._running.end, number)
        await self.close()

    async def restart(self) -> None:
        """As an operator does it."""
        await self.end(signal.SIGTERM)
        await self.start()

    async def close(self) -> None:
        await asyncio.to_thread(self._stack.close)


@asynccontextmanager
async def open_process_stage(folder: Path) -> AsyncIterator[Stage]:
    gates = Gates()
    async with ProviderServer(window_tokens=WINDOW_TOKENS, default=Scripts(gates).answer) as provider:
        hub = HubProcess(folder, provider)
        stage = Stage(hub.url, provider, gates)
        stage.calls |= {"kill": hub.end, "start": hub.start, "restart": hub.restart}
        await hub.start()
        try:
            yield stage
        finally:
            await hub.close()
