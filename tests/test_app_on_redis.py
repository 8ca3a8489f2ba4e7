"""The application on a real Redis: clients that negotiate at one node and connect at another."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.app import Hubline
from hub.errors import SettingsError
from tests.backplane.redis_server import RedisServer
from tests.server.live import RawClient, Uvicorn
from tests.server.raw_http import ask
from tests.server.raw_http import token as token_of


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


def node(redis: RedisServer) -> Hubline:
    return Hubline(backplane=redis.url, token_secret="s" * 32, away_hold_s=0.0)


@asynccontextmanager
async def serving(app: Hubline) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        live = Uvicorn(uvicorn.Config(app, lifespan="on", log_level="warning"))
        task = asyncio.create_task(live.serve([listener]))
        await live.up.wait()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            live.should_exit = True
            await task


async def test_token_of_one_node_is_good_once_on_any(redis: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(serving(node(redis))) for _ in range(2)]
        token = await token_of(one)
        async with connect(f"ws://{two}/hub?id={token}") as link:
            assert await RawClient(link).handshake() == {}
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{one}/hub?id={token}")
            assert refused.value.response.status_code == 404


async def test_while_redis_is_away_nobody_new_comes_and_readyz_says_so(redis: RedisServer) -> None:
    async with serving(node(redis)) as host:
        assert (await ask(host, "GET", "/readyz")).status == 200
        token = await token_of(host)
        redis.kill()
        async with asyncio.timeout(10):
            while (await ask(host, "GET", "/readyz")).status == 200:
                pass
        assert b"hubline_backplane_losses_total 1.0" in (await ask(host, "GET", "/metrics")).body
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{host}/hub?id={token}")
        assert refused.value.response.status_code == 503


def test_an_address_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="redis"):
        Hubline(backplane="redis+sentinel://a,b", token_secret="s" * 32)
