from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from hub.backplane.redis import RedisBackplane, RedisOptions
from tests.backplane.redis.proxy import Proxy
from tests.backplane.redis_server import RedisServer

Open = Callable[..., Awaitable[RedisBackplane]]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    """A server that is empty, and that the test must leave running."""
    shared_server.ask("FLUSHALL")
    return shared_server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may kill and start again; it keeps a snapshot when told `SAVE`."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def proxy(server: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(server.port).running() as proxy:
        yield proxy


@pytest.fixture
async def open_redis() -> AsyncIterator[Open]:
    """Opens a node's backplane, with short times; what is still open at the end is closed."""
    opened: list[RedisBackplane] = []

    async def open_redis(url: str, **options: float) -> RedisBackplane:
        short = {"lease_s": 0.0, "timeout_s": 1.0, "probe_s": 0.05, "retry_s": 0.01, "max_retry_s": 0.05}
        backplane = RedisBackplane(url, RedisOptions(**{**short, **options}))  # type: ignore[arg-type]  # by name
        opened.append(backplane)
        await backplane.start()
        return backplane

    yield open_redis
    for backplane in opened:
        await backplane.close()
