"""One connection, against peers that behave, misbehave and vanish. The peers speak through the server's own machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from hub.errors import HubError
from hub.protocol.handshake import HandshakeRequest
from hub.protocol.messages import (
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
    StreamItem,
)
from hub.protocol.server import ServerProtocol
from hub.terminal.link import STREAM_CAPACITY, LinkLost, LinkRefused, hub_address, open_link


class Peer:
    """A server's end after the handshake: what the client sent, and what to send it."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.protocol = ServerProtocol()

    async def messages(self) -> AsyncIterator[HubMessage]:
        async for frame in self.socket:
            assert isinstance(frame, str), "JSON travels in text frames (M12)"
            for message in self.protocol.receive_data(frame.encode()):
                if isinstance(message, HandshakeRequest):
                    await self.socket.send(self.protocol.handshake_reply, text=True)
                else:
                    yield message

    async def send(self, message: HubMessage) -> None:
        await self.socket.send(self.protocol.codec.encode(message), text=True)


@contextlib.asynccontextmanager
async def serving(behave: Callable[[Peer], Awaitable[None]]) -> AsyncIterator[str]:
    async def connected(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/hub"
        await behave(Peer(socket))

    async with serve(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def echo(peer: Peer) -> None:
    """Answers `Echo` with its arguments, `Fail` with an error, streams `Count`; ignores all else."""
    async for message in peer.messages():
        match message:
            case Invocation(target="Echo", invocation_id=str(number)):
                await peer.send(Completion(number, result=list(message.arguments), has_result=True))
            case Invocation(target="Fail", invocation_id=str(number)):
                await peer.send(Completion(number, error="[busy] try later"))
            case StreamInvocation(target="Count"):
                for item in range(3):
                    await peer.send(StreamItem(message.invocation_id, item))
                await peer.send(Completion(message.invocation_id))
            case StreamInvocation(target="Break"):
                await peer.send(StreamItem(message.invocation_id, 0))
                await peer.send(Completion(message.invocation_id, error="broken"))


async def test_a_call_gets_its_result_or_its_error() -> None:
    async with serving(echo) as url, open_link(url) as link:
        first, second = await asyncio.gather(link.invoke("Echo", 1, None), link.invoke("Echo", "é"))
        assert (first, second) == ([1, None], ["é"])
        with pytest.raises(HubError, match=r"^\[busy\] try later$"):
            await link.invoke("Fail")


async def test_a_stream_gives_its_items_and_then_its_error() -> None:
    async with serving(echo) as url, open_link(url) as link:
        assert [item async for item in link.stream("Count")] == [0, 1, 2]
        items = []
        with pytest.raises(HubError, match="broken"):
            async for item in link.stream("Break"):
                items.append(item)  # noqa: PERF401 - what came before the error counts
        assert items == [0]


async def test_leaving_a_stream_cancels_it() -> None:
    cancelled = asyncio.Event()

    async def behave(peer: Peer) -> None:
        async for message in peer.messages():
            if isinstance(message, StreamInvocation):
                await peer.send(StreamItem(message.invocation_id, 1))
            elif isinstance(message, CancelInvocation):
                cancelled.set()

    async with serving(behave) as url, open_link(url) as link:
        async with contextlib.aclosing(link.stream("Watch")) as items:
            assert await anext(items) == 1
        await cancelled.wait()


async def test_a_stream_that_nobody_reads_holds_nothing_else_up_once_left() -> None:
    async def behave(peer: Peer) -> None:
        async for message in peer.messages():
            match message:
                case StreamInvocation():
                    for item in range(STREAM_CAPACITY * 2):
                        await peer.send(StreamItem(message.invocation_id, item))
                case Invocation(invocation_id=str(number)):
                    await peer.send(Completion(number, result="here", has_result=True))

    async with serving(behave) as url, open_link(url) as link:
        async with contextlib.aclosing(link.stream("Watch")) as items:
            assert await anext(items) == 0
        assert await link.invoke("Anything") == "here"


async def test_all_that_waits_learns_that_the_connection_is_lost() -> None:
    asked = asyncio.Event()

    async def behave(peer: Peer) -> None:
        seen = 0
        async for _ in peer.messages():
            seen += 1
            if seen == 2:
                asked.set()
                peer.socket.transport.abort()

    async with serving(behave) as url, open_link(url) as link:
        call = asyncio.create_task(link.invoke("Forever"))
        stream = asyncio.create_task(anext(link.stream("Watch")))
        await asked.wait()
        for waiting in (call, stream):
            with pytest.raises(LinkLost):
                await waiting
        with pytest.raises(LinkLost):
            await link.invoke("After")


async def test_the_servers_close_says_why() -> None:
    async def behave(peer: Peer) -> None:
        async for _ in peer.messages():
            await peer.send(Close("The node is going away.", allow_reconnect=True))

    async with serving(behave) as url, open_link(url) as link:
        with pytest.raises(LinkLost, match="going away"):
            await link.invoke("Anything")


async def test_a_silent_server_is_lost() -> None:
    async def behave(peer: Peer) -> None:
        async for _ in peer.messages():
            pass

    async with serving(behave) as url, open_link(url, silence_s=0.05) as link:
        with pytest.raises(LinkLost, match="silent"):
            await link.invoke("Anything")


async def test_pings_are_sent_so_that_the_server_knows() -> None:
    pinged = asyncio.Event()

    async def behave(peer: Peer) -> None:
        async for message in peer.messages():
            if isinstance(message, Ping):
                pinged.set()

    async with serving(behave) as url, open_link(url, ping_s=0.01):
        await pinged.wait()


async def test_a_server_that_breaks_the_wire_is_refused() -> None:
    async def behave(peer: Peer) -> None:
        await peer.socket.send("<html>\x1e")
        await peer.socket.wait_closed()

    async with serving(behave) as url:
        with pytest.raises(LinkRefused):
            async with open_link(url):
                pass


async def test_a_server_that_answers_http_is_refused_with_what_it_says() -> None:
    def answer(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "Unauthorized: a valid token is needed.")

    async def nobody(_socket: ServerConnection) -> None: ...

    async with serve(nobody, "127.0.0.1", 0, process_request=answer) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkRefused, match=r"HTTP 401 Unauthorized.*--token"):
            async with open_link(f"http://127.0.0.1:{port}"):
                pass


async def test_nobody_there() -> None:
    async with serving(echo) as url:
        pass
    with pytest.raises(LinkLost, match="hubline serve"):
        async with open_link(url):
            pass


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/hub"),
        ("https://example.org/ai/", "wss://example.org/ai/hub"),
        ("ws://[::1]:8000/?x=1", "ws://[::1]:8000/hub"),
        ("localhost:8000", "ws://localhost:8000/hub"),
        ("http://localhost:8000/hub", "ws://localhost:8000/hub"),  # the hub's own, as SignalR's clients are given it
        ("ws://localhost:8000/hub/", "ws://localhost:8000/hub"),
        ("https://example.org/ai/hub", "wss://example.org/ai/hub"),
        ("https://example.org/github", "wss://example.org/github/hub"),
    ],
)
def test_the_hub_of_an_address(url: str, address: str) -> None:
    assert hub_address(url) == address


@pytest.mark.parametrize(
    "url", ["", "nonsense", "example.org/ai", "ftp://example.org", "http://", "http://host:port", "http://[::1"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(LinkRefused, match="is no URL"):
        hub_address(url)
