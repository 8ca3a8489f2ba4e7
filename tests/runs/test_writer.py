"""The writer on real journals: joining under pressure, order, lost answers, outages, the end of a fence."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from hub.backplane.base import Backplane, Fence
from hub.chat import events
from hub.chat.parts import Citation
from hub.errors import BackplaneError, StaleFence
from hub.runs.drive.writer import MAX_JOINED_CHARS, EventWriter
from tests.runs.faults import FaultyBackplane
from tests.runs.node import Recorder, until

LEASE_MS = 60_000


class Bench:
    """A writer with a lease, and what came of it."""

    def __init__(self, backplane: Backplane, fence: Fence, **options: Any) -> None:
        self.line = FaultyBackplane(backplane)
        self.faults = self.line.faults
        self.recorder = Recorder()
        self.applied: list[events.Stored] = []
        self.lost: list[BackplaneError | None] = []
        self.writer = EventWriter(
            self.line.journal,
            "ses",
            fence,
            on_event=self.applied.append,
            on_lost=self.lost.append,
            retry_s=0.001,
            **options,
        )

    def text(self, delta: str, part: int = 0) -> events.Text:
        return events.Text("run", "msg", part, delta, time=1)

    @property
    def sizes(self) -> list[int]:
        """How many events each append held."""
        return [len(payloads) for _, payloads in self.faults.sent]

    @property
    def deltas(self) -> list[str]:
        return [event.delta for event in self.recorder.of(events.Text)]


async def bench_of(backplane: Backplane, **options: Any) -> Bench:
    lease = await backplane.leases.take("ses", "node", now=1, lease_ms=LEASE_MS)
    assert lease is not None
    bench = Bench(backplane, lease.fence, **options)
    await backplane.journal.follow("ses", bench.recorder.receive)
    return bench


@pytest.fixture
async def bench(backplane: Backplane) -> AsyncIterator[Bench]:
    bench = await bench_of(backplane)
    yield bench
    bench.writer.close()


async def test_the_first_delta_goes_at_once(bench: Bench) -> None:
    bench.writer.write(bench.text("a"))
    assert bench.sizes == [1]
    await bench.writer.flushed()
    assert bench.deltas == ["a"]
    assert bench.writer.position is not None and bench.writer.position.offset == 1


async def test_deltas_of_one_part_join_while_an_append_is_on_its_way(bench: Bench) -> None:
    bench.faults.is_held = True
    for delta in "abcd":
        bench.writer.write(bench.text(delta))
    bench.writer.write(bench.text("x", part=1))
    bench.faults.is_held = False
    bench.faults.release()
    await bench.writer.flushed()
    assert bench.deltas == ["a", "bcd", "x"]
    assert bench.sizes == [1, 2]
    assert [event.delta for event in bench.applied if isinstance(event, events.Text)] == ["a", "b", "c", "d", "x"]


async def test_a_joined_delta_is_bounded(bench: Bench) -> None:
    bench.faults.is_held = True
    bench.writer.write(bench.text("first"))
    for _ in range(40):
        bench.writer.write(bench.text("x" * 1000))
    bench.faults.is_held = False
    bench.faults.release()
    await bench.writer.flushed()
    assert max(len(delta) for delta in bench.deltas) <= MAX_JOINED_CHARS
    assert "".join(bench.deltas) == "first" + "x" * 40_000


async def test_progress_of_calls_side_by_side_coalesces_to_the_newest_of_each(bench: Bench) -> None:
    bench.faults.is_held = True
    bench.writer.write(bench.text("a"))
    for step in range(50):
        for call_id in ("c1", "c2"):
            bench.writer.write(events.ToolProgress("run", call_id, step / 50, None, time=1))
    bench.writer.write(bench.text("b"))
    bench.writer.write(events.ToolProgress("run", "c1", 1.0, None, time=1))
    bench.faults.is_held = False
    bench.faults.release()
    await bench.writer.flushed()
    progress = [(event.call_id, event.fraction) for event in bench.recorder.of(events.ToolProgress)]
    assert progress == [("c1", 0.98), ("c2", 0.98), ("c1", 1.0)]


async def test_text_joins_but_no_citation_is_lost(bench: Bench) -> None:
    def cited(number: int) -> events.Text:
        return events.Text("run", "msg", 0, "", [Citation(source="web", url=f"https://example.org/{number}")], time=1)

    bench.faults.is_held = True
    bench.writer.write(bench.text("a"))
    bench.writer.write(bench.text("b"), cited(1), cited(2), bench.text("c"), bench.text("d"))
    bench.faults.is_held = False
    bench.faults.release()
    await bench.writer.flushed()
    assert [(event.delta, len(event.citations)) for event in bench.recorder.of(events.Text)] == [
        ("a", 0),
        ("b", 1),
        ("", 1),
        ("cd", 0),
    ]


async def test_thinking_joins_but_never_over_its_end(bench: Bench) -> None:
    def thinking(delta: str, **end: str) -> events.Thinking:
        return events.Thinking("run", "msg", 0, delta, **end, time=1)

    bench.faults.is_held = True
    bench.writer.write(bench.text("a"))
    bench.writer.write(thinking("b"), thinking("c"), thinking("", signature="s"), thinking("d"))
    bench.writer.write(thinking("", redacted="r"), thinking("e"))
    bench.faults.is_held = False
    bench.faults.release()
    await bench.writer.flushed()
    got = [(event.delta, event.signature, event.redacted) for event in bench.recorder.of(events.Thinking)]
    assert got == [("bc", "s", None), ("d", None, None), ("", None, "r"), ("e", None, None)]


async def test_pieces_of_arguments_join_by_call_and_whole_arguments_do_not(bench: Bench) -> None:
    bench.faults.is_held = True
    bench.writer.write(bench.text("a"))
    for call_id, delta in [("c1", "{"), ("c1", "}"), ("c2", "["), ("c2", "]")]:
        bench.writer.write(events.ToolInput("run", call_id, delta=delta, time=1))
    bench.writer.write(events.ToolInput("run", "c2", arguments={}, time=1))
    bench.faults.is_held = False
    bench.faults.release()
    await bench.writer.flushed()
    got = [(event.call_id, event.delta) for event in bench.recorder.of(events.ToolInput)]
    assert got == [("c1", "{}"), ("c2", "[]"), ("c2", None)]


async def test_a_lost_answer_is_asked_for_again_and_stored_once(bench: Bench) -> None:
    bench.faults.lost_replies = 2
    bench.writer.write(bench.text("a"))
    bench.writer.write(bench.text("b"))
    await bench.writer.flushed()
    assert bench.deltas == ["a", "b"]
    assert [number for number, _ in bench.faults.sent] == [1, 1, 1, 2]
    assert bench.lost == []


async def test_writing_goes_on_when_the_store_is_back(bench: Bench) -> None:
    bench.faults.is_away = True
    for delta in "abc":
        bench.writer.write(bench.text(delta))
    await until(lambda: len(bench.faults.sent) > 3)
    assert bench.deltas == []
    bench.faults.is_away = False
    await bench.writer.flushed()
    assert bench.deltas == ["a", "bc"]


async def test_too_much_waiting_ends_it(backplane: Backplane) -> None:
    bench = await bench_of(backplane, max_waiting=3)
    bench.faults.is_away = True
    for part in range(5):
        bench.writer.write(bench.text("x", part=part))
    assert bench.lost == [None]
    await bench.writer.flushed()
    bench.writer.write(bench.text("more"))
    assert len(bench.applied) == 5


async def test_a_stale_fence_ends_it(backplane: Backplane, bench: Bench) -> None:
    bench.writer.write(bench.text("a"))
    await bench.writer.flushed()
    assert await backplane.leases.take("ses", "other", now=1 + LEASE_MS, lease_ms=LEASE_MS) is not None
    bench.writer.write(bench.text("b"))
    await bench.writer.flushed()
    await until(lambda: bench.writer.is_lost)
    bench.writer.write(bench.text("c"))
    assert bench.deltas == ["a"]
    assert len(bench.lost) == 1 and isinstance(bench.lost[0], StaleFence)


async def test_a_closed_writer_takes_no_notice_of_what_was_on_its_way(bench: Bench) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    bench.faults.is_away = True
    bench.writer.write(bench.text("a"))
    waiting = asyncio.create_task(bench.writer.flushed())
    await asyncio.sleep(0)
    bench.writer.close()
    await waiting
    assert bench.lost == [] and complaints == []


async def test_many_events_keep_their_order(bench: Bench) -> None:
    expected = []
    for number in range(300):
        bench.writer.write(bench.text(str(number), part=number % 3))
        expected.append((number % 3, str(number)))
        if number % 7 == 0:
            await asyncio.sleep(0)
    await bench.writer.flushed()
    got: dict[int, str] = {}
    for event in bench.recorder.of(events.Text):
        got[event.part] = got.get(event.part, "") + event.delta
    want: dict[int, str] = {}
    for part, delta in expected:
        want[part] = want.get(part, "") + delta
    assert got == want
    offsets = [msgspec.json.decode(wire)["offset"] for wire in bench.recorder.wires]
    assert offsets == list(range(1, len(offsets) + 1))
