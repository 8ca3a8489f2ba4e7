"""One periodic tick per node, instead of timers per connection."""

import asyncio
from typing import Protocol


class Ticking(Protocol):
    """What has timeouts. `tick` must neither block nor raise."""

    def tick(self, now: float) -> None: ...


class Wheel:
    """Calls everybody's `tick` every `tick_s` seconds with the loop's time."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._members: set[Ticking] = set()
        self._handle: asyncio.TimerHandle | None = None  # while running

    def start(self) -> None:
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(self._tick_s, self._turn)

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
        now = loop.time()
        for member in list(self._members):
            member.tick(now)
