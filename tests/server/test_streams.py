"""Push streams, generators and their backpressure, in both encodings."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.errors import CallError
from hub.protocol.codec import CodecName
from hub.protocol.messages import CancelInvocation, Close, Completion, Encoded, Invocation, StreamInvocation, StreamItem
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.streams import PushStream, StreamInfo, StreamSink
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import Wire, turns, until


class Feed(PushStream):
    """Writes what it is told to, when it is told."""

    def __init__(self) -> None:
        self.sink: StreamSink | None = None
        self.over = asyncio.Event()
        self.error: Exception | None = None
        self.ended_by_client: bool | None = None

    async def run(self, sink: StreamSink) -> None:
        self.sink = sink
        try:
            await self.over.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.ended_by_client = sink.cancelled_by_client


class Streams(Hub):
    feeds: list[Feed]
    pulled: int

    async def watch(self, refuse: bool = False) -> Feed:
        if refuse:
            raise CallError("forbidden", "Ask the owner.")
        feed = Feed()
        self.context.items["feed"] = feed
        return feed

    async def numbers(self, size: int, *, stream: StreamInfo) -> AsyncIterator[object]:
        items = self.context.items
        items["pulled"] = 0
        try:
            while True:
                items["pulled"] = int(str(items["pulled"])) + 1
                yield "x" * size
        finally:
            items["ended_by_client"] = stream.cancelled_by_client

    async def waits(self) -> AsyncIterator[int]:
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            await self.clients.caller.cancelled()

    async def echo(self, value: object) -> object:
        return value


@pytest.fixture
async def server(serve: Serve) -> HubServer:
    return await serve(Streams, HubOptions(outbox_max_bytes=100_000))


@pytest.fixture(params=["json", "messagepack"])
async def wire(request: pytest.FixtureRequest, server: HubServer) -> Wire:
    encoding: CodecName = request.param
    return Wire(server, encoding).open()


async def watch(wire: Wire) -> tuple[Feed, StreamSink]:
    wire.stream("Watch")
    await until(lambda: "feed" in wire.connection.items)
    feed = wire.connection.items["feed"]
    assert isinstance(feed, Feed)
    await until(lambda: feed.sink)
    assert feed.sink is not None
    return feed, feed.sink


async def test_items_are_written_without_a_task_switch(wire: Wire) -> None:
    feed, sink = await watch(wire)
    sink.send(Encoded(b'{"type":"text","offset":1}'))
    sink.send({"plain": True})
    sink.send_many([Encoded(b"1"), Encoded(b"2")])
    sink.send_many([])
    assert [await wire.read() for _ in range(4)] == [
        StreamItem("1", {"type": "text", "offset": 1}),
        StreamItem("1", {"plain": True}),
        StreamItem("1", 1),
        StreamItem("1", 2),
    ]
    feed.over.set()
    assert await wire.read() == Completion("1")
    assert feed.ended_by_client is False


async def test_cancel_and_loss_are_told_apart(server: HubServer) -> None:
    wire = Wire(server).open()
    feed, _ = await watch(wire)
    wire.write(CancelInvocation("1"))
    assert await wire.read() == Completion("1")
    assert feed.ended_by_client is True
    wire = Wire(server).open()
    feed, _ = await watch(wire)
    wire.connection.lost(None)
    await wire.connection.finished
    assert feed.ended_by_client is False


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_a_stream_that_is_called_and_cancelled_in_one_piece_has_begun(serve: Serve, protocol: CodecName) -> None:
    """Clients do so, and wait for what the method does at its end."""
    wire = Wire(await serve(Streams), protocol).open()
    wire.write(StreamInvocation("Waits", [], "1"), CancelInvocation("1"), Invocation("Echo", [2], "2"))
    messages = [await wire.read() for _ in range(3)]
    assert {str(message) for message in messages} == {
        str(message)
        for message in (
            Invocation("Cancelled", []),
            Completion("1"),
            Completion("2", result=2, has_result=True),
        )
    }


async def test_push_stream_fails(wire: Wire) -> None:
    wire.stream("Watch", True)
    assert await wire.read() == Completion("1", "[forbidden] Ask the owner.")
    for error, text in (
        (CallError("session_not_found", "It was deleted."), "[session_not_found] It was deleted."),
        (ZeroDivisionError("x"), "An error occurred on the server while streaming results."),
    ):
        wire.connection.items.clear()
        feed, _ = await watch(wire)
        feed.error = error
        feed.over.set()
        assert await wire.read() == Completion("1", text)


async def test_sink_says_when_the_backlog_has_drained(wire: Wire) -> None:
    _, sink = await watch(wire)
    called: list[str] = []
    sink.on_writable(lambda: called.append("at once"))
    wire.pipe.ready = False
    wire.pipe.hold()
    assert not sink.writable
    sink.on_writable(lambda: called.append("later"))
    sink.send("waits")
    await turns()
    assert called == ["at once"] and wire.unread == 0
    wire.pipe.release()
    assert await wire.read() == StreamItem("1", "waits")
    assert called == ["at once", "later"] and sink.writable


async def test_slow_client_slows_its_own_generator(wire: Wire) -> None:
    """The generator never waits by itself: without backpressure it would fill the outbox within one turn."""
    wire.pipe.hold()
    wire.stream("Numbers", 1000)
    await turns(50)
    pulled = wire.connection.items["pulled"]
    assert isinstance(pulled, int) and pulled < 80  # 64 KiB of the pipe
    assert wire.connection.outbox.waiting_bytes == 0 and not wire.connection.is_closed
    wire.pipe.release()
    await until(lambda: int(str(wire.connection.items["pulled"])) > 500)
    wire.write(CancelInvocation("1"))
    await until(lambda: "ended_by_client" in wire.connection.items)
    assert wire.connection.items["ended_by_client"] is True


async def test_generator_that_waits_for_a_client_that_goes(wire: Wire) -> None:
    wire.pipe.hold()
    wire.stream("Numbers", 1000)
    await turns(50)
    wire.connection.lost(ConnectionError("gone"))
    await wire.connection.finished
    assert wire.connection.items["ended_by_client"] is False


async def test_client_that_never_reads_is_cut_and_others_are_not(server: HubServer) -> None:
    async with TestClient(server, "/hub") as good:
        slow = Wire(server).open()
        await slow.call("Echo", 1)
        slow.pipe.hold()
        slow.pipe.ready = False
        sent = 0
        while not slow.connection.is_closed:
            await server.clients(Streams).all.news("x" * 1000)
            sent += 1
            assert await good.next("News") == ["x" * 1000]
            assert slow.connection.outbox.waiting_bytes <= 100_000
        await slow.connection.finished
        assert sent == pytest.approx(100, abs=5)
        assert server.metrics.slow_consumers == 1
        assert await good.invoke("Echo", "still here") == "still here"


async def test_slow_consumer_is_told_and_logged(server: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    slow = Wire(server).open()
    await slow.call("Echo", 1)
    slow.pipe.ready = False  # but what is written still arrives
    while not slow.connection.is_closed:
        await server.clients(Streams).all.news("x" * 1000)
    close = await slow.read()
    assert isinstance(close, Close) and "100000 bytes wait, the limit (outbox_max_bytes)" in str(close.error)
    (record,) = caplog.records
    assert record.message == "slow consumer cut"
    assert record.__dict__["connection_id"] == slow.connection.connection_id
    assert 100_000 < record.__dict__["backlog_bytes"] < 102_000
    assert record.__dict__["max_bytes"] == 100_000


async def test_leaving_the_loop_cancels_the_stream(server: HubServer) -> None:
    async with TestClient(server, "/hub") as client:
        numbers = client.stream("Numbers", 1)
        assert await anext(numbers) == "x"
        await numbers.aclose()
        items = client.connection.items
        await until(lambda: "ended_by_client" in items)
        assert items["ended_by_client"] is True
        assert server.metrics.streams_now == 0
