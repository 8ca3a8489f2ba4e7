"""The network between the browser and the hub, in the test's hand."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Network:
    """Forwards TCP connections to `target_port`. It can be cut, be away, or swallow what the hub sends."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._open: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._hearing = asyncio.Event()
        self._hearing.set()
        self._server: asyncio.Server | None = None  # while it is there
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0  # set by `come`

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def come(self) -> None:
        """Take connections, always on the same port."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._accepted, sock=listening)

    def go(self) -> None:
        """Refuse connections, and cut those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Abort what is open; new connections work."""
        for writer in self._open:
            writer.transport.abort()

    def freeze(self) -> None:
        """Let nothing pass in either direction, as if the cable were out: nobody is told."""
        self._passing.clear()

    def thaw(self) -> None:
        self._passing.set()

    def deafen(self) -> None:
        """Hold back what the hub sends; what the browser sends arrives."""
        self._hearing.clear()

    def hear(self) -> None:
        self._hearing.set()

    async def close(self) -> None:
        self.go()
        self.thaw()
        self.hear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()  # nobody is there: the same as refused
            return
        self._open |= {writer, hub_writer}
        for task in (
            asyncio.create_task(self._forward(reader, hub_writer, self._passing)),
            asyncio.create_task(self._forward(hub_reader, writer, self._passing, self._hearing)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *gates: asyncio.Event) -> None:
        # A connection that was cut shows as an error on either side; both sides end then.
        with suppress(OSError):
            while data := await reader.read(65_536):
                for gate in gates:
                    await gate.wait()
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.transport.abort() if writer.transport.is_closing() else writer.close()


@asynccontextmanager
async def network_to(port: int) -> AsyncIterator[Network]:
    network = Network(port)
    await network.come()
    try:
        yield network
    finally:
        await network.close()
