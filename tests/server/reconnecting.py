"""A client with stateful reconnect: what it sends is held until acknowledged, and goes again by the next socket."""

import asyncio
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hub.protocol import handshake
from hub.protocol.codec import CODECS
from hub.protocol.messages import Ack, HubMessage, Invocation, Ping, Sequence, StreamInvocation
from hub.protocol.resend import ResendBuffer, is_counted
from hub.server.auth import User
from hub.server.hub import HttpFacts
from hub.server.server import HubServer
from hub.server.testing import Pipe

JSON = CODECS["json"]


class Counting:
    """What both clients share: the counts of both directions, and what is to be handled."""

    def __init__(self) -> None:
        self.buffer = ResendBuffer()
        self.handled: asyncio.Queue[HubMessage] = asyncio.Queue()
        self.acks: list[int] = []  # of the server
        self.sequences: list[int] = []  # of the server
        self.pings = 0

    def take(self, message: HubMessage) -> None:
        if isinstance(message, Sequence):
            self.sequences.append(message.sequence_id)
            # Stricter than our own buffer: the official clients stop at more than this, even if they had it all.
            assert message.sequence_id <= self.buffer._next_received
            self.buffer.sequence(message.sequence_id)
        elif isinstance(message, Ping):
            self.pings += 1
        elif self.buffer.received(message):
            if isinstance(message, Ack):
                self.acks.append(message.sequence_id)
                self.buffer.ack(message.sequence_id)
            else:
                self.handled.put_nowait(message)

    def encode(self, message: HubMessage) -> bytes:
        record = JSON.encode(message)
        if is_counted(message):
            self.buffer.sent(record)
        return record

    def again(self) -> bytes:
        """What goes first over a new socket."""
        sequence_id, records = self.buffer.resume()
        return b"".join((JSON.encode(Sequence(sequence_id)), *records))

    async def read(self) -> HubMessage:
        return await asyncio.wait_for(self.handled.get(), 5)


class MemoryClient(Counting):
    """Over pipes in memory, that lose what they carry when they are cut."""

    def __init__(self, server: HubServer, *, version: int = 2, stateful: bool = True) -> None:
        super().__init__()
        self.ended = False  # the server has ended the newest pipe
        self._pipe = self._new_pipe()
        self.connection = server.connect(
            server.served("/hub"), self._pipe, user=User(id="ann"), http=HttpFacts(), stateful=stateful
        )
        self.connection.receive(handshake.request("json", version))

    def write(self, *messages: HubMessage) -> None:
        """Sent now, or held while there is no socket."""
        data = b"".join(map(self.encode, messages))
        if self.is_attached:
            self.connection.receive(data)

    def write_raw(self, data: bytes) -> None:
        self.connection.receive(data)

    def invoke(self, target: str, *arguments: object, id: str = "1") -> None:
        self.write(Invocation(target, arguments, id))

    def stream(self, target: str, *arguments: object, id: str = "1") -> None:
        self.write(StreamInvocation(target, arguments, id))

    def ack(self) -> None:
        if self.is_attached and (ack := self.buffer.ack_due()) is not None:
            self.connection.receive(JSON.encode(ack))

    @property
    def is_attached(self) -> bool:
        return self._attached

    def cut(self) -> None:
        """Lose the socket, and what is on its way to the client."""
        self._generation += 1
        self._attached = False
        self.connection.lost(ConnectionError("cut"))

    def lose_pipe(self) -> None:
        """The client loses its socket; the server has not noticed."""
        self._generation += 1
        self._attached = False

    def attach(self) -> None:
        self._pipe = self._new_pipe()
        self.connection.attach(self._pipe)
        self.connection.receive(self.again())

    def stop_reading(self) -> None:
        self._pipe.hold()
        self._pipe.ready = False

    _generation = 0
    _attached = True

    def _new_pipe(self) -> Pipe:
        self._generation += 1
        self._attached, self.ended = True, False
        generation = self._generation
        splitter = JSON.splitter(None)

        def deliver(data: bytes | None) -> None:
            if generation != self._generation:
                return
            if data is None:
                self.ended = True
                return
            splitter.feed(data)
            while (record := splitter.next_record()) is not None:
                message = JSON.decode(record) if record != b"{}" else None
                if message is not None:
                    self.take(message)

        return Pipe(deliver)


class SocketClient(Counting):
    """Over real WebSockets."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, **headers: str) -> None:
        self.socket = await connect(self._url, additional_headers=headers)
        await self.socket.send(handshake.request("json", 2).decode())
        assert await self.socket.recv() == "{}\x1e"
        self._reading = asyncio.create_task(self._read(self.socket))

    async def reopen(self, **headers: str) -> None:
        self.socket = await connect(self._url, additional_headers=headers)
        await self.socket.send(self.again().decode())
        self._reading = asyncio.create_task(self._read(self.socket))

    async def write(self, *messages: HubMessage) -> None:
        assert self.socket is not None
        await self.socket.send(b"".join(map(self.encode, messages)).decode())

    async def cut(self) -> None:
        assert self.socket is not None
        assert self._reading is not None
        self.socket.transport.abort()
        await self._reading

    async def close(self) -> None:
        assert self.socket is not None
        assert self._reading is not None
        await self.socket.close()
        await self._reading

    async def _read(self, socket: ClientConnection) -> None:
        splitter = JSON.splitter(None)
        with suppress(ConnectionClosed):
            while True:
                text = await socket.recv()
                assert isinstance(text, str)
                assert text.endswith("\x1e")
                splitter.feed(text.encode())
                while (record := splitter.next_record()) is not None:
                    message = JSON.decode(record)
                    assert message is not None
                    self.take(message)
