"""Sends to many, gathered within a turn of the loop: joined, in order for each connection, bounded."""

import asyncio

import pytest

from hub.protocol.codec import CODECS, CodecName
from hub.protocol.messages import Invocation
from hub.protocol.resend import ResendBuffer
from hub.server.gathering import FEW, Gathering, Records
from hub.server.metrics import ServerMetrics
from hub.server.outbox import Outbox
from hub.server.resending import ResendingOutbox
from tests.server.test_outbox import Valve
from tests.server.wire import turns

ENCODINGS: tuple[CodecName, ...] = ("json", "messagepack")


class Hall:
    """Connections of one hub; the last reads MessagePack."""

    def __init__(self, size: int = FEW, max_bytes: int = 1_000_000) -> None:
        self.metrics = ServerMetrics()
        self.gathering = Gathering(self.metrics)
        self.valves = [Valve() for _ in range(size)]
        self.cut: list[str] = []
        self.outboxes = [Outbox(valve, max_bytes, lambda _: self.cut.append("cut")) for valve in self.valves]
        self.all = dict.fromkeys(self.outboxes)
        for outbox in self.outboxes:
            outbox.join(self.gathering, "messagepack" if outbox is self.outboxes[-1] else "json")

    def say(self, *targets: str, to: dict[Outbox, None] | None = None, excluded: tuple[Outbox, ...] = ()) -> None:
        for target in targets:
            records = Records(Invocation(target, ()))
            self.gathering.send(self.all if to is None else to, frozenset(excluded), records, ENCODINGS)

    async def be_busy(self) -> None:
        """Several sends in one turn: from now on the first of a turn is held as well."""
        self.say("x", "x")
        await turns()
        for valve in self.valves:
            valve.writes.clear()


def records(*targets: str, encoding: CodecName = "json") -> bytes:
    return b"".join(CODECS[encoding].encode(Invocation(target, ())) for target in targets)


async def test_first_of_an_idle_turn_leaves_at_once_and_the_rest_together_at_its_end() -> None:
    hall = Hall()
    hall.say("a", "b", "c")
    assert {*map(tuple, (valve.writes for valve in hall.valves[:-1]))} == {(records("a"),)}
    await turns()
    assert hall.valves[0].writes == [records("a"), records("b", "c")]
    assert hall.valves[0].writes[1] is hall.valves[1].writes[1]  # so that it is framed once
    assert hall.valves[-1].writes[1] == records("b", "c", encoding="messagepack")
    assert hall.metrics.records_fanned_out == 3 * FEW


async def test_all_of_a_busy_turn_leaves_together_until_turns_are_calm_again() -> None:
    hall = Hall()
    await hall.be_busy()
    hall.say("a", "b")
    assert hall.valves[0].writes == []
    await turns()
    assert hall.valves[0].writes == [records("a", "b")]
    for _ in range(20):
        hall.say("c")
        await turns()
    hall.say("d")
    assert hall.valves[0].writes[-1] == records("d")


async def test_what_one_of_them_gets_besides_keeps_its_place() -> None:
    hall = Hall()
    await hall.be_busy()
    hall.say("a")
    hall.outboxes[3].send(records("own"))
    hall.say("b")
    hall.outboxes[4].last(records("last"))
    hall.say("c")
    await turns()
    assert b"".join(hall.valves[3].writes) == records("a", "own", "b", "c")
    assert b"".join(hall.valves[4].writes) == records("a", "b", "last")
    assert hall.valves[5].writes == [records("a", "b", "c")]


async def test_another_audience_keeps_its_place() -> None:
    hall = Hall(2 * FEW)
    half = dict.fromkeys(hall.outboxes[:FEW])
    few = dict.fromkeys(hall.outboxes[: FEW // 2])
    await hall.be_busy()
    hall.say("a")
    hall.say("b", to=half)
    hall.say("c")
    hall.say("d", to=few)
    hall.say("e", excluded=(hall.outboxes[0],))
    hall.say("f")
    await turns()
    assert b"".join(hall.valves[0].writes) == records("a", "b", "c", "d", "f")
    assert b"".join(hall.valves[1].writes) == records("a", "b", "c", "d", "e", "f")
    assert b"".join(hall.valves[FEW].writes) == records("a", "c", "e", "f")


async def test_who_is_excluded_may_be_sent_something_else() -> None:
    hall = Hall()
    await hall.be_busy()
    hall.say("a", excluded=(hall.outboxes[0],))
    hall.outboxes[0].send(records("own"))
    await turns()
    assert (hall.valves[0].writes, hall.valves[1].writes) == ([records("own")], [records("a")])


async def test_what_is_held_is_bounded() -> None:
    hall = Hall()
    await hall.be_busy()
    hall.say("a" * 40_000)
    assert hall.valves[0].writes == []
    hall.say("b" * 40_000)
    assert hall.valves[0].writes == [records("a" * 40_000, "b" * 40_000)]


async def test_slow_consumer_is_cut_and_costs_the_others_nothing() -> None:
    hall = Hall(max_bytes=100)
    hall.valves[2].ready = False
    for _ in range(5):
        hall.say("a", "b")
        await turns()
    assert hall.cut == ["cut"]
    assert hall.outboxes[2].waiting_bytes == 0
    assert b"".join(hall.valves[3].writes) == records(*"ab" * 5)


async def test_what_waits_for_a_client_goes_before_what_is_delivered() -> None:
    hall = Hall()
    hall.valves[0].ready = False
    hall.say("a")
    await turns()
    hall.say("b")
    await turns()
    assert hall.valves[0].writes == []
    hall.valves[0].open()
    hall.say("c")
    await turns()
    assert b"".join(hall.valves[0].writes) == records("a", "b", "c")


async def test_stateful_connection_counts_each_record() -> None:
    hall = Hall()
    buffer = ResendBuffer(100_000)
    valve = Valve()
    outbox = ResendingOutbox(valve, 1_000_000, lambda _: None, buffer, CODECS["json"])
    outbox.join(hall.gathering, "json")
    hall.all[outbox] = None
    await hall.be_busy()
    hall.say("a", "b")
    outbox.send(records("own"))
    hall.say("c")
    await turns()
    assert buffer.resume() == (1, tuple(map(records, ("x", "x", "a", "b", "own", "c"))))


async def test_what_cannot_be_encoded_raises_and_reaches_nobody() -> None:
    hall = Hall()
    await hall.be_busy()
    with pytest.raises(TypeError):
        hall.gathering.send(hall.all, frozenset(), Records(Invocation("a", (object(),))), ENCODINGS)
    await asyncio.sleep(0)
    assert hall.valves[0].writes == []
