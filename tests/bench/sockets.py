"""The load generator's clients: a WebSocket that notes what came and when, and reads it later.

While a measurement runs, all it does for what comes is to look at the clock and keep the bytes. Frames are taken apart
when somebody asks for them.
"""

import asyncio
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import msgspec
import orjson

_HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
WATCH_ID = "w"
PATIENCE_S = 120.0


class Record(msgspec.Struct, frozen=True):
    """One message, when its last byte had come (monotonic seconds), and its bytes."""

    at: float
    body: bytes

    def message(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = orjson.loads(self.body)
        return found


class Receiver(asyncio.Protocol):
    """One client's end of any protocol. `received`: bytes so far."""

    def __init__(self) -> None:
        self._chunks: list[tuple[float, bytes]] = []
        self._rest = b""  # the beginning of what is not whole yet
        self._transport: asyncio.Transport | None = None  # set when the connection is made
        self._waiter: asyncio.Future[None] | None = None  # set while somebody waits for more
        self.is_lost = False
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        self._chunks.append((time.monotonic(), data))
        self.received += len(data)
        if self._waiter is not None:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _more(self) -> None:
        if not self._chunks:
            if self.is_lost:
                raise AssertionError("the server closed the connection")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._waiter
            except TimeoutError as error:
                raise AssertionError(f"nothing more came within {PATIENCE_S:g} s; {self._last()}") from error
            finally:
                self._waiter = None

    def _last(self) -> str:
        return f"after {self.received} bytes"

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Socket(Receiver):
    """A WebSocket's end. `records` takes what has come since it was called last."""

    def __init__(self) -> None:
        super().__init__()
        self._unread: list[Record] = []  # passed over by `until`
        self._calls = 0

    async def upgrade(self, port: int, path: str) -> None:
        key = b64encode(os.urandom(16)).decode()
        self._write(
            (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            await self._more()
            answer += b"".join(data for _, data in self._chunks)
            self._chunks.clear()
        head, _, self._rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise AssertionError(f"the server refused the WebSocket: {head!r}")

    def send(self, payload: bytes) -> None:
        """One text frame. Its mask is zero, so that it is its own masked form."""
        length = len(payload)
        if length < 126:
            head = bytes((0x81, 0x80 | length))
        else:
            head = b"\x81\xfe" + length.to_bytes(2)
        self._write(head + b"\0\0\0\0" + payload)

    def _last(self) -> str:
        return f"the last was {[record.message() for record in self._unread[-3:]]}"

    # ----------------------------------------------------------------------------------------------------- reading

    def records(self) -> list[Record]:
        passed, self._unread = self._unread, []
        return [*passed, *self._parsed()]

    def _parsed(self) -> Iterator[Record]:
        chunks, self._chunks = self._chunks, []
        for at, data in chunks:
            data = self._rest + data
            begin = 0
            while (frame := _frame(data, begin)) is not None:
                body, end = frame
                opcode = data[begin] & 0x0F
                begin = end
                if opcode == 1:
                    yield from (Record(at, record) for record in body.split(b"\x1e") if record)
            self._rest = data[begin:]

    async def until(self, wanted: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """The first message like that; what comes before it is kept for `records`."""
        while True:
            parsed = self._parsed()
            for record in parsed:
                self._unread.append(record)
                if wanted(message := record.message()):
                    self._unread.extend(parsed)
                    return message
            await self._more()

    # ----------------------------------------------------------------------------------------------------- SignalR

    async def handshake(self) -> None:
        self.send(_HANDSHAKE)
        await self.until(lambda message: "type" not in message)

    def call(self, target: str, *arguments: object) -> str:
        """The id of the call."""
        self._calls += 1
        call_id = f"c{self._calls}"
        call = {"type": 1, "invocationId": call_id, "target": target, "arguments": arguments}
        self.send(orjson.dumps(call) + b"\x1e")
        return call_id

    async def invoke(self, target: str, *arguments: object) -> Any:
        """The result; raises AssertionError with the hub's error."""
        call_id = self.call(target, *arguments)
        answer = await self.until(lambda message: message.get("type") == 3 and message["invocationId"] == call_id)
        if "error" in answer:
            raise AssertionError(f"{target}: {answer['error']}")
        return answer.get("result")

    async def watch(self, session_id: str) -> None:
        """Returns once the first snapshot has come; raises AssertionError with the hub's error."""
        call = {"type": 4, "invocationId": WATCH_ID, "target": "Watch", "arguments": [session_id]}
        self.send(orjson.dumps(call) + b"\x1e")
        answer = await self.until(
            lambda message: message.get("type") in (2, 3) and message["invocationId"] == WATCH_ID,
        )
        if answer["type"] == 3:
            raise AssertionError(f"Watch: {answer.get('error', 'it ended without an item')}")

    async def done(self) -> None:
        """Until the run that is watched has ended."""
        await self.until(lambda message: message.get("type") == 2 and message["item"]["type"] == "done")


def _frame(data: bytes, begin: int) -> tuple[bytes, int] | None:
    """The payload of the frame at `begin` and where the next one begins; None if it is not whole."""
    if len(data) < begin + 2:
        return None
    length, head = data[begin + 1], 2
    if length > 125:
        head = 4 if length == 126 else 10
        length = int.from_bytes(data[begin + 2 : begin + head])
    end = begin + head + length
    return None if len(data) < end else (data[begin + head : end], end)


async def connect(port: int, path: str) -> Socket:
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(Socket, "127.0.0.1", port)
    await socket.upgrade(port, path)
    return socket


async def connect_hub(port: int) -> Socket:
    socket = await connect(port, "/hub")
    await socket.handshake()
    return socket
