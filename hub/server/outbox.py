"""What one connection still has to send: bounded in bytes, and exact about whether there is a backlog.

While the writer is ready a record goes straight to it. While it is not, records wait here, and all that waits leaves
in one write when it is ready again. Pure bookkeeping: it owns no task, no timer and no socket.

Rule for when it is full: the connection is a slow consumer. Nobody waits for it; `on_overflow` is called once, with
the bytes that wait, and from then on records are dropped (the connection is being aborted).
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from hub.protocol.codec import CodecName, TransferFormat


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

    def write_with_others(self, records: bytes) -> None:
        """`write` of what goes to many connections now, one after the other: it need not wait for more to join."""
        ...

    def close(self) -> None:
        """Let what was written leave, then end the transport gracefully. Idempotent."""
        ...

    def abort(self) -> None:
        """End the transport now. Idempotent."""
        ...


class Gatherer(Protocol):
    """What may hold records for many connections, which come before what is sent to one of them later."""

    holding: bool

    def catch_up(self, outbox: "Outbox") -> None:
        """It is about to take something else. Called only while `holding`."""
        ...


class Outbox:
    """Records in, writes out, in order."""

    counts_records: ClassVar[bool] = False

    __slots__ = (
        "_callbacks",
        "_gatherer",
        "_max_bytes",
        "_on_overflow",
        "_waiting",
        "closed",
        "drained",
        "encoding",
        "is_clear",
        "sent",
        "waiting_bytes",
        "writer",
    )

    def __init__(self, writer: Writer, max_bytes: int, on_overflow: Callable[[int], None]) -> None:
        self._max_bytes = max_bytes
        self._on_overflow = on_overflow
        self._waiting: list[bytes] = []
        self._callbacks: list[Callable[[], None]] = []  # once each, when the backlog has drained
        self._gatherer: Gatherer | None = None  # once `join` was called
        self.encoding: CodecName = "json"  # of what is delivered
        self.is_clear = (
            not self.counts_records
        )  # nothing stands between what is delivered and the writer, if that is ready
        self.waiting_bytes = 0
        self.sent = False  # something was sent since the reader last cleared it; the keep-alive does
        self.drained = 0  # how often the writer has become ready: a client that takes something makes it grow
        self.closed = False  # set by `close`; nothing is taken after it
        self._take_writer(writer)

    @property
    def is_stuck(self) -> bool:
        """The writer has a backlog."""
        return not self.writer.ready and not self.closed

    @property
    def writable(self) -> bool:
        """No backlog, here or in the writer. False once closed, lest whoever writes until it is full never ends."""
        return self.writer.ready and not self._waiting and not self.closed

    def join(self, gatherer: Gatherer, encoding: CodecName) -> None:
        """From now on records may be delivered that go to many, and what is sent here goes behind those."""
        self._gatherer, self.encoding = gatherer, encoding

    def send(self, record: bytes) -> None:
        """Send one or more whole records."""
        if self._gatherer is not None and self._gatherer.holding:
            self._gatherer.catch_up(self)
        if self.closed:
            return
        self.sent = True
        writer = self.writer
        if writer.ready and not self._waiting:
            writer.write(record)
        else:
            self._hold(record)

    def send_many(self, records: Sequence[bytes]) -> None:
        """Send records of one connection in one write."""
        self.send(b"".join(records))

    def deliver(self, records: Sequence[bytes], joined: bytes) -> None:
        """For the gatherer: send what went to many, one after the other and as one."""
        if self.closed:
            return
        self.sent = True
        writer = self.writer
        if writer.ready and not self._waiting:
            writer.write_with_others(joined)
        else:
            self._hold(joined)

    def _hold(self, record: bytes) -> None:
        self.is_clear = False
        self._waiting.append(record)
        self.waiting_bytes += len(record)
        if self.waiting_bytes > self._max_bytes:
            backlog_bytes = self.waiting_bytes
            self.close()
            self._on_overflow(backlog_bytes)

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
        self._catch_up()
        if self.closed:
            return
        self.closed, self.is_clear = True, False
        self._waiting.append(record)
        self._flush()

    def _catch_up(self) -> None:
        if self._gatherer is not None and self._gatherer.holding:
            self._gatherer.catch_up(self)

    def close(self) -> None:
        """Take nothing more and forget what waits. Idempotent."""
        self.closed, self.is_clear = True, False
        self._forget_waiting()
        self._callbacks.clear()

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self.waiting_bytes = 0

    def _take_writer(self, writer: Writer) -> None:
        self.writer = writer
        writer.on_ready = self._drain

    def _flush(self) -> None:
        records, self._waiting, self.waiting_bytes = b"".join(self._waiting), [], 0
        self.is_clear = not (self.closed or self.counts_records)
        self.writer.write(records)

    def _drain(self) -> None:
        self.drained += 1
        if self._waiting:
            self._flush()
        self._call_back()

    def _call_back(self) -> None:
        # A callback may fill the writer again: the rest then waits for the next time.
        while self._callbacks and self.writable:
            self._callbacks.pop(0)()
