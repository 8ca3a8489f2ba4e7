"""Stateful reconnect (signalr.md 1.6): what was sent and not acknowledged is sent again on the next socket.

One ResendBuffer serves both directions of one connection. Only types 1-5 are counted, from 1, and the numbers are
implicit: both ends count. A side acknowledges what it received (Ack); the other then forgets it.

| step | sending side | receiving side |
|---|---|---|
| live | `sent(frame)` if counted; wait while `is_full` | `received(message)` for each; `ack_due()` each second |
| other's Ack | `ack(id)` | |
| new socket | `resume()`: send a Sequence with that id, then the frames | ignores all until the other's Sequence |
| other's Sequence | | `sequence(id)`: the number of the next one; those it has are dropped |
"""

from collections import deque

from hub.errors import ProtocolError
from hub.protocol.messages import (
    Ack,
    CancelInvocation,
    Completion,
    HubMessage,
    Invocation,
    StreamInvocation,
    StreamItem,
)

DEFAULT_MAX_BYTES = 100_000


def is_counted(message: HubMessage) -> bool:
    return isinstance(message, Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation)


class ResendBuffer:
    """`max_bytes` is when the sender must wait; one frame may go over it, since a frame is never refused."""

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.held_bytes = 0  # of the frames below
        self._max_bytes = max_bytes
        self._frames: deque[bytes] = deque()  # sent and not acknowledged, oldest first
        self._last_sent = 0  # id of the newest frame
        self._next_received = 1  # id of the next counted message that arrives
        self._last_received = 0  # highest id that was let through
        self._is_ack_due = False  # set by each counted message, cleared by `ack_due`
        self._awaits_sequence = False  # set by `resume`, cleared by `sequence`

    @property
    def is_full(self) -> bool:
        return self.held_bytes >= self._max_bytes

    def sent(self, frame: bytes) -> int:
        """Holds a counted message's frame, whether or not a socket was there to take it. Returns its id."""
        self._frames.append(frame)
        self.held_bytes += len(frame)
        self._last_sent += 1
        return self._last_sent

    def ack(self, sequence_id: int) -> None:
        """Forgets all frames up to that id. An id that was never sent acknowledges all there is, as in .NET."""
        first = self._last_sent - len(self._frames) + 1
        for _ in range(min(sequence_id, self._last_sent) - first + 1):
            self.held_bytes -= len(self._frames.popleft())

    def resume(self) -> tuple[int, tuple[bytes, ...]]:
        """A new socket took over: the id for the Sequence to send first, and the frames to send after it (S5).

        From here on `received` refuses everything until the other side's Sequence.
        """
        self._awaits_sequence = True
        return self._last_sent - len(self._frames) + 1, tuple(self._frames)

    def received(self, message: HubMessage) -> bool:
        """Whether to handle the message: not one that was handled before the reconnect, nor one before Sequence.

        For the Sequence itself call `sequence` in its stead.
        """
        if self._awaits_sequence:
            return False
        if not is_counted(message):
            return True
        sequence_id = self._next_received
        self._next_received += 1
        self._is_ack_due = True  # for a repeated one too: the Ack for it may have been lost with the socket
        if sequence_id <= self._last_received:
            return False
        self._last_received = sequence_id
        return True

    def sequence(self, sequence_id: int) -> None:
        """The other side goes on with this id. Raises ProtocolError if messages before it never came."""
        # Not `_next_received`, as in .NET: while repeats come in it is behind what an Ack has told already, and a
        # second loss of the socket would then close the connection.
        if sequence_id > self._last_received + 1:
            raise ProtocolError("Sequence ID greater than amount of messages we've received.")
        if sequence_id < 1:
            raise ProtocolError("Sequence ID less than 1.")
        self._awaits_sequence = False
        self._next_received = sequence_id

    def ack_due(self) -> Ack | None:
        """What to acknowledge since the last call, if anything; to be called about once a second (S2)."""
        if not self._is_ack_due:
            return None
        self._is_ack_due = False
        return Ack(self._last_received)
