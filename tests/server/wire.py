"""A client of single messages over a pipe in memory: for what the test client is too polite to do."""

import asyncio
from collections.abc import Callable

from hub.errors import ProtocolError
from hub.protocol.client import ClientProtocol
from hub.protocol.codec import CodecName
from hub.protocol.messages import HubMessage, Invocation, Ping, StreamInvocation
from hub.server.auth import User
from hub.server.hub import HttpFacts
from hub.server.server import HubServer
from hub.server.testing import Pipe


class Wire:
    """Begins with `open`; `read` gives the server's messages (pings left out), None at the end."""

    def __init__(self, server: HubServer, protocol: CodecName = "json", path: str = "/hub") -> None:
        self.protocol = ClientProtocol(protocol)
        self.raw: list[bytes] = []  # all that the server wrote
        self.pings = 0
        self.refusal: ProtocolError | None = None
        self.pipe = Pipe(self._receive)
        self._messages: asyncio.Queue[HubMessage | None] = asyncio.Queue()
        self.connection = server.connect(server.served(path), self.pipe, user=User(id="ann"), http=HttpFacts())

    def open(self, *messages: HubMessage) -> "Wire":
        """Handshake and first messages in one piece (H8)."""
        self._give(self.protocol.handshake_request + b"".join(map(self.protocol.encode, messages)))
        return self

    def write(self, *messages: HubMessage) -> None:
        self._give(b"".join(map(self.protocol.encode, messages)))

    def _give(self, data: bytes) -> None:
        """As a transport does, which is called by the event loop, outside of any task."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        asyncio.tasks._leave_task(loop, task)
        try:
            self.connection.receive(data)
        finally:
            asyncio.tasks._enter_task(loop, task)

    def invoke(self, target: str, *arguments: object, id: str | None = "1", streams: tuple[str, ...] = ()) -> None:
        self.write(Invocation(target, arguments, id, streams))

    def stream(self, target: str, *arguments: object, id: str = "1", streams: tuple[str, ...] = ()) -> None:
        self.write(StreamInvocation(target, arguments, id, streams))

    async def read(self) -> HubMessage | None:
        return await asyncio.wait_for(self._messages.get(), 5)

    async def call(self, target: str, *arguments: object) -> HubMessage | None:
        self.invoke(target, *arguments)
        return await self.read()

    def take(self) -> HubMessage | None:
        """What has come already."""
        return self._messages.get_nowait()

    @property
    def unread(self) -> int:
        return self._messages.qsize()

    def _receive(self, data: bytes | None) -> None:
        if data is None:
            self._messages.put_nowait(None)
            return
        self.raw.append(data)
        try:
            for message in self.protocol.receive_data(data):
                if isinstance(message, Ping):
                    self.pings += 1
                else:
                    self._messages.put_nowait(message)
        except ProtocolError as refusal:
            self.refusal = refusal


async def turns(count: int = 10) -> None:
    """Let everything that is ready run: for showing that something does not happen."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # conditions of objects that know nothing of tests
            await asyncio.sleep(0.001)
