"""Negotiate, the upgrade, and every status code, under a real uvicorn (signalr.md 1.7, 1.8)."""

import json
import urllib.error
import urllib.request
from asyncio import to_thread

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.backplane.memory import MemoryBackplane
from hub.clock import now_ms
from hub.server import envelope
from hub.server.auth import ANONYMOUS, Authenticate, Refused, User, bearer_token
from hub.server.hub import Hub
from hub.server.negotiated import LocalClaims
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from tests.server.conftest import Serve
from tests.server.live import RawClient, serve_live
from tests.server.wire import until


class Whoami(Hub):
    async def whoami(self) -> dict[str, object]:
        context = self.context
        return {"user": context.user.id, "id": context.connection_id, "query": dict(context.http.query)}


def by_token(request: HTTPConnection) -> User | None:
    token = bearer_token(request)
    return None if token is None else User(id=token)


async def fetch(address: str, path: str, method: str = "POST", **headers: str) -> tuple[int, str, str]:
    """Status, content type and body."""

    def run() -> tuple[int, str, str]:
        request = urllib.request.Request(f"http://{address}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["content-type"] or "", error.read().decode()

    return await to_thread(run)


async def negotiate(address: str, query: str = "?negotiateVersion=1", **headers: str) -> dict[str, object]:
    status, content_type, body = await fetch(address, f"/hub/negotiate{query}", **headers)
    assert (status, content_type) == (200, "application/json")
    found: dict[str, object] = json.loads(body)
    return found


async def refused(url: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, additional_headers=headers):
            pass
    return caught.value.response.status_code, bytes(caught.value.response.body or b"").decode()


async def start(authenticate: Authenticate | None = None, limits: ServerLimits | None = None) -> HubServer:
    server = HubServer(authenticate=authenticate, anonymous_allowed=True, limits=limits)
    server.add("/hub", Whoami)
    await server.start()
    return server


async def test_negotiated_connection(serve: Serve) -> None:
    server = await serve(Whoami)
    async with serve_live(server) as address:
        answer = await negotiate(address)
        assert answer["negotiateVersion"] == 1
        assert answer["availableTransports"] == [
            {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
            {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
            {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
        ]
        assert "useStatefulReconnect" not in answer
        token, connection_id = str(answer["connectionToken"]), str(answer["connectionId"])
        assert (len(token), len(connection_id)) == (64, 22) and connection_id not in token[22:]
        url = f"ws://{address}/hub?id={token}&mine=1"
        async with connect(url) as socket:
            client = RawClient(socket)
            assert await client.handshake() == {}
            await client.write({"type": 1, "invocationId": "1", "target": "Whoami", "arguments": []})
            result = {"user": "anonymous", "id": connection_id, "query": {"mine": "1"}}
            assert await client.read() == {"type": 3, "invocationId": "1", "result": result}
            assert (await refused(url))[0] == 409
        await until(lambda: server.metrics.connections_now == 0)
        assert await refused(url) == (404, "No Connection with that ID")
        assert await fetch(address, f"/hub?id={token}") == (
            404,
            "text/plain; charset=utf-8",
            "No Connection with that ID",
        )


async def test_version_0_gives_the_secret_as_the_id(serve: Serve) -> None:
    async with serve_live(await serve(Whoami)) as address:
        answer = await negotiate(address, "")
        assert answer["negotiateVersion"] == 0 and "connectionToken" not in answer
        async with connect(f"ws://{address}/hub?id={answer['connectionId']}") as socket:
            assert await RawClient(socket).handshake() == {}


async def test_negotiate_errors(serve: Serve) -> None:
    async with serve_live(await serve(Whoami)) as address:
        answer = await negotiate(address, "?NegotiateVersion=x")
        assert answer == {"error": "The client requested a non-integer protocol version."}
        for method in ("GET", "PUT", "DELETE"):
            assert (await fetch(address, "/hub/negotiate", method))[0] == 405


@pytest.mark.parametrize(
    ("method", "query", "status", "text"),
    [
        ("GET", "", 400, "Connection ID required"),
        ("POST", "", 400, "Connection ID required"),
        ("GET", "?id=x", 404, "No Connection with that ID"),
        ("POST", "?id=x", 404, "No Connection with that ID"),
        ("DELETE", "?id=x", 404, "No Connection with that ID"),
        ("PUT", "?id=x", 405, "Method Not Allowed"),
    ],
)
async def test_other_requests(serve: Serve, method: str, query: str, status: int, text: str) -> None:
    async with serve_live(await serve(Whoami)) as address:
        found = await fetch(address, f"/hub{query}", method)
        assert (found[0], found[2]) == (status, text)


async def test_unknown_token(serve: Serve) -> None:
    server = await serve(Whoami)
    async with serve_live(server) as address:
        assert await refused(f"ws://{address}/hub?id=AAAAAAAAAAAAAAAAAAAAAA") == (404, "No Connection with that ID")
        assert server.metrics.connections_refused == 1


async def test_unused_token_expires() -> None:
    server = await start(limits=ServerLimits(negotiated_lifetime_s=0))
    async with serve_live(server) as address:
        token = (await negotiate(address))["connectionToken"]
        assert await refused(f"ws://{address}/hub?id={token}") == (404, "No Connection with that ID")


async def test_only_so_many_connections_begin_at_once() -> None:
    server = await start(limits=ServerLimits(max_negotiated=2))
    async with serve_live(server) as address:
        tokens = [(await negotiate(address))["connectionToken"] for _ in range(3)]
        for token in tokens[:2]:
            async with connect(f"ws://{address}/hub?id={token}"):
                pass
        assert await refused(f"ws://{address}/hub?id={tokens[2]}") == (
            503,
            "Too many connections begin at once: the limit max_negotiated is 2.",
        )
        assert (await refused(f"ws://{address}/hub?id={tokens[1]}"))[0] in (404, 409)


async def test_token_of_another_process() -> None:
    """It restarted, or another node was asked: 404 before the upgrade, for all transports."""
    async with serve_live(await start()) as old, serve_live(await start()) as new:
        token = (await negotiate(old))["connectionToken"]
        assert await refused(f"ws://{new}/hub?id={token}") == (404, "No Connection with that ID")
        for method in ("GET", "POST", "DELETE"):
            assert (await fetch(new, f"/hub?id={token}", method))[0] == 404


async def test_nodes_that_share_their_secret_and_claims() -> None:
    claims = LocalClaims(10, now_ms)
    nodes = [HubServer(anonymous_allowed=True, token_secret=b"s" * 32, claims=claims) for _ in range(2)]
    for node in nodes:
        node.add("/hub", Whoami)
        await node.start()
    async with serve_live(nodes[0]) as one, serve_live(nodes[1]) as other:
        answer = await negotiate(one)
        url = f"/hub?id={answer['connectionToken']}"
        async with connect(f"ws://{other}{url}") as socket:
            client = RawClient(socket)
            await client.handshake()
            await client.write({"type": 1, "invocationId": "1", "target": "Whoami", "arguments": []})
            result = (await client.read())["result"]
            assert isinstance(result, dict) and result["id"] == answer["connectionId"]
            assert await refused(f"ws://{one}{url}") == (404, "No Connection with that ID")


async def test_nodes_that_share_a_bus_answer_for_each_other_over_http() -> None:
    backplane, claims = MemoryBackplane(), LocalClaims(10, now_ms)
    limits = ServerLimits(tick_s=0.02, forward_timeout_s=0.2)
    nodes = [
        HubServer(backplane.bus, anonymous_allowed=True, token_secret=b"s" * 32, claims=claims, limits=limits)
        for _ in range(2)
    ]
    nodes[0].add("/hub", Whoami, HubOptions(close_timeout_s=0.1))
    nodes[1].add("/hub", Whoami)
    for node in nodes:
        await node.start()
    async with serve_live(nodes[0]) as one, serve_live(nodes[1]) as other:
        url = f"/hub?id={(await negotiate(other))['connectionToken']}"
        assert (await fetch(one, url, "GET"))[0] == 200
        assert [len(node.connections) for node in nodes] == [1, 0]
        assert (await fetch(other, url, "POST"))[0] == 200
        await nodes[0].close()
        assert (await fetch(other, url, "POST"))[::2] == (404, "No Connection with that ID")
        assert nodes[1].metrics.requests_unanswered == 1
        missing = envelope.Request(1, "/none", "GET", False, "c", None, ANONYMOUS, b"", False)
        backplane.bus.publish(f"node:{nodes[1].node_id}", envelope.pack("f" * 16, missing))  # a hub that is not here
        assert (await fetch(other, url, "DELETE"))[0] == 404
    await backplane.close()


async def test_token_belongs_to_its_user() -> None:
    async with serve_live(await start(by_token)) as address:
        assert (await fetch(address, "/hub/negotiate"))[0] == 401
        assert (await refused(f"ws://{address}/hub"))[0] == 401
        token = (await negotiate(address, Authorization="Bearer ann"))["connectionToken"]
        url = f"ws://{address}/hub?id={token}&access_token="
        assert (await refused(url + "bob"))[0] == 403
        async with connect(url + "ann") as socket:
            client = RawClient(socket)
            await client.handshake()
            await client.write({"type": 1, "invocationId": "1", "target": "Whoami", "arguments": []})
            result = (await client.read())["result"]
            assert isinstance(result, dict) and (result["user"], result["query"]) == ("ann", {})


async def test_other_origins_are_refused(serve: Serve) -> None:
    async with serve_live(await serve(Whoami)) as address:
        assert (await refused(f"ws://{address}/hub", Origin="https://evil.example"))[0] == 403
        assert (await fetch(address, "/hub/negotiate", Origin="https://evil.example"))[0] == 403
        async with connect(f"ws://{address}/hub", additional_headers={"Origin": f"http://{address}"}):
            pass


async def test_pages_of_allowed_origins_may_negotiate() -> None:
    server = HubServer(anonymous_allowed=True, allowed_origins=["https://addin.example"])
    server.add("/hub", Whoami)
    await server.start()
    async with serve_live(server) as address:
        for origin, allowed in (("https://addin.example", True), ("https://evil.example", False)):
            preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-requested-with"}
            for method, headers in (("OPTIONS", preflight), ("POST", {})):
                found = await fetch_headers(address, method, Origin=origin, **headers)
                assert found.get("access-control-allow-origin") == (origin if allowed else None)
                assert found.get("access-control-allow-credentials") == ("true" if allowed else None)


async def fetch_headers(address: str, method: str, **headers: str) -> dict[str, str]:
    def run() -> dict[str, str]:
        request = urllib.request.Request(f"http://{address}/hub/negotiate", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return {name.lower(): value for name, value in answer.headers.items()}
        except urllib.error.HTTPError as error:
            with error:
                return {name.lower(): value for name, value in error.headers.items()}

    return await to_thread(run)


@pytest.mark.parametrize("name", ["max_connections", "max_connections_per_user", "max_connections_per_address"])
async def test_limits_on_connections(name: str) -> None:
    limits = {"max_connections": 0, "max_connections_per_user": 0, "max_connections_per_address": 0, name: 1}
    server = await start(by_token, ServerLimits(**limits))
    async with serve_live(server) as address:
        url = f"ws://{address}/hub?access_token="
        async with connect(url + "ann"):
            assert await refused(url + "ann") == (429, f"Too many connections: the limit {name} is 1.")
            if name == "max_connections_per_user":
                async with connect(url + "bob"):
                    assert server.metrics.connections_now == 2
        await until(lambda: server.metrics.connections_now == 0)
        async with connect(url + "ann"):
            pass


async def test_server_without_upgrade_answers_closes_instead() -> None:
    server = await start()
    sent: list[str] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/hub", "query_string": b"id=x", "headers": [(b"host", b"localhost")]}
    await server.routes()[1].app(scope, receive, send)  # type: ignore[attr-defined]  # a WebSocketRoute has it
    assert sent == ["websocket.close"]
    await server.close()


async def test_hub_that_is_not_started_says_what_to_do() -> None:
    server = HubServer(anonymous_allowed=True)
    server.add("/hub", Whoami)
    with pytest.raises(Refused, match=r"lifespan=app\.lifespan"):
        server.check_running()
    for path in ("hub", "/hub/", "/hub"):
        with pytest.raises(ValueError, match="slash"):
            server.add(path, Whoami)
    await server.start()
    with pytest.raises(RuntimeError):
        server.add("/late", Whoami)
    assert str(Refused(404, "x")) == "x"
    await server.close()
    await server.close()
