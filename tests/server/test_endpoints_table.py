"""The tables of signalr.md 1.7 and 1.8, row by row, with exact bodies, under a real uvicorn."""

import json
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.protocol.negotiate import TransportName
from hub.server.auth import User, bearer_token
from hub.server.hub import Hub
from hub.server.options import HubOptions, Redirect, ServerLimits
from hub.server.server import HubServer
from tests.server.conftest import Serve
from tests.server.live import RawClient, serve_live
from tests.server.raw_http import Answer, Poller, ask, event_stream, negotiated, token
from tests.server.wire import until

SSE = {"Accept": "text/event-stream"}
NO_CONNECTION = (404, "No Connection with that ID")


class Plain(Hub):
    async def name(self) -> str:
        return self.context.user.id


def by_token(request: HTTPConnection) -> User | None:
    found = bearer_token(request)
    return None if found is None else User(id=found)


async def upgrade(address: str, path: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}{path}", additional_headers=headers)
    response = refused.value.response
    return response.status_code, bytes(response.body or b"").decode()


Try = Callable[[str, str], Awaitable[tuple[int, str]]]


async def by_sse(address: str, path: str) -> tuple[int, str]:
    return (await ask(address, "GET", path, None, **SSE)).text


async def by_poll(address: str, path: str) -> tuple[int, str]:
    return (await ask(address, "GET", path)).text


TRIES: dict[TransportName, Try] = {"WebSockets": upgrade, "ServerSentEvents": by_sse, "LongPolling": by_poll}


# ------------------------------------------------------------------------------------------------------- negotiation


async def test_negotiation_offers_what_is_enabled(serve: Serve) -> None:
    options = HubOptions(transports=["LongPolling", "WebSockets"])
    async with serve_live(await serve(Plain, options)) as address:
        answer = await ask(address, "POST", "/hub/negotiate?negotiateVersion=1", b"")
        assert json.loads(answer.body)["availableTransports"] == [
            {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
            {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
        ]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?negotiateVersion=x", "The client requested a non-integer protocol version."),
        ("?negotiateVersion=0", "The client requested version '0', but the server does not support this version."),
        ("", "The client requested version '0', but the server does not support this version."),
        ("?negotiateVersion=7", None),
    ],
)
async def test_version_of_negotiation(serve: Serve, query: str, error: str | None) -> None:
    """N3, N4."""
    async with serve_live(await serve(Plain, HubOptions(minimum_protocol_version=1))) as address:
        answer = await ask(address, "POST", f"/hub/negotiate{query}", b"")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        found = json.loads(answer.body)
        assert found == {"error": error} if error else found["negotiateVersion"] == 1


async def test_redirect(serve: Serve) -> None:
    """N5."""

    def elsewhere(request: HTTPConnection) -> Redirect | None:
        match request.query_params.get("to"):
            case "a":
                return Redirect("https://a.example/hub")
            case "b":
                return Redirect("https://b.example/hub", "secret")
        return None

    async with serve_live(await serve(Plain, HubOptions(redirect=elsewhere))) as address:
        assert await negotiated(address, "&to=a") == {"url": "https://a.example/hub"}
        assert await negotiated(address, "&to=b") == {"url": "https://b.example/hub", "accessToken": "secret"}
        assert "connectionToken" in await negotiated(address)


# -------------------------------------------------------------------------------------------------------- transports


@pytest.mark.parametrize("transport", TRIES)
async def test_transport_that_is_not_enabled(serve: Serve, transport: TransportName) -> None:
    others: list[TransportName] = [name for name in TRIES if name != transport]
    server = await serve(Plain, HubOptions(transports=others))
    text = (404, f"{transport} transport not supported by this end point type")
    async with serve_live(server) as address:
        key = await token(address)
        assert await TRIES[transport](address, f"/hub?id={key}") == text
        if transport == "WebSockets":
            assert await upgrade(address, "/hub") == text
            assert (await Poller(address, key).poll()).status == 200  # the token was not used up
        assert server.metrics.connections_now == (transport == "WebSockets")


async def test_without_an_id(serve: Serve) -> None:
    async with serve_live(await serve(Plain)) as address:
        for path in ("/hub", "/hub?id="):
            for method, headers in (("GET", {}), ("GET", SSE), ("POST", {}), ("DELETE", {})):
                assert (await ask(address, method, path, b"", **headers)).text == (400, "Connection ID required")
            async with connect(f"ws://{address}{path}") as socket:  # skipNegotiation
                assert await RawClient(socket).handshake() == {}


@pytest.mark.parametrize("key", ["x", "A" * 64, "é" * 3, "A" * 4_000])
async def test_unknown_id(serve: Serve, key: str) -> None:
    async with serve_live(await serve(Plain)) as address:
        key = key.replace("é", "%C3%A9")
        for attempt in TRIES.values():
            assert await attempt(address, f"/hub?id={key}") == NO_CONNECTION
        for method in ("POST", "DELETE"):
            assert (await ask(address, method, f"/hub?id={key}", b"")).text == NO_CONNECTION


async def test_forged_token(serve: Serve) -> None:
    """Any bit of it; the token of another hub."""
    server = HubServer(anonymous_allowed=True)
    server.add("/hub", Plain)
    server.add("/other", Plain)
    await server.start()
    async with serve_live(server) as address:
        key = await token(address)
        for place in range(0, len(key), 5):
            forged = key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]
            assert await by_poll(address, f"/hub?id={forged}") == NO_CONNECTION
        assert await by_poll(address, f"/other?id={key}") == NO_CONNECTION
        assert (await Poller(address, key).poll()).status == 200


async def test_live_websocket_and_other_requests(serve: Serve) -> None:
    async with serve_live(await serve(Plain)) as address:
        path = f"/hub?id={await token(address)}"
        async with connect(f"ws://{address}{path}") as socket:
            await RawClient(socket).handshake()
            posted = await ask(address, "POST", path, b"x")
            assert posted.text == (405, "POST requests are not allowed for WebSocket connections.")
            changed = (400, "Cannot change transports mid-connection")
            assert await by_sse(address, path) == changed
            assert await by_poll(address, path) == changed
            assert (await upgrade(address, path))[0] == 409
            deleted = await ask(address, "DELETE", path)
            assert deleted.text == (400, "Cannot terminate this connection using the DELETE HTTP method.")


async def test_live_polling_and_other_transports(serve: Serve) -> None:
    async with serve_live(await serve(Plain)) as address:
        key = await token(address)
        await Poller(address, key).poll()
        changed = (400, "Cannot change transports mid-connection")
        assert await upgrade(address, f"/hub?id={key}") == changed
        assert await by_sse(address, f"/hub?id={key}") == changed


async def test_requests_of_another_user() -> None:
    server = HubServer(authenticate=by_token)
    server.add("/hub", Plain)
    await server.start()
    ann, bob = {"Authorization": "Bearer ann"}, {"Authorization": "Bearer bob"}
    other = (403, "The connection was negotiated by another user.")
    async with serve_live(server) as address:
        key = await token(address, **ann)
        path = f"/hub?id={key}"

        async def all_of(headers: dict[str, str]) -> list[Answer]:
            return [await ask(address, method, path, b"", **headers) for method in ("GET", "POST", "DELETE")]

        assert (await ask(address, "GET", path, None, **bob)).text == other
        assert (await ask(address, "GET", path, None, **ann)).status == 200
        assert [answer.text for answer in await all_of(bob)] == [other] * 3
        assert [answer.status for answer in await all_of({})] == [401] * 3
        assert (await ask(address, "DELETE", path, None, **ann)).status == 202


async def test_places_of_polled_and_streamed_connections_are_counted() -> None:
    limits = ServerLimits(max_connections=1, tick_s=0.01)
    server = HubServer(anonymous_allowed=True, limits=limits)
    server.add("/hub", Plain)
    await server.start()
    full = (429, "Too many connections: the limit max_connections is 1.")
    async with serve_live(server) as address:
        poller = Poller(address, await token(address))
        await poller.poll()
        key = await token(address)
        for attempt in TRIES.values():
            assert await attempt(address, f"/hub?id={key}") == full
        await poller.delete()
        await until(lambda: server.metrics.connections_now == 0)
        async with event_stream(address, key):
            assert await by_poll(address, f"/hub?id={await token(address)}") == full


# -------------------------------------------------------------------------------------------------------------- CORS


@pytest.mark.parametrize(("origin", "is_allowed"), [("https://addin.example", True), ("https://evil.example", False)])
async def test_pages_of_other_origins(origin: str, is_allowed: bool) -> None:
    server = HubServer(anonymous_allowed=True, allowed_origins=["https://addin.example"])
    server.add("/hub", Plain)
    await server.start()

    def check(answer: Answer, status: int) -> None:
        assert answer.status == (status if is_allowed else 403)
        assert answer.headers.get("access-control-allow-origin") == (origin if is_allowed else None)
        assert answer.headers.get("access-control-allow-credentials") == ("true" if is_allowed else None)

    async with serve_live(server) as address:
        polled, streamed = await token(address), await token(address)
        preflight = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-requested-with"}
        answer = await ask(address, "OPTIONS", f"/hub?id={polled}", None, Origin=origin, **preflight)
        assert answer.status == 204
        if is_allowed:
            assert answer.headers["access-control-allow-headers"] == "x-requested-with"
            assert "DELETE" in answer.headers["access-control-allow-methods"]
        check(await ask(address, "GET", f"/hub?id={polled}", None, Origin=origin), 200)
        check(await ask(address, "POST", f"/hub?id={polled}", b"", Origin=origin), 200 if is_allowed else 403)
        check(await ask(address, "DELETE", f"/hub?id={polled}", None, Origin=origin), 202)
        if is_allowed:
            async with event_stream(address, streamed, Origin=origin) as stream:
                assert stream.headers["access-control-allow-origin"] == origin
                assert stream.headers["access-control-allow-credentials"] == "true"
