"""Who watches a session, over nodes on a real Redis: told everywhere, also after a node's death, a cut link and a
revocation that was not heard."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import jwt
import pytest_asyncio

from hub.app import Hubline
from hub.backplane.redis import RedisBackplane
from hub.config import load
from hub.runs.follow.attendance import PresenceLimits
from hub.runs.follow.presence import Presences
from hub.server.auth import User
from hub.server.testing import TestClient
from hub.terminal.link import LinkLost, open_link
from tests.backplane.redis.proxy import Proxy
from tests.backplane.redis_server import RedisServer
from tests.nodes.nodes import TOKEN_SECRET, Nodes
from tests.runs.node import until

TIMEOUT_S = 30
SECRET = "signs the tokens of those who watch"
SETTINGS = {"token_secret": TOKEN_SECRET, "presence_gather_s": 0.01, "presence_grace_s": 0.2}


@dataclass
class Watcher:
    """A client that watches one session, and the roster as it folds what it is told: states by connection, by user."""

    client: TestClient
    roster: dict[str, list[object]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    watching: asyncio.Task[None] | None = None  # set at once

    async def watch(self) -> None:
        async for _ in self.client.stream("Watch", "s", None):
            pass

    async def until(self, roster: Mapping[str, list[object]]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while self.roster != roster:
                told = (await self.client.next("Presence"))[0]
                assert isinstance(told, dict)
                if "roster" in told:
                    self.roster = {}
                for user in told.get("left", []):
                    del self.roster[user]
                    self.left.append(user)
                for one in [*told.get("roster", []), *told.get("joined", []), *told.get("updated", [])]:
                    self.roster[one["user"]] = [connection["state"] for connection in one["connections"]]
                    self.roles[one["user"]] = one["role"]


@dataclass
class Hubs:
    """Applications of this process on one Redis."""

    redis: RedisServer
    stack: AsyncExitStack

    async def start(self, url: str | None = None, **settings: object) -> Hubline:
        app = Hubline(settings=load({**SETTINGS, "backplane": url or self.redis.url, **settings}))
        await self.stack.enter_async_context(app.lifespan())
        return app


@pytest_asyncio.fixture
async def hubs(redis_of_nodes: RedisServer) -> AsyncIterator[Hubs]:
    redis_of_nodes.ask("FLUSHALL")
    async with AsyncExitStack() as stack:
        yield Hubs(redis_of_nodes, stack)


@asynccontextmanager
async def watching(app: Hubline, user: str, *invited: str) -> AsyncIterator[Watcher]:
    """`invited` are let in first."""
    async with app.test_client(user=User(id=user)) as client:
        await client.invoke("OpenSession", {"sessionId": "s"})
        for other in invited:
            await client.invoke("ShareSession", "s", other, "viewer")
        watcher = Watcher(client)
        watcher.watching = asyncio.create_task(watcher.watch())
        try:
            yield watcher
        finally:
            watcher.watching.cancel()
            await asyncio.wait([watcher.watching])


async def test_watchers_of_two_nodes_see_each_other_come_act_and_go(hubs: Hubs) -> None:
    one, two = await hubs.start(), await hubs.start()
    async with watching(one, "ann", "bob") as ann:
        await ann.until({"ann": [{}]})
        async with watching(two, "bob") as bob:
            for each in (ann, bob):
                await each.until({"ann": [{}], "bob": [{}]})
            await bob.client.invoke("SetPresence", "s", {"typing": True})
            await ann.client.invoke("SetPresence", "s", {"anchor": "m1"})
            for each in (ann, bob):
                await each.until({"ann": [{"anchor": "m1"}], "bob": [{"typing": True}]})
                assert each.roles == {"ann": "owner", "bob": "viewer"}
        await ann.until({"ann": [{"anchor": "m1"}]})


async def test_who_comes_back_at_another_node_has_never_left(hubs: Hubs) -> None:
    one, two = await hubs.start(presence_grace_s=1.0), await hubs.start(presence_grace_s=1.0)
    async with watching(one, "ann", "bob") as ann:
        async with watching(one, "bob") as bob:
            await ann.until({"ann": [{}], "bob": [{}]})
            await bob.client.drop()
        async with watching(two, "bob") as bob:
            await ann.until({"ann": [{}], "bob": [{}, {}]})
            await ann.until({"ann": [{}], "bob": [{}]})
            assert ann.left == []


async def test_who_was_at_a_node_that_died_leaves(hubs: Hubs, nodes: Nodes) -> None:
    other = nodes.start(PRESENCE_INTERVAL_S="0.2", PRESENCE_GATHER_S="0.01", JWT_SECRET=SECRET)
    app = await hubs.start(presence_interval_s=0.2)
    token = jwt.encode({"sub": "bob", "exp": 1 << 33}, SECRET, "HS256")
    async with watching(app, "ann", "bob") as ann:
        with contextlib.suppress(LinkLost):
            async with open_link(other.url, token=token) as link:
                async with contextlib.aclosing(link.stream("Watch", "s", None)) as events:
                    await anext(events)
                    await ann.until({"ann": [{}], "bob": [{}]})
                    other.end(signal.SIGKILL)
                    await ann.until({"ann": [{}]})


async def test_who_is_taken_out_while_the_bus_is_cut_is_gone_once_it_is_back(hubs: Hubs) -> None:
    proxy = Proxy(hubs.redis.port)
    await hubs.stack.enter_async_context(proxy.running())
    one, two = await hubs.start(), await hubs.start(proxy.url, presence_interval_s=0.2)
    async with watching(one, "ann", "bob") as ann, watching(two, "bob") as bob:
        for each in (ann, bob):
            await each.until({"ann": [{}], "bob": [{}]})
        proxy.refuses = True
        proxy.cut()
        await ann.client.invoke("UnshareSession", "s", "bob")
        await ann.until({"ann": [{}]})
        assert bob.watching is not None
        assert not bob.watching.done()
        proxy.refuses = False
        await asyncio.wait_for(bob.watching, TIMEOUT_S)
        await ann.client.invoke("SetPresence", "s", {"typing": True})
        await ann.until({"ann": [{"typing": True}]})


async def test_nodes_that_were_cut_off_find_each_other_again(hubs: Hubs) -> None:
    proxy = Proxy(hubs.redis.port)
    await hubs.stack.enter_async_context(proxy.running())
    one, two = await hubs.start(), await hubs.start(proxy.url, presence_interval_s=0.2)
    async with watching(one, "ann", "bob") as ann, watching(two, "bob") as bob:
        for each in (ann, bob):
            await each.until({"ann": [{}], "bob": [{}]})
        proxy.refuses = True
        proxy.cut()
        await bob.until({"bob": [{}]})  # alone, as far as it hears
        proxy.refuses = False
        await bob.until({"ann": [{}], "bob": [{}]})
        await ann.client.invoke("SetPresence", "s", {"typing": True})
        await bob.until({"ann": [{"typing": True}], "bob": [{}]})


async def test_a_node_that_could_not_listen_tries_again(hubs: Hubs) -> None:
    proxy = Proxy(hubs.redis.port)
    await hubs.stack.enter_async_context(proxy.running())
    one, two = RedisBackplane(hubs.redis.url), RedisBackplane(proxy.url)
    told: list[bytes] = []

    def push(_: Sequence[str], payload: bytes) -> Collection[str]:
        told.append(payload)
        return ()

    limits = PresenceLimits(interval_s=0.2, gather_s=0.001)
    async with AsyncExitStack() as stack:
        for backplane in (one, two):
            await backplane.start()
            stack.push_async_callback(backplane.close)
        async with asyncio.TaskGroup() as group:
            sides = [Presences(backplane.bus, limits) for backplane in (one, two)]
            running = [group.create_task(side.run(group)) for side in sides]
            sides[0].push_by(push)
            proxy.refuses = True
            proxy.cut()
            await until(lambda: two.away_s > 0)
            sides[0].join("s", "c1", "ann", "owner")
            sides[1].join("s", "c2", "bob", "viewer")
            await until(lambda: bool(told))
            proxy.refuses = False
            await until(lambda: any(b"bob" in payload for payload in told))
            for task in running:
                task.cancel()
