"""What the direct connections of one hub share within one turn of the event loop: frames, and one callback at its end.

The first record of a turn leaves at once; all others, of any connection, leave when the turn ends, those of one
connection together in one frame. So a single send waits for nothing, a burst costs one system call per connection,
and what many connections send leaves back to back, which measured a fifth cheaper than sends between other work. A
window of time would add its length and save nothing.

A group send gives the same bytes to every connection, so the frame around them is made once: the last frame is kept
and found again by the identity of its records. The same holds for what was gathered, whose records are the same
objects in the same order wherever the same was sent.
"""

import asyncio
from typing import Protocol

from hub.server.transports import frames


class Framing:
    """Frames of one opcode, the last of each kind kept."""

    __slots__ = ("_gathered", "_gathered_frame", "_opcode", "record", "record_frame")

    def __init__(self, opcode: int) -> None:
        self._opcode = opcode
        self.record = self.record_frame = b""
        self._gathered: list[bytes] = []
        self._gathered_frame = b""

    def frame(self, record: bytes) -> bytes:
        if record is not self.record:
            self.record_frame = frames.frame(self._opcode, record)
            self.record = record
        return self.record_frame

    def frame_of(self, records: list[bytes]) -> bytes:
        """Of all of them together. The list must not change afterwards."""
        if records != self._gathered:
            self._gathered_frame = frames.frame(self._opcode, b"".join(records))
            self._gathered = records
        return self._gathered_frame


class Late(Protocol):
    def flush(self) -> None:
        """Send what was gathered. Must neither raise nor send through the turn."""
        ...


class Turn:
    """See the module. Used on one event loop."""

    __slots__ = ("_is_begun", "_late", "binary", "text")

    def __init__(self) -> None:
        self.text = Framing(frames.TEXT)
        self.binary = Framing(frames.BINARY)
        self._is_begun = False  # `_end` will be called
        self._late: list[Late] = []  # flushed by it

    def begin(self) -> bool:
        """Whether this is the first that is sent in this turn of the loop."""
        if self._is_begun:
            return False
        self._is_begun = True
        asyncio.get_running_loop().call_soon(self._end)
        return True

    def at_end(self, late: Late) -> None:
        """Flush it at the end of the turn, which has begun."""
        self._late.append(late)

    def _end(self) -> None:
        self._is_begun = False
        all_late, self._late = self._late, []
        for late in all_late:
            late.flush()
