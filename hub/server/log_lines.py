"""How many log lines one connection may cause: what is logged about its calls is up to its client.

Rule for when it is full: the first lines are written, then one now and then; the others are counted, and the next
line, or the connection's end, says how many they were.
"""

import logging
import time
from collections.abc import Callable, Mapping

from hub.server.auth.rates import Bucket, Rate

RATE = Rate(per_s=0.2, burst=20)


class LogLines:
    """Of one connection."""

    __slots__ = ("_bucket", "_clock", "_left_out", "_log")

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._bucket = Bucket(RATE)
        self._left_out = 0

    def write(self, level: int, text: str, facts: Mapping[str, object], error: BaseException | None = None) -> None:
        """As `Logger.log`, with `facts` as its extra fields; `error` comes with its traceback."""
        if not self._log.isEnabledFor(level):
            return
        if self._bucket.take(self._clock()):
            self._left_out += 1
            return
        self.end()
        self._log.log(level, text, exc_info=error, extra=dict(facts))

    def end(self) -> None:
        """Say what was left out, if something was."""
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self._log.info("%d more lines of this connection were left out", left_out)
