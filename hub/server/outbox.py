"""What one connection still has to send: bounded in bytes, and exact about whether there is a backlog.

While the writer is ready a record goes straight to it. While it is not, records wait here, and all that waits leaves
in one write when it is ready again. Pure bookkeeping: it owns no task, no timer and no socket.

Rule for when it is full: the connection is a slow consumer. Nobody waits for it; `on_overflow` is called once, and
from then on records are dropped (the connection is being aborted).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from hub.protocol.codec import TransferFormat


class Writer(Protocol):
    """The end of a transport that bytes are given to.

    `ready` is a plain attribute, false from the moment that the transport has a backlog; when it becomes true again
    the writer calls `on_ready`, which the outbox sets. `write` takes one or more whole records, never blocks and
    never raises; it may be called while not ready (for a last word before `abort`). After `close` or `abort` it
    does nothing.
    """

    ready: bool
    on_ready: Callable[[], None]
    transfer_format: TransferFormat  # set after the handshake; until then records are text

    def write(self, records: bytes) -> None: ...

    def close(self) -> None:
        """Let what was written leave, then end the transport gracefully. Idempotent."""
        ...

    def abort(self) -> None:
        """End the transport now. Idempotent."""
        ...


class Outbox:
    """Records in, writes out, in order."""

    __slots__ = (
        "_callbacks",
        "_max_bytes",
        "_on_overflow",
        "_waiting",
        "_writer",
        "closed",
        "drained",
        "sent",
        "waiting_bytes",
    )

    def __init__(self, writer: Writer, max_bytes: int, on_overflow: Callable[[], None]) -> None:
        self._max_bytes = max_bytes
        self._on_overflow = on_overflow
        self._waiting: list[bytes] = []
        self._callbacks: list[Callable[[], None]] = []  # once each, when the backlog has drained
        self.waiting_bytes = 0
        self.sent = False  # something was sent since the reader last cleared it; the keep-alive does
        self.drained = 0  # how often the writer has become ready: a client that takes something makes it grow
        self.closed = False  # set by `close`; nothing is taken after it
        self._take_writer(writer)

    @property
    def is_stuck(self) -> bool:
        """The writer has a backlog."""
        return not self._writer.ready and not self.closed

    @property
    def writable(self) -> bool:
        """No backlog, here or in the writer. False once closed, lest whoever writes until it is full never ends."""
        return self._writer.ready and not self._waiting and not self.closed

    def send(self, record: bytes) -> None:
        """Send one or more whole records."""
        if self.closed:
            return
        self.sent = True
        if self._writer.ready and not self._waiting:
            self._writer.write(record)
            return
        self._waiting.append(record)
        self.waiting_bytes += len(record)
        if self.waiting_bytes > self._max_bytes:
            self.close()
            self._on_overflow()

    def send_many(self, records: Sequence[bytes]) -> None:
        """Send records of one connection in one write."""
        self.send(b"".join(records))

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call once, on the loop, when the backlog has drained; at once if there is none; never once it is closed."""
        if self.closed:
            return
        if self.writable:
            callback()
        else:
            self._callbacks.append(callback)

    def forget(self, callback: Callable[[], None]) -> None:
        """Take back an `on_writable`."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def last(self, record: bytes) -> None:
        """The last record of the connection: goes out behind all that waits; nothing is taken after it."""
        if self.closed:
            return
        self.closed = True
        self._waiting.append(record)
        self._flush()

    def close(self) -> None:
        """Take nothing more and forget what waits. Idempotent."""
        self.closed = True
        self._forget_waiting()
        self._callbacks.clear()

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self.waiting_bytes = 0

    def _take_writer(self, writer: Writer) -> None:
        self._writer = writer
        writer.on_ready = self._drain

    def _flush(self) -> None:
        records, self._waiting, self.waiting_bytes = b"".join(self._waiting), [], 0
        self._writer.write(records)

    def _drain(self) -> None:
        self.drained += 1
        if self._waiting:
            self._flush()
        self._call_back()

    def _call_back(self) -> None:
        # A callback may fill the writer again: the rest then waits for the next time.
        while self._callbacks and self.writable:
            self._callbacks.pop(0)()
