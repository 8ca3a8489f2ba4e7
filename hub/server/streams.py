"""Server-to-client streams: what a streaming method returns, and the sink that its items go into.

A stream is written in one of two ways. An async generator is pulled: its next item is asked for only while the
connection has no backlog, so a slow client slows its own generator and nothing is queued. A `PushStream` writes into
the sink by itself, without a task switch per item; it asks `writable` before it does, and keeps its own place
meanwhile.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence

from hub.protocol.codec import Codec
from hub.protocol.messages import Encoded, StreamItem
from hub.server.outbox import Outbox


class StreamInfo:
    """What a streaming method may know of its stream; take it as a parameter with this annotation."""

    __slots__ = ("cancelled_by_client",)

    def __init__(self) -> None:
        self.cancelled_by_client = False
        """True when the stream ends because the client cancelled it; false when the connection was lost or closes."""


class StreamSink(StreamInfo):
    """Where the items of one stream go. Used on the event loop only."""

    __slots__ = ("_codec", "_invocation_id", "_outbox", "_prefix")

    def __init__(self, outbox: Outbox, codec: Codec, invocation_id: str) -> None:
        super().__init__()
        self._outbox = outbox
        self._codec = codec
        self._invocation_id = invocation_id
        self._prefix = codec.stream_item_prefix(invocation_id)

    @property
    def writable(self) -> bool:
        """The connection has no backlog."""
        return self._outbox.writable

    def send(self, item: object) -> None:
        """Send one item now. It goes out (or waits in the outbox) even if the sink is not writable.

        Raises TypeError for what cannot be encoded.
        """
        self._outbox.send(self._record(item))

    def send_many(self, items: Sequence[object]) -> None:
        """Send items in one write. Raises TypeError, and then none is sent."""
        if items:
            self._outbox.send_many([self._record(item) for item in items])

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call once, on the loop, when the backlog has drained; at once if there is none.

        Not called any more once the connection is lost or closes; the stream's task is cancelled then.
        """
        self._outbox.on_writable(callback)

    async def until_writable(self) -> None:
        """Wait for the backlog to drain."""
        while not self.writable:
            drained = asyncio.get_running_loop().create_future()
            callback = _resolve(drained)
            self._outbox.on_writable(callback)
            try:
                await drained
            finally:
                self._outbox.forget(callback)

    def _record(self, item: object) -> bytes:
        if type(item) is Encoded:
            return self._codec.stream_item(self._prefix, item)
        return self._codec.encode(StreamItem(self._invocation_id, item))


class PushStream(ABC):
    """A stream that writes into its sink. Returned by an `async def` method annotated with it (or a subclass)."""

    @abstractmethod
    async def run(self, sink: StreamSink) -> None:
        """Returning completes the stream; raising fails it. Cancelled when the client cancels the stream
        (`sink.cancelled_by_client` is set before), or the connection ends."""


async def drain_generator(items: AsyncIterator[object], sink: StreamSink) -> None:
    """Pull an async generator into a sink until it ends, raises, or the task is cancelled; its `finally` has run
    when this returns or raises."""
    try:
        while True:
            if not sink.writable:
                await sink.until_writable()
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
            sink.send(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


def _resolve(future: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    return resolve
