"""WebSockets under a real uvicorn: frames, ends, and clients that do not read."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from hub.protocol.client import ClientProtocol
from hub.protocol.messages import Completion, Invocation
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.transports.websocket import AsgiWriter
from tests.server.conftest import Serve
from tests.server.live import RawClient, serve_live
from tests.server.wire import turns, until


class Echo(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        ENDS.append(error)

    async def echo(self, value: object) -> object:
        return value

    async def count(self, to: int) -> AsyncIterator[int]:
        for i in range(to):
            yield i

    async def flood(self, size: int) -> AsyncIterator[str]:
        while True:
            yield "x" * size


ENDS: list[Exception | None] = []


async def hello(socket: ClientConnection) -> RawClient:
    client = RawClient(socket)
    assert await client.handshake() == {}
    return client


async def test_client_without_negotiation_calls_and_streams(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address, connect(f"ws://{address}/hub") as socket:
        client = await hello(socket)
        await client.write({"type": 1, "invocationId": "1", "target": "Echo", "arguments": ["hi"]})
        assert await client.read() == {"type": 3, "invocationId": "1", "result": "hi"}
        await client.write({"type": 4, "invocationId": "2", "target": "Count", "arguments": [2]})
        assert [await client.read() for _ in range(3)] == [
            {"type": 2, "invocationId": "2", "item": 0},
            {"type": 2, "invocationId": "2", "item": 1},
            {"type": 3, "invocationId": "2"},
        ]


async def test_messagepack_goes_in_binary_frames(serve: Serve) -> None:
    protocol = ClientProtocol("messagepack")
    async with serve_live(await serve(Echo)) as address, connect(f"ws://{address}/hub") as socket:
        await socket.send(protocol.handshake_request)
        reply = await socket.recv()
        assert reply == b"{}\x1e"
        protocol.receive_data(reply)
        await socket.send(protocol.encode(Invocation("Echo", [b"\x00"], "1")))
        frame = await socket.recv()
        assert isinstance(frame, bytes)
        assert protocol.receive_data(frame) == [Completion("1", result=b"\x00", has_result=True)]


async def test_what_is_sent_in_one_turn_leaves_in_one_frame(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address, connect(f"ws://{address}/hub") as socket:
        await hello(socket)
        for number in range(3):
            await server.clients(Echo).all.news(number)
        frame = await socket.recv()
        assert isinstance(frame, str) and frame.count("\x1e") == 3


async def test_ends(serve: Serve) -> None:
    """The client's Close, its closed socket, and a connection that breaks: what the hook gets, what the wire shows."""
    async with serve_live(await serve(Echo)) as address:
        ENDS.clear()
        async with connect(f"ws://{address}/hub") as socket:
            client = await hello(socket)
            await client.write({"type": 7})
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert socket.close_code == 1000
        await until(lambda: len(ENDS) == 1)
        async with connect(f"ws://{address}/hub") as socket:
            await hello(socket)
        await until(lambda: len(ENDS) == 2)
        assert ENDS == [None, None]
        async with connect(f"ws://{address}/hub") as socket:
            await hello(socket)
            socket.transport.abort()
            await until(lambda: len(ENDS) == 3)
        assert isinstance(ENDS[2], ConnectionError)


async def test_server_close_reaches_the_client(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address, connect(f"ws://{address}/hub") as socket:
        client = await hello(socket)
        await server.close()
        assert await client.read() == {"type": 7, "allowReconnect": True}
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1000


async def test_client_that_never_reads_is_cut_and_others_are_not(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server: HubServer = await serve(Echo, HubOptions(outbox_max_bytes=200_000, close_timeout_s=0.2))
    async with serve_live(server) as address, connect(f"ws://{address}/hub") as good:
        client = await hello(good)
        slow = connect(f"ws://{address}/hub", max_queue=1, compression=None)  # reads no further than its first frames
        socket = await slow
        await socket.send('{"protocol":"json","version":1}\x1e')
        await until(lambda: len(server.served("/hub").registry.connections) == 2)
        while not server.metrics.slow_consumers:
            await server.clients(Echo).all.news("x" * 50_000)
            assert (await client.read())["target"] == "News"
        await until(lambda: len(server.connections) == 1)
        assert [record.message for record in caplog.records] == ["slow consumer cut"]
        await client.write({"type": 1, "invocationId": "1", "target": "Echo", "arguments": ["still here"]})
        assert (await client.read())["result"] == "still here"
        socket.transport.abort()


async def test_slow_client_slows_its_own_stream(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(outbox_max_bytes=10_000, close_timeout_s=0.2))
    async with serve_live(server) as address, connect(f"ws://{address}/hub", max_queue=1, compression=None) as socket:
        client = await hello(socket)
        await client.write({"type": 4, "invocationId": "1", "target": "Flood", "arguments": [5000]})
        (connection,) = server.connections
        await until(lambda: not connection.outbox.writable)
        for _ in range(2000):
            await client.read()
        assert server.metrics.slow_consumers == 0
        socket.transport.abort()


class Server:
    """An ASGI server's `send`, which waits while it is shut."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)
        await self.gate.wait()


async def test_writer_says_when_it_has_a_backlog() -> None:
    server, drained = Server(), asyncio.Event()
    writer = AsgiWriter(server.send)
    writer.on_ready = drained.set
    running = asyncio.create_task(writer.run())
    server.gate.clear()
    writer.write(b"a\x1e")
    await turns()
    assert not writer.ready and not drained.is_set()
    writer.write(b"b\x1e")
    writer.write(b"c\x1e")
    server.gate.set()
    await drained.wait()
    before = writer.ready
    writer.write(b"x" * 70_000)
    assert (before, writer.ready) == (True, False)  # before anything of it is sent
    writer.close()
    writer.write(b"late")
    await running
    assert [message.get("text", "")[:4] for message in server.sent] == ["a\x1e", "b\x1ec\x1e", "xxxx", ""]
    assert server.sent[-1] == {"type": "websocket.close", "code": 1000}


async def test_aborted_writer_does_not_wait_for_a_stuck_send() -> None:
    server = Server()
    writer = AsgiWriter(server.send)
    running = asyncio.create_task(writer.run())
    server.gate.clear()
    writer.write(b"a\x1e")
    await turns()
    writer.abort()
    await asyncio.wait([running], timeout=5)
    assert running.cancelled() and not writer.ready
