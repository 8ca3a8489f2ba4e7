"""Tasks with an owner who awaits them."""

import asyncio
import contextvars
import logging
from collections.abc import Coroutine

log = logging.getLogger("hub.server")


class OwnedTasks:
    """The tasks of one owner. One that fails is logged and costs the others nothing."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] | tuple[()] = ()  # a set from the first one on

    def start(
        self, work: Coroutine[object, object, None], context: contextvars.Context | None = None
    ) -> asyncio.Task[None]:
        """In a copy of the context of now, if none is given."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        if not isinstance(self._tasks, set):
            self._tasks = set()
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def cancel(self, timeout_s: float) -> None:
        """Cancel all and wait for them; what does not end in time is logged and left."""
        for task in self._tasks:
            task.cancel()
        await self.wait(timeout_s)

    async def wait(self, timeout_s: float) -> None:
        """Wait for all to end; what does not end in time is logged and left."""
        if self._tasks:
            _, pending = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in pending:
                log.error("a task did not end in time", extra={"task": repr(task), "timeout_s": timeout_s})

    def _ended(self, task: asyncio.Task[None]) -> None:
        assert isinstance(self._tasks, set)  # since it began
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of a connection failed", exc_info=error)
