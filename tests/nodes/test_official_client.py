"""The official npm client behind a real nginx that gives each request to the next of three nodes, over all transports:
what one of them negotiated is opened, polled, posted to and ended at others."""

import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

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
        async with httpx2.AsyncClient() as http:
            texts = [(await http.get(f"{node.url}/metrics")).text for node in self.nodes]
        found = [re.search(r"^hubline_requests_forwarded_total (\d+)", text, re.MULTILINE) for text in texts]
        return sum(int(match[1]) for match in found if match is not None)


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
