"""A SignalR client from the published protocol alone: it shares no code with the hub that it tests.

One connection over a WebSocket, JSON or MessagePack, without negotiation. Items of a stream are given to a callback in
the order in which they came, before anything that came after them.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

Encoding = Literal["json", "messagepack"]
OnItem = Callable[[Mapping[str, object]], None]

END = b"\x1e"
INVOCATION, ITEM, COMPLETION, STREAM, PING, CLOSE = 1, 2, 3, 4, 6, 7
PING_S = 10.0


class Lost(Exception):
    """The connection ended, or could not be made."""


class Refused(Exception):
    """What the hub answered to a call instead of a result."""


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """What the hub sends, of all kinds."""

    type: int
    invocation_id: str = ""
    item: Mapping[str, object] | None = None
    result: object = None
    error: str | None = None


class Connection:
    """Made by `connected`, which also reads it."""

    def __init__(self, socket: ClientConnection, encoding: Encoding) -> None:
        self._socket = socket
        self._encoding = encoding
        self._ids = itertools.count(1)
        self._calls: dict[str, asyncio.Future[object]] = {}  # streams too: theirs end with the completion
        self._receivers: dict[str, OnItem] = {}  # of streams
        self._is_lost = False

    async def invoke(self, target: str, *arguments: object) -> object:
        """The result. Raises `Lost`, `Refused`."""
        invocation_id = str(next(self._ids))
        return await self._call(INVOCATION, invocation_id, target, arguments)

    async def stream(self, target: str, *arguments: object, on_item: OnItem) -> None:
        """Until the hub ends the stream. Raises `Lost`, `Refused`."""
        invocation_id = str(next(self._ids))
        self._receivers[invocation_id] = on_item
        try:
            await self._call(STREAM, invocation_id, target, arguments)
        finally:
            del self._receivers[invocation_id]

    def abort(self) -> None:
        """End it as a broken link would."""
        self._socket.transport.abort()

    async def handshake(self) -> None:
        await self._send_bytes(b'{"protocol":"%b","version":1}' % self._encoding.encode() + END, text=True)
        try:
            answer = await self._socket.recv(decode=False)
        except ConnectionClosed as error:
            raise Lost("closed in the handshake") from error
        if answer != b"{}" + END:
            raise Lost(f"handshake refused: {answer!r}")

    async def read(self) -> None:
        """Until the connection ends; then all that waits raises `Lost`."""
        pinging = asyncio.create_task(self._ping())
        try:
            async for frame in self._socket:
                data = frame.encode() if isinstance(frame, str) else frame
                for record in records_of(data, self._encoding):
                    if record.type == CLOSE:
                        return
                    self._take(record)
        except ConnectionClosed:
            pass  # how does not matter: the client comes again
        finally:
            self._is_lost = True
            pinging.cancel()
            await asyncio.wait([pinging])
            for call in self._calls.values():
                if not call.done():
                    call.set_exception(Lost("the connection ended"))

    def _take(self, record: Record) -> None:
        if record.type == ITEM and record.item is not None:
            receiver = self._receivers.get(record.invocation_id)
            if receiver is not None:
                receiver(record.item)
        elif record.type == COMPLETION:
            call = self._calls.get(record.invocation_id)
            if call is not None and not call.done():
                if record.error is None:
                    call.set_result(record.result)
                else:
                    call.set_exception(Refused(record.error))

    async def _call(self, kind: int, invocation_id: str, target: str, arguments: Sequence[object]) -> object:
        if self._is_lost:
            raise Lost("the connection has ended")
        call = self._calls[invocation_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send(kind, invocation_id, target, arguments)
            return await call
        finally:
            del self._calls[invocation_id]
            if call.done() and not call.cancelled():
                call.exception()  # seen, also where the sending failed before it could be awaited

    async def _send(self, kind: int, invocation_id: str, target: str, arguments: Sequence[object]) -> None:
        if self._encoding == "json":
            record = {"type": kind, "invocationId": invocation_id, "target": target, "arguments": arguments}
            await self._send_bytes(msgspec.json.encode(record) + END, text=True)
        else:
            packed = msgspec.msgpack.encode([kind, {}, invocation_id, target, arguments, []])
            await self._send_bytes(_length(len(packed)) + packed, text=False)

    async def _send_bytes(self, data: bytes, *, text: bool) -> None:
        try:
            await self._socket.send(data, text=text)
        except ConnectionClosed as error:
            raise Lost("the connection ended") from error

    async def _ping(self) -> None:
        ping = b'{"type":6}' + END if self._encoding == "json" else b"\x02" + msgspec.msgpack.encode([PING])
        try:
            while True:
                await asyncio.sleep(PING_S)
                await self._send_bytes(ping, text=self._encoding == "json")
        except Lost:
            pass  # the reader says so


@asynccontextmanager
async def connected(url: str, encoding: Encoding, *, within_s: float) -> AsyncIterator[Connection]:
    """A connection to the chat hub of the server at `url`. Raises `Lost` if there is none within `within_s`."""
    address = url.replace("http", "ws", 1) + "/hub"
    try:
        socket = await connect(
            address, compression=None, ping_interval=None, max_size=None, open_timeout=within_s, close_timeout=0.5
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidMessage) as error:
        raise Lost(str(error)) from error
    reading: asyncio.Task[None] | None = None
    connection = Connection(socket, encoding)
    try:
        try:
            async with asyncio.timeout(within_s):
                await connection.handshake()
        except TimeoutError as error:
            raise Lost("no handshake") from error
        reading = asyncio.create_task(connection.read())
        yield connection
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])
        socket.transport.abort()
        await socket.wait_closed()


_json = msgspec.json.Decoder(Record)
_packed = msgspec.msgpack.Decoder(list[object])


def records_of(frame: bytes, encoding: Encoding) -> Iterator[Record]:
    """Those of one WebSocket message: records are whole in it, as the hub promises."""
    if encoding == "json":
        yield from (_json.decode(record) for record in frame.split(END)[:-1])
        return
    place = 0
    while place < len(frame):
        size, shift = 0, 0
        while True:
            byte = frame[place]
            place += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield _record(_packed.decode(frame[place : place + size]))
        place += size


def _record(fields: Sequence[object]) -> Record:
    """[2, headers, id, item]; [3, headers, id, 1 error, 2 nothing or 3 result, …]; others by their type alone."""
    match fields:
        case [int(kind), _, str(invocation_id), dict(item)] if kind == ITEM:
            return Record(kind, invocation_id, item=item)
        case [int(kind), _, str(invocation_id), 1, str(error)] if kind == COMPLETION:
            return Record(kind, invocation_id, error=error)
        case [int(kind), _, str(invocation_id), 2 | 3, *result] if kind == COMPLETION:
            return Record(kind, invocation_id, result=result[0] if result else None)
        case [int(kind), *_]:
            return Record(kind)
        case _:
            raise AssertionError(f"not a record: {fields!r}")


def _length(size: int) -> bytes:
    found = bytearray()
    while size > 0x7F:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    found.append(size)
    return bytes(found)
