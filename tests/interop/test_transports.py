"""The official npm client over every transport, with fallback, redirects, stateful reconnect and old tokens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from hub.errors import HubError
from hub.server.auth import ANONYMOUS, User, bearer_token
from hub.server.hub import Hub
from hub.server.options import HubOptions, Redirect, ServerLimits
from hub.server.server import HubServer
from hub.server.streams import PushStream, StreamSink
from tests.interop.node import Node
from tests.interop.stage import Stage as ChatStage
from tests.server.live import Uvicorn
from tests.server.wire import until

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

Transport = Literal["WebSockets", "ServerSentEvents", "LongPolling"]
TRANSPORTS: tuple[Transport, ...] = ("WebSockets", "ServerSentEvents", "LongPolling")
COMBINATIONS = [
    ("json", "WebSockets"),
    ("json", "ServerSentEvents"),
    ("json", "LongPolling"),
    ("messagepack", "WebSockets"),
    ("messagepack", "LongPolling"),
]
CUTS = 30
_TAKEOVER = "hub.server.transports.uvicorn_takeover"

ends: dict[str, Exception | None] = {}
cancelled: list[str] = []
ran: Counter[int] = Counter()


class Numbers(PushStream):
    """A position, not a queue, as a watch is."""

    def __init__(self, to: int) -> None:
        self.to = to

    async def run(self, sink: StreamSink) -> None:
        for number in range(self.to):
            await sink.until_writable()
            sink.send(number)
            await asyncio.sleep(0.0005)


class Board(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        ends[self.context.connection_id] = error

    async def echo(self, value: object) -> object:
        return value

    async def once(self, number: int) -> int:
        ran[number] += 1
        return number

    async def whoami(self) -> str:
        return self.context.connection_id

    async def bearer(self) -> str:
        return f"Bearer {self.context.user.id}"

    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    async def slowly(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number
            await asyncio.sleep(0.0005)

    async def push(self, to: int) -> PushStream:
        return Numbers(to)

    async def endless(self) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0.001)
        finally:
            cancelled.append(self.context.connection_id)

    async def fail(self) -> None:
        raise HubError("Not today.")

    async def sum(self, items: AsyncIterator[int]) -> int:
        return sum([item async for item in items])

    async def ask(self, number: int) -> object:
        return await self.clients.caller.invoke("Name", number)

    async def tell(self, count: int) -> None:
        for number in range(count):
            await self.clients.all.news(number)

    async def abort(self) -> None:
        self.context.abort()


def by_token(request: HTTPConnection) -> User | None:
    """A token is a user's name. At /guarded there must be one."""
    token = bearer_token(request)
    is_guarded = request.scope.get("root_path", "").endswith("/guarded")
    return User(id=token) if token else None if is_guarded else ANONYMOUS


def elsewhere(request: HTTPConnection) -> Redirect | None:
    if not request.scope.get("root_path", "").endswith("/elsewhere"):
        return None
    return Redirect(f"http://{request.headers['host']}/hub", "from the redirect")


class Stage:
    """One address, behind which processes come and go. Counts what arrives."""

    def __init__(self) -> None:
        self.url = ""
        self.counts = {"negotiations": 0, "begun": 0, "posts": 0}
        self.refused: set[str] = set()
        self.news = 0
        self.server: HubServer
        self.app: Starlette
        self.calls: dict[str, Callable[..., Awaitable[object]]] = {
            "counts": self._counts,
            "cancelled": self._cancelled,
            "ended": self._ended,
            "refuse": self._refuse,
            "close_all": self._close_all,
            "attached": self._attached,
            "tell": self._tell,
            "repeats": self._repeats,
            "restart": self._restart,
            "replace": self.replace,
        }

    async def call(self, method: str, arguments: Sequence[object]) -> object:
        return await self.calls[method](*arguments)

    def reset(self) -> None:
        ends.clear()
        cancelled.clear()
        ran.clear()
        self.refused.clear()
        self.counts = dict.fromkeys(self.counts, 0)
        self.news = 0

    async def replace(self) -> None:
        """A new process answers; what the old one had is simply gone."""
        server = HubServer(authenticate=by_token, limits=ServerLimits(tick_s=0.02))
        options = HubOptions(allow_stateful_reconnects=True, redirect=elsewhere, client_timeout_s=60)
        server.add("/hub", Board, options)
        await server.start()
        routes = server.routes()
        self.app = Starlette(
            routes=[Mount("/elsewhere", routes=routes), Mount("/guarded", routes=routes), *routes],
        )
        self.server = server

    async def _restart(self) -> None:
        old = self.server
        await self.replace()
        await old.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            kind = "WebSockets"
        elif scope["path"].endswith("/negotiate"):
            kind = "negotiation"
            self.counts["negotiations"] += 1
        elif scope["method"] != "GET":
            kind = "other"
            self.counts["posts"] += 1
        else:
            accepted = dict(scope["headers"]).get(b"accept", b"")
            kind = "ServerSentEvents" if b"text/event-stream" in accepted else "LongPolling"
        if kind in ("WebSockets", "ServerSentEvents"):
            self.counts["begun"] += 1
        if kind not in self.refused:
            await self.app(scope, receive, send)
        elif kind == "WebSockets":
            await receive()
            await send({"type": "websocket.close"})
        else:
            await Response(status_code=503)(scope, receive, send)

    async def _counts(self) -> object:
        return self.counts

    async def _cancelled(self) -> None:
        await until(lambda: cancelled)

    async def _ended(self, connection_id: str) -> str | None:
        """Of this one: those of other scenarios may end late, as lost."""
        await until(lambda: connection_id in ends)
        error = ends[connection_id]
        return None if error is None else repr(error)

    async def _refuse(self, kinds: list[str]) -> None:
        self.refused = set(kinds)

    async def _close_all(self) -> None:
        for connection in self.server.connections:
            connection.close()

    async def _attached(self, connection_id: str) -> None:
        await until(lambda: any(c.connection_id == connection_id and c.may_reattach for c in self.server.connections))

    async def _tell(self, count: int) -> None:
        for _ in range(count):
            await self.server.clients(Board).all.news(self.news)
            self.news += 1

    async def _repeats(self) -> list[int]:
        return [number for number, times in ran.items() if times != 1]


@asynccontextmanager
async def open_stage(**protocols: str) -> AsyncIterator[Stage]:
    stage = Stage()
    await stage.replace()
    config = uvicorn.Config(
        stage,
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=1,
        port=0,
        **protocols,  # type: ignore[arg-type]  # names of its protocols
    )
    server = Uvicorn(config)
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    stage.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield stage
    finally:
        await stage.server.close()
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["direct", "ASGI"])
async def board(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    ways = {
        "direct": {"http": f"{_TAKEOVER}:HttpProtocol", "ws": f"{_TAKEOVER}:WebSocketProtocol"},
        "ASGI": {"ws": "websockets-sansio"},
    }
    async with open_stage(**ways[request.param]) as stage:
        yield stage


async def play(
    board: Stage, node: Node, scenario: str, encoding: str = "json", seed: int = 1, **options: object
) -> object:
    board.reset()
    return await node.run(
        "./transports.mjs", scenario, encoding=encoding, url=board.url, ask=board.call, seed=seed, options=options
    )


@pytest.mark.parametrize(("encoding", "transport"), COMBINATIONS)
async def test_whole_surface(board: Stage, node: Node, encoding: str, transport: Transport) -> None:
    await play(board, node, "whole_surface", encoding, transport=transport)


async def test_binary_over_events_is_refused_by_the_client(board: Stage, node: Node) -> None:
    await play(board, node, "binary_over_events_is_refused_by_the_client", "messagepack")


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
async def test_without_negotiation(board: Stage, node: Node, encoding: str) -> None:
    await play(board, node, "without_negotiation", encoding)


@pytest.mark.parametrize(
    ("encoding", "refused", "expected"),
    [
        ("json", ["WebSockets"], "ServerSentEvents"),
        ("json", ["WebSockets", "ServerSentEvents"], "LongPolling"),
        ("messagepack", ["WebSockets"], "LongPolling"),
    ],
)
async def test_fallback(board: Stage, node: Node, encoding: str, refused: list[str], expected: str) -> None:
    await play(board, node, "falls_back", encoding, refused=refused, expected=expected)


async def test_nothing_is_left(board: Stage, node: Node) -> None:
    await play(board, node, "nothing_is_left")


async def test_redirect(board: Stage, node: Node) -> None:
    await play(board, node, "follows_a_redirect")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_closed_by_the_server(board: Stage, node: Node, transport: Transport) -> None:
    await play(board, node, "closed_by_the_server", transport=transport)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("encoding", ["json", "messagepack"])
async def test_stateful_reconnect(board: Stage, node: Node, encoding: str, seed: int) -> None:
    await play(board, node, "stateful_reconnect", encoding, seed, cuts=CUTS)


@pytest.mark.parametrize("how", ["restart", "replace"])
@pytest.mark.parametrize(
    ("transport", "stateful"),
    [("WebSockets", False), ("WebSockets", True), ("ServerSentEvents", False), ("LongPolling", False)],
)
async def test_old_token(board: Stage, node: Node, transport: Transport, stateful: bool, how: str) -> None:
    used = await play(board, node, "old_token", transport=transport, stateful=stateful, how=how)
    assert isinstance(used, dict)
    assert used["negotiations"] == 1


async def test_unauthorised(board: Stage, node: Node) -> None:
    await play(board, node, "unauthorised")


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
async def test_watch_over_lost_sockets(stage: ChatStage, node: Node, encoding: str) -> None:
    found = await node.run(
        "./transports.mjs",
        "a_watch_over_lost_sockets",
        encoding=encoding,
        url=stage.url,
        ask=stage.call,
        options={"cuts": 10},
    )
    assert isinstance(found, dict)
    assert found["snapshots"] > 1  # it has fallen behind
