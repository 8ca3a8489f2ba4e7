"""Connections that never speak, or never finish a request's head."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hub.server.transports.uvicorn_hook import HttpProtocol
from tests.server.live import Uvicorn

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Hasty(HttpProtocol):
    head_timeout_s = 0.1


async def slow(request: Request) -> Response:
    await asyncio.sleep(3 * Hasty.head_timeout_s)  # longer than a head may take: an answer may
    return PlainTextResponse("done")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/", slow)])
    server = Uvicorn(uvicorn.Config(app, port=0, lifespan="off", log_level="warning", http=Hasty))
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    await serving


async def gone(reader: asyncio.StreamReader) -> bytes:
    """What came until the connection was cut."""
    received = b""
    try:
        while piece := await reader.read(1024):
            received += piece
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("sent", [b"", b"G", REQUEST[:-2]], ids=["nothing", "a byte", "no end"])
async def test_who_sends_no_head_is_cut(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    assert await gone(reader) == b""
    writer.close()


async def test_a_head_that_trickles_is_cut(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def trickle() -> None:
        writer.write(b"GET / HTTP/1.1\r\n")
        while True:
            writer.write(b"a: b\r\n")
            await asyncio.sleep(0.01)

    trickling = asyncio.create_task(trickle())
    assert await gone(reader) == b""
    trickling.cancel()
    writer.close()


async def test_answers_may_take_longer_and_the_next_head_is_timed_anew(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(REQUEST)
        assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
    writer.write(REQUEST[:-2])
    assert await gone(reader) == b""
    writer.close()


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nx: "], ids=["address", "header"])
async def test_a_head_without_end_is_refused(port: int, start: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)
    answer = asyncio.create_task(gone(reader))
    sent = 0
    with contextlib.suppress(ConnectionError):
        while not answer.done():
            writer.write(b"a" * 16_384)
            await writer.drain()
            sent += 16_384
            await asyncio.sleep(0)
    assert (await answer).startswith(b"HTTP/1.1 431 ") or sent > 0
    assert sent < 32 * 1024 * 1024
    writer.close()
