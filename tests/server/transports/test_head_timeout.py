"""Connections that never speak, or never finish a request's head, or its body once it is answered; and clients that go
while requests wait that they sent one behind the other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
import uvloop
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


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[int]:
    server = Uvicorn(uvicorn.Config(app, port=0, lifespan="off", log_config=None, http=Hasty))
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    await serving


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with served(Starlette(routes=[Route("/", slow)])) as number:
        yield number


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


@pytest.mark.parametrize("length", ["content-length: 1000000", "transfer-encoding: chunked"])
async def test_a_body_that_trickles_on_after_its_answer_is_cut(port: int, length: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET / HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n".encode())

    async def trickle() -> None:
        while True:
            writer.write(b"1\r\na\r\n")
            await asyncio.sleep(0.01)

    trickling = asyncio.create_task(trickle())
    assert (await gone(reader)).endswith(b"done")
    trickling.cancel()
    writer.close()


async def test_a_body_that_ends_after_its_answer_is_followed_by_the_next_request(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n12")
    await reader.readuntil(b"done")
    writer.write(b"34" + REQUEST)
    assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_client_that_goes_while_its_requests_wait(
    new_loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    """uvicorn tells only the newest of them, and a transport that is gone raises where it is written to."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Response:
        try:
            begun.set()
            await asyncio.sleep(0.05)  # the client goes meanwhile
            return PlainTextResponse("done")
        finally:
            ended.set()

    async def play() -> None:
        async with served(Starlette(routes=[Route("/", answer)])) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(REQUEST * 50)
            await begun.wait()
            writer.transport.abort()
            await ended.wait()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(play())
    assert not caplog.records
