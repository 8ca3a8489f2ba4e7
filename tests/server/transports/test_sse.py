"""Server-sent events under a real uvicorn, byte by byte (signalr.md 1.8)."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.protocol.messages import Encoded
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.server import HubServer
from tests.server.conftest import Serve
from tests.server.live import serve_live
from tests.server.raw_http import HANDSHAKE, Exchange, Poller, ask, call, event_stream, events, record, token
from tests.server.wire import until


class Echo(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        ENDS.append(error)

    async def echo(self, value: object) -> object:
        return value

    async def pretty(self) -> Encoded:
        return Encoded(b'{\n  "a": 1,\r\n  "b":\r2}')

    async def flood(self) -> AsyncIterator[str]:
        while True:
            yield "x" * 10_000


ENDS: list[Exception | None] = []


@pytest.fixture(autouse=True)
def clean() -> None:
    ENDS.clear()


async def opened(address: str, stream: Exchange, token: str) -> Poller:
    """For its POSTs."""
    poster = Poller(address, token)
    assert (await poster.post(HANDSHAKE)).text == (200, "")
    assert await stream.piece() == b"data: {}\x1e\r\n\r\n"
    return poster


async def test_headers_first_bytes_and_events(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        key = await token(address)
        async with event_stream(address, key) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            assert stream.headers["content-encoding"] == "identity"
            assert stream.headers["x-accel-buffering"] == "no"
            assert "no-cache" in stream.headers["cache-control"]
            poster = await opened(address, stream, key)
            posted = await poster.post(call("Echo", "hé"))
            assert (posted.status, posted.body) == (200, b"")
            assert posted.headers["content-type"].startswith("text/plain")
            assert await stream.piece() == 'data: {"type":3,"invocationId":"1","result":"hé"}\x1e\r\n\r\n'.encode()


async def test_events_hold_whole_records(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        key = await token(address)
        async with event_stream(address, key) as stream:
            await opened(address, stream, key)
            for number in range(3):
                await server.clients(Echo).all.news(number)
            assert [message["arguments"] for message in await events(stream)] == [[0], [1], [2]]


async def test_line_breaks_between_tokens_stay_within_their_event(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        key = await token(address)
        async with event_stream(address, key) as stream:
            poster = await opened(address, stream, key)
            await poster.post(call("Pretty"))
            assert await stream.piece() == (
                b'data: {"type":3,"invocationId":"1","result":{\r\ndata:   "a": 1,'
                b'\r\ndata:   "b":\r\ndata: 2}}\x1e\r\n\r\n'
            )


async def test_binary_protocol_is_refused(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        key = await token(address)
        async with event_stream(address, key) as stream:
            await Poller(address, key).post(record(protocol="messagepack", version=1))
            assert await stream.body() == (
                b'data: {"error":"Cannot use the \'messagepack\' protocol on the current transport. '
                b"The transport does not support 'Binary' transfer format.\"}\x1e\r\n\r\n"
            )
        await until(lambda: not server.connections)
        assert (await ask(address, "POST", f"/hub?id={key}", b"")).text == (404, "No Connection with that ID")


async def test_other_requests_on_a_live_stream(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address:
        key = await token(address)
        path = f"/hub?id={key}"
        async with event_stream(address, key) as stream:
            await opened(address, stream, key)
            second = await ask(address, "GET", path, Accept="text/event-stream")
            assert second.status == 409
            changed = (400, "Cannot change transports mid-connection")
            assert (await ask(address, "GET", path)).text == changed
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{address}{path}")
            response = refused.value.response
            assert (response.status_code, bytes(response.body or b"").decode()) == changed
            assert (await ask(address, "DELETE", path)).text == (
                400,
                "Cannot terminate this connection using the DELETE HTTP method.",
            )
            assert (await ask(address, "POST", path, call("Echo", 1))).status == 200
            assert (await events(stream))[0]["result"] == 1


async def test_client_that_goes_is_noticed(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        key = await token(address)
        async with event_stream(address, key) as stream:
            await opened(address, stream, key)
        await until(lambda: ENDS)
        assert ENDS == [None]  # it is how clients stop
        await until(lambda: server.metrics.connections_now == 0)
        answer = await ask(address, "GET", f"/hub?id={key}", Accept="text/event-stream")
        assert answer.text == (404, "No Connection with that ID")


async def test_both_ends_close(serve: Serve) -> None:
    server = await serve(Echo)
    async with serve_live(server) as address:
        for by_client in (True, False):
            ENDS.clear()
            key = await token(address)
            async with event_stream(address, key) as stream:
                poster = await opened(address, stream, key)
                if by_client:
                    await poster.post(record(type=7))
                else:
                    server.connections[0].close()
                    assert await events(stream) == [{"type": 7, "allowReconnect": True}]
                assert await stream.body() == b""
            await until(lambda: ENDS)
            assert ENDS == [None]


async def test_pings(serve: Serve) -> None:
    async with serve_live(await serve(Echo, HubOptions(keep_alive_s=0.03))) as address:
        key = await token(address)
        async with event_stream(address, key) as stream:
            await opened(address, stream, key)
            assert await stream.piece() == b'data: {"type":6}\x1e\r\n\r\n'


@pytest.mark.parametrize("limit", ["outbox_max_bytes", "transport_send_timeout_s"])
async def test_client_that_never_reads_is_cut(serve: Serve, limit: str) -> None:
    options = {
        "outbox_max_bytes": HubOptions(outbox_max_bytes=200_000),
        "transport_send_timeout_s": HubOptions(transport_send_timeout_s=0.1),
    }[limit]
    server: HubServer = await serve(Echo, options)
    async with serve_live(server) as address:
        key = await token(address)
        async with Exchange(address, "GET", f"/hub?id={key}", None, {"Accept": "text/event-stream"}) as stream:
            stream.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await stream.head()
            poster = await opened_unread(address, key)
            stream.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
            if limit == "outbox_max_bytes":
                while not server.metrics.slow_consumers:
                    await server.clients(Echo).all.news("x" * 50_000)
                    await asyncio.sleep(0)
            else:
                await poster.post(record(type=4, invocationId="1", target="Flood", arguments=[]))
            await until(lambda: ENDS)
            assert limit in str(ENDS[0])
            assert server.metrics.slow_consumers == 1
        await until(lambda: server.metrics.connections_now == 0)


async def opened_unread(address: str, key: str) -> Poller:
    poster = Poller(address, key)
    assert (await poster.post(HANDSHAKE)).status == 200
    return poster
