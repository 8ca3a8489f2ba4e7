"""The nodes of a run: each a process with its own way to Redis, killed and replaced as the faults want."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from tests.chaos.links import Way
from tests.running import Running, running

READY_S = 40.0
DRAINED_S = 120.0

OF_A_DEFECT = re.compile(r"Traceback|Task exception was never retrieved|its driver failed|Fatal Python error")


class Node:
    """A place for a node. Its faults do not overlap: hold `fault` while one lasts."""

    def __init__(self, place: int, way: Way, folder: Path, environment: dict[str, str]) -> None:
        self.place = place
        self.way = way
        self.fault = asyncio.Lock()
        self._folder = folder
        self._environment = environment
        self._stack = ExitStack()  # of the process
        self._process: Running | None = None  # while there is one
        self._is_stopped = False

    async def start(self) -> str:
        """Its URL, once it serves."""
        self._process = await asyncio.to_thread(
            self._stack.enter_context, running(self._folder, environment=self._environment)
        )
        return self._process.url

    async def kill(self) -> list[str]:
        """At once. What of its log a node should never write."""
        process, self._process = self._process, None
        if process is None:
            return []
        process.process.kill()
        await asyncio.to_thread(self._stack.close)
        return defects(process.log)

    async def drain(self) -> tuple[int, list[str]]:
        """Asked to end; its exit code, once it has, and what it should not have written."""
        assert self._process is not None
        process, self._process = self._process, None
        code = await asyncio.to_thread(process.end, signal.SIGTERM, DRAINED_S)
        await asyncio.to_thread(self._stack.close)
        return code, defects(process.log)

    async def sleep(self, seconds: float) -> None:
        """Stopped in the middle of anything, and continued."""
        assert self._process is not None
        self._process.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._process.process.send_signal(signal.SIGCONT)


def defects(log: list[str]) -> list[str]:
    """The lines around those that say so."""
    found = [place for place, line in enumerate(log) if OF_A_DEFECT.search(line)]
    return ["".join(log[max(0, place - 3) : place + 40]) for place in found[:3]]


class Cluster:
    """`urls` says where the nodes are now: None while one is not."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.urls: list[str | None] = [None] * len(nodes)

    async def start(self, node: Node) -> None:
        self.urls[node.place] = await node.start()

    async def is_ready(self) -> list[int]:
        """Return once all nodes take traffic, or with the places of those that do not come to that."""
        async with httpx2.AsyncClient(timeout=READY_S / 4) as http:
            ready = await asyncio.gather(*(self._is_ready(http, url) for url in self.urls))
        return [place for place, is_ready in enumerate(ready) if not is_ready]

    async def _is_ready(self, http: httpx2.AsyncClient, url: str | None) -> bool:
        assert url is not None  # no fault is under way
        try:
            async with asyncio.timeout(READY_S):
                while (await http.get(f"{url}/readyz")).status_code != 200:  # noqa: ASYNC110  # another process
                    await asyncio.sleep(0.05)
        except (TimeoutError, httpx2.HTTPError):
            return False
        return True


@asynccontextmanager
async def cluster(
    count: int, folder: Path, redis_port: int, environment: dict[str, str]
) -> AsyncIterator[tuple[Cluster, list[str]]]:
    """Nodes that serve, and the list of what they should not have written, which is whole when this has ended."""
    wrong: list[str] = []
    async with AsyncExitStack() as stack:
        nodes = []
        for place in range(count):
            way = await stack.enter_async_context(Way(redis_port).running())
            url = environment.get("HUBLINE_BACKPLANE") or f"redis://127.0.0.1:{way.port}/0"
            nodes.append(Node(place, way, folder, {**environment, "HUBLINE_BACKPLANE": url}))
        found = Cluster(nodes)
        try:
            for node in nodes:
                await found.start(node)
            yield found, wrong
        finally:
            for node in nodes:
                wrong += await node.kill()
