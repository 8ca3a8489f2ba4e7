"""Every test in this folder runs on every store. A new store adds a function here and its name to `STORES`."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from hub.backplane.base import Backplane
from hub.backplane.memory import MemoryBackplane
from hub.backplane.redis import RedisBackplane, RedisOptions
from hub.backplane.sqlite import SqliteBackplane
from tests.backplane.redis_server import ALLOWED, RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Started by the first test that wants it. The hub's user there may do no more than the docs ask for."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--user", *f"hub on >secret {ALLOWED}".split())
    yield server
    server.kill()


def on_redis(server: RedisServer) -> Backplane:
    if not server.ask("PING"):
        server.start()
    server.ask("FLUSHALL")
    # No outage is waited out: the tests bring times of their own.
    return RedisBackplane(server.url.replace("//", "//hub:secret@"), RedisOptions(lease_s=0.0))


STORES: dict[str, Callable[[Path, RedisServer], Backplane]] = {
    "memory": lambda path, server: MemoryBackplane(),
    "sqlite": lambda path, server: SqliteBackplane(str(path / "hub.db")),
    "redis": lambda path, server: on_redis(server),
}


@pytest.fixture(params=list(STORES))
async def backplane(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[Backplane]:
    backplane = STORES[request.param](tmp_path, redis_server)
    await backplane.start()
    yield backplane
    await backplane.close()
