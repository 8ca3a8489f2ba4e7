"""The little HTTP/1.1 that the provider server needs, on bare transports, so that a test decides about every byte.

One request at a time per connection, bodies with a content length only; answers are chunked, or errors with a length.
"""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Coroutine, Mapping

MAX_HEAD_BYTES = 65_536


def json_bytes(value: object) -> bytes:
    """JSON in UTF-8. Half a character travels as its escape."""
    text = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(value)
    return text.encode()


class Closed:
    """That the client closed the connection while its answer was not all written, and when."""

    def __init__(self) -> None:
        self.at: float | None = None
        """`time.monotonic()`; None while it has not happened."""
        self._happened = asyncio.Event()

    def set(self) -> None:
        if self.at is None:
            self.at = time.monotonic()
            self._happened.set()

    def is_set(self) -> bool:
        return self._happened.is_set()

    async def wait(self) -> float:
        """Wait for it; returns when it was."""
        await self._happened.wait()
        assert self.at is not None
        return self.at


class Exchange:
    """One request, and the writing of its answer."""

    def __init__(
        self, transport: asyncio.Transport, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.closed_by_client = Closed()
        self.answered = asyncio.Event()
        """The whole answer has been written, however it ended."""
        self._transport = transport

    async def error(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._head(status, {"content-length": str(len(body)), **headers})
        self._transport.write(body)
        self.answered.set()

    def begin(self, content_type: str) -> None:
        """Write the headers of an answer that is written in pieces."""
        self._head(200, {"content-type": content_type, "transfer-encoding": "chunked"})

    async def write(self, data: bytes) -> None:
        """One chunk of the answer; in a write of its own, and in its own turn of the loop."""
        if not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        await asyncio.sleep(0)

    def end(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"0\r\n\r\n")
        self.answered.set()

    def abort(self, *, reset: bool) -> None:
        """Close the connection without the answer's end. A reset may overtake what has been written."""
        self.answered.set()
        if not reset:
            self._transport.close()
            return
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Status", "request-id: req_local", *(f"{k}: {v}" for k, v in headers.items())]
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n")


class Connection(asyncio.Protocol):
    """Reads requests; each is answered by `answer` in a task that ends with the connection."""

    def __init__(
        self, answer: Callable[[Exchange], Coroutine[None, None, None]], connections: set["Connection"]
    ) -> None:
        self._answer = answer
        self._connections = connections
        self._received = b""
        self._transport: asyncio.Transport | None = None  # set when the connection is made
        self._exchange: Exchange | None = None  # the request that is being answered
        self.task: asyncio.Task[None] | None = None  # its answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._next()

    def eof_received(self) -> None:
        self._client_closed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._client_closed()
        self._connections.discard(self)

    def close(self) -> None:
        """End it from the server's side."""
        if self.task is not None:
            self.task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _client_closed(self) -> None:
        if self._exchange is not None and not self._exchange.answered.is_set():
            self._exchange.closed_by_client.set()
            if self.task is not None:
                self.task.cancel()

    def _next(self) -> None:
        """Begin to answer the next request if it has arrived whole and the one before is answered."""
        assert self._transport is not None
        if self.task is not None:
            return
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            if len(head) > MAX_HEAD_BYTES:
                self._transport.abort()
            return
        request_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        method, path, _ = request_line.split(" ", 2)
        self._received = rest[length:]
        self._exchange = Exchange(self._transport, method, path, headers, rest[:length])
        self.task = asyncio.get_running_loop().create_task(self._answer(self._exchange))
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.task = None
        assert self._transport is not None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._transport.abort()
            asyncio.get_running_loop().call_exception_handler(
                {"message": "the provider server's script failed", "exception": error}
            )
        if not self._transport.is_closing():
            self._next()
