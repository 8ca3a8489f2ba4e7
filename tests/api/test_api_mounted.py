"""The API inside another application, under a path, and on two nodes that share a Redis."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from hub.app import Hubline
from hub.config import load
from tests.api.serving import Client, by_name
from tests.api.test_api_resume import Gated, partial_of
from tests.backplane.redis_server import RedisServer
from tests.runs.scripted import ScriptedProvider
from tests.server.live import Uvicorn

EVENTS, MESSAGES = "/sessions/ses/events", "/sessions/ses/messages"


@asynccontextmanager
async def under_uvicorn(app: ASGIApp, path: str = "") -> AsyncIterator[Client]:
    """Without our takeover: any ASGI server will do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        live = Uvicorn(uvicorn.Config(app, lifespan="on", log_level="warning"))
        task = asyncio.create_task(live.serve([listener]))
        await live.up.wait()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
        try:
            async with httpx2.AsyncClient(base_url=url, headers={"authorization": "Bearer ann"}, timeout=30) as http:
                yield Client(http)
        finally:
            live.should_exit = True
            await task


def hubline(provider: ScriptedProvider, **settings: object) -> Hubline:
    return Hubline(
        authenticate=by_name,
        providers={"scripted": provider},
        settings=load({"backplane": "memory://", "provider": "scripted", **settings}),
    )


async def test_under_a_path_its_addresses_have_it() -> None:
    app = hubline(ScriptedProvider())
    house = Starlette(routes=[Mount("/ai/now", app)], lifespan=app.lifespan)
    async with under_uvicorn(house, "/ai/now") as ann:
        made = await ann.http.post("/api/sessions", json={"sessionId": "ses"})
        assert made.headers["location"] == "/ai/now/api/sessions/ses"
        answer = await ann.http.post("/api/sessions/ses/messages", json={"content": "hi"})
        assert answer.headers["location"].startswith("/ai/now/api/sessions/ses/runs/")
        origin = str(ann.http.base_url).removesuffix("/ai/now/")
        assert (await ann.http.get(f"{origin}{answer.headers['location']}")).json()["state"] == "done"
        async with ann.events(EVENTS) as stream:
            assert (await stream.until("snapshot"))[0].value["offset"]
        assert (await ann.ask("GET", "/openapi.json"))["servers"] == [{"url": "/ai/now"}]
        await ann.problem(404, "not_found", "GET", "/none")


async def test_without_our_lifespan_it_says_so() -> None:
    house = Starlette(routes=[Mount("/ai", hubline(ScriptedProvider()))])
    async with under_uvicorn(house, "/ai") as ann:
        assert "lifespan=app.lifespan" in await ann.problem(503, "unavailable", "GET", "/sessions")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


async def test_without_its_store_it_asks_to_come_again(redis: RedisServer) -> None:
    app = hubline(ScriptedProvider(), backplane=redis.url, token_secret="s" * 32)
    async with under_uvicorn(app) as ann:
        await ann.open()
        redis.kill()
        answer = await ann.http.get("/api/sessions/ses")
        assert (answer.status_code, answer.json()["code"]) == (503, "backplane_away")
        assert int(answer.headers["retry-after"]) >= 1
        redis.start()  # so that it ends well


async def test_a_node_that_is_drained_sends_its_streams_to_another(redis: RedisServer) -> None:
    """Where the answer goes on from the very event, while the first node still writes it."""
    provider, answer = ScriptedProvider(), Gated()
    answer.asked(provider)
    settings = {"backplane": redis.url, "token_secret": "s" * 32, "drain_s": 20, "drain_spread_s": 0.01}
    nodes = [hubline(provider, **settings) for _ in range(2)]
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(under_uvicorn(node)) for node in nodes]
        await one.open()
        async with (
            one.events(MESSAGES, {"content": "hi"}, "POST") as run,
            one.events(EVENTS) as first,
            two.events(EVENTS) as other,
        ):
            answer.open_next()
            await run.until("text")
            seen = await first.until("text")
            draining = asyncio.create_task(nodes[0].drain())
            seen += await first.rest()
            await run.rest()
            await one.problem(503, "unavailable", "GET", EVENTS)
            answer.open_all()
            async with two.events(EVENTS, last_event_id=seen[-1].id) as second:
                rest = await second.until("done")
            whole = [*seen, *rest]
            offsets = [event.value["offset"] for event in whole]
            assert offsets == list(range(int(str(offsets[0])), int(str(offsets[0])) + len(whole)))
            deltas = "".join(str(event.value["delta"]) for event in whole if event.type == "text")
            assert partial_of(whole[0].value) + deltas == answer.text
            await other.until("done")
            await draining
