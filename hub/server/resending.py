"""The outbox of a connection with stateful reconnect: what was sent is held until the client has it (signalr.md 1.6).

Every record that goes through `send` is counted and held. While a socket is attached it also goes out, as from any
outbox; while none is, it is only held, and goes to the next one. So a socket's loss loses nothing.

Two rules for when it is full. With `stateful_reconnect_buffer_bytes` unacknowledged, or without a socket, it is not
`writable`: streams wait, and a watch keeps its place. What is sent all the same, by what waits for nobody, is bounded
as in any outbox: over that the client does not keep up.
"""

from collections.abc import Callable, Sequence

from hub.protocol.codec import Codec
from hub.protocol.messages import Ack, HubMessage
from hub.protocol.messages import Sequence as SequenceMessage
from hub.protocol.resend import ResendBuffer
from hub.server.outbox import Outbox, Writer


class ResendingOutbox(Outbox):
    """The sending side, and the counts of both."""

    counts_records = True

    __slots__ = ("_buffer", "_codec", "_forced_bytes", "_is_attached")

    def __init__(
        self,
        writer: Writer,
        max_bytes: int,
        on_overflow: Callable[[int], None],
        buffer: ResendBuffer,
        codec: Codec,
    ) -> None:
        super().__init__(writer, max_bytes, on_overflow)
        self._buffer = buffer
        self._codec = codec
        self._is_attached = True
        self._forced_bytes = 0  # sent while it was full or without a socket, since it last was neither

    @property
    def writable(self) -> bool:
        return self._is_attached and not self._buffer.is_full and super().writable

    def send(self, record: bytes) -> None:
        """Send one record, and count it."""
        self._catch_up()
        self._send((record,), record)

    def send_many(self, records: Sequence[bytes]) -> None:
        self._catch_up()
        self._send(records, b"".join(records))

    def deliver(self, records: Sequence[bytes], joined: bytes) -> None:
        self._send(records, joined)

    def _send(self, records: Sequence[bytes], joined: bytes) -> None:
        if self.closed:
            return
        if not self._is_attached or self._buffer.is_full:
            self._forced_bytes += len(joined)
        for record in records:
            self._buffer.sent(record)
        if self._is_attached:
            super().send(joined)
        if self._forced_bytes > self._max_bytes and not self.closed:
            self.close()
            self._on_overflow(self._forced_bytes)

    def send_uncounted(self, record: bytes) -> None:
        """Ping, Ack: not sent again, and not at all while there is no socket."""
        if self._is_attached:
            super().send(record)

    def last(self, record: bytes) -> None:
        if self._is_attached:
            super().last(record)
        else:
            self.close()

    def sift(self, messages: Sequence[HubMessage]) -> list[HubMessage]:
        """What is to be handled: not Ack and Sequence, which are acted on, nor what was handled before the socket was
        lost. Raises ProtocolError for a Sequence that cannot be."""
        sifted: list[HubMessage] = []
        for message in messages:
            if type(message) is SequenceMessage:
                self._buffer.sequence(message.sequence_id)
            elif self._buffer.received(message):
                if type(message) is Ack:
                    self._buffer.ack(message.sequence_id)
                    if not self._buffer.is_full:
                        self._forced_bytes = 0
                    self._call_back()
                else:
                    sifted.append(message)
        return sifted

    def send_ack(self) -> None:
        """Tell the client what has come, if that is new; to be called about once a second (S2)."""
        if self._is_attached and (ack := self._buffer.ack_due()) is not None:
            self.send_uncounted(self._codec.encode(ack))

    def detach(self) -> None:
        """The socket is gone. What waited for it is held all the same."""
        self._is_attached = False
        self.writer.on_ready = _nothing
        self._forget_waiting()

    def attach(self, writer: Writer) -> None:
        """Another socket: Sequence and all that is held go to it first (S4).

        In one write, so in one frame: a client that loses this socket too has all of it or none. With a part of it the
        official ones could come to count less than they have acknowledged, and would end the connection.
        """
        sequence_id, records = self._buffer.resume()
        self._take_writer(writer)
        self._is_attached = True
        self.sent = True
        writer.write(b"".join((self._codec.encode(SequenceMessage(sequence_id)), *records)))
        self._call_back()


def _nothing() -> None:
    pass
