"""The sources of events that `Stream` runs: the same in every Python server."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Publish = Callable[[str, str], Awaitable[None]]
"""Sends Event(text) to a group."""


async def stream(publish: Publish, streams: int, per_second: float, seconds: float, characters: int) -> None:
    """Run `streams` sources at the same time, spread evenly over their period; source i publishes to group "s<i>".

    per_second 0: as fast as it goes.
    """
    filler = "x" * (characters - 16)
    # Not a task group: that asks for the current task, which socketify's own tasks do not tell.
    step = 1 / (per_second * streams) if per_second else 0.0
    await asyncio.gather(*(_source(publish, f"s{i}", per_second, seconds, filler, i * step) for i in range(streams)))


async def _source(publish: Publish, group: str, per_second: float, seconds: float, filler: str, delay_s: float) -> None:
    end = time.monotonic() + seconds
    begin = time.monotonic() + delay_s
    due = begin
    sent = 0
    while due < end and time.monotonic() < end:
        # Due times are counted from the beginning, so that a late timer delays one event and not all after it.
        await asyncio.sleep(due - time.monotonic() if per_second else 0)
        await publish(group, f"{time.monotonic_ns():016}{filler}")
        sent += 1
        if per_second:
            due = begin + sent / per_second
