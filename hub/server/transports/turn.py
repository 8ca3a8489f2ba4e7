"""What the direct connections of one hub share within one turn of the event loop: its number, frames, one callback.

The first record that a connection sends in a turn leaves at once; what it sends after that in the same turn leaves
together, in one frame, when the turn ends. So a single send waits for nothing, and a burst costs one system call.
The callback is one per turn for all connections, not one each.

A group send gives the same bytes to every connection, so the frame around them is made once: the last frame is kept
and found again by the identity of its records. The same holds for what was gathered, whose records are the same
objects in the same order wherever the same was sent.
"""

import asyncio
from collections.abc import Callable

from hub.server.transports import frames


class Framing:
    """Frames of one opcode, the last of each kind kept."""

    __slots__ = ("_gathered", "_gathered_frame", "_opcode", "_record", "_record_frame")

    def __init__(self, opcode: int) -> None:
        self._opcode = opcode
        self._record = self._record_frame = b""
        self._gathered: list[bytes] = []
        self._gathered_frame = b""

    def frame(self, record: bytes) -> bytes:
        if record is not self._record:
            self._record_frame = frames.frame(self._opcode, record)
            self._record = record
        return self._record_frame

    def frame_of(self, records: list[bytes]) -> bytes:
        """Of all of them together. The list must not change afterwards."""
        if records != self._gathered:
            self._gathered_frame = frames.frame(self._opcode, b"".join(records))
            self._gathered = records
        return self._gathered_frame


class Turn:
    """See the module. Used on one event loop."""

    __slots__ = ("_flushes", "_is_begun", "binary", "number", "text")

    def __init__(self) -> None:
        self.number = 0
        self.text = Framing(frames.TEXT)
        self.binary = Framing(frames.BINARY)
        self._is_begun = False  # `_end` will be called
        self._flushes: list[Callable[[], None]] = []  # to be called when the turn ends

    def begin(self) -> None:
        """Something was sent: the number changes when this turn of the loop ends."""
        if not self._is_begun:
            self._is_begun = True
            asyncio.get_running_loop().call_soon(self._end)

    def at_end(self, flush: Callable[[], None]) -> None:
        """Call once at the end of a turn that has begun. `flush` must neither raise nor send through this turn."""
        self._flushes.append(flush)

    def _end(self) -> None:
        self.number += 1
        self._is_begun = False
        flushes, self._flushes = self._flushes, []
        for flush in flushes:
            flush()
