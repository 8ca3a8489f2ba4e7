"""Several processes of one server on one machine: started, watched over, replaced one by one, ended together.

Theory of operation. The parent holds the listening sockets and serves nothing itself; each worker is the same command
in a process of its own, which accepts on the sockets that it inherits. What joins them is the backplane. Two pipes go
to each worker: on one it says once that it serves (with its banner), the other ends when the parent dies, whatever
killed it, and then the worker ends too.

    SIGTERM, SIGINT   passed on; the parent ends when all have ended
    SIGHUP            each worker in turn: another is started, and once it serves the old one is told to end (SIGTERM)
    a worker's end    another is started, after a pause that grows while they end young
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub import config

logger = logging.getLogger("hub.workers")

YOUNG_S = 10.0
"""A worker that ends before this age is a failed start."""

MAX_PAUSE_S = 30.0


@dataclass(frozen=True)
class Inherited:
    """What the parent gave to this process."""

    sockets: Sequence[socket.socket]
    _ready: int
    _parent: int

    @classmethod
    def find(cls) -> "Inherited | None":
        """None where this process is no worker."""
        numbers = config.WorkerSettings().worker
        if not numbers:
            return None
        ready, parent, *listening = numbers
        return cls([socket.socket(fileno=number) for number in listening], ready, parent)

    def say_ready(self, banner: str) -> None:
        os.write(self._ready, banner.encode())  # less than a pipe holds
        os.close(self._ready)

    def end_with_parent(self, end: Callable[[], None]) -> None:
        """Call `end` on the running loop when the parent is gone."""
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(self._parent)
            end()

        loop.add_reader(self._parent, gone)


@dataclass(eq=False)
class _Worker:
    process: asyncio.subprocess.Process
    started_at: float
    banner: asyncio.Task[str]
    """What it says once it serves; empty if it ended before."""
    ended: asyncio.Task[int]
    """Its exit code."""

    @property
    def is_young(self) -> bool:
        return time.monotonic() - self.started_at < YOUNG_S

    def signal(self, number: int) -> None:
        # Not the process's own method: that may take the exit code of one that has just ended from who waits for it.
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


class Workers:
    """`count` processes of one command on the same sockets. `run` is called once."""

    def __init__(self, command: Sequence[str], sockets: Sequence[socket.socket], count: int) -> None:
        self._command = command
        self._sockets = sockets
        self._count = count
        self._serving: list[_Worker] = []  # by place; filled once all serve
        self._living: set[_Worker] = set()  # those that start or are about to end, too
        self._changing = asyncio.Lock()  # held while a place is given to another worker
        self._parent, self._alive = os.pipe()
        self._roll = asyncio.Event()  # set by SIGHUP
        self._end = asyncio.Event()  # set by SIGTERM or SIGINT, or when none can be started

    async def run(self, on_started: Callable[[str], None]) -> int:
        """Until SIGTERM or SIGINT, or until a worker cannot start; the exit code. `on_started` gets a worker's banner
        once all serve."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end_all, number)
        loop.add_signal_handler(signal.SIGHUP, self._roll.set)
        try:
            started = [await self._start()]
            if await started[0].banner:  # what is wrong with the settings is said once
                started += await asyncio.gather(*(self._start() for _ in range(1, self._count)))
            if all([await worker.banner for worker in started]):
                on_started(started[0].banner.result())
                self._serving.extend(started)
                await self._watch_over()
            else:
                self._end_all(signal.SIGTERM)
            return _worst([await worker.ended for worker in {*self._living, *started, *self._serving}])
        finally:
            os.close(self._alive)  # whoever is left ends by this
            os.close(self._parent)

    async def _watch_over(self) -> None:
        """Until the end is asked for."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._keep(place)) for place in range(self._count)]
            tasks.append(group.create_task(self._roll_forever()))
            await self._end.wait()
            for task in tasks:
                task.cancel()

    def _end_all(self, number: int) -> None:
        self._end.set()
        for worker in self._living:
            worker.signal(number)

    async def _start(self) -> _Worker:
        reading, ready = os.pipe()
        given = (ready, self._parent, *(each.fileno() for each in self._sockets))
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=config.worker_variables(given),
                pass_fds=given,
                start_new_session=True,  # Ctrl-C in a terminal goes to the parent alone, which passes it on
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(ready)
        banner, ended = asyncio.create_task(_read(reading)), asyncio.create_task(process.wait())
        worker = _Worker(process, time.monotonic(), banner, ended)
        self._living.add(worker)
        ended.add_done_callback(lambda _: self._living.discard(worker))
        if self._end.is_set():
            worker.signal(signal.SIGTERM)
        return worker

    async def _keep(self, place: int) -> None:
        """Start another when the worker of this place ends by itself."""
        pause_s = 0.0
        while True:
            worker = self._serving[place]
            await asyncio.shield(worker.ended)
            if self._serving[place] is not worker:
                continue  # it was replaced
            pause_s = min(max(1.0, 2 * pause_s), MAX_PAUSE_S) if worker.is_young else 0.0
            code = worker.ended.result()
            logger.error("worker %d ended with code %d: another starts in %g s", worker.process.pid, code, pause_s)
            await asyncio.sleep(pause_s)
            async with self._changing:
                if self._serving[place] is worker:
                    self._serving[place] = await self._start()

    async def _roll_forever(self) -> None:
        while True:
            await self._roll.wait()
            self._roll.clear()
            for place in range(self._count):
                if not await self._replace(place):
                    break

    async def _replace(self, place: int) -> bool:
        """Put a fresh process in the place of one that serves; False, and nothing changed, if it does not start."""
        async with self._changing:
            fresh = await self._start()
            if not await asyncio.shield(fresh.banner):
                logger.error("worker %d did not start: those that run are kept", fresh.process.pid)
                return False
            old, self._serving[place] = self._serving[place], fresh
        logger.info("worker %d serves in the place of %d", fresh.process.pid, old.process.pid)
        old.signal(signal.SIGTERM)
        await asyncio.shield(old.ended)
        return True


def _worst(codes: Sequence[int]) -> int:
    """Of exit codes; workers that were ended before they could take a signal have ended well."""
    bad = [code for code in codes if code not in (0, -signal.SIGTERM, -signal.SIGINT)]
    return 0 if not bad else max(1, *bad)


async def _read(pipe: int) -> str:
    """All that comes until the other side closes it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb"))
    try:
        return (await reader.read()).decode()
    finally:
        transport.close()
