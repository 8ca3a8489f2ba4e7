"""/metrics: what a running node counts, for Prometheus."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hub.app import Hubline
from hub.server.metrics import MEANING, ServerMetrics
from hub.server.testing import TestClient

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Hubline, httpx2.AsyncClient]]:
    app = Hubline(backplane="memory://", demo_pace=0)
    transport = httpx2.ASGITransport(app=app)
    async with app.lifespan(), httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield app, client


async def scrape(client: httpx2.AsyncClient) -> Samples:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


async def ask(client: TestClient, text: str) -> list[object]:
    opened = await client.invoke("OpenSession")
    assert isinstance(opened, dict)
    message = {"messageId": "m", "content": text}
    return [event async for event in client.stream("Chat", opened["sessionId"], message)]


async def test_an_answer_is_counted_with_its_tool_calls() -> None:
    async with serving() as (app, client):
        async with app.test_client() as hub:
            await ask(hub, "name,price\npen,2\nink,5\n\nWhat is the sum of price?")
        found = await scrape(client)
        assert found["hubline_runs_total", labels(outcome="completed", error="")] == 1
        assert found["hubline_run_seconds_count", labels()] == 1
        assert found["hubline_first_delta_seconds_count", labels()] == 1
        assert found["hubline_tool_call_seconds_count", labels(outcome="success")] >= 1
        assert sum(found.get(("hubline_follows_total", labels(kind=kind)), 0) for kind in ("snapshot", "entries")) == 1
        assert found["hubline_invocations_total", labels()] == 2
        assert found["process_open_fds", labels()] > 0
        assert found["hubline_connections", labels()] == 0  # those on the network; the test's has none


async def test_a_stop_is_measured() -> None:
    async with serving() as (app, client), app.test_client() as hub:
        opened = await hub.invoke("OpenSession")
        assert isinstance(opened, dict)
        message = {"messageId": "m", "content": "/pace 20 Write a long text about tea"}
        async for event in hub.stream("Chat", opened["sessionId"], message):
            assert isinstance(event, dict)
            if event["type"] == "text":
                await hub.invoke("Stop", opened["sessionId"])
        found = await scrape(client)
    assert found["hubline_runs_total", labels(outcome="stopped", error="")] == 1
    assert found["hubline_stop_seconds_count", labels()] == 1


async def test_they_are_not_for_those_behind_a_proxy() -> None:
    async with serving() as (_, client):
        answer = await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
        assert (answer.status_code, "hubline_" in answer.text) == (403, False)


def test_every_count_says_what_it_is() -> None:
    assert set(MEANING) == {field.name for field in dataclasses.fields(ServerMetrics)}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_what_operators_ask_needs_no_token(path: str) -> None:
    app = Hubline(backplane="memory://", jwt_secret="an example, of forty random characters ..")
    transport = httpx2.ASGITransport(app=app)
    async with app.lifespan(), httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get(path)).status_code == 200
