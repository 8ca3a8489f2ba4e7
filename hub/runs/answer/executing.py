"""Runs one tool within its time, and ends with it, whether the tool ends or not."""

import asyncio
import logging
from collections.abc import Awaitable

from hub.chat.parts import Json

logger = logging.getLogger("hub.runs")


class TookTooLong(Exception):
    """The tool was not done in its time; it was cancelled."""


class Strays:
    """Tools that did not end when they were cancelled: held until they do, so that their runs need not wait."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Json]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def keep(self, task: asyncio.Task[Json]) -> None:
        logger.warning("%s goes on though it was cancelled; nobody waits for it any more", task.get_name())
        self._tasks.add(task)
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[Json]) -> None:
        self._tasks.discard(task)
        _forget(task)


async def executed(work: Awaitable[Json], name: str, *, timeout_s: float, cancel_s: float, strays: Strays) -> Json:
    """The tool's result, or what it raised. Raises `TookTooLong` after `timeout_s`.

    Where it is not done then, or the caller is cancelled, the tool is cancelled and has `cancel_s` to clean up.
    """
    task = asyncio.create_task(_awaited(work), name=name)
    try:
        await asyncio.wait({task}, timeout=timeout_s)
        if not task.done():
            raise TookTooLong
        return task.result()
    finally:
        if not task.done():
            await _end(task, cancel_s, strays)


async def _awaited(work: Awaitable[Json]) -> Json:
    return await work


async def _end(task: asyncio.Task[Json], cancel_s: float, strays: Strays) -> None:
    task.cancel()
    try:
        await asyncio.wait({task}, timeout=cancel_s)
    finally:
        if task.done():
            _forget(task)
        else:
            strays.keep(task)


def _forget(task: asyncio.Task[Json]) -> None:
    """Nobody wants to know any more how it ended."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.info("%s ended by %s after it was cancelled", task.get_name(), type(error).__name__)
