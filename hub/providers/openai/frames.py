"""Cuts the bytes of an answer into the JSON values that it is made of: pure machines, bytes in, values out.

Not the SDK's decoder: that one waits inside of itself, so that comments, which servers send as signs of life, are not
seen, and it has no bound.
"""

from typing import Protocol

MAX_FRAME_BYTES = 32 << 20
"""The most that may come as one value."""


class FrameTooLarge(Exception):
    """More came as one value than is taken."""


class Cutter(Protocol):
    """Takes what comes, in pieces of any size; gives what is whole. Raises `FrameTooLarge`."""

    def feed(self, data: bytes) -> list[bytes]: ...

    def rest(self) -> list[bytes]:
        """What is left once all has come."""
        ...


class EventCutter:
    """Server-sent events: the data of each. A line ends by CR, LF or both; comments and other fields are nothing."""

    def __init__(self) -> None:
        self._line = bytearray()  # the beginning of one whose end has not come
        self._data: list[bytes] = []  # of the event under way
        self._size = 0  # of it
        self._ended_by_cr = False  # the last line; a LF that comes next belongs to its end

    def feed(self, data: bytes) -> list[bytes]:
        if self._ended_by_cr and data:
            data = data.removeprefix(b"\n")
            self._ended_by_cr = False
        if b"\r" in data:
            self._ended_by_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, begun = data.split(b"\n")
        found: list[bytes] = []
        for piece in whole:
            line = bytes(self._line) + piece if self._line else piece
            self._line.clear()
            self._take(line, found)
        self._line += begun
        if len(self._line) + self._size > MAX_FRAME_BYTES:
            raise FrameTooLarge
        return found

    def rest(self) -> list[bytes]:
        """The event under way, as if its end had come: some servers leave out the last empty line."""
        return self.feed(b"\n\n")

    def _take(self, line: bytes, found: list[bytes]) -> None:
        if not line:
            if self._data:
                found.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)


class WholeCutter:
    """One value: all that comes."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._received += data
        if len(self._received) > MAX_FRAME_BYTES:
            raise FrameTooLarge
        return []

    def rest(self) -> list[bytes]:
        return [bytes(self._received)] if self._received.strip() else []
