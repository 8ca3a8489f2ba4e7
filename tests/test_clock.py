"""The wall clock."""

import time

from hub.clock import now_ms


def test_milliseconds_since_1970() -> None:
    before = int(time.time() * 1000)
    assert before <= now_ms() <= int(time.time() * 1000) + 1
