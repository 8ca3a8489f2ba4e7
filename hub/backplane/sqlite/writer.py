"""The one thread that uses the database.

Acts wait in a queue. The thread takes all that wait, runs them in one transaction in the order submitted, and hands
what came of them back to the loop with one wake-up: publications first, then results, in the order of commits. While
one transaction is on its way the next one fills, so batches grow with load and an idle store adds no wait.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from hub.errors import BackplaneAway, BackplaneError

R = TypeVar("R")

MAX_BATCH = 512
"""Acts in one transaction."""

MAX_WAITING = 100_000
"""Acts that may wait, unless told otherwise; over it `submit` fails at once with `BackplaneAway`."""


class Store(Protocol):
    """What the thread drives. All but `publish` run on the thread, `publish` on the loop."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def begin(self) -> None: ...

    def commit(self) -> list[Callable[[], None]]:
        """Make durable what was done since `begin`; returns what is to be called on the loop then, in order."""
        ...

    def rollback(self) -> None:
        """Forget what was done since `begin`, in the file and in every cache. Raises nothing."""
        ...

    def failed(self, error: Exception) -> None:
        """An act failed by itself, and not by a decision. Raises nothing."""
        ...


class _Job(Generic[R]):
    """An act, and whoever waits for it."""

    __slots__ = ("_act", "_error", "_future", "_value")

    def __init__(self, act: Callable[[], R], future: "asyncio.Future[R]") -> None:
        self._act = act
        self._future = future
        self._value: R | None = None  # set by `run`
        self._error: Exception | None = None  # set by `run` or `fail`

    def run(self) -> None:
        """A decision against the act (`BackplaneError`) is an answer; all else is raised and ends the transaction."""
        self._error = None
        try:
            self._value = self._act()
        except BackplaneError as error:
            self._error = error

    def fail(self, error: Exception) -> None:
        if isinstance(error, sqlite3.Error):
            away = BackplaneAway(f"the database did not do it: {error}")
            away.__cause__ = error
            error = away
        self._error = error

    def resolve(self) -> None:
        if self._future.done():  # cancelled by whoever waited; the act happened all the same
            return
        if self._error is not None:
            self._future.set_exception(self._error)
        else:
            self._future.set_result(self._value)  # type: ignore[arg-type]  # run() has set it to an R


class _AnyJob(Protocol):
    """A `_Job` of whatever result."""

    def run(self) -> None: ...

    def fail(self, error: Exception) -> None: ...

    def resolve(self) -> None: ...


class Writer:
    """Starts, feeds and ends the thread. Used from one loop."""

    def __init__(self, store: Store, *, max_waiting: int = MAX_WAITING) -> None:
        self._store = store
        self._max_waiting = max_waiting
        self._jobs: SimpleQueue[_AnyJob | None] = SimpleQueue()  # None: the end
        self._thread: threading.Thread | None = None  # set while running
        self._loop: asyncio.AbstractEventLoop | None = None  # set by `start`
        self._ended: asyncio.Future[None] | None = None  # set by `start`; done when the file is closed

    async def start(self) -> None:
        """Returns once the store is open; raises what its `open` raised."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._ended = self._loop.create_future()
        self._jobs = SimpleQueue()
        # A daemon, so that a process that dies without `close` is not kept from dying.
        thread = threading.Thread(
            target=self._run, args=(self._loop, opened, self._ended), name="hub-sqlite", daemon=True
        )
        thread.start()
        try:
            await asyncio.shield(opened)
        except BaseException:
            self._jobs.put(None)  # also for a start that was cancelled while the file was being opened
            await self._ended
            thread.join()
            raise
        self._thread = thread

    async def close(self) -> None:
        """Returns once everything submitted is done, the file is closed and the thread is gone. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
        if self._ended is not None:
            await asyncio.shield(self._ended)
        if thread is not None:
            thread.join()  # its last act was to say that it ended

    def submit(self, act: Callable[[], R]) -> "asyncio.Future[R]":
        """Run `act` on the thread; its turn is decided by the order of calls."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            future.set_exception(BackplaneAway("the database is not open"))
        elif self._jobs.qsize() >= self._max_waiting:
            future.set_exception(BackplaneAway(f"{self._max_waiting} acts wait for the database"))
        else:
            self._jobs.put(_Job(act, future))
        return future

    # ------------------------------------------------------------------------------------------- on the thread

    def _run(
        self, loop: asyncio.AbstractEventLoop, opened: "asyncio.Future[None]", ended: "asyncio.Future[None]"
    ) -> None:
        try:
            self._serve(loop, opened)
        except RuntimeError:
            if not loop.is_closed():  # closed: nobody is left to tell, and nothing more can be asked
                raise
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set_result, None)

    def _serve(self, loop: asyncio.AbstractEventLoop, opened: "asyncio.Future[None]") -> None:
        try:
            self._store.open()
        except Exception as error:
            loop.call_soon_threadsafe(opened.set_exception, error)
            return
        try:
            loop.call_soon_threadsafe(opened.set_result, None)
            more = True
            while more:
                jobs, more = self._take()
                for batch, publications in self._transact(jobs):
                    loop.call_soon_threadsafe(_deliver, publications, batch)
        finally:
            self._store.close()

    def _take(self) -> tuple[list[_AnyJob], bool]:
        """All that waits, once something does; and whether more may come."""
        jobs: list[_AnyJob] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == MAX_BATCH:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _transact(self, jobs: list[_AnyJob]) -> "list[tuple[list[_AnyJob], list[Callable[[], None]]]]":
        """Run the jobs in one transaction; if it fails, each in its own, so that one bad act fails alone."""
        if not jobs:
            return []
        try:
            self._store.begin()
            for job in jobs:
                job.run()
            return [(jobs, self._store.commit())]
        except Exception as error:
            self._store.rollback()
            if len(jobs) == 1:
                self._store.failed(error)
                jobs[0].fail(error)
                return [(jobs, [])]
        return [done for job in jobs for done in self._transact([job])]


def _deliver(publications: list[Callable[[], None]], jobs: list[_AnyJob]) -> None:
    for publish in publications:
        publish()
    for job in jobs:
        job.resolve()
