"""The way from one node to Redis, which can be cut, go silent without an end, or lose the answer to an append."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

Door = Literal["open", "closed", "silent"]
"""What becomes of new links: they work, are ended at once, or are taken and never carry anything."""

OF_AN_APPEND = b'"delta"'
"""What no other command holds."""

LOSING_S = 0.05
"""How long the answers are kept back before the link ends: the append has been done by then."""


class _End(asyncio.Protocol):
    """One of the two ends of a link."""

    def __init__(self, link: "_Link") -> None:
        self._link = link
        self.transport: asyncio.Transport | None = None  # set while it is connected
        self.is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        self._link.passes(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._link.cut()

    def pause_writing(self) -> None:
        self._link.other(self).read(False)

    def resume_writing(self) -> None:
        self._link.other(self).read(True)

    def read(self, wanted: bool) -> None:
        if self.transport is not None and not self.transport.is_closing():
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()


class _Link:
    def __init__(self, way: "Way") -> None:
        self._way = way
        self.node = _End(self)
        self.redis = _End(self)
        self.is_silent = False
        self._is_losing = False  # what Redis says no longer arrives
        self._connecting: asyncio.Task[object] | None = None  # set by the node's connection

    def other(self, end: _End) -> _End:
        return self.redis if end is self.node else self.node

    def made(self, end: _End) -> None:
        if end is self.redis:
            self.node.read(True)
            return
        self._way.links.add(self)
        if self._way.door == "closed":
            self.cut()
            return
        self.is_silent = self._way.door == "silent"
        self.node.read(False)  # until there is somebody to pass it on to
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.redis, "127.0.0.1", self._way.target_port)
        except OSError:
            self.cut()
        else:
            if self.node.transport is None:
                self.cut()

    def passes(self, end: _End, data: bytes) -> None:
        if self.is_silent:
            return
        if end is self.redis and self._is_losing:
            return
        target = self.other(end).transport
        if target is not None:
            target.write(data)
        if end is self.node and self._way.loses_append and OF_AN_APPEND in data:
            self._way.loses_append = False
            self._is_losing = True
            asyncio.get_running_loop().call_later(LOSING_S, self._lose)

    def _lose(self) -> None:
        self.cut()
        self._way.has_lost.set()

    def cut(self) -> None:
        self._way.links.discard(self)
        for end in (self.node, self.redis):
            if end.transport is not None:
                end.transport.abort()

    async def closed(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])


class Way:
    """Listens on a port of its own and passes everything on to Redis, while nothing is wrong."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0  # set by `running`
        self.links: set[_Link] = set()
        self.door: Door = "open"
        self.loses_append = False  # set until the next append passes
        self.has_lost = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Way"]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Link(self).node, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            links = list(self.links)
            self.cut()
            for link in links:
                await link.closed()
            await server.wait_closed()

    def cut(self) -> None:
        """End all links, with what is under way."""
        for link in list(self.links):
            link.cut()

    def go_silent(self) -> None:
        """From here on the links there are carry nothing, for good, and do not end by themselves."""
        for link in self.links:
            link.is_silent = True

    async def lose_append(self, within_s: float) -> bool:
        """Let the next append through, keep its answer back, and end the link; False if none came in time."""
        self.has_lost.clear()
        self.loses_append = True
        try:
            async with asyncio.timeout(within_s):
                await self.has_lost.wait()
        except TimeoutError:
            self.loses_append = False
            return False
        return True
