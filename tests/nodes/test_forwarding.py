"""Requests over HTTP that come to another node than their connection's: each rule of signalr.md 1.8, byte by byte."""

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.clock import now_ms
from hub.server.auth import User, bearer_token
from hub.server.negotiated import Claims
from hub.server.options import HubOptions
from tests.nodes.hub_servers import Board, HubServers, Node
from tests.server.raw_http import (
    HANDSHAKE,
    Exchange,
    Poller,
    ask,
    call,
    event_stream,
    events,
    record,
    records,
    token,
)
from tests.server.wire import until

NO_CONNECTION = (404, "No Connection with that ID")


async def three(hub_servers: HubServers, **options: object) -> list[Node]:
    return [await hub_servers.start(options=HubOptions(**options)) for _ in range(3)]  # type: ignore[arg-type]  # names


async def opened(owner: Node, *others: Node) -> list[Poller]:
    """A long-polling connection of `owner`, as seen over all of them."""
    first = await Poller(owner.address, await token(owner.address)).shake_hands()
    return [first, *(Poller(other.address, first.path.removeprefix("/hub?id=")) for other in others)]


def result(value: object, id: str = "1") -> dict[str, object]:
    return {"type": 3, "invocationId": id, "result": value}


async def upgrade(address: str, connection_token: str) -> int:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://{address}/hub?id={connection_token}"):
            pass
    return caught.value.response.status_code


async def test_polls_posts_and_deletes_come_to_any_node(hub_servers: HubServers) -> None:
    one, two, three_ = await three(hub_servers)
    secret = await token(one.address)
    at_one, at_two, at_three = (Poller(node.address, secret) for node in (one, two, three_))
    assert (await at_two.poll()).text == (200, "")  # opens it, there
    assert (await at_one.post(HANDSHAKE)).text == (200, "")
    shaken = await at_three.poll()
    assert shaken.text == (200, "{}\x1e")
    assert shaken.headers["content-type"] == "application/octet-stream"
    assert (shaken.headers["cache-control"], shaken.headers["content-length"]) == ("no-store", "3")
    posted = await at_three.post(call("Echo", "hi"))
    assert (posted.text, posted.headers["content-type"]) == ((200, ""), "text/plain; charset=utf-8")
    assert await at_one.read() == [result("hi")]
    assert [len(node.server.connections) for node in (one, two, three_)] == [0, 1, 0]
    assert [node.forwarded for node in (one, two, three_)] == [2, 0, 2]
    async with at_one.waiting() as waiting:
        await until(lambda: two.served)
        assert (await at_three.delete()).text == (202, "")
        assert (await waiting.head()).status == 204
    await until(lambda: Board.ends)
    assert Board.ends[0][1] is None
    for poller in (at_one, at_two, at_three):
        assert (await poller.poll()).text == NO_CONNECTION
        assert (await poller.post(call("Echo", 1))).text == NO_CONNECTION
        assert (await poller.delete()).text == NO_CONNECTION
    await until(lambda: not two.served)


async def test_events_come_where_they_were_asked_for_and_posts_anywhere(hub_servers: HubServers) -> None:
    one, two, three_ = await three(hub_servers)
    secret = await token(one.address)
    path = f"/hub?id={secret}"
    async with event_stream(two.address, secret) as stream:
        assert (await ask(one.address, "POST", path, HANDSHAKE)).text == (200, "")
        assert await events(stream) == [{}]
        assert (await ask(three_.address, "POST", path, call("Echo", [1]))).text == (200, "")
        assert await events(stream) == [result([1])]
        for node in (one, two):
            again = await ask(node.address, "GET", path, None, Accept="text/event-stream")
            assert again.text == (409, "The connection is in use by another request.")
            assert (await ask(node.address, "GET", path)).text == (400, "Cannot change transports mid-connection")
            assert (await ask(node.address, "DELETE", path)).status == 400
        assert (await upgrade(one.address, secret), await upgrade(two.address, secret)) == (404, 400)
        assert len(two.server.connections) == 1
    await until(lambda: Board.ends)
    await until(lambda: not two.server.connections)
    assert (await ask(one.address, "POST", path, call("Echo", 1))).text == NO_CONNECTION
    again = await ask(three_.address, "GET", path, None, Accept="text/event-stream")
    assert again.text == NO_CONNECTION


async def test_a_websocket_takes_no_posts(hub_servers: HubServers) -> None:
    one, two, _ = await three(hub_servers)
    secret = await token(one.address)
    async with connect(f"ws://{one.address}/hub?id={secret}"):
        posted = await ask(two.address, "POST", f"/hub?id={secret}", HANDSHAKE)
        assert (posted.status, posted.headers["allow"]) == (405, "GET")
        assert (await ask(two.address, "GET", f"/hub?id={secret}")).status == 400
        assert await upgrade(two.address, secret) == 404


async def test_of_two_polls_the_older_one_ends(hub_servers: HubServers) -> None:
    one, two, three_ = await three(hub_servers)
    at_one, at_two, at_three = await opened(one, two, three_)
    async with at_two.waiting() as old:
        await until(lambda: one.served)
        async with at_three.waiting() as new:
            assert (await old.head()).status == 204
            assert (await at_one.post(call("Echo", 1))).status == 200
            assert (await new.head()).status == 200
            assert records(await new.body()) == [result(1)]
    async with at_two.waiting() as old:
        await until(lambda: one.served)
        async with at_one.waiting() as new:
            assert (await old.head()).status == 204
            assert (await at_three.post(call("Echo", 2))).status == 200
            assert records(await (await new.head()).body()) == [result(2)]


async def test_a_poll_ends_when_its_client_hangs_up(hub_servers: HubServers) -> None:
    one, two, three_ = await three(hub_servers)
    _, at_two, at_three = await opened(one, two, three_)
    async with at_two.waiting():
        await until(lambda: one.served)
    await until(lambda: not one.served)
    assert (await at_three.post(call("Echo", "kept"))).status == 200
    assert await at_three.read() == [result("kept")]


async def test_a_client_that_polls_elsewhere_is_not_idle(hub_servers: HubServers) -> None:
    one, two, _ = await three(hub_servers, disconnect_timeout_s=0.2, poll_timeout_s=0.6)
    _, at_two = await opened(one, two)
    assert (await at_two.poll()).text == (200, "")  # longer than it may be idle
    assert (await at_two.post(call("Echo", 1))).status == 200
    assert await at_two.read() == [result(1)]
    await until(lambda: Board.ends)
    assert str(Board.ends[0][1]).startswith("The client has not polled for 0.2 s")


async def test_long_bodies_come_in_order_and_no_faster_than_they_are_read(hub_servers: HubServers) -> None:
    one, two, three_ = await three(hub_servers)
    _, at_two, at_three = await opened(one, two, three_)
    notes = [record(type=1, target="Note", arguments=[number, "x" * 20_000]) for number in range(150)]
    assert (await at_two.post(b"".join(notes[:100]))).text == (200, "")
    assert (await at_three.post(b"".join(notes[100:]))).text == (200, "")
    await until(lambda: len(Board.notes) == 150)
    assert Board.notes == list(range(150))


async def test_too_long_a_body_is_refused_by_the_owner(hub_servers: HubServers) -> None:
    one, two, _ = await three(hub_servers, max_body_bytes=300_000)
    _, at_two = await opened(one, two)
    note = record(type=1, target="Note", arguments=[1, "x" * 20_000])
    refused = await at_two.post(note * 20)
    assert refused.text == (413, "The body is too large: the limit max_body_bytes is 300000.")
    assert Board.notes == []  # nothing of it was taken
    async with Exchange(two.address, "POST", at_two.path, None, {"Transfer-Encoding": "chunked"}) as unknown:
        for _ in range(20):  # its length is seen as it comes
            unknown.writer.write(f"{len(note):x}\r\n".encode() + note + b"\r\n")
        assert (await unknown.head()).status == 413
    await until(lambda: Board.ends)
    assert Board.ends[0][1] == "The client's POST was not whole (Refused)."


async def test_a_body_that_breaks_off_ends_the_connection(hub_servers: HubServers) -> None:
    one, two, _ = await three(hub_servers)
    _, at_two = await opened(one, two)
    async with Exchange(two.address, "POST", at_two.path, None, {"Content-Length": "1000"}) as broken:
        broken.writer.write(call("Note", 1, "")[:-9])
        await until(lambda: one.served)
    await until(lambda: Board.ends)
    assert Board.ends[0][1] == "The client's POST was not whole (ClientDisconnect)."
    assert (await at_two.post(call("Echo", 1))).text == NO_CONNECTION


def by_token(request: HTTPConnection) -> User | None:
    """A token says: user, role."""
    name, _, role = (bearer_token(request) or "").partition(".")
    return User(id=name, roles=frozenset({role}), expires_at=now_ms() + 3_600_000) if name else None


async def test_a_connection_goes_on_by_a_token_that_came_to_another_node(hub_servers: HubServers) -> None:
    one, *others = [await hub_servers.start(authenticate=by_token) for _ in range(3)]
    ann, boss, bob = ({"Authorization": f"Bearer {name}"} for name in ("ann.clerk", "ann.boss", "bob.boss"))
    secret = await token(one.address, **ann)
    path = f"/hub/refresh?id={secret}"
    async with connect(f"ws://{one.address}/hub?id={secret}", additional_headers=ann):
        (connection,) = one.server.connections
        bucket, key = one.backplane.servers.keys.claim(connection.connection_id)
        for other in others:  # with its claim, and, at one that never heard of it, when that has expired
            assert (await ask(other.address, "POST", path, b"", **bob)).status == 403
            assert connection.user.roles == {"clerk"}
            refreshed = await ask(other.address, "POST", path, b"", **boss)
            assert (refreshed.status, refreshed.headers["cache-control"]) == (200, "no-store")
            assert json.loads(refreshed.body)["tokenLifetimeSeconds"] in (3599, 3600)
            assert connection.user.roles == {"boss"}
            connection.go_on_as(replace(connection.user, roles=frozenset({"clerk"})))
            await one.backplane.servers.call(bucket, b"DEL", key)
    await until(lambda: not one.server.connections)


async def test_who_asks_is_checked_where_the_request_comes(hub_servers: HubServers) -> None:
    one = await hub_servers.start(authenticate=by_token)
    two = await hub_servers.start(authenticate=by_token)
    ann, bob = {"Authorization": "Bearer ann.r"}, {"Authorization": "Bearer bob.r"}
    secret = await token(one.address, **ann)
    at_one, at_two = Poller(one.address, secret), Poller(two.address, secret)
    assert (await at_one.poll(**ann)).status == 200
    for headers, status in (({}, 401), (bob, 403), (ann, 200)):
        assert (await at_two.post(HANDSHAKE, **headers)).status == status
        assert (await at_two.poll(**headers)).status == status
    assert (await ask(two.address, "DELETE", at_two.path, None, **bob)).status == 403
    assert (await ask(two.address, "DELETE", at_two.path, None, **ann)).status == 202


async def test_first_requests_at_once_to_two_nodes_open_one_connection(hub_servers: HubServers) -> None:
    one = await hub_servers.start()

    class Late:
        """Another node claims the token right after it was looked for here."""

        def __init__(self, claims: Claims) -> None:
            self._claims = claims
            self.claim, self.keep = claims.claim, claims.keep

        async def owner(self, connection_id: str) -> str | None:
            found = await self._claims.owner(connection_id)
            if found is None:
                assert (await at_one.poll()).status == 200
            return found

    two = await hub_servers.start(claims=Late)
    secret = await token(one.address)
    at_one, at_two = Poller(one.address, secret), Poller(two.address, secret)
    assert (await at_two.post(HANDSHAKE)).text == (200, "")
    assert (await at_one.poll()).text == (200, "{}\x1e")
    assert not two.server.connections


async def test_claims_are_kept_for_as_long_as_a_connection_over_http(hub_servers: HubServers) -> None:
    one, two, _ = await three(hub_servers)
    _, at_two = await opened(one, two)
    bucket, key = one.backplane.servers.keys.claim(one.server.connections[0].connection_id)
    await one.backplane.servers.call(bucket, b"DEL", key)  # as a store that has lost its newest
    assert one.server.forwarding is not None
    one.server.forwarding.tick(one.server.now() + 20)
    async with asyncio.timeout(5):
        while await one.backplane.claims.owner(one.server.connections[0].connection_id) is None:
            pass
    left_ms = await one.backplane.servers.call(bucket, b"PTTL", key)
    assert isinstance(left_ms, int)
    assert left_ms > 60_000
    assert (await at_two.post(call("Echo", 2))).text == (200, "")
    assert await at_two.read() == [result(2)]


async def test_a_node_that_is_about_to_end_still_answers_for_others(hub_servers: HubServers) -> None:
    one, two, _ = await three(hub_servers)
    at_one, at_two = await opened(one, two)
    await two.server.move(spread_s=0)
    assert (await at_two.post(call("Echo", 1))).text == (200, "")
    assert await at_two.read() == [result(1)]
    moving = asyncio.create_task(one.server.move(spread_s=0))
    assert await at_one.read() == [{"type": 7, "allowReconnect": True}]
    assert (await at_one.poll()).status == 204
    await moving
    assert (await ask(two.address, "POST", "/hub/negotiate?negotiateVersion=1", b"")).status == 503


async def test_an_owner_that_closes_tells_those_who_poll_elsewhere(hub_servers: HubServers) -> None:
    one, two = [await hub_servers.start(close_timeout_s=5.0) for _ in range(2)]
    _, at_two = await opened(one, two)
    async with at_two.waiting() as waiting:
        await until(lambda: one.served)
        # The connection ends at once, the node once its client knows.
        closing = asyncio.create_task(one.server.close())
        assert (await waiting.head()).status == 200
        assert records(await waiting.body()) == [{"type": 7, "allowReconnect": True}]
    assert (await at_two.poll()).status == 204
    await closing
