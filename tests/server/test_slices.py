"""Bulk is read in slices: whole, in order, and never more of it between two turns of the loop than the bound."""

import asyncio
import random

from hub.protocol.codec import CODECS
from hub.protocol.messages import Invocation, Ping
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.slices import PIECE_BYTES, SLICE_BYTES, Slices
from tests.server.conftest import Serve
from tests.server.wire import Wire, until

PING = CODECS["json"].encode(Ping())
COUNT = CODECS["json"].encode(Invocation("Count", ()))


class Counting(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        self.context.items["ended by"] = error

    async def count(self) -> None:
        self.context.items["counted"] = self.counted() + 1

    async def echo(self, value: object) -> object:
        return value

    def counted(self) -> int:
        counted = self.context.items.get("counted", 0)
        assert isinstance(counted, int)
        return counted


def test_what_goes_in_comes_out_in_order_and_bounded() -> None:
    chance = random.Random(5)
    for _ in range(200):
        pieces = [chance.choice((b"abc\x1e", b"x" * 9_000, b"", PING * chance.randrange(3000))) for _ in range(5)]
        slices = Slices()
        taken: list[bytes] = []
        for piece in pieces:
            slices.add(piece)
        while slices:
            some = slices.take(SLICE_BYTES)
            assert some and sum(map(len, some[:-1])) + PIECE_BYTES * (len(some) - 1) < SLICE_BYTES
            assert all(piece.count(b"\x1e") <= SLICE_BYTES / 4 for piece in some)
            taken += some
        assert b"".join(taken) == b"".join(pieces)


def test_large_record_takes_few_slices() -> None:
    slices = Slices()
    slices.add(b"x" * 1_000_000 + b"\x1e")
    rounds = 0
    while slices:
        slices.take(SLICE_BYTES)
        rounds += 1
    assert rounds == 16


async def test_another_connection_is_answered_between_slices(serve: Serve) -> None:
    server = await serve(Counting, HubOptions(max_invocations_per_s=0))
    bulk, other = Wire(server).open(), Wire(server).open()
    await bulk.call("Count")
    metrics = server.metrics
    bulk.connection.receive(COUNT * 20_000)
    answers = 0
    while bulk.connection.paused:
        before = metrics.invocations
        await other.call("Echo", answers)
        answers += 1
        # Its own, and what the other could do in the few turns that an answer takes.
        assert metrics.invocations - before < 2_000
    assert answers > 10
    await until(lambda: bulk.connection.items["counted"] == 20_001)


async def test_pings_in_bulk_do_not_hold_the_loop(serve: Serve) -> None:
    server = await serve(Counting, HubOptions(max_receive_bytes=10_000_000))
    bulk, other = Wire(server).open(), Wire(server).open()
    await other.call("Echo", 0)
    bulk.connection.receive(PING * 50_000)
    answers = 0
    while bulk.connection.paused:
        await other.call("Echo", answers)
        answers += 1
    assert answers > 10


async def test_what_came_before_the_end_is_still_read(serve: Serve) -> None:
    wire = Wire(await serve(Counting)).open()
    await wire.call("Count")
    wire.connection.receive(PING * 5_000 + COUNT)
    wire.connection.lost(None)
    await asyncio.wait_for(asyncio.shield(wire.connection.finished), 5)
    assert wire.connection.items == {"counted": 2, "ended by": None}


async def test_until_readable_ends_with_the_last_slice_and_with_the_connection(serve: Serve) -> None:
    server = await serve(Counting)
    for is_closed in (False, True):
        wire = Wire(server).open()
        await wire.call("Echo", 1)
        wire.connection.receive(PING * 5_000)
        waiting = asyncio.ensure_future(wire.connection.until_readable())
        await asyncio.sleep(0)
        assert not waiting.done()
        if is_closed:
            wire.connection.close()
        await asyncio.wait_for(waiting, 5)
        assert wire.connection.is_closed == is_closed
