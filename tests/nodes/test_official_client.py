"""The official npm client behind a real nginx that gives each request to the next of three nodes, over all transports:
what one of them negotiated is opened, polled, posted to and ended at others."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import jwt
import pytest
import pytest_asyncio

from tests.backplane.redis_server import RedisServer
from tests.interop.node import Node, start_node
from tests.nodes.nodes import Nodes
from tests.running import Running

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

MODULE = "../nodes/across.mjs"
NODES = 3
SECRET = "signs the tokens of those who come by nginx"
TOKEN = jwt.encode({"sub": "ann", "exp": 1 << 33}, SECRET, "HS256")
COMBINATIONS = [
    ("json", "WebSockets"),
    ("json", "ServerSentEvents"),
    ("json", "LongPolling"),
    ("messagepack", "WebSockets"),
    ("messagepack", "LongPolling"),
]


@dataclass
class Balanced:
    url: str
    nodes: list[Running]

    async def forwarded(self) -> int:
        """Requests that came to another node than their connection's."""
        return sum([await number(node, "requests_forwarded_total") for node in self.nodes])


async def number(node: Running, name: str) -> int:
    """A metric of a node."""
    async with httpx2.AsyncClient() as http:
        text = (await http.get(f"{node.url}/metrics")).text
    found = re.search(rf"^hubline_{name} (\d+)", text, re.MULTILINE)
    assert found is not None, text
    return int(found[1])


@pytest.fixture(scope="module")
def balanced(redis_of_nodes: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """What a test kills stays dead: that one comes last."""
    with ExitStack() as stack:
        starting = Nodes(redis_of_nodes, tmp_path_factory.mktemp("balanced"), stack)
        nodes = [starting.start_board(JWT_SECRET=SECRET, DEMO_PACE="400") for _ in range(NODES)]
        yield Balanced(starting.nginx([node.port for node in nodes]), nodes)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[Node]:
    async with start_node() as node:
        yield node


async def ask(method: str, arguments: Sequence[object]) -> None:
    (pid,) = arguments
    assert method == "kill"
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("encoding", "transport"), COMBINATIONS)
@pytest.mark.parametrize("scenario", ["calls_and_streams", "groups_between_nodes", "a_chat"])
async def test_over_any_node(balanced: Balanced, node: Node, scenario: str, encoding: str, transport: str) -> None:
    before = await balanced.forwarded()
    options = {"transport": transport, "token": TOKEN}
    await node.run(MODULE, scenario, encoding=encoding, url=balanced.url, ask=ask, options=options)
    assert (await balanced.forwarded() > before) == (transport != "WebSockets")


async def test_the_owner_dies(balanced: Balanced, node: Node) -> None:
    options = {"token": TOKEN}
    found = await node.run(MODULE, "the_owner_dies", encoding="json", url=balanced.url, ask=ask, options=options)
    assert isinstance(found, dict)
    assert found["lost"] >= 3


async def test_the_owner_drains(redis_of_nodes: RedisServer, tmp_path: Path, node: Node) -> None:
    with ExitStack() as stack:
        starting = Nodes(redis_of_nodes, tmp_path, stack)
        nodes = [starting.start("--provider", "demo", JWT_SECRET=SECRET, DEMO_PACE="0") for _ in range(4)]
        url = starting.nginx([node.port for node in nodes])

        async def drain(method: str, arguments: Sequence[object]) -> None:
            """The one that has the only connection."""
            assert (method, arguments) == ("drain", [])
            has = [await number(node, "connections") for node in nodes]
            assert sorted(has) == [0] * (len(nodes) - 1) + [1]
            ending = nodes.pop(has.index(1))
            assert await asyncio.to_thread(ending.end, signal.SIGTERM) == 0

        for transport in ("WebSockets", "ServerSentEvents", "LongPolling"):
            options = {"token": TOKEN, "transport": transport}
            await node.run(MODULE, "the_owner_drains", encoding="json", url=url, ask=drain, options=options)
        # Nobody waited for one that had gone.
        assert [await number(node, "requests_unanswered_total") for node in nodes] == [0]
