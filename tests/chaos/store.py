"""The Redis of a run: with an append-only file, and as a server that was started again from an old snapshot."""

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from tests.backplane.redis_server import RedisServer
from tests.backplane.steps import until

# What is answered is written, so a killed server loses nothing. It is not synced: no machine dies here.
APPENDING = ("--appendonly", "yes", "--appendfsync", "no")


class Losses(Protocol):
    """Of a store: how often it may have lost what it had taken. It grows when what comes is lost from then on, and
    again when all that comes is kept."""

    losses: int


class Store:
    """Use as `async with`. `restarts` counts the lives after the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = RedisServer(folder, *APPENDING)
        self.restarts = 0
        self.losses = 0

    @property
    def port(self) -> int:
        return self._server.port

    async def __aenter__(self) -> "Store":
        await asyncio.to_thread(self._server.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.kill()

    async def restart(self, away_s: float) -> None:
        """Killed, and started again with all that it had."""
        self._server.kill()
        await asyncio.sleep(away_s)
        await asyncio.to_thread(self._server.start)
        self.restarts += 1

    async def restart_old(self, lost_s: float, away_s: float) -> None:
        """Killed, and started again with what it had `lost_s` before."""
        assert await asyncio.to_thread(self._server.ask, "SAVE") == "+OK"
        self.losses += 1
        await asyncio.sleep(lost_s)
        self._server.kill()
        await asyncio.to_thread(shutil.rmtree, self._folder / "appendonlydir", ignore_errors=True)
        await asyncio.sleep(away_s)
        self._server.settings = ()
        await asyncio.to_thread(self._server.start)
        self._server.settings = APPENDING
        self.restarts += 1
        self.losses += 1
        await asyncio.to_thread(self._server.ask, "CONFIG", "SET", "appendfsync", "no")
        await asyncio.to_thread(self._server.ask, "CONFIG", "SET", "appendonly", "yes")
        await until(self._appends)  # what is written from here on is there after the next kill

    async def pause(self, seconds: float) -> None:
        """Silent, with all links as they were."""
        self._server.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._server.resume()

    def _appends(self) -> bool:
        said = self._server.ask_all("INFO", "persistence")
        wanted = ("aof_enabled:1", "aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0")
        return all(word in said for word in wanted)
