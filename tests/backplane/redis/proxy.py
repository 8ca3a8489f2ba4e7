"""A TCP proxy before a server: links through it can be cut, and what the server says can be kept back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


def all_of_it(data: bytes) -> bytes:
    return data


def nothing(_: bytes) -> bytes:
    return b""


class Proxy:
    """`replies` passes on what the server says, or less of it. While `refuses`, new links are closed at once."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._links: set[asyncio.StreamWriter] = set()  # both ends of each
        self.port = 0  # set by `running`
        self.replies: Callable[[bytes], bytes] = all_of_it
        self.refuses = False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._link, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await server.wait_closed()

    def cut(self) -> None:
        """End all links, with what is under way."""
        for writer in tuple(self._links):
            writer.transport.abort()

    async def _link(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self.refuses:
            client.transport.abort()
            return
        try:
            server_reader, server = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            client.transport.abort()
            return
        self._links |= {client, server}
        await asyncio.gather(
            self._pump(client_reader, server, all_of_it),
            self._pump(server_reader, client, lambda data: self.replies(data)),
        )
        self._links -= {client, server}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: Callable[[bytes], bytes]
    ) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(passed(data))
                await writer.drain()
        except OSError:
            pass  # cut
        finally:
            writer.close()
