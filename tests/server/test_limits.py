"""Limits over the wire: how often clients may invoke and connect, and how many connections one may have."""

import json
import urllib.error
import urllib.request
from asyncio import to_thread

import pytest
from starlette.requests import HTTPConnection

from hub.errors import HubError
from hub.server.auth import ANONYMOUS, Refused, User, bearer_token
from hub.server.auth.authorize import authorize
from hub.server.hub import Hub, immediate
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.live import serve_live

SLOW = HubOptions(max_invocations_per_s=0.01, invocation_burst=3)


class Desk(Hub):
    async def say(self, text: str) -> str:
        return text

    @immediate
    async def stop(self) -> str:
        return "stopped"


async def limited(client: TestClient, target: str, *arguments: object) -> str:
    with pytest.raises(HubError) as caught:
        await client.invoke(target, *arguments)
    return str(caught.value)


async def test_too_many_calls_are_refused_and_stop_is_not(serve: Serve) -> None:
    server = await serve(Desk, SLOW)
    async with TestClient(server, "/hub") as client, TestClient(server, "/hub") as other:
        for _ in range(3):
            assert await client.invoke("Say", "x") == "x"
        text = await limited(client, "Say", "x")
        assert text.startswith("[rate_limited] ")
        assert text.endswith(" s)") and "(retry after " in text
        assert "max_invocations_per_s is 0.01" in text
        assert (await limited(client, "Nonsense")).startswith("[rate_limited] "), "what does not exist counts, too"
        for _ in range(3):
            assert await client.invoke("Stop") == "stopped"
        assert (await limited(client, "Stop")).startswith("[rate_limited] "), "up to a bound"
        assert await other.invoke("Say", "y") == "y", "others are not held up"
    assert server.metrics.invocations_limited == 3


async def test_the_defaults_do_not_hit_a_busy_client(serve: Serve) -> None:
    async with TestClient(await serve(Desk), "/hub") as client:
        for number in range(2000):
            assert await client.invoke("Say", str(number)) == str(number)


async def test_all_connections_of_a_user_share_a_limit() -> None:
    server = HubServer(
        anonymous_allowed=True, limits=ServerLimits(max_user_invocations_per_s=0.01, user_invocation_burst=4)
    )
    server.add("/hub", Desk)
    await server.start()
    acme, other = User(id="ann", organisation="acme"), User(id="ann", organisation="other")
    async with TestClient(server, "/hub", user=acme) as one, TestClient(server, "/hub", user=acme) as two:
        for client in (one, two, one, two):
            await client.invoke("Say", "x")
        for client in (one, two):
            assert (await limited(client, "Say", "x")).startswith("[rate_limited] ")
        async with TestClient(server, "/hub", user=other) as third:
            assert await third.invoke("Say", "x") == "x", "the same id in another organisation is another user"
        async with TestClient(server, "/hub", user=ANONYMOUS) as anyone:
            for _ in range(10):
                await anyone.invoke("Say", "x")  # who is not told apart is not counted together
    await server.close()


def from_address(address: str, token: str = "ann") -> HTTPConnection:
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"host", b"hub.example")]
    return HTTPConnection(
        {"type": "http", "headers": headers, "query_string": b"", "path": "/hub", "client": (address, 1)}
    )


def by_token(request: HTTPConnection) -> User | None:
    token = bearer_token(request)
    return None if token is None else User(id=token)


async def test_new_connections_of_an_address() -> None:
    limits = ServerLimits(max_new_connections_per_s=0.01, new_connection_burst=2)
    server = HubServer(authenticate=by_token, limits=limits)
    server.add("/hub", Desk)
    await server.start()
    desk = server.served("/hub")
    for address in ("192.0.2.1", "2001:db8::1"):
        for _ in range(2):
            assert (await server.admit(from_address(address), desk)).id == "ann"
    for address in ("192.0.2.1", "2001:db8::1", "2001:db8::ffff:2"):
        with pytest.raises(Refused) as caught:
            await server.admit(from_address(address, "bob"), desk)
        assert caught.value.status == 429
        assert int(caught.value.headers["retry-after"]) > 0
    for address in ("192.0.2.2", "2001:db8:0:1::1", *["127.0.0.1"] * 5):
        assert (await server.admit(from_address(address), desk)).id == "ann"
    await server.close()


async def test_connections_of_a_user_and_of_an_address() -> None:
    server = HubServer(limits=ServerLimits(max_connections_per_user=1, max_connections_per_address=2))
    ann, slashed = User(id="b/c", organisation="a"), User(id="c", organisation="a/b")
    with server.place_for(ann, "2001:db8::1"):
        for user, address in ((ann, "192.0.2.1"),):
            with pytest.raises(Refused, match="max_connections_per_user"), server.place_for(user, address):
                pass
        with (
            server.place_for(slashed, "2001:db8::2"),
            pytest.raises(Refused, match="max_connections_per_address"),
            server.place_for(User(id="bob"), "2001:db8::3"),
        ):
            pass
    with server.place_for(ann, "2001:db8::1"):
        pass


@authorize(roles={"admin"})
class Closed(Desk):
    pass


async def test_a_hub_that_a_user_may_not_use_answers_403() -> None:
    def authenticate(request: HTTPConnection) -> User | None:
        return User(id="ann", roles=frozenset({bearer_token(request) or ""}))

    server = HubServer(authenticate=authenticate)
    server.add("/hub", Closed)
    await server.start()
    async with serve_live(server) as address:

        def negotiate(role: str) -> int:
            request = urllib.request.Request(
                f"http://{address}/hub/negotiate", b"", {"Authorization": f"Bearer {role}"}
            )
            try:
                with urllib.request.urlopen(request) as answer:
                    assert json.load(answer)["connectionId"]
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        assert await to_thread(negotiate, "admin") == 200
        assert await to_thread(negotiate, "guest") == 403


async def test_users_of_two_organisations_are_sent_to_apart(serve: Serve) -> None:
    server = await serve(Desk)
    acme, other = User(id="ann", organisation="acme"), User(id="ann", organisation="other")
    async with TestClient(server, "/hub", user=acme) as one, TestClient(server, "/hub", user=other) as two:
        await server.clients(Desk).user(acme.key).hello("acme")
        await server.clients(Desk).user(other.key).hello("other")
        assert await one.next("Hello") == ["acme"]
        assert await two.next("Hello") == ["other"]
