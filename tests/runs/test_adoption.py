"""Sessions change their driver: nodes die, come back, leave; leases are let go; nothing that was asked is lost."""

import asyncio
import random

import pytest

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import ToolCallPart
from hub.clock import now_ms
from hub.providers.base import TextDelta
from hub.runs.drive.supervisor import driver_channel
from hub.runs.limits import RunLimits
from hub.tools.toolset import Toolset
from tests.runs import invariants
from tests.runs.faults import FaultyBackplane
from tests.runs.node import Clock, Node, until
from tests.runs.scripted import call, end, says, text_of

LEASE_MS = 60_000
QUICK = RunLimits(scan_s=0.001, lease_ms=LEASE_MS, linger_s=0.0, drain_s=0.01)


def hanging() -> Toolset:
    tools = Toolset()

    @tools.tool()
    async def hang() -> None:
        """Never returns."""
        await asyncio.Event().wait()

    return tools


async def test_a_run_whose_node_dies_is_closed_and_its_queue_goes_on(
    backplane: Backplane, caplog: pytest.LogCaptureFixture
) -> None:
    line, clock = FaultyBackplane(backplane), Clock()
    first = Node(line, limits=QUICK, clock=clock, tools=hanging())
    second = Node(backplane, limits=QUICK, clock=clock, owner="node_2")
    first.provider.scripts = [[TextDelta(0, "par"), *call("c1", "hang"), end("tool_calls")]]
    async with first.running():
        await first.open()
        recorder = await second.record()
        one = await first.send("one")
        two = await first.send("two")
        await until(lambda: bool(recorder.of(events.ToolInput)) and bool(recorder.of(events.MessageQueued)))
        line.faults.is_away = True
        async with second.running():
            clock.ahead_ms += LEASE_MS * 2
            await until(lambda: bool(recorder.done(two.run_id)))
            await second.idle()
            stored = len(recorder.entries)
            line.faults.is_away = False
            first.supervisor.touch("ses")  # it still thinks that it drives
            await first.idle()
            assert first.provider.streams[0].is_closed
            assert len(recorder.entries) == stored
            assert "session ses: no longer driven here" in caplog.text
            page = await second.chats.history("ann", "ses", before=None, limit=10)
    invariants.check(recorder.entries, page.messages)
    assert [(done.run_id, done.outcome) for done in recorder.done()] == [
        (one.run_id, "interrupted"),
        (two.run_id, "completed"),
    ]
    interrupted = page.messages[1]
    assert (interrupted.status, text_of(interrupted)) == ("interrupted", "par")
    part = interrupted.parts[1]
    assert isinstance(part, ToolCallPart) and part.state == "interrupted"
    assert (await second.chats.get("ann", "ses")).running is False


async def test_a_zombie_s_append_is_refused(backplane: Backplane, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    first = Node(backplane, limits=RunLimits(lease_ms=LEASE_MS, linger_s=0), clock=clock)
    second = Node(backplane, limits=QUICK, clock=clock, owner="node_2")
    gate = asyncio.Event()
    first.provider.scripts = [[TextDelta(0, "par"), gate, TextDelta(0, "zombie"), asyncio.Event()]]
    async with first.running(), second.running():
        await first.open()
        recorder = await first.record()
        await first.send("one")
        await until(lambda: bool(recorder.of(events.Text)))
        clock.ahead_ms += LEASE_MS * 2
        await until(lambda: bool(recorder.done()))
        gate.set()
        await first.idle()
        await second.idle()
        assert first.provider.open_streams == 0
    assert [event.delta for event in recorder.of(events.Text)] == ["par"]
    assert "no longer driven here" in caplog.text
    invariants.check(recorder.entries)


async def test_a_run_asked_to_stop_when_its_node_died_is_closed_as_stopped(backplane: Backplane) -> None:
    line, clock = FaultyBackplane(backplane), Clock()
    first = Node(line, limits=QUICK, clock=clock)
    second = Node(backplane, limits=QUICK, clock=clock, owner="node_2")
    first.provider.scripts = [[TextDelta(0, "par"), asyncio.Event()]]
    async with first.running():
        await first.open()
        recorder = await second.record()
        await first.send("one")
        await until(lambda: bool(recorder.of(events.Text)))
        line.faults.is_away = True
        async with second.running():
            await second.stop()
            clock.ahead_ms += LEASE_MS * 2
            await until(lambda: bool(recorder.done()))
            await second.idle()
    assert [(done.outcome, done.stopped_by) for done in recorder.done()] == [("stopped", "ann")]
    invariants.check(recorder.entries)


async def test_a_done_that_was_written_and_not_settled_is_not_written_again(backplane: Backplane) -> None:
    """Of a run that ended, and of one that was stopped while it waited."""
    line, clock = FaultyBackplane(backplane), Clock()
    first = Node(line, limits=QUICK, clock=clock)
    second = Node(backplane, limits=QUICK, clock=clock, owner="node_2")
    gate = asyncio.Event()
    first.provider.scripts = [[gate, *says("one")]]
    async with first.running():
        await first.open()
        recorder = await second.record()
        await first.send("one")
        two = await first.send("two")
        await until(lambda: bool(recorder.of(events.MessageQueued)))
        line.leases.is_away = True  # the journal can be reached, the leases cannot
        await second.stop(two.run_id)
        gate.set()
        await until(lambda: bool(recorder.of(events.Text)))
        async with second.running():
            clock.ahead_ms += LEASE_MS * 2
            await until(lambda: len(recorder.done()) == 2)
            await second.idle()
            line.leases.is_away = False
    invariants.check(recorder.entries)
    assert sorted(done.outcome for done in recorder.done()) == ["completed", "stopped"]


async def test_a_node_that_leaves_ends_its_run_and_hands_over_at_once(backplane: Backplane) -> None:
    clock = Clock()
    first = Node(backplane, limits=QUICK, clock=clock)
    second = Node(backplane, limits=QUICK, clock=clock, owner="node_2")
    first.provider.scripts = [[TextDelta(0, "par"), asyncio.Event()]]
    async with first.running():
        await first.open()
        recorder = await second.record()
        await first.send("one")
        two = await first.send("two")
        await until(lambda: bool(recorder.of(events.Text)))
    assert [done.outcome for done in recorder.done()] == ["interrupted"]
    assert first.provider.streams[0].is_closed
    async with second.running():  # no lease had to expire for this
        await until(lambda: bool(recorder.done(two.run_id)))
        await second.idle()
    invariants.check(recorder.entries)


async def test_a_node_that_drains_ends_its_run_well_and_leaves_the_queue_to_another(backplane: Backplane) -> None:
    clock = Clock()
    first = Node(backplane, limits=QUICK, clock=clock)
    second = Node(backplane, limits=QUICK, clock=clock, owner="node_2")
    gate = asyncio.Event()
    first.provider.scripts = [[TextDelta(0, "par"), gate, *says("tial")]]
    async with first.running():
        await first.open()
        recorder = await second.record()
        one = await first.send("one")
        two = await first.send("two")
        await until(lambda: bool(recorder.of(events.Text)))
        draining = asyncio.create_task(first.supervisor.drain(60.0))
        await until(lambda: first.supervisor.is_draining)
        three = await first.send("three")
        other = await first.send("other", session_id=(await first.open("another")).session_id)
        elsewhere = await second.record("another")
        gate.set()
        assert await draining == 0
        assert [done.run_id for done in recorder.done()] == [one.run_id]
        assert len(first.provider.streams) == 1
        async with second.running():  # no lease had to expire for this
            await until(lambda: bool(recorder.done(three.run_id) and elsewhere.done(other.run_id)))
            await second.idle()
    invariants.check(recorder.entries)
    assert [done.run_id for done in recorder.done()] == [one.run_id, two.run_id, three.run_id]
    assert {done.outcome for done in recorder.done()} == {"completed"}


async def test_a_drain_waits_for_so_long_only(backplane: Backplane) -> None:
    node = Node(backplane, limits=QUICK)
    node.provider.scripts = [[TextDelta(0, "par"), asyncio.Event()]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("one")
        await until(lambda: bool(recorder.of(events.Text)))
        assert await node.supervisor.drain(0.01) == 1
        assert not recorder.done()
    assert [done.outcome for done in recorder.done()] == ["interrupted"]


async def test_a_node_can_leave_while_its_store_is_away(backplane: Backplane) -> None:
    line = FaultyBackplane(backplane)
    first = Node(line, limits=QUICK)
    first.provider.scripts = [[TextDelta(0, "par"), asyncio.Event()]]
    async with first.running():
        await first.open()
        recorder = await first.record()
        await first.send("one")
        await until(lambda: bool(recorder.of(events.Text)))
        line.faults.is_away = True
    assert first.provider.streams[0].is_closed


async def test_what_is_asked_while_nobody_runs_is_found(backplane: Backplane) -> None:
    clock = Clock()
    idle = Node(backplane, limits=QUICK, clock=clock)
    await idle.open()
    recorder = await idle.record()
    await idle.send("one")
    async with Node(backplane, limits=QUICK, clock=clock, owner="node_2").running() as second:
        await until(lambda: bool(recorder.done()))
        await second.idle()
    assert recorder.done()[0].outcome == "completed"


# ---------------------------------------------------------------------------------------------------- leases


async def test_a_lease_is_released_when_nothing_is_left(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await node.send("one")
    await node.idle()
    lease = await node.backplane.leases.take("ses", "somebody", now=0, lease_ms=1)
    assert lease is not None and not lease.work.asks
    page = await node.backplane.journal.read("ses", rows=None)
    assert page.fold is not None and page.fold.offset == recorder.entries[-1].offset
    assert len(page.fold.rows) == 2


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_asked_while_the_lease_is_given_up_is_not_lost(backplane: Backplane, seed: int) -> None:
    """Two nodes, no scan, no renewal in sight: only the words between them and their drivers."""
    chance, clock = random.Random(seed), Clock()
    limits = RunLimits(scan_s=60.0, lease_ms=10_000_000, linger_s=0.0)
    nodes = [Node(backplane, limits=limits, clock=clock, owner=f"node_{number}") for number in (1, 2)]
    async with nodes[0].running(), nodes[1].running():
        await nodes[0].open()
        recorder = await nodes[0].record()
        for turn in range(25):
            asks = []
            for number in range(chance.randrange(1, 4)):
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                asks.append(asyncio.ensure_future(chance.choice(nodes).send(f"{turn}-{number}")))
            asked = await asyncio.gather(*asks)
            if chance.random() < 0.5:
                await until(lambda asked=asked: all(recorder.done(one.run_id) for one in asked))  # type: ignore[misc]  # a lambda's default
        await until(lambda: len(recorder.done()) == len(recorder.of(events.RunStarted)) > 0)
        for one in nodes:
            await one.idle()
        invariants.check(recorder.entries)
        works = await backplane.leases.expired(now=clock.now_ms() + 1, limit=10)
        assert works == []


async def test_a_stop_from_another_node_reaches_the_driver_at_once(backplane: Backplane) -> None:
    clock = Clock()
    limits = RunLimits(scan_s=60.0, lease_ms=10_000_000, linger_s=0.0)
    first = Node(backplane, limits=limits, clock=clock)
    second = Node(backplane, limits=limits, clock=clock, owner="node_2")
    async with first.running(), second.running():
        await first.open()
        recorder = await first.record()
        for turn in range(10):
            first.provider.scripts = [[asyncio.Event()]]
            await first.send(f"message {turn}")
            for _ in range(turn):
                await asyncio.sleep(0)
            await second.stop(message_id=f"m-message {turn}")
            await until(lambda turn=turn: len(recorder.done()) == turn + 1)  # type: ignore[misc]  # a lambda's default
            await first.idle()
    assert {done.outcome for done in recorder.done()} == {"stopped"}
    assert first.provider.open_streams == 0


async def test_a_word_for_a_session_that_nobody_drives_is_harmless(node: Node) -> None:
    await node.open()
    node.backplane.bus.publish(driver_channel("ses"), b"wake")
    node.supervisor.touch("ses")
    node.supervisor.touch("never-made")
    await node.idle()


async def test_a_driver_that_breaks_costs_the_others_nothing(
    backplane: Backplane, caplog: pytest.LogCaptureFixture
) -> None:
    async with Node(backplane, limits=QUICK).running() as node:
        await node.open("broken")
        await node.open("fine")
        # For longer than the test takes: the node adopts what has expired.
        lease = await backplane.leases.take("broken", "test", now=now_ms(), lease_ms=600_000)
        assert lease is not None
        await backplane.journal.append("broken", lease.fence, 1, [b'{"type":"step","time":1}'])
        await backplane.leases.release("broken", lease.fence)
        recorder = await node.record("fine")
        await node.send("one", session_id="broken")
        await node.send("one", session_id="fine")
        await until(lambda: bool(recorder.done()) and "its driver failed" in caplog.text)
        await node.idle()
