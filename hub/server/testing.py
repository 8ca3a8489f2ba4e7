"""A client for tests: the real protocol, dispatch and outbox over a pipe in memory, no socket.

    async with TestClient(server, "/board", user="ann") as client:
        assert await client.invoke("Move", "a", 3)
        async for tick in client.stream("Ticks", 5): ...
        assert await client.next("CardMoved") == ["a", 3]

Runs on the event loop of the server, which must have been started.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from hub.errors import HubError, ProtocolError
from hub.protocol.client import ClientProtocol
from hub.protocol.codec import CodecName, TransferFormat
from hub.protocol.messages import (
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
    StreamItem,
)
from hub.server.auth import User
from hub.server.connection import HubConnection
from hub.server.hub import HttpFacts
from hub.server.server import HubServer
from hub.server.tasks import OwnedTasks

Handler = Callable[..., Awaitable[object] | object]
T = TypeVar("T")

_PIPE_BYTES = 65_536  # on their way before the pipe says that it has a backlog


class Pipe:
    """`Writer` into memory. `hold` stands for a client that does not read."""

    def __init__(self, deliver: Callable[[bytes | None], None]) -> None:
        self.ready = True
        self.on_ready: Callable[[], None] = lambda: None
        self.transfer_format: TransferFormat = "Text"
        self.is_held = False
        self._deliver = deliver  # called with None at the end
        self._written: deque[bytes] = deque()
        self._written_bytes = 0
        self._is_closing = False
        self._is_scheduled = False

    def write(self, records: bytes) -> None:
        if self._is_closing:
            return
        self._written.append(records)
        self._written_bytes += len(records)
        if self._written_bytes >= _PIPE_BYTES:
            self.ready = False
        self._schedule()

    def write_with_others(self, records: bytes) -> None:
        self.write(records)

    def close(self) -> None:
        self._is_closing = True
        self._schedule()

    def abort(self) -> None:
        if self._is_closing:
            return
        self._is_closing, self.ready = True, False
        if self.is_held:
            self._written.clear()
            self.is_held = False
        self._schedule()

    def hold(self) -> None:
        self.is_held = True

    def release(self) -> None:
        self.is_held = False
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled and not self.is_held:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._move)

    def _move(self) -> None:
        self._is_scheduled = False
        if self.is_held:
            return
        written, self._written, self._written_bytes = self._written, deque(), 0
        for records in written:
            self._deliver(records)
        if self._is_closing:
            if self._written:
                self._schedule()
            else:
                self._deliver(None)
        else:
            self.ready = True
            self.on_ready()


class TestClient:
    """One connection, used as `async with`. Methods raise `HubError` with the server's text, also when the connection
    has ended."""

    __test__ = False  # the name is for readers, not for pytest

    def __init__(
        self,
        server: HubServer,
        path: str,
        *,
        user: User | str = "test",
        protocol: CodecName = "json",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.user = User(id=user) if isinstance(user, str) else user
        self.closed_with: Close | None = None  # the server's Close, once it came
        self.closed: asyncio.Event = asyncio.Event()
        self._server = server
        self._path = path
        self._http = HttpFacts(path, dict(headers or {}), dict(query or {}), None)
        self._protocol = ClientProtocol(protocol)
        self._opened: asyncio.Future[None] | None = None  # set by __aenter__
        self._connection: HubConnection | None = None  # set by __aenter__
        self._pipe = Pipe(self._receive)
        self._last_id = 0
        self._calls: dict[str, asyncio.Future[object]] = {}
        self._streams: dict[str, asyncio.Queue[StreamItem | Completion]] = {}
        self._handlers: dict[str, list[Handler]] = {}
        self._received: dict[str, asyncio.Queue[Sequence[object]]] = {}
        self._tasks = OwnedTasks()  # handlers and uploads
        self._unread: deque[bytes] = deque()  # towards a server that reads no further

    # --------------------------------------------------------------------------------------------------- life

    async def __aenter__(self) -> Self:
        self._opened = asyncio.get_running_loop().create_future()
        served = self._server.served(self._path)
        self._connection = self._server.connect(served, self._pipe, user=self.user, http=self._http)
        self._to_server(self._protocol.handshake_request)
        await self._opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def connection(self) -> HubConnection:
        """The server's end."""
        assert self._connection is not None, "the client is used as `async with`"
        return self._connection

    @property
    def connection_id(self) -> str:
        return self.connection.connection_id

    async def stop(self) -> None:
        """Close gracefully and wait until the server has finished. Idempotent."""
        if not self.connection.is_closed:
            self._to_server(self._protocol.encode(Close()))
        await self._ended()

    async def drop(self) -> None:
        """Lose the connection, and wait until the server has finished."""
        self.connection.lost(ConnectionError("The connection was lost."))
        await self._ended()

    async def _ended(self) -> None:
        self._pipe.release()
        await self.connection.finished
        await self.closed.wait()
        await self._tasks.cancel(5.0)

    def stop_reading(self) -> None:
        """From now on the server's writes stay in its outbox."""
        self._pipe.hold()
        self._pipe.ready = False

    def read_on(self) -> None:
        self._pipe.release()

    # -------------------------------------------------------------------------------------------------- calls

    async def invoke(self, target: str, *arguments: object) -> object:
        """The method's result. Async iterables among the arguments are uploaded. Cancelling cancels the call."""
        invocation_id = self._next_id()
        result: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._calls[invocation_id] = result
        plain, uploads = self._split(arguments)
        self.write(Invocation(target, plain, invocation_id, list(uploads)))
        self._upload(uploads)
        try:
            return await result
        except asyncio.CancelledError:
            self.write(CancelInvocation(invocation_id))
            raise
        finally:
            del self._calls[invocation_id]

    async def send(self, target: str, *arguments: object) -> None:
        """Call without an answer."""
        plain, uploads = self._split(arguments)
        self.write(Invocation(target, plain, None, list(uploads)))
        self._upload(uploads)

    async def stream(self, target: str, *arguments: object) -> AsyncGenerator[object, None]:
        """The stream's items. Leaving the loop (with `aclose`, or when the iterator is dropped) cancels the stream."""
        invocation_id = self._next_id()
        items: asyncio.Queue[StreamItem | Completion] = asyncio.Queue()
        self._streams[invocation_id] = items
        plain, uploads = self._split(arguments)
        self.write(StreamInvocation(target, plain, invocation_id, list(uploads)))
        self._upload(uploads)
        is_over = False
        try:
            while isinstance(message := await items.get(), StreamItem):
                yield message.item
            is_over = True
            if message.error is not None:
                raise HubError(message.error)
        finally:
            del self._streams[invocation_id]
            if not is_over:
                self.write(CancelInvocation(invocation_id))

    def on(self, target: str, handler: Handler) -> None:
        """Call with each invocation of a client method; what it returns answers the server, if it asked."""
        self._handlers.setdefault(target.lower(), []).append(handler)

    async def next(self, target: str) -> Sequence[object]:
        """The arguments of the next invocation of a client method, whether it has come already or not."""
        return await self._queue(target).get()

    def write(self, message: HubMessage) -> None:
        """Send any message."""
        self._to_server(self._protocol.encode(message))

    def write_raw(self, data: bytes) -> None:
        """Send any bytes."""
        self._to_server(data)

    async def ping(self) -> None:
        self.write(Ping())

    # ------------------------------------------------------------------------------------------------ details

    def _next_id(self) -> str:
        if self.closed.is_set() or self.connection.is_closed:
            raise HubError("The connection has ended.")
        self._last_id += 1
        return str(self._last_id)

    def _split(self, arguments: Sequence[object]) -> tuple[list[object], dict[str, AsyncIterable[object]]]:
        plain: list[object] = []
        uploads: dict[str, AsyncIterable[object]] = {}
        for argument in arguments:
            if isinstance(argument, AsyncIterable):
                uploads[self._next_id()] = argument
            else:
                plain.append(argument)
        return plain, uploads

    def _upload(self, uploads: Mapping[str, AsyncIterable[object]]) -> None:
        for stream_id, items in uploads.items():
            self._tasks.start(self._upload_all(stream_id, items))

    async def _upload_all(self, stream_id: str, items: AsyncIterable[object]) -> None:
        error: str | None = None
        try:
            async for item in items:
                self.write(StreamItem(stream_id, item))
                await self.connection.until_readable()
                await asyncio.sleep(0)  # an upload of a list would starve the method that reads it
        except Exception as caught:
            error = str(caught)
        self.write(Completion(stream_id, error))

    def _to_server(self, data: bytes) -> None:
        self._unread.append(data)
        if len(self._unread) == 1:
            self._feed()

    def _feed(self) -> None:
        """Give the server what it is willing to read; the rest when it is again."""
        connection = self.connection
        while self._unread and not connection.paused:
            connection.receive(self._unread[0])
            self._unread.popleft()
        if self._unread:
            self._tasks.start(self._feed_later())

    async def _feed_later(self) -> None:
        await self.connection.until_readable()
        self._feed()

    def _receive(self, data: bytes | None) -> None:
        if data is None:
            self._end()
            return
        try:
            for message in self._protocol.receive_data(data):
                self._handle(message)
        except ProtocolError as error:
            if self._opened is not None and not self._opened.done():
                self._opened.set_exception(HubError(str(error)))
            return
        if self._opened is not None and self._protocol.is_open and not self._opened.done():
            self._opened.set_result(None)

    def _handle(self, message: HubMessage) -> None:
        match message:
            case Invocation():
                self._tasks.start(self._serve(message))
            case StreamItem():
                if (items := self._streams.get(message.invocation_id)) is not None:
                    items.put_nowait(message)
            case Completion():
                if (items := self._streams.get(message.invocation_id)) is not None:
                    items.put_nowait(message)
                elif (call := self._calls.get(message.invocation_id)) is not None and not call.done():
                    if message.error is None:
                        call.set_result(message.result)
                    else:
                        call.set_exception(HubError(message.error))
            case Close():
                self.closed_with = message
            case _:
                pass

    async def _serve(self, message: Invocation) -> None:
        self._queue(message.target).put_nowait(message.arguments)
        answer = Completion(message.invocation_id or "", "Client didn't provide a result.")
        for handler in self._handlers.get(message.target.lower(), ()):
            try:
                result = handler(*message.arguments)
                if isinstance(result, Awaitable):
                    result = await result
                answer = Completion(message.invocation_id or "", result=result, has_result=True)
            except Exception as error:
                answer = Completion(message.invocation_id or "", str(error))
        if message.invocation_id:
            self.write(answer)

    def _queue(self, target: str) -> asyncio.Queue[Sequence[object]]:
        return self._received.setdefault(target.lower(), asyncio.Queue())

    def _end(self) -> None:
        reason = "The connection has ended."
        if self.closed_with is not None and self.closed_with.error is not None:
            reason = self.closed_with.error
        if not self.connection.is_closed:
            self.connection.lost(None)
        with suppress(asyncio.InvalidStateError):
            if self._opened is not None:
                self._opened.set_exception(HubError(reason))
        for call in self._calls.values():
            if not call.done():
                call.set_exception(HubError(reason))
        for stream_id, items in self._streams.items():
            items.put_nowait(Completion(stream_id, reason))
        self.closed.set()
