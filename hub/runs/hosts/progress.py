"""Reports of progress that come faster than anybody can look: some are passed over, the last one never."""

import asyncio
from collections.abc import Callable

Report = tuple[float | None, str | None]


class Progress:
    """Calls `show` at most once in `least_s`, and at the end with what was last."""

    def __init__(self, show: Callable[[float | None, str | None], None], least_s: float) -> None:
        self._show = show
        self._least_s = least_s
        self._last: Report = (None, None)  # as shown
        self._next: Report | None = None  # to be shown
        self._timer: asyncio.TimerHandle | None = None  # until the next may be shown

    def report(self, fraction: float | None, note: str | None) -> None:
        self._next = (fraction, note)
        if self._timer is None:
            self._due()

    def end(self, fraction: float | None, note: str | None) -> None:
        """The host said last that it was so far: what was on its way may come after its result."""
        if (fraction, note) != (None, None):
            self._next = (fraction, note)
        self.close()
        if self._next is not None and self._next != self._last:
            self._show(*self._next)
        self._next = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self._next is None:
            return
        self._last, self._next = self._next, None
        self._show(*self._last)
        self._timer = asyncio.get_running_loop().call_later(self._least_s, self._due)
