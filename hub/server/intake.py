"""What one connection has received and cannot be read yet: it came in bulk, or dispatch is full.

See `slices` for bulk. Its transport reads no further while anything waits here (`is_full`), which bounds it.
"""

import asyncio
from collections.abc import Callable, Sequence

from hub.protocol.messages import HubMessage
from hub.server.slices import PIECE_BYTES, SLICE_BYTES, Slices


class Intake:
    """Bytes go to `read`, in order and in slices, which puts the messages that cannot be handled into `held`.

    While any are, nothing is read; `go_on` when there are none any more.
    """

    __slots__ = ("_on_read", "_read", "_readable", "_slices", "has_bulk", "held", "slice_bytes")

    def __init__(self, read: Callable[[bytes], None]) -> None:
        self._read = read
        self.held: Sequence[HubMessage] = ()
        self._slices: Slices | None = None  # while it comes in bulk
        self.has_bulk = False  # the same, for the way that everything takes
        self.slice_bytes = 0  # read since the loop last was left to others
        self._readable: asyncio.Future[None] | None = None  # of those who wait there
        self._on_read: Callable[[], None] | None = None  # see `when_read`

    @property
    def is_full(self) -> bool:
        return bool(self.held) or self.has_bulk

    async def until_readable(self) -> None:
        while self.is_full:
            if self._readable is None:
                self._readable = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._readable)

    def may_pass(self, size_bytes: int) -> bool:
        """Whether data of that size may be read now; else it goes to `hold`."""
        self.slice_bytes += size_bytes + PIECE_BYTES
        return not self.has_bulk and self.slice_bytes <= SLICE_BYTES

    def hold(self, data: bytes) -> None:
        """It will be read when its turn comes."""
        if self._slices is None:
            self._slices = Slices()
            self.has_bulk = True
            asyncio.get_running_loop().call_soon(self._read_slice)
        self._slices.add(data)

    def when_read(self, callback: Callable[[], None]) -> bool:
        """Call once when all that came in bulk is read; False if there is nothing, or it cannot be read now."""
        if self._slices is None or self.held:
            return False
        self._on_read = callback
        return True

    def go_on(self) -> None:
        """Nothing is held any more."""
        self._read_slice()
        self._wake()

    def clear_bulk(self) -> None:
        """Forget what was not read."""
        self._slices, self._on_read, self.has_bulk = None, None, False
        self._wake()

    def clear(self) -> None:
        """Forget what waits, and who waits for it to be read."""
        self.held = ()
        self.clear_bulk()

    def _read_slice(self) -> None:
        """The next slice. Afterwards the loop runs what else is ready."""
        slices = self._slices
        if slices is None or self.held:
            return  # cleared meanwhile; or `go_on` will be called
        self.slice_bytes = 0
        for data in slices.take(SLICE_BYTES):
            self._read(data)
        if self._slices is not slices:
            return  # cleared by what was read
        if slices:
            if not self.held:
                asyncio.get_running_loop().call_soon(self._read_slice)
            return
        self._slices, self.has_bulk = None, False
        self._wake()
        if self._on_read is not None:
            on_read, self._on_read = self._on_read, None
            on_read()

    def _wake(self) -> None:
        if self._readable is not None and not self.is_full:
            if not self._readable.done():
                self._readable.set_result(None)
            self._readable = None
