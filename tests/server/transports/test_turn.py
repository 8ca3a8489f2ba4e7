"""What direct connections share within one turn of the event loop."""

import asyncio

from hub.server.transports.frames import BINARY, TEXT, frame
from hub.server.transports.turn import Framing, Turn
from tests.server.wire import turns


def test_same_records_are_framed_once() -> None:
    framing = Framing(TEXT)
    record, other = b"a" * 200, b"b" * 200
    first = framing.frame(record)
    assert first == frame(TEXT, record)
    assert framing.frame(record) is first
    assert framing.frame(other) == frame(TEXT, other)
    assert framing.frame(record) == first


def test_same_records_together_are_framed_once() -> None:
    framing = Framing(BINARY)
    a, b = b"a" * 100, b"b" * 100
    first = framing.frame_of([a, b])
    assert first == frame(BINARY, a + b)
    assert framing.frame_of([a, b]) is first
    assert framing.frame_of([b, a]) == frame(BINARY, b + a)
    assert framing.frame(a) == frame(BINARY, a)


class Late:
    def __init__(self, name: str, order: list[str]) -> None:
        self.name = name
        self.order = order

    def flush(self) -> None:
        self.order.append(self.name)


async def test_turn_ends_once_after_what_runs_in_it() -> None:
    turn, order = Turn(), list[str]()
    assert turn.begin()
    assert not turn.begin()
    turn.at_end(Late("first", order))
    asyncio.get_running_loop().call_soon(order.append, "next turn")
    turn.at_end(Late("second", order))
    assert order == []
    await turns()
    assert order == ["first", "second", "next turn"]
    assert turn.begin()
    await turns()
    assert order == ["first", "second", "next turn"]
