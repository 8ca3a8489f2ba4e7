"""A store that is away while a client executes a call: nothing is decided by what nobody could say or read."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from hub.backplane.base import Directory, SessionRecord
from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.runs.hosts.hosting import HostWish
from hub.runs.hosts.limits import HostLimits
from hub.runs.limits import RunLimits
from hub.tools.client_side import ClientTool
from tests.runs.faults import Faults, FaultyBackplane
from tests.runs.node import USER, Node, Recorder, until
from tests.runs.scripted import call, end, says

# Times are of a clock that stands still unless a test moves it; beats come by the real one.
LIMITS = RunLimits(
    linger_s=0.0, retry_read_s=0.001, retry_base_s=0.0, lease_ms=600_000, hosts=HostLimits(grace_s=0.5, look_s=0.001)
)
WISH = HostWish(name="Book", tools=[ClientTool(name="write_range")], host_key="a key")


class _AwayDirectory(Directory):
    """Fails with the rest."""

    def __init__(self, inner: Directory, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    async def create(self, record: SessionRecord) -> SessionRecord:
        self._faults.check()
        return await self._inner.create(record)

    async def get(self, session_id: str) -> SessionRecord | None:
        self._faults.check()
        return await self._inner.get(session_id)

    async def replace(self, record: SessionRecord) -> bool:
        self._faults.check()
        return await self._inner.replace(record)

    async def list(self, user: str, *, before: int | None, limit: int) -> list[SessionRecord]:
        self._faults.check()
        return await self._inner.list(user, before=before, limit=limit)

    async def delete(self, session_id: str) -> bool:
        self._faults.check()
        return await self._inner.delete(session_id)


class Hosted:
    """A node with a host on the connection `tab`."""

    def __init__(self, node: Node, faulty: FaultyBackplane, recorder: Recorder) -> None:
        self.node = node
        self.faults = faulty.faults
        self.recorder = recorder
        self.pushed: list[tuple[str, str]] = []
        node.chats.hosting.push_by(self._push)

    def _push(self, connection_id: str, target: str, argument: bytes) -> None:
        self.pushed.append((connection_id, f"{target} {msgspec.json.decode(argument)['callId']}"))

    @property
    def outcomes(self) -> list[str]:
        return [event.outcome for event in self.recorder.of(events.ToolComplete)]

    async def result(self, connection_id: str = "tab") -> bool:
        heard = await self.node.chats.hosting.result(USER, "ses", connection_id, "c1", "ok", None)
        return heard.accepted


@pytest.fixture
async def hosted() -> AsyncIterator[Hosted]:
    faulty = FaultyBackplane(MemoryBackplane())
    faulty.directory = _AwayDirectory(faulty.directory, faulty.faults)
    node = Node(faulty, limits=LIMITS)
    async with node.running():
        await node.open()
        hosted = Hosted(node, faulty, await node.record())
        await node.chats.hosting.register(USER, "ses", "tab", WISH)
        node.provider.scripts = [
            [*call("c1", "write_range", range="A1", values=[[1]]), end("tool_calls")],
            says("ok"),
        ]
        yield hosted
        await node.chats.hosting.leave("tab")


async def test_a_long_outage_takes_no_host_for_gone(hosted: Hosted) -> None:
    await hosted.node.send("go")
    await until(lambda: bool(hosted.pushed))
    hosted.faults.is_away = True
    hosted.node.clock.ahead_ms += 10_000  # far beyond the grace
    hosted.node.supervisor.touch("ses")
    await asyncio.sleep(3 * LIMITS.hosts.tick_s)  # so that the call looks, and sees nothing
    hosted.faults.is_away = False
    await asyncio.sleep(2 * LIMITS.hosts.beat_s)  # so that it looks once more, and its host says that it is there
    assert await hosted.result()
    await hosted.node.idle()
    assert hosted.outcomes == ["success"]
    assert hosted.pushed == [("tab", "ExecuteTool c1")]


async def test_a_call_that_could_not_be_claimed_at_once_is_sent_once(hosted: Hosted) -> None:
    gate = asyncio.Event()
    hosted.node.provider.scripts[0] = [gate, *hosted.node.provider.scripts[0]]
    await hosted.node.send("go")
    await until(lambda: hosted.node.provider.open_streams == 1)
    hosted.faults.is_away = True
    gate.set()
    await asyncio.sleep(3 * LIMITS.hosts.tick_s)
    assert hosted.pushed == []
    hosted.node.clock.ahead_ms += 10_000
    await asyncio.sleep(3 * LIMITS.hosts.tick_s)
    hosted.faults.is_away = False
    await until(lambda: bool(hosted.pushed))
    assert await hosted.result()
    await hosted.node.idle()
    assert hosted.outcomes == ["success"]
    assert hosted.pushed == [("tab", "ExecuteTool c1")]
