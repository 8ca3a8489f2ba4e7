"""How long an answer may take, not counting while it waits for people."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class WallTime:
    """One run's limit. While at least one of its calls waits for an approval, the clock of the whole run stands still.

    So a run ends at the latest after `limit_s` and the time that people were asked for, which has its own limit.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._timeout: asyncio.Timeout | None = None  # set by `start`
        self._waiting = 0
        self._left_s = limit_s  # while it stands still

    def start(self) -> asyncio.Timeout:
        """The limit as an asynchronous context, to be entered at once."""
        self._timeout = asyncio.timeout(self.limit_s)
        return self._timeout

    @property
    def is_over(self) -> bool:
        return self._timeout is not None and self._timeout.expired()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        now = asyncio.get_running_loop().time
        timeout = self._timeout
        assert timeout is not None, "the run has not begun"
        if self._waiting == 0 and not self.is_over:
            ends_at = timeout.when()
            assert ends_at is not None
            self._left_s = ends_at - now()
            timeout.reschedule(None)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._waiting == 0 and not self.is_over:
                timeout.reschedule(now() + self._left_s)
