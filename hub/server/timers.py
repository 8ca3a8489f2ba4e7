"""One periodic tick per node, instead of timers per connection."""

import asyncio
from typing import Protocol


class Ticking(Protocol):
    """What has timeouts. `tick` must neither block nor raise."""

    def tick(self, now: float) -> None: ...


class Wheel:
    """Calls everybody's `tick` every `tick_s` seconds with `now`.

    `now` is a coarse clock in seconds that advances by no more than two ticks at once: when this process stood still,
    its peers had no chance to be heard, and that is not their silence.
    """

    def __init__(self, tick_s: float) -> None:
        self.now = 0.0
        self._tick_s = tick_s
        self._members: set[Ticking] = set()
        self._turned_at = 0.0  # by the loop's clock
        self._handle: asyncio.TimerHandle | None = None  # while running

    def start(self) -> None:
        if self._handle is None:
            loop = asyncio.get_running_loop()
            self._turned_at = loop.time()
            self._handle = loop.call_later(self._tick_s, self._turn)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def add(self, member: Ticking) -> None:
        self._members.add(member)

    def remove(self, member: Ticking) -> None:
        self._members.discard(member)

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(self._tick_s, self._turn)
        turned_at = loop.time()
        self.now += min(turned_at - self._turned_at, 2 * self._tick_s)
        self._turned_at = turned_at
        for member in list(self._members):
            member.tick(self.now)
