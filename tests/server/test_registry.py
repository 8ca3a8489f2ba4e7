"""Whom a send reaches: every audience, on one node and across two that share a bus."""

import asyncio
import datetime
from collections.abc import Callable

import pytest

from hub.backplane.base import Subscription
from hub.backplane.fanout import LocalBus
from hub.errors import BackplaneAway, HubError
from hub.protocol.codec import CodecName
from hub.protocol.messages import Encoded
from hub.server.auth import User
from hub.server.clients import ClientProxy, ServerClients
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import turns, until


class Talk(Hub):
    async def enter(self, group: str, connection_id: str | None = None) -> None:
        await self.groups.add(group, connection_id)

    async def exit(self, group: str, connection_id: str | None = None) -> None:
        await self.groups.remove(group, connection_id)

    async def say(self, to: str, names: list[str]) -> None:
        clients = self.clients
        proxies: dict[str, Callable[[], ClientProxy]] = {
            "all": lambda: clients.all,
            "all_except": lambda: clients.all_except(names),
            "caller": lambda: clients.caller,
            "others": lambda: clients.others,
            "client": lambda: clients.client(names[0]),
            "clients": lambda: clients.clients(names),
            "group": lambda: clients.group(names[0]),
            "groups": lambda: clients.groups(names),
            "group_except": lambda: clients.group_except(names[0], names[1:]),
            "others_in_group": lambda: clients.others_in_group(names[0]),
            "user": lambda: clients.user(names[0]),
            "users": lambda: clients.users(names),
        }
        await proxies[to]().said(to)


AUDIENCES: list[tuple[str, list[str], str]] = [
    ("all", [], "abcd"),
    ("all_except", ["a", "b"], "cd"),
    ("caller", [], "a"),
    ("others", [], "bcd"),
    ("client", ["b"], "b"),
    ("client", ["nobody"], ""),
    ("clients", ["a", "c", "c", "nobody"], "ac"),
    ("group", ["odd"], "ac"),
    ("group", ["empty"], ""),
    ("groups", ["odd", "low"], "abc"),
    ("group_except", ["odd", "c"], "a"),
    ("others_in_group", ["low"], "b"),
    ("user", ["ann"], "ab"),
    ("users", ["ann", "carl", "nobody"], "abc"),
]


@pytest.mark.parametrize("nodes", [1, 2])
async def test_every_audience(serve: Serve, nodes: int) -> None:
    """a and c in `odd`, a and b in `low`; ann is a and b, carl is c, dora is d. Of two nodes b and d have the other."""
    bus = LocalBus()
    servers = [await serve(Talk, bus=bus) for _ in range(nodes)]
    one, two = servers[0], servers[-1]
    async with (
        TestClient(one, "/hub", user="ann") as a,
        TestClient(two, "/hub", user="ann", protocol="messagepack") as b,
        TestClient(one, "/hub", user="carl", protocol="messagepack") as c,
        TestClient(two, "/hub", user="dora") as d,
    ):
        members = {"a": a, "b": b, "c": c, "d": d}
        for group, names in (("odd", "ac"), ("low", "ab")):
            for name in names:
                await members[name].invoke("Enter", group)
        for to, meant, expected in AUDIENCES:
            is_id = to in ("all_except", "client", "clients", "group_except")
            sent = [members[name].connection_id if is_id and name in members else name for name in meant]
            await a.invoke("Say", to, sent)
            await a.invoke("Say", "all", [])  # the mark behind it: what is not there by then does not come
            for name, member in members.items():
                got = [await member.next("Said")]
                while got[-1] != ["all"]:
                    got.append(await member.next("Said"))
                if to == "all":
                    got.append(await member.next("Said"))
                assert len(got) == (2 if name in expected else 1), (to, name, got)
                assert got[0] == ([to] if name in expected else ["all"])


OUTSIDE: list[tuple[Callable[[ServerClients, dict[str, str]], ClientProxy], str]] = [
    (lambda clients, ids: clients.all, "abc"),
    (lambda clients, ids: clients.all_except([ids["a"], ids["b"]]), "c"),
    (lambda clients, ids: clients.client(ids["b"]), "b"),
    (lambda clients, ids: clients.clients([ids["a"], ids["b"], ids["b"], "nobody"]), "ab"),
    (lambda clients, ids: clients.group("g"), "ab"),
    (lambda clients, ids: clients.groups(["g", "h", "nobody"]), "abc"),
    (lambda clients, ids: clients.group_except("g", [ids["b"]]), "a"),
    (lambda clients, ids: clients.user("ann"), "ac"),
    (lambda clients, ids: clients.users({"ann", "bob"}), "abc"),
]


@pytest.mark.parametrize("nodes", [1, 2])
async def test_every_audience_from_outside_a_hub(serve: Serve, nodes: int) -> None:
    """a and b in `g`, b and c in `h`; ann is a and c. Of two nodes b and c have the other."""
    bus = LocalBus()
    servers = [await serve(Talk, bus=bus) for _ in range(nodes)]
    one, two = servers[0], servers[-1]
    async with (
        TestClient(one, "/hub", user="ann") as a,
        TestClient(two, "/hub", user="bob", protocol="messagepack") as b,
        TestClient(two, "/hub", user="ann") as c,
    ):
        members = {"a": a, "b": b, "c": c}
        ids = {name: member.connection_id for name, member in members.items()}
        for group, names in (("g", "ab"), ("h", "bc")):
            for name in names:
                await members[name].invoke("Enter", group)
        for number, (choose, expected) in enumerate(OUTSIDE):
            for server in servers:
                await choose(server.clients(Talk), ids).send("exactName", number)
                await server.clients(Talk).all.mark_it(number)  # what is not there by then does not come
            for name, member in members.items():
                for _ in servers:
                    assert await member.next("MarkIt") == [number]
                got = member._queue("exactName")
                assert got.qsize() == (len(servers) if name in expected else 0), (number, name)
                while not got.empty():
                    assert got.get_nowait() == [number]


async def test_several_are_not_one_text(serve: Serve) -> None:
    clients = (await serve(Talk)).clients(Talk)
    for choose in (clients.all_except, clients.clients, clients.groups, clients.users):
        with pytest.raises(TypeError, match="as a list"):
            choose("ann")


async def test_groups_end_with_their_connections(serve: Serve) -> None:
    server = await serve(Talk, bus=LocalBus())
    async with TestClient(server, "/hub") as a:
        async with TestClient(server, "/hub") as b:
            await b.invoke("Enter", "g")
        await a.invoke("Enter", "g")
        await a.invoke("Enter", "g")
        await a.invoke("Exit", "g")
        await a.invoke("Exit", "g")
        await a.invoke("Say", "group", ["g"])
        await a.invoke("Say", "caller", [])
        assert await a.next("Said") == ["caller"]
    registry = server.served("/hub").registry
    assert registry.connections == {}
    assert registry._groups == {} and registry._users == {} and registry._group_subscriptions == {}


async def test_group_of_another_nodes_connection(serve: Serve) -> None:
    bus = LocalBus()
    one, two = await serve(Talk, bus=bus), await serve(Talk, bus=bus)
    async with TestClient(one, "/hub") as a, TestClient(two, "/hub") as b:
        await a.invoke("Enter", "g", b.connection_id)
        await b.invoke("Enter", "mark")
        await a.invoke("Say", "group", ["g"])
        assert await b.next("Said") == ["group"]
        await a.invoke("Exit", "g", b.connection_id)
        await b.invoke("Enter", "mark")
        await a.invoke("Say", "group", ["g"])
        await a.invoke("Say", "group", ["mark"])
        assert await b.next("Said") == ["group"]
        await b.invoke("Say", "caller", [])
        assert await b.next("Said") == ["caller"]


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_values_from_another_node(serve: Serve, protocol: CodecName) -> None:
    """Whatever encoding the clients have, what the other node sent is the same as what this one would have."""
    bus = LocalBus()
    one, two = await serve(Talk, bus=bus), await serve(Talk, bus=bus)
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    async with TestClient(one, "/hub", protocol=protocol) as a, TestClient(two, "/hub", protocol=protocol) as b:
        await one.clients(Talk).all.send("exactName", Encoded(b'{"x":[1,null]}'), moment, b"\x00\xff")
        assert await a.next("exactName") == await b.next("exactName")


async def test_sending_what_cannot_be_encoded_raises(serve: Serve) -> None:
    server: HubServer = await serve(Talk, bus=LocalBus())
    async with TestClient(server, "/hub", user=User(id="ann")):
        with pytest.raises(TypeError):
            await server.clients(Talk).all.said(object())
    with pytest.raises(LookupError):
        server.clients(Hub)
    with pytest.raises(AttributeError):
        _ = server.clients(Talk).all._private


class AwayBus(LocalBus):
    """Its store cannot be reached, for channels of groups."""

    async def subscribe(self, channel: str, receive: Callable[[bytes], None]) -> Subscription:  # type: ignore[override]  # wider
        if channel.count(":") > 1:
            raise BackplaneAway("The store is away.")
        return await super().subscribe(channel, receive)


async def test_joining_while_the_bus_is_away_fails_and_leaves_nothing(serve: Serve) -> None:
    server = await serve(Talk, HubOptions(detailed_errors=True), AwayBus())
    async with TestClient(server, "/hub") as client:
        for _ in range(2):
            with pytest.raises(HubError, match=r"^\[backplane_away\] "):
                await client.invoke("Enter", "g")
        assert server.served("/hub").registry._groups == {}


class SlowBus(LocalBus):
    """Confirms subscriptions when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def subscribe(self, channel: str, receive: Callable[[bytes], None]) -> Subscription:  # type: ignore[override]  # wider
        if channel.count(":") > 1:
            await self.gate.wait()
        return await super().subscribe(channel, receive)


async def test_two_join_while_the_subscription_is_made_and_one_goes(serve: Serve) -> None:
    bus = SlowBus()
    server = await serve(Talk, bus=bus)
    async with TestClient(server, "/hub") as a, TestClient(server, "/hub") as b:
        joins = [asyncio.create_task(client.invoke("Enter", "g")) for client in (a, b)]
        await turns()
        assert not any(join.done() for join in joins)
        await a.drop()
        with pytest.raises(HubError):
            await joins[0]
        bus.gate.set()
        await joins[1]
        await server.clients(Talk).group("g").said("to b")
        assert await b.next("Said") == ["to b"]
    registry = server.served("/hub").registry
    assert registry._groups == {} and registry._group_subscriptions == {}
    await until(lambda: not any(key.endswith(":g") for key in bus._fanout._listeners))
