"""Client results of connections that another node has."""

import asyncio
import datetime
from collections.abc import AsyncIterator

import pytest

from hub.backplane.fanout import LocalBus
from hub.errors import HubError
from hub.protocol.codec import CodecName
from hub.protocol.messages import Completion, Invocation
from hub.server import envelope
from hub.server.hub import Hub
from hub.server.options import ServerLimits
from hub.server.server import HubServer
from hub.server.testing import TestClient
from tests.server.wire import Wire, until

INTERVAL_S = 0.05


class LossyBus(LocalBus):
    """Loses what `loses` says: a tag of the envelope."""

    def __init__(self) -> None:
        super().__init__()
        self.loses: type | None = None
        self.carried: list[object] = []

    def publish(self, channel: str, payload: bytes) -> None:
        body = envelope.unpack(payload)
        self.carried.append(body)
        if self.loses is None or not isinstance(body, self.loses):
            super().publish(channel, payload)


class Asks(Hub):
    async def ask(self, connection_id: str) -> object:
        return await self.clients.client(connection_id).invoke("Name", 1)

    async def ask_briefly(self, connection_id: str) -> object:
        return await self.clients.client(connection_id).invoke("Name", timeout_s=0.01)

    async def other(self) -> str:
        return "other"


class Nodes:
    def __init__(self, bus: LossyBus, one: HubServer, two: HubServer) -> None:
        self.bus, self.one, self.two = bus, one, two

    @property
    def open(self) -> int:
        """Questions that some node still remembers."""
        registries = [node.served("/hub").registry for node in (self.one, self.two)]
        return sum(len(registry._afar._asked) + len(registry._afar._open) for registry in registries)


@pytest.fixture
async def nodes() -> AsyncIterator[Nodes]:
    bus = LossyBus()
    servers = []
    for _ in range(2):
        limits = ServerLimits(tick_s=0.01, ask_interval_s=INTERVAL_S)
        server = HubServer(bus, anonymous_allowed=True, limits=limits)
        server.add("/hub", Asks)
        await server.start()
        servers.append(server)
    nodes = Nodes(bus, *servers)
    yield nodes
    await until(lambda: nodes.open == 0)
    for server in servers:
        await server.close()


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
async def test_answer_comes_from_the_other_node(nodes: Nodes, encoding: CodecName) -> None:
    async with TestClient(nodes.one, "/hub") as ann, TestClient(nodes.two, "/hub", protocol=encoding) as bob:
        bob.on("Name", lambda number: {"bob": [number, None]})
        assert await ann.invoke("Ask", bob.connection_id) == {"bob": [1, None]}
        bob.on("When", lambda at: at)
        moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
        client = nodes.one.clients(Asks).client(bob.connection_id)
        assert await client.invoke("When", moment, returns=datetime.datetime) == moment
        with pytest.raises(HubError, match="is of another type"):
            await client.invoke("Name", 1, returns=int)
        with pytest.raises(TypeError):
            await client.invoke("Name", object())


async def test_its_error_comes_too(nodes: Nodes) -> None:
    async with TestClient(nodes.one, "/hub") as ann, TestClient(nodes.two, "/hub") as bob:
        with pytest.raises(HubError, match=r"HubException: Client didn't provide a result\.$"):
            await ann.invoke("Ask", bob.connection_id)


async def test_connection_that_no_node_has(nodes: Nodes) -> None:
    async with TestClient(nodes.one, "/hub") as ann:
        with pytest.raises(HubError, match="Connection 'nobody' does not exist"):
            await ann.invoke("Ask", "nobody")


async def test_a_client_that_takes_its_time_is_waited_for_and_holds_up_nobody(nodes: Nodes) -> None:
    async with TestClient(nodes.one, "/hub") as ann:
        bob = Wire(nodes.two).open()
        call = asyncio.create_task(ann.invoke("Ask", bob.connection.connection_id))
        assert await bob.read() == Invocation("Name", [1], "s1")
        assert await ann.invoke("Other") == "other"
        await until(lambda: len([body for body in nodes.bus.carried if isinstance(body, envelope.Still)]) >= 3)
        bob.write(Completion("s1", result="at last", has_result=True))
        assert await call == "at last"
        assert bob.unread == 0  # asked once


async def test_losing_the_client_fails_who_waits(nodes: Nodes) -> None:
    async with TestClient(nodes.one, "/hub") as ann:
        bob = Wire(nodes.two).open()
        call = asyncio.create_task(ann.invoke("Ask", bob.connection.connection_id))
        await bob.read()
        bob.connection.lost(ConnectionError("gone"))
        with pytest.raises(HubError, match="The connection was lost before the client answered"):
            await call


@pytest.mark.parametrize("lost", [envelope.Heard, envelope.Answer])
async def test_losing_the_node_or_what_it_says_fails_who_waits(nodes: Nodes, lost: type) -> None:
    async with TestClient(nodes.one, "/hub") as ann, TestClient(nodes.two, "/hub") as bob:
        nodes.bus.loses = lost
        answers = asyncio.Event()
        bob.on("Name", lambda number: answers.wait())
        call = asyncio.create_task(ann.invoke("Ask", bob.connection_id))
        await bob.next("Name")
        answers.set()
        if lost is envelope.Answer:
            with pytest.raises(HubError, match="The connection was lost before the client answered"):
                await call
        else:
            assert await call is True  # an answer is as good as having been heard


async def test_giving_up_tells_the_other_node(nodes: Nodes) -> None:
    async with TestClient(nodes.one, "/hub") as ann:
        bob = Wire(nodes.two).open()
        with pytest.raises(HubError, match="has not answered 'Name' within"):
            await ann.invoke("AskBriefly", bob.connection.connection_id)
        assert await bob.read() == Invocation("Name", [], "s1")
        await until(lambda: bob.connection.asking._open == {})
