"""Watchers of a session: whoever comes, leaves, falls behind or loses entries, folds to the same transcript."""

import asyncio
import dataclasses
import random
from collections.abc import Iterable, Sequence

import pytest

from hub.backplane.base import Backplane, Entry, Position
from hub.chat import events
from hub.chat.parts import MessageStatus
from hub.providers.base import TextDelta
from hub.runs.limits import RunLimits
from tests.runs import invariants
from tests.runs.client_fold import ClientFold, assert_same
from tests.runs.faults import FaultyBackplane
from tests.runs.node import ListSink, Node, Recorder, Watching, until
from tests.runs.scripted import Act, ScriptedProvider, call, end, says
from tests.runs.tools import counting_tools

TINY = RunLimits(
    max_queued_runs=1_000,
    ring_entries=8,
    linger_s=0.0,
    retry_read_s=0.001,
    retry_base_s=0.0,
    check_position_s=0.001,
    notice_wait_s=60.0,
)


async def run_long(node: Node, pieces: int = 40) -> asyncio.Event:
    """A run that has said many pieces and waits."""
    gate = asyncio.Event()
    acts: list[Act] = []
    for piece in range(pieces):
        acts += [TextDelta(piece, f"{piece} "), None]  # each in a part of its own: they do not join
    node.provider.scripts.append([*acts, gate, TextDelta(pieces, "end"), end()])
    await node.send("long")
    await until(lambda: bool(node.provider.streams) and len(node.provider.streams[-1].yielded) == pieces)
    return gate


async def test_a_watch_from_nothing_begins_with_a_snapshot_and_goes_on(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    gate = await run_long(node)
    async with node.watch() as watching:
        await until(lambda: bool(watching.sink.items))
        assert watching.sink.types()[0] == "snapshot"
        gate.set()
        await until(lambda: "done" in watching.sink.types())
        await node.idle()
        assert_same(watching.sink.fold(), recorder.fold())


async def test_a_watch_from_a_position_that_is_at_hand_gets_just_what_came_since(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    gate = await run_long(node)
    await until(lambda: len(recorder.entries) > 4)
    entry = recorder.entries[1]
    async with node.watch(Position(entry.epoch, entry.offset)) as watching:
        await until(lambda: bool(watching.sink.items))
        gate.set()
        await until(lambda: "done" in watching.sink.types())
    assert "snapshot" not in watching.sink.types()
    assert watching.sink.items == recorder.wires[2 : 2 + len(watching.sink.items)]


@pytest.mark.parametrize("kind", ["foreign", "beyond", "trimmed"])
async def test_a_watch_from_a_position_that_is_not_gets_a_snapshot(node: Node, kind: str) -> None:
    await node.open()
    recorder = await node.record()
    await node.send("one")
    await node.idle()
    top = recorder.entries[-1]
    position = {
        "foreign": Position("elsewhere", 1),
        "beyond": Position(top.epoch, top.offset + 100),
        "trimmed": Position(top.epoch, 1),
    }[kind]
    async with node.watch(position) as watching:
        await until(lambda: bool(watching.sink.items))
        assert watching.sink.types() == ["snapshot"]
        assert_same(watching.sink.fold(), recorder.fold())


async def test_whoever_falls_out_of_the_ring_goes_on_from_a_snapshot(backplane: Backplane) -> None:
    limits = dataclasses.replace(TINY, check_position_s=60.0)
    async with Node(backplane, limits=limits).running() as node:
        await node.open()
        recorder = await node.record()
        async with node.watch() as slow, node.watch() as quick:
            await until(lambda: bool(slow.sink.items) and bool(quick.sink.items))
            slow.sink.shut()
            gate = await run_long(node, pieces=100)
            await until(lambda: len(recorder.entries) > 100 and quick.sink.offset == recorder.entries[-1].offset)
            assert len(slow.sink.items) == 1
            slow.sink.open()
            await until(lambda: len(slow.sink.items) > 1)
            gate.set()
            await until(lambda: "done" in quick.sink.types() and "done" in slow.sink.types())
            await node.idle()
        assert slow.sink.types().count("snapshot") == 2
        assert quick.sink.types().count("snapshot") == 1
        for watching in (slow, quick):
            assert_same(watching.sink.fold(), recorder.fold())


async def test_what_has_left_the_ring_is_read_from_the_journal_as_fast_as_the_connection_takes_it(
    backplane: Backplane,
) -> None:
    async with Node(backplane, limits=dataclasses.replace(TINY, check_position_s=60.0)).running() as node:
        await node.open()
        recorder = await node.record()
        async with node.watch() as quick:
            await until(lambda: bool(quick.sink.items))
            gate = await run_long(node, pieces=300)
            await until(lambda: len(recorder.entries) > 300 and quick.sink.offset == recorder.entries[-1].offset)
            position = Position(recorder.entries[0].epoch, 2)
            late = node.watch(position, sink=ListSink(writable=False)).start()
            never = node.watch(position, sink=ListSink(writable=False)).start()
            await until(lambda: late.sink.is_waited_for and never.sink.is_waited_for)
            late.sink.open()
            await until(lambda: len(late.sink.items) == len(recorder.entries) - 2)
            assert late.sink.items == recorder.wires[2:]
            await node.chats.delete("ann", "ses")
            await never.ended()
            await late.ended()
            assert never.sink.items == []
        gate.set()
        await node.idle()


@pytest.mark.parametrize("fault", ["lost", "twice", "late"])
async def test_entries_lost_or_repeated_on_the_way_leave_no_gap(backplane: Backplane, fault: str) -> None:
    line = FaultyBackplane(backplane)
    async with Node(line, limits=TINY).running() as node:
        await node.open()
        recorder = Recorder()
        await backplane.journal.follow("ses", recorder.receive)
        chance = random.Random(fault)
        kept: list[Sequence[Entry]] = []

        def deliver(entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
            if chance.random() < 0.7:
                return [entries]
            match fault:
                case "lost":
                    return []
                case "twice":
                    return [entries, entries]
            kept.append(entries)
            return [kept.pop(0)] if len(kept) > 1 else []

        line.faults.deliver = deliver
        async with node.watch() as watching:
            await until(lambda: bool(watching.sink.items))
            gate = await run_long(node, pieces=60)
            gate.set()
            await node.idle()
            await until(lambda: watching.sink.offset == recorder.entries[-1].offset)
        assert_same(watching.sink.fold(), recorder.fold())


async def test_a_session_that_cannot_be_read_again_now_is_read_when_it_can(backplane: Backplane) -> None:
    line = FaultyBackplane(backplane)
    clean = Node(backplane)
    async with clean.running(), Node(line, limits=TINY, owner="node_2").running() as node:
        await clean.open()
        recorder = await clean.record()
        async with node.watch() as watching:
            await until(lambda: bool(watching.sink.items))
            line.faults.deliver = lambda entries: [entries[1:]]  # a hole each time
            line.faults.is_away = True
            await clean.send("one")
            await clean.idle()
            line.faults.deliver = lambda entries: [entries]
            line.faults.is_away = False
            await until(lambda: watching.sink.offset == recorder.entries[-1].offset)
        assert_same(watching.sink.fold(), recorder.fold())


async def test_watcher_who_is_told_that_the_store_was_away_looks_for_what_was_lost(backplane: Backplane) -> None:
    line = FaultyBackplane(backplane)
    rarely = dataclasses.replace(TINY, check_position_s=3600.0)
    async with Node(line, limits=rarely).running() as node:
        await node.open()
        recorder = Recorder()
        await backplane.journal.follow("ses", recorder.receive)
        async with node.watch() as watching:
            await until(lambda: bool(watching.sink.items))
            line.faults.deliver = lambda entries: [()]  # all that comes is the word that something may be lost
            await node.send("one")
            await node.idle()
            await until(lambda: watching.sink.offset == recorder.entries[-1].offset)
        assert_same(watching.sink.fold(), recorder.fold())


# ------------------------------------------------------------------------------------------------ its beginning, end


async def test_a_deleted_session_ends_its_watches(node: Node) -> None:
    await node.open()
    async with node.watch() as idle, node.watch(sink=ListSink(writable=False)) as stuck:
        await until(lambda: bool(idle.sink.items) and node.follows.is_watched("ses"))
        await node.chats.delete("ann", "ses")
        await idle.ended()
        await stuck.ended()
    await node.idle()


async def test_a_followed_session_is_let_go_and_followed_again(node: Node) -> None:
    await node.open()
    for _ in range(2):
        async with node.watch() as watching:
            await until(lambda: bool(watching.sink.items))
            assert node.follows.followed == 1
        await until(lambda: node.follows.followed == 0)
    await node.send("one")
    await node.idle()
    async with node.watch() as watching:
        await until(lambda: bool(watching.sink.items))
        assert len(watching.sink.fold().messages) == 2


async def test_the_first_watcher_may_leave_before_the_session_is_open(backplane: Backplane) -> None:
    """Those who came after must not pay for it."""
    async with Node(backplane).running() as node:
        await node.open()
        for turns in range(12):
            first, second = node.watch().start(), node.watch().start()
            for _ in range(turns):
                await asyncio.sleep(0)
            await first.leave()
            await until(lambda second=second: bool(second.sink.items))  # type: ignore[misc]  # a lambda's default
            await second.leave()


async def test_a_session_that_cannot_be_opened_now_can_be_later(backplane: Backplane) -> None:
    line = FaultyBackplane(backplane)
    async with Node(line).running() as node:
        await node.open()
        line.faults.is_away = True
        watchings = [node.watch().start() for _ in range(3)]
        tasks = [watching.task for watching in watchings if watching.task is not None]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result).__name__ for result in results} == {"BackplaneAway"}
        line.faults.is_away = False
        async with node.watch() as watching:
            await until(lambda: bool(watching.sink.items))


# --------------------------------------------------------------------------------------------------- of one run


async def test_a_watch_of_one_run_ends_with_its_done(node: Node) -> None:
    await node.open()
    asked = await node.send("one")
    other = await node.send("two")
    items = await node.watch(Position(asked.epoch, asked.offset), run_id=asked.run_id).start().ended()
    fold = ClientFold(is_partial=True).feed(items)
    assert fold.ended_runs == {asked.run_id} or fold.snapshots == 1
    assert not any(other.run_id.encode() in item for item in items if b'"snapshot"' not in item)
    await node.idle()


@pytest.mark.parametrize("later", [0, 60])
async def test_a_watch_of_a_run_that_is_long_over_ends(node: Node, later: int) -> None:
    """Also when its answer is no longer among those that a snapshot shows."""
    await node.open()
    asked = await node.send("one")
    await node.idle()
    for number in range(later // 2):
        await node.send(f"later {number}")
        await node.idle()
    items = await node.watch(Position(asked.epoch, asked.offset), run_id=asked.run_id).start().ended()
    assert len(items) == 1 and b'"snapshot"' in items[0][:20]


# ---------------------------------------------------------------------------------------------- random histories


class RandomSession:
    """Things that happen to one session, in an order that only chance decides."""

    def __init__(self, node: Node, recorder: Recorder, seed: int) -> None:
        self.node = node
        self.recorder = recorder
        self.chance = random.Random(seed)
        self.watchings: list[Watching] = []
        self.sent = 0

    def plan(self) -> list[Act]:
        acts: list[Act] = []
        for block in range(self.chance.randrange(1, 4)):
            for _ in range(self.chance.randrange(1, 12)):
                acts.append(TextDelta(block, self.chance.choice(["a", "bc", "déf", "📈"])))
                if self.chance.random() < 0.5:
                    acts.append(None)
        if self.chance.random() < 0.4:
            return [*acts, *call(f"call_{self.chance.random()}", to=3), end("tool_calls")]
        return [*acts, end()]

    async def step(self) -> None:
        match self.chance.randrange(9):
            case 0 | 1:
                self.sent += 1
                await self.node.send(f"message {self.sent}")
            case 2 | 3:
                self.watchings.append(self.node.watch(self.position()).start())
            case 4 if self.watchings:
                gone = self.watchings.pop(self.chance.randrange(len(self.watchings)))
                await gone.leave()
                assert_prefix(gone, self.recorder)
            case 5 if self.watchings:
                self.chance.choice(self.watchings).sink.shut()
            case 6 if self.watchings:
                self.chance.choice(self.watchings).sink.open()
            case 7:
                await self.node.stop(queued=self.chance.random() < 0.3)
            case _:
                for _ in range(self.chance.randrange(30)):
                    await asyncio.sleep(0)

    def position(self) -> Position | None:
        epoch = self.recorder.entries[-1].epoch if self.recorder.entries else "none"
        top = len(self.recorder.entries)
        return self.chance.choice(
            [
                None,
                Position(epoch, self.chance.randrange(top + 1)),
                Position(epoch, top),
                Position(epoch, top + 3),
                Position("elsewhere", self.chance.randrange(top + 1)),
            ]
        )


def begins_at(watching: Watching, recorder: Recorder) -> ClientFold:
    """The watcher's fold; one that asked for what came after a position has what was before it from the recorder."""
    items = watching.sink.items
    fold = ClientFold()
    if items and b'"type":"snapshot"' not in items[0][:20]:
        first = next(place for place, wire in enumerate(recorder.wires) if wire == items[0])
        fold.feed(recorder.wires[:first])
    return fold.feed(items)


def assert_prefix(watching: Watching, recorder: Recorder) -> None:
    """What a watcher that left had seen is what the whole journal tells up to there."""
    fold = begins_at(watching, recorder)
    if fold.offset is not None:
        assert_same(fold, ClientFold().feed(recorder.wires[: fold.offset]))


@pytest.mark.parametrize("seed", range(12))
async def test_all_watchers_of_a_random_history_see_the_same(backplane: Backplane, seed: int) -> None:
    provider = ScriptedProvider(lambda _: session.plan())
    node = Node(backplane, provider=provider, limits=TINY, tools=counting_tools())
    async with node.running():
        await node.open()
        recorder = await node.record()
        session = RandomSession(node, recorder, seed)
        for _ in range(150):
            await session.step()
        await node.idle()
        top = recorder.entries[-1].offset if recorder.entries else 0
        for watching in session.watchings:
            watching.sink.open()
            if watching.sink.items or not recorder.entries:
                await until(lambda one=watching: one.sink.offset in (top, -1))  # type: ignore[misc]  # a lambda's default
        page = await node.chats.history("ann", "ses", before=None, limit=200)
        invariants.check(recorder.entries, page.messages)
        for watching in session.watchings:
            assert_prefix(watching, recorder)
            await watching.leave()
    statuses: set[MessageStatus] = {message.status for message in page.messages}
    assert statuses <= {"complete", "stopped"}


async def test_a_watcher_of_each_moment_of_a_run_folds_to_the_same(node: Node) -> None:
    """A snapshot at any cut point, and what comes after it, is the whole."""
    await node.open()
    recorder = await node.record()
    gates = [asyncio.Event() for _ in range(6)]
    node.tools.add(counting_tools().get("count") or pytest.fail("there is a tool"))
    node.provider.scripts = [
        [TextDelta(0, "a"), gates[0], *call("c1", to=1), gates[1], end("tool_calls")],
        [gates[2], TextDelta(0, "b"), gates[3], TextDelta(1, "c"), gates[4], end()],
        says("queued"),
    ]
    await node.send("one")
    await node.send("two")
    watchings = []
    for gate in gates:
        watching = node.watch().start()
        watchings.append(watching)
        await until(lambda one=watching: bool(one.sink.items))  # type: ignore[misc]  # a lambda's default
        gate.set()
    await node.idle()
    top = recorder.entries[-1].offset
    for watching in watchings:
        await until(lambda one=watching: one.sink.offset == top)  # type: ignore[misc]  # a lambda's default
        assert_same(watching.sink.fold(), recorder.fold())
        await watching.leave()
    assert len(recorder.of(events.Done)) == 2
