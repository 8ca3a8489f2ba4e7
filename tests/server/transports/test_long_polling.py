"""Long polling under a real uvicorn, byte by byte (signalr.md 1.8, 1.5)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.protocol.client import ClientProtocol
from hub.protocol.messages import Completion, Invocation
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.server import HubServer
from tests.server.conftest import Serve
from tests.server.live import serve_live
from tests.server.raw_http import HANDSHAKE, Exchange, Poller, ask, call, record, records, token
from tests.server.wire import until


class Echo(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        ENDS.append(error)

    async def echo(self, value: object) -> object:
        return value

    async def load(self, items: AsyncIterator[int]) -> int:
        await GATE.wait()
        return sum([item async for item in items])

    async def flood(self) -> AsyncIterator[str]:
        while True:
            yield "x" * 10_000


ENDS: list[Exception | None] = []
GATE = asyncio.Event()
NO_CONNECTION = (404, "No Connection with that ID")


@pytest.fixture(autouse=True)
def clean() -> None:
    ENDS.clear()
    GATE.clear()


async def opened(address: str) -> Poller:
    return await Poller(address, await token(address)).shake_hands()


async def test_first_poll_is_empty_and_at_once_later_ones_bring_records(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        poller = Poller(address, await token(address))
        first = await poller.poll()
        assert (first.status, first.body, first.headers["content-length"]) == (200, b"", "0")
        posted = await poller.post(HANDSHAKE + call("Echo", "hi"))
        assert (posted.status, posted.body) == (200, b"")
        assert posted.headers["content-type"].startswith("text/plain")
        shaken = await poller.poll()
        assert shaken.headers["content-type"] == "application/octet-stream"
        assert shaken.headers["cache-control"] == "no-store"
        found = records(shaken.body)
        while len(found) < 2:
            found += await poller.read()
        assert found == [{}, {"type": 3, "invocationId": "1", "result": "hi"}]


async def test_what_is_posted_before_the_first_poll_is_not_lost(serve: Serve) -> None:
    """As some clients do it; the first poll is answered at once all the same."""
    async with serve_live(await serve(Echo)) as address:
        key = await token(address)
        poller = Poller(address, key)
        assert (await poller.post(HANDSHAKE + call("Echo", "hi"))).text == (200, "")
        assert (await poller.poll()).text == (200, "")
        found = await poller.read()
        while len(found) < 2:
            found += await poller.read()
        assert found == [{}, {"type": 3, "invocationId": "1", "result": "hi"}]
        assert (await poller.delete()).status == 202
        assert (await poller.post(HANDSHAKE)).text == NO_CONNECTION  # its end is no new beginning


async def test_posting_first_where_polling_is_not_offered(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(transports=["ServerSentEvents"]))
    async with serve_live(server) as address:
        key = await token(address)
        assert (await Poller(address, key).post(HANDSHAKE)).text == NO_CONNECTION
        assert server.metrics.connections_now == 0


async def test_messagepack(serve: Serve) -> None:
    protocol = ClientProtocol("messagepack")
    async with serve_live(await serve(Echo)) as address:
        poller = Poller(address, await token(address))
        await poller.poll()
        await poller.post(protocol.handshake_request)
        protocol.receive_data((await poller.poll()).body)
        await poller.post(protocol.encode(Invocation("Echo", [b"\x00\xff"], "1")))
        assert protocol.receive_data((await poller.poll()).body) == [
            Completion("1", result=b"\x00\xff", has_result=True)
        ]


async def test_all_that_is_queued_comes_in_one_poll(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        poller = await opened(address)
        for number in range(300):
            await server.clients(Echo).all.news(number, "x" * 1000)  # past the buffer, into the outbox
        assert [message["arguments"] for message in records((await poller.poll()).body)] == [
            [number, "x" * 1000] for number in range(300)
        ]


async def test_poll_that_finds_nothing_ends_empty(serve: Serve) -> None:
    async with serve_live(await serve(Echo, HubOptions(poll_timeout_s=0.05))) as address:
        poller = await opened(address)
        assert (await poller.poll()).text == (200, "")


async def test_second_poll_ends_the_first_with_204(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        poller = await opened(address)
        async with poller.waiting() as first:
            await until(lambda: waits(server))
            async with poller.waiting() as second:
                await first.head()
                assert (first.status, await first.body()) == (204, b"")
                await server.clients(Echo).all.news(1)
                await second.head()
                assert (second.status, records(await second.body())[0]["arguments"]) == (200, [1])


def waits(server: HubServer) -> bool:
    return any(
        claimed.poller is not None and claimed.poller._waiting is not None
        for claimed in server.claimed._claimed.values()
    )


async def test_client_that_drops_its_poll_loses_nothing(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        poller = await opened(address)
        async with poller.waiting():
            await until(lambda: waits(server))
        await until(lambda: not waits(server))
        await server.clients(Echo).all.news(1)
        assert (await poller.read())[0]["arguments"] == [1]


async def test_delete_ends_the_connection(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        poller = await opened(address)
        async with poller.waiting() as waiting:
            await until(lambda: waits(server))
            deleted = await poller.delete()
            assert (deleted.status, deleted.body) == (202, b"")
            assert (await waiting.head()).status == 204
        await until(lambda: ENDS)
        assert ENDS == [None]
        for answer in (await poller.poll(), await poller.post(b""), await poller.delete()):
            assert answer.text == NO_CONNECTION
        assert server.metrics.connections_now == 0


async def test_clients_close_is_answered_with_204(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        poller = await opened(address)
        assert (await poller.post(record(type=7))).status == 200
        assert (await poller.post(call("Echo", 1))).text == NO_CONNECTION
        assert (await poller.poll()).text == (204, "")
        assert (await poller.poll()).text == NO_CONNECTION
        assert ENDS == [None]


async def test_servers_close_comes_by_a_poll_then_204(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        poller = await opened(address)
        for connection in server.connections:
            connection.close("Connection closed with an error.")
        await until(lambda: server.metrics.connections_now == 0)
        close = {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}
        assert records((await poller.poll()).body) == [close]
        assert (await poller.poll()).text == (204, "")
        assert (await poller.poll()).text == NO_CONNECTION


async def test_refused_handshake_comes_by_a_poll_then_204(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        poller = Poller(address, await token(address))
        await poller.poll()
        assert (await poller.post(record(protocol="xml", version=1))).status == 200
        assert (await poller.poll()).body == b'{"error":"The protocol \'xml\' is not supported."}\x1e'
        assert (await poller.poll()).status == 204


async def test_client_that_stops_polling_is_removed(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(disconnect_timeout_s=0.1))
    async with serve_live(server) as address:
        poller = await opened(address)
        async with poller.waiting():
            await until(lambda: waits(server))
            since = server.now()
            await until(lambda: server.now() - since > 0.3)
            assert not ENDS  # a poll that waits is no silence
        await until(lambda: ENDS)
        assert "has not polled for 0.1 s, the limit (disconnect_timeout_s)" in str(ENDS[0])
        assert (await poller.poll()).text == NO_CONNECTION
        assert not server.claimed._claimed


async def test_no_pings(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(keep_alive_s=0.01, poll_timeout_s=0.2))
    async with serve_live(server) as address:
        poller = await opened(address)
        assert (await poller.poll()).body == b""


async def test_post_waits_until_its_records_are_accepted(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(stream_buffer_capacity=2))
    async with serve_live(server) as address:
        poller = await opened(address)
        await poller.post(record(type=1, invocationId="1", target="Load", arguments=[], streamIds=["u"]))
        items = b"".join(record(type=2, invocationId="u", item=number) for number in range(10))
        posting = asyncio.create_task(poller.post(items + record(type=3, invocationId="u")))
        (connection,) = server.connections
        await until(lambda: connection.paused)
        assert not posting.done()
        GATE.set()
        assert (await posting).status == 200
        assert await poller.read() == [{"type": 3, "invocationId": "1", "result": 45}]


async def test_bodies_of_posts_are_joined_in_order(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        poller = await opened(address)
        message = call("Echo", "split anywhere")
        for start in range(0, len(message), 7):
            assert (await poller.post(message[start : start + 7])).status == 200
        assert (await poller.read())[0]["result"] == "split anywhere"


async def test_body_over_the_limit(serve: Serve) -> None:
    async with serve_live(await serve(Echo, HubOptions(max_body_bytes=100))) as address:
        poller = await opened(address)
        text = (413, "The body is too large: the limit max_body_bytes is 100.")
        assert (await poller.post(call("Echo", "x" * 100))).text == text
        await poller.post(call("Echo", "still here"))
        assert (await poller.read())[0]["result"] == "still here"
        async with Exchange(address, "POST", poller.path, None, {"Transfer-Encoding": "chunked"}) as exchange:
            for _ in range(2):
                exchange.writer.write(b"40\r\n" + b" " * 64 + b"\r\n")
            await exchange.head()
            assert (exchange.status, (await exchange.body()).decode()) == text
        await until(lambda: ENDS)  # half of a record was taken
        assert "was not whole" in str(ENDS[0])


async def test_body_that_breaks_off_ends_the_connection(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        poller = await opened(address)
        async with Exchange(address, "POST", poller.path, None, {"Content-Length": "100"}) as exchange:
            exchange.writer.write(b'{"type":1')
            await exchange.writer.drain()
            (connection,) = server.connections
            await until(lambda: connection._protocol.has_partial)
        await until(lambda: ENDS)
        assert "ClientDisconnect" in str(ENDS[0])


async def test_client_that_polls_too_slowly_is_cut_and_told(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(outbox_max_bytes=100_000))
    async with serve_live(server) as address:
        poller = await opened(address)
        while not server.metrics.slow_consumers:
            await server.clients(Echo).all.news("x" * 10_000)
        found = records((await poller.poll()).body)
        assert found[-1]["type"] == 7
        assert "100000 bytes wait, the limit (outbox_max_bytes)" in str(found[-1]["error"])
        assert (await poller.poll()).status == 204


async def test_stream_waits_for_polls(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(outbox_max_bytes=20_000, transport_buffer_bytes=30_000))
    async with serve_live(server) as address:
        poller = await opened(address)
        await poller.post(record(type=4, invocationId="1", target="Flood", arguments=[]))
        for _ in range(20):
            assert len(await poller.read()) <= 4
        assert server.metrics.slow_consumers == 0


async def test_request_with_another_method(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        poller = await opened(address)
        for method in ("PUT", "PATCH", "OPTIONS"):
            answer = await ask(address, method, poller.path)
            assert (answer.text, answer.headers["allow"]) == ((405, "Method Not Allowed"), "GET, POST, DELETE")
