"""The short way of an upgrade answers as uvicorn's own does, whatever the application and the client do."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from hub.server.transports import uvicorn_hook
from hub.server.transports.uvicorn_upgrade import Upgrade, accepted_key
from tests.server.live import Uvicorn
from tests.server.transports.frame_cases import TEXT, close, frame
from tests.server.wire import until

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
USUAL = (
    (b"Host", b"a"),
    (b"Connection", b"keep-alive, Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", KEY),
)


def head(*headers: tuple[bytes, bytes], method: bytes = b"GET", target: bytes = b"/hub?a=1%202") -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines)


def but(name: bytes, *values: bytes) -> bytes:
    """The usual head with another header, or without it."""
    kept = [header for header in USUAL if header[0] != name]
    return head(*kept, *((name, value) for value in values))


@asynccontextmanager
async def served(app: Application, *, quick: bool) -> AsyncIterator[tuple[Uvicorn, Any]]:
    listener = socket.create_server(("127.0.0.1", 0))
    http: type[asyncio.Protocol] = uvicorn_hook.HttpProtocol if quick else HttpToolsProtocol
    ws: type[asyncio.Protocol] = uvicorn_hook.WebSocketProtocol if quick else WebSocketsSansIOProtocol
    live = Uvicorn(uvicorn.Config(app, lifespan="off", log_level="critical", http=http, ws=ws))
    serving = asyncio.create_task(live.serve([listener]))
    await live.up.wait()
    try:
        yield live, listener.getsockname()
    finally:
        live.should_exit = True
        await serving
        listener.close()


async def heard(
    app: Application, sent: bytes, words: bytes = b"", last: bytes = b"", *, quick: bool
) -> tuple[bytes, list[Any]]:
    """All that a client hears, and what the application saw.

    The client sends a head, then words, and closes after it has heard `last`. Only the short way keeps words that come
    in one read with the head.
    """
    seen: list[Any] = []

    async def watched(scope: Any, receive: Receive, send: Send) -> None:
        kept = {name: value for name, value in scope.items() if name not in ("client", "server", "extensions", "state")}
        seen.append({**kept, "asgi": kept["asgi"]["spec_version"], "headers": sorted(scope["headers"])})

        async def received() -> Any:
            message = await receive()
            seen.append(message)
            return message

        await app(scope, received, send)

    async with asyncio.timeout(10), served(watched, quick=quick) as (_, place):
        reader, writer = await asyncio.open_connection(*place)
        writer.write(sent + words if quick else sent)
        answer = await reader.readuntil(b"\r\n\r\n")
        if answer.startswith(b"HTTP/1.1 101 "):
            if not quick:
                writer.write(words)
            while not answer.endswith(last):
                answer += await reader.read(1)
            writer.write(close(1000))
        answer += await reader.read()
        writer.close()
    return re.sub(rb"(?i)date: [^\r]*", b"date: now", answer), seen


def waits_to_be_accepted(live: Uvicorn) -> bool:
    return any(isinstance(each, Upgrade) for each in cast(set[object], live.server_state.connections))


async def echo(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def echo_late(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.sleep(0)
    await send({"type": "websocket.accept"})
    await asyncio.sleep(0)
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def with_subprotocol(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "one", "headers": [(b"x-mine", b"1")]})
    await send({"type": "websocket.close", "code": 1001, "reason": "bye"})
    await receive()


async def speaks_first(scope: Any, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "first"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def refuses(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})
    await receive()


async def denies(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.http.response.start", "status": 404, "headers": [(b"x-why", b"gone")]})
    await send({"type": "websocket.http.response.body", "body": b"no"})
    await receive()


async def fails(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    raise RuntimeError("broken")


async def fails_later(scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    raise RuntimeError("broken")


async def returns(scope: Any, receive: Receive, send: Send) -> None:
    pass


async def says_nonsense(scope: Any, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.send", "text": "too early"})


_TWO = frame(TEXT, b"one") + frame(TEXT, b"two")
APPLICATIONS: dict[Application, bytes] = {
    echo: b"\x81\x03one\x81\x03two",
    echo_late: b"\x81\x03one\x81\x03two",
    with_subprotocol: b"bye",
    speaks_first: b"first",
    **dict.fromkeys((refuses, denies, fails, fails_later, returns, says_nonsense), b""),
}
"""And the last that each says."""


@pytest.mark.parametrize(("app", "last"), APPLICATIONS.items(), ids=[app.__name__ for app in APPLICATIONS])
async def test_an_application_that_does_not_take_it_over_is_served_by_uvicorn(app: Application, last: bytes) -> None:
    words = _TWO if app in (echo, echo_late) else b""
    assert await heard(app, head(*USUAL), words, last, quick=True) == await heard(
        app, head(*USUAL), words, last, quick=False
    )


UNUSUAL = {
    "no key": but(b"Sec-WebSocket-Key"),
    "two keys": but(b"Sec-WebSocket-Key", KEY, KEY),
    "short key": but(b"Sec-WebSocket-Key", b"c2hvcnQ="),
    "key that is no base64": but(b"Sec-WebSocket-Key", b"!" * 24),
    "no version": but(b"Sec-WebSocket-Version"),
    "another version": but(b"Sec-WebSocket-Version", b"8"),
    "two versions": but(b"Sec-WebSocket-Version", b"13", b"13"),
    "POST": head(*USUAL, method=b"POST"),
    "a body": head(*USUAL, (b"Content-Length", b"0")),
    "subprotocols": head(*USUAL, (b"Sec-WebSocket-Protocol", b"one, two")),
    "deflate": head(*USUAL, (b"Sec-WebSocket-Extensions", b"permessage-deflate")),
    "many headers": head(*USUAL, *((b"X-%d" % number, b"1") for number in range(130))),
    "long header": head(*USUAL, (b"X-Long", b"x" * 9000)),
}


@pytest.mark.parametrize("sent", UNUSUAL.values(), ids=UNUSUAL)
async def test_an_unusual_handshake_is_left_to_uvicorn(sent: bytes) -> None:
    quick = await heard(denies, sent, quick=True)
    if sent in (UNUSUAL["many headers"], UNUSUAL["long header"]):
        assert quick[0].startswith(b"HTTP/1.1 431 ")  # where uvicorn would not answer at all
    else:
        assert quick == await heard(denies, sent, quick=False)


def test_the_key_is_answered_as_the_standard_says() -> None:
    headers = [(name.lower(), value) for name, value in USUAL]
    assert accepted_key(b"GET", headers, may_compress=True) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def test_a_client_goes_before_it_is_accepted() -> None:
    met: list[object] = []
    accept, over = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await accept.wait()
        met.append(await receive())
        try:
            await send({"type": "websocket.accept"})
        except OSError as error:
            met.append(type(error).__name__)
        over.set()

    async with asyncio.timeout(10), served(app, quick=True) as (live, place):
        _, writer = await asyncio.open_connection(*place)
        writer.write(head(*USUAL))
        await until(lambda: waits_to_be_accepted(live))
        writer.transport.abort()
        await until(lambda: not live.server_state.connections)
        accept.set()
        await over.wait()
        assert met == [{"type": "websocket.disconnect", "code": 1006}, "ClientDisconnected"]
        await until(lambda: not live.server_state.tasks)


async def test_what_an_application_raises_for_nobody_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    fail = asyncio.Event()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await fail.wait()
        raise RuntimeError("broken")

    async with asyncio.timeout(10), served(app, quick=True) as (live, place):
        _, writer = await asyncio.open_connection(*place)
        writer.write(head(*USUAL))
        await until(lambda: waits_to_be_accepted(live))
        writer.transport.abort()
        await until(lambda: not live.server_state.connections)
        with caplog.at_level(logging.ERROR, "hub.server"):
            fail.set()
            await until(lambda: not live.server_state.tasks)
    assert [record.message for record in caplog.records if record.name == "hub.server"] == [
        "Exception in ASGI application"
    ]


async def test_a_server_that_ends_answers_who_waits_to_be_accepted() -> None:
    accept = asyncio.Event()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await accept.wait()

    async with asyncio.timeout(10), served(app, quick=True) as (live, place):
        reader, writer = await asyncio.open_connection(*place)
        writer.write(head(*USUAL))
        await until(lambda: waits_to_be_accepted(live))
        live.should_exit = True
        assert (await reader.read()).startswith(b"HTTP/1.1 500 ")
        writer.close()
        accept.set()
