"""uvicorn with our protocols, under applications that know nothing of them; and a uvicorn that is not as expected."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from hub.server.transports import uvicorn_hook, uvicorn_takeover
from hub.server.transports.direct import offered
from hub.server.transports.uvicorn_upgrade import Upgrade
from tests.server.live import Uvicorn
from tests.server.transports.frame_cases import TEXT, close, frame
from tests.server.transports.served import Place, RawSocket
from tests.server.wire import turns

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@asynccontextmanager
async def served(app: Application) -> AsyncIterator[Place]:
    listener = socket.create_server(("127.0.0.1", 0))
    http, ws = uvicorn_hook.HttpProtocol, uvicorn_hook.WebSocketProtocol
    live = Uvicorn(uvicorn.Config(app, lifespan="off", log_level="warning", http=http, ws=ws))
    serving = asyncio.create_task(live.serve([listener]))
    await live.up.wait()
    try:
        host, port = listener.getsockname()
        yield Place(host, port, None, live, None)  # type: ignore[arg-type]  # there is no hub
    finally:
        live.should_exit = True
        await serving
        listener.close()


@asynccontextmanager
async def client_of(app: Application, *, more: bytes = b"") -> AsyncIterator[RawSocket]:
    async with served(app) as place:
        raw = await place.open(more=more)
        yield raw
        await raw.end()


async def echo(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def test_answers_leave_at_once() -> None:
    """The listener was made as uvicorn makes those of its workers, without the protocol's number."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with served(app) as place:
        reader, writer = await asyncio.open_connection(place.host, place.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        (connection,) = place.uvicorn.server_state.connections
        raw = connection.transport.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        await writer.wait_closed()


async def test_application_reads_what_came_with_the_upgrade_and_later() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await turns()  # more comes while it has not accepted
        await send({"type": "websocket.accept"})
        await echo(receive, send)

    sent = [frame(TEXT, b"%d" % number) for number in range(5)]
    async with asyncio.timeout(10), client_of(app, more=b"".join(sent[:2]) + sent[2][:3]) as raw:
        raw.send(sent[2][3:] + sent[3])
        assert [await raw.frame() for _ in range(4)] == [(TEXT, b"%d" % number) for number in range(4)]
        raw.send(sent[4])
        assert await raw.frame() == (TEXT, b"4")
        raw.send(close(1000))
        assert await raw.close_code() == 1000


async def test_nothing_is_offered_before_the_accept_and_not_later_than_at_once() -> None:
    offers = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        offers.append(offered(scope))
        await send({"type": "websocket.accept"})
        offers.append(offered(scope))
        await turns()
        offers.append(offered(scope))
        await echo(receive, send)

    async with asyncio.timeout(10), client_of(app, more=frame(TEXT, b"early")) as raw:
        assert await raw.frame() == (TEXT, b"early")
        assert [offer is not None for offer in offers] == [False, True, False]
        raw.send(close(1000))
        assert await raw.close_code() == 1000


async def test_flood_before_the_accept_is_not_read() -> None:
    accept = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await accept.wait()
        await send({"type": "websocket.accept"})
        await echo(receive, send)

    async with asyncio.timeout(10), served(app) as place:
        reader, writer = await asyncio.open_connection(place.host, place.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        while writer.transport.get_write_buffer_size() < 8_000_000:  # no more than the kernel's buffers is taken
            writer.write(frame(TEXT, b"x" * 65_536) * 10)
            await asyncio.sleep(0)
        (protocol,) = cast(set[object], place.uvicorn.server_state.connections)
        assert isinstance(protocol, Upgrade)
        assert 0 < len(protocol._held) < 1_000_000
        accept.set()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        raw = RawSocket(reader, writer)
        assert [await raw.frame() for _ in range(3)] == [(TEXT, b"x" * 65_536)] * 3
        writer.transport.abort()


def test_this_uvicorn_is_the_one_expected() -> None:
    assert uvicorn_takeover.choose() == (uvicorn_hook.HttpProtocol, uvicorn_hook.WebSocketProtocol)
    assert uvicorn_takeover.HttpProtocol is uvicorn_hook.HttpProtocol


@pytest.mark.parametrize(
    ("owner", "name"),
    [(HttpToolsProtocol, "handle_websocket_upgrade"), (WebSocketsSansIOProtocol, "stop_keepalive")],
)
def test_other_uvicorn_is_left_as_it_is(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(owner, name)
    caplog.set_level(logging.INFO, "hub.server")
    assert uvicorn_takeover.choose() == (HttpToolsProtocol, WebSocketsSansIOProtocol)
    assert [record.lacking for record in caplog.records] == [[name]]  # type: ignore[attr-defined]  # of our `extra`
