"""The load generator's other client: an answer as server-sent events over HTTP, noted as a WebSocket's is."""

import asyncio
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from tests.bench.sockets import Receiver, Record


class EventStream(Receiver):
    """One connection to a server: requests first, then one answer that is streamed. `records` takes the events of it
    that have come since it was called last, without `data: `."""

    def __init__(self) -> None:
        super().__init__()
        self._host = b""  # set by `connect_events`
        self._has_head = False  # of the streamed answer
        self._has_ended = False
        self._event = b""  # the beginning of an event that is not whole
        self._unread: list[Record] = []  # passed over by `done`

    def address(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}".encode()

    async def request(self, method: str, path: str, body: bytes = b"") -> None:
        """A request whose short answer is of no interest; raises AssertionError if it is an error."""
        self._ask(method, path, body, b"application/json")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await self._next()
        head, _, rest = answer.partition(b"\r\n\r\n")
        _check(head, rest)
        size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        while len(rest) < size:
            rest += await self._next()

    def stream(self, path: str, body: bytes) -> None:
        """Ask for the answer that is streamed."""
        self._has_head = self._has_ended = False
        self._ask("POST", path, body, b"text/event-stream")

    def _ask(self, method: str, path: str, body: bytes, accept: bytes) -> None:
        head = (
            b"%s %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (method.encode(), path.encode(), self._host, accept, len(body))
        )
        self._write(head + body)

    async def _next(self) -> bytes:
        await self._more()
        data = b"".join(data for _, data in self._chunks)
        self._chunks.clear()
        return data

    def records(self) -> Sequence[Record]:
        passed, self._unread = self._unread, []
        return [*passed, *self._parsed()]

    async def done(self) -> None:
        """Until the streamed answer has ended."""
        while True:
            self._unread.extend(self._parsed())
            if self._has_ended:
                return
            await self._more()

    def _parsed(self) -> Iterator[Record]:
        chunks, self._chunks = self._chunks, []
        for at, data in chunks:
            self._rest += data
            *events, self._event = (self._event + b"".join(self._pieces())).split(b"\n\n")
            yield from (Record(at, event.partition(b"data: ")[2]) for event in events if b"data: " in event)

    def _pieces(self) -> Iterator[bytes]:
        """What HTTP's chunks have in them, of those that are whole."""
        if not self._has_head:
            head, is_whole, rest = self._rest.partition(b"\r\n\r\n")
            if not is_whole:
                return
            _check(head, rest)
            self._has_head, self._rest = True, rest
        while not self._has_ended:
            line, is_whole, rest = self._rest.partition(b"\r\n")
            if not is_whole or len(rest) < (size := int(line, 16)) + 2:
                return
            self._has_ended = size == 0
            self._rest = rest[size + 2 :]
            yield rest[:size]


def _check(head: bytes, body: bytes) -> None:
    status = int(head.split(b" ", 2)[1])
    if status >= HTTPStatus.BAD_REQUEST:
        raise AssertionError(f"the server answered {status}: {body[:300]!r}")


async def connect_events(port: int) -> EventStream:
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(EventStream, "127.0.0.1", port)
    stream.address(port)
    return stream
