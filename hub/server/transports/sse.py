"""Server-sent events: the answer to one GET that never ends, an event for what is sent at once (signalr.md 1.8).

    :\\r\\n                                   the first bytes, so that the client (and every proxy) sees that it is open
    data: {"type":6}\\x1e\\r\\n\\r\\n            one event: whole records, no raw line break in them

Text only: the handshake refuses binary protocols (H6). What the client sends comes by POST.
"""

import re

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.server.connection import HubConnection
from hub.server.transports import websocket
from hub.server.transports.http_reading import until_gone
from hub.server.transports.websocket import AsgiWriter, carry

_LINE_BREAK = re.compile(rb"\r\n|\r|\n")
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-store",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}


class EventWriter(AsgiWriter):
    """`Writer` into the body of an HTTP answer that has begun. `run` sends."""

    async def _send_records(self, records: bytes) -> None:
        # JSON that was encoded by others may hold line breaks between its tokens: each line of an event is marked.
        lines = _LINE_BREAK.sub(b"\r\ndata: ", records) if b"\n" in records or b"\r" in records else records
        await self._send({"type": "http.response.body", "body": b"data: %b\r\n\r\n" % lines, "more_body": True})

    async def _send_end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


class EventStream(Response):
    """The answer. It carries `connection`, whose writer must be `writer`."""

    def __init__(self, close_timeout_s: float) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self.writer = EventWriter(self._send)
        self.connection: HubConnection | None = None  # set before it is called
        self._close_timeout_s = close_timeout_s
        self._asgi_send: Send | None = None  # while it is called

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = self.connection
        assert connection is not None
        self._asgi_send = send
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b":\r\n", "more_body": True})
            await carry(connection, self.writer, _until_gone(receive), self._close_timeout_s)
        finally:
            connection.lost(ConnectionError("The server stopped serving the connection."))

    async def _send(self, message: websocket.Message) -> None:
        assert self._asgi_send is not None
        await self._asgi_send(message)


async def _until_gone(receive: Receive) -> None:
    # No error, as in .NET: closing the stream is how clients stop, and their Close by POST may lose the race with it.
    await until_gone(receive)
