"""Client-to-server streams: what a hub method reads as an `AsyncIterator`."""

import asyncio
from collections import deque
from collections.abc import Callable

from hub.errors import HubError
from hub.server.binding import BindingError, Convert


class Upload:
    """One upload, filled by dispatch and read by one method.

    Rule for when it is full (`capacity` items wait): `on_full` is called, and reading from the connection stops
    until the method has taken one, when `on_space` is called (C2).
    """

    __slots__ = (
        *("_capacity", "_convert", "_ended", "_error", "_is_full", "_items", "_on_full", "_on_space"),
        *("_reader",),
    )

    def __init__(
        self, convert: Convert, capacity: int, on_full: Callable[[], None], on_space: Callable[[], None]
    ) -> None:
        self._convert = convert
        self._capacity = max(1, capacity)
        self._on_full = on_full
        self._on_space = on_space
        self._items: deque[object] = deque()
        self._is_full = False  # between on_full and on_space
        self._ended = False  # by the client, by an error, or because the method has returned
        self._error: HubError | None = None  # raised once the items before it are taken
        self._reader: asyncio.Future[None] | None = None  # set while the method waits

    def push(self, item: object) -> None:
        """An item has come. One that cannot be bound ends the upload with an error."""
        if self._ended:
            return
        try:
            self._items.append(self._convert(item))
        except BindingError:
            self.finish(HubError("Failed to bind Stream message."))
            return
        self._wake()
        if len(self._items) >= self._capacity and not self._is_full:
            self._is_full = True
            self._on_full()

    def finish(self, error: HubError | None = None) -> None:
        """No more items. The method still gets those that wait, then `error`, if there is one."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    def discard(self) -> None:
        """The method has returned: what waits is forgotten, what still comes is ignored."""
        self.finish()
        self._items.clear()
        self._make_space()

    def __aiter__(self) -> "Upload":
        return self

    async def __anext__(self) -> object:
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        item = self._items.popleft()
        self._make_space()
        return item

    async def aclose(self) -> None:
        """As async generators have it: the method wants no more."""
        self.discard()

    def _make_space(self) -> None:
        if self._is_full and len(self._items) < self._capacity:
            self._is_full = False
            self._on_space()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
