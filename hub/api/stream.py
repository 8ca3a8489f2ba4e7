"""Events as server-sent events: the body of an answer that lasts.

    retry: 1000                          how soon a client comes again that was cut off, in milliseconds

    id: 5f1c:17                          the event's position, epoch:offset; `Last-Event-ID` brings it back
    data: {"type":"text",…,"offset":17}  the event, in one line

    :                                    a comment, when it is time for a sign of life

There is no `event:` line: in browsers all come to `onmessage`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.api.door import LongAnswers
from hub.chat.events import epoch_of, offset_of
from hub.clock import now_ms
from hub.errors import BackplaneAway, CallError
from hub.protocol.messages import Encoded
from hub.server.auth import User
from hub.server.options import HubOptions
from hub.server.places import Place
from hub.server.transports import websocket
from hub.server.transports.http_reading import gone
from hub.server.transports.websocket import AsgiWriter

logger = logging.getLogger("hub.api")

RETRY_MS = 1000
FIRST_SIGN_S = 1.0
"""When the first sign of life comes: who wanted but the begin (`curl … | head`) finds out only when more comes."""
HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "content-encoding": "identity",
    "x-accel-buffering": "no",
}

Follow = Callable[["EventSink"], Awaitable[None]]
"""Sends events into a sink until there are no more."""


class EventSink:
    """`Sink` of a watch. A client that does not read makes it not writable: the watch keeps a position, not a queue,
    and what waits here is at most what one write of the watch holds."""

    def __init__(self, writer: AsgiWriter, epoch: str) -> None:
        """`epoch`: of the first events, unless they begin with a snapshot."""
        self._writer = writer
        self._epoch = epoch
        self._callbacks: list[Callable[[], None]] = []  # once each, when the client has read
        self.taken = 0  # how often it did
        writer.on_ready = self._on_ready

    @property
    def writable(self) -> bool:
        return self._writer.ready

    def send(self, item: Encoded) -> None:
        self._writer.write(self._event(item.json))

    def send_many(self, items: Sequence[Encoded]) -> None:
        self._writer.write(b"".join([self._event(item.json) for item in items]))

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self.writable:
            callback()
        else:
            self._callbacks.append(callback)

    def _event(self, event: bytes) -> bytes:
        self._epoch = epoch_of(event) or self._epoch
        return b"id: %b:%d\ndata: %b\n\n" % (self._epoch.encode(), offset_of(event), event)

    def _on_ready(self) -> None:
        self.taken += 1
        while self._callbacks and self.writable:
            self._callbacks.pop(0)()


class _BodyWriter(AsgiWriter):
    """Into the body of an HTTP answer."""

    async def _send_records(self, records: bytes) -> None:
        await self._send({"type": "http.response.body", "body": records, "more_body": True})

    async def _send_end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


class EventStream(Response):
    """Ends when `follow` does, with the user's token, when the node does, or when the client takes nothing for
    `transport_send_timeout_s`. `place` is given back then."""

    def __init__(
        self,
        follow: Follow,
        *,
        epoch: str,
        user: User,
        place: Place,
        answers: LongAnswers,
        options: HubOptions,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._follow = follow
        self._epoch = epoch
        self._place = place
        self._answers = answers
        self._options = options
        self._ends_at_ms = user.expires_at if options.close_on_expiry else None
        self._asgi_send: Send | None = None  # while it is called

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._asgi_send = send
        with self._place, self._answers.one() as ending:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            writer = _BodyWriter(self._send)
            writer.write(b"retry: %d\n\n" % RETRY_MS)
            async with gone(receive) as client_gone:
                await self._carry(writer, client_gone, ending)

    async def _carry(self, writer: AsgiWriter, client_gone: asyncio.Task[None], ending: asyncio.Future[None]) -> None:
        sink = EventSink(writer, self._epoch)
        sending = asyncio.ensure_future(writer.run())
        following = asyncio.ensure_future(self._follow(sink))
        try:
            await self._until_over(writer, sink, (sending, following, client_gone, ending))
            following.cancel()
            await asyncio.wait([following])
            writer.close()
            if not client_gone.done():
                await asyncio.wait([sending], timeout=self._options.close_timeout_s)
        finally:
            sending.cancel()
            following.cancel()
            _, followed = await asyncio.gather(sending, following, return_exceptions=True)
            _tell(followed)

    async def _until_over(self, writer: AsgiWriter, sink: EventSink, ends: Sequence[asyncio.Future[None]]) -> None:
        """Give signs of life until one of `ends` is done, or it is time."""
        now = asyncio.get_running_loop().time
        moved_at, taken = now(), 0
        alive_s = min(FIRST_SIGN_S, self._options.keep_alive_s)
        while True:
            wait_s, alive_s = alive_s, self._options.keep_alive_s
            if self._ends_at_ms is not None:
                wait_s = min(wait_s, max(0.0, (self._ends_at_ms - now_ms()) / 1000))
            done, _ = await asyncio.wait(ends, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if done or (self._ends_at_ms is not None and now_ms() >= self._ends_at_ms):
                return
            if writer.ready:
                writer.write(b":\n\n")
            if writer.ready or sink.taken != taken:
                moved_at, taken = now(), sink.taken
            elif now() - moved_at >= self._options.transport_send_timeout_s:
                writer.abort()
                return

    async def _send(self, message: websocket.Message) -> None:
        assert self._asgi_send is not None
        await self._asgi_send(message)


def _tell(result: object) -> None:
    """Log what ended a watch, unless it is what clients are told when they come again."""
    if isinstance(result, Exception) and not isinstance(result, CallError | BackplaneAway):
        logger.error("a stream of events failed", exc_info=result)
