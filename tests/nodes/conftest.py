"""Nodes of one hub: real processes on a real Redis, behind a real nginx where a test asks for one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.backplane.redis_server import RedisServer
from tests.nodes.hub_servers import HubServers
from tests.nodes.nodes import Nodes


@pytest.fixture(scope="session")
def redis_of_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis_of_nodes"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def nodes(redis_of_nodes: RedisServer, tmp_path: Path) -> Iterator[Nodes]:
    """Starts nodes on an empty Redis; those that still run at the end are killed."""
    redis_of_nodes.ask("FLUSHALL")
    with ExitStack() as stack:
        yield Nodes(redis_of_nodes, tmp_path, stack)


@pytest.fixture
async def hub_servers(redis_of_nodes: RedisServer) -> AsyncIterator[HubServers]:
    """Starts `HubServer`s in this process."""
    servers = HubServers(redis_of_nodes)
    yield servers
    await servers.close()
