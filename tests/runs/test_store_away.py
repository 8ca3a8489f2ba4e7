"""A store that is away keeps a driver waiting, and nobody else."""

import asyncio

from hub.backplane.base import Backplane, Directory, SessionRecord
from hub.chat import events
from hub.errors import BackplaneAway
from hub.providers.base import TextDelta
from hub.runs.limits import RunLimits
from tests.runs.faults import FaultyBackplane
from tests.runs.node import Node, until
from tests.runs.scripted import says

MANY = 100
LIMITS = RunLimits(scan_s=0.001, lease_ms=60_000, linger_s=0.0)


class FaultyDirectory(Directory):
    """Of a store that is away at once: calls end before anything else has had its turn."""

    def __init__(self, inner: Directory) -> None:
        self._inner = inner
        self.is_away = False
        self.tries = 0  # while away

    def _check(self) -> None:
        if self.is_away:
            self.tries += 1
            assert self.tries < MANY, "tried again and again without a pause"
            raise BackplaneAway("the test has cut the line to the directory")

    async def create(self, record: SessionRecord) -> SessionRecord:
        self._check()
        return await self._inner.create(record)

    async def get(self, session_id: str) -> SessionRecord | None:
        self._check()
        return await self._inner.get(session_id)

    async def replace(self, record: SessionRecord) -> bool:
        self._check()
        return await self._inner.replace(record)

    async def list(self, user: str, *, before: int | None, limit: int) -> list[SessionRecord]:
        self._check()
        return await self._inner.list(user, before=before, limit=limit)

    async def delete(self, session_id: str) -> bool:
        self._check()
        return await self._inner.delete(session_id)


async def test_a_run_that_ends_while_the_store_is_away_is_settled_when_it_is_back(backplane: Backplane) -> None:
    line = FaultyBackplane(backplane)
    directory = line.directory = FaultyDirectory(backplane.directory)
    node = Node(line, limits=LIMITS)
    gate = asyncio.Event()
    node.provider.scripts = [[TextDelta(0, "par"), gate, *says("tial")]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("one")
        await until(lambda: bool(recorder.of(events.Text)))
        directory.is_away = True
        gate.set()
        await until(lambda: directory.tries > 0 and bool(recorder.done()))
        for _ in range(3):  # whoever asks for something wakes the driver, which tries once more
            tries = directory.tries
            node.supervisor.touch("ses")
            await until(lambda tries=tries: directory.tries > tries)  # type: ignore[misc]  # a lambda's default
        assert directory.tries < MANY
        directory.is_away = False
        node.supervisor.touch("ses")
        await node.idle()
        assert not (await node.chats.get("ann", "ses")).running
