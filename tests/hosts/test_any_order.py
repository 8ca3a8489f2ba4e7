"""Tabs that come and go in any order while calls are made: no write runs twice, every call and run comes to its end."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

import pytest

from hub.errors import HubError
from hub.server.testing import TestClient
from tests.hosts.stage import ANN, KEY, app_with, opened, send, watching
from tests.runs.node import until
from tests.runs.scripted import Act, ScriptedProvider, call, end, says

CALLS = 4
TURNS = 25


def asked(run: int) -> list[Act]:
    """Parallel calls, every other one a write."""
    made = []
    for number in range(0, CALLS, 2):
        made += call(f"c{run}-{number}", "write_range", range="A1", values=[[number]])
        made += call(f"c{run}-{number + 1}", "read_range", range="A1")
    return [*made, end("tool_calls")]


class Tabs:
    """What all tabs together have executed."""

    def __init__(self, chance: random.Random, session_id: str) -> None:
        self.writes: Counter[str] = Counter()
        self._chance = chance
        self._session_id = session_id
        self._working: set[asyncio.Task[None]] = set()

    def listen(self, client: TestClient) -> None:
        def execute(told: dict[str, object]) -> None:
            if told["name"] == "write_range":
                self.writes[str(told["callId"])] += 1
            task = asyncio.create_task(self._work(client, str(told["callId"])))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

        client.on("ExecuteTool", execute)

    async def _work(self, client: TestClient, call_id: str) -> None:
        await asyncio.sleep(self._chance.random() * 0.1)
        with suppress(HubError):  # its connection has ended, or the call has
            await client.invoke("ToolProgress", self._session_id, call_id, {"fraction": 0.5})
            await client.invoke("ToolResult", self._session_id, call_id, {"result": call_id})

    async def idle(self) -> None:
        await until(lambda: not self._working)


@pytest.mark.parametrize("seed", range(8))
async def test_any_order_of_coming_and_going(seed: int) -> None:
    chance = random.Random(seed)
    provider = ScriptedProvider()
    provider.scripts = [step for run in range(3) for step in (asked(run), says("ok"))]
    app = app_with(provider, host_grace_s=0.4, client_tool_timeout_s=5)
    offered = {"name": "Book", "hostKey": KEY, "tools": [{"name": "read_range"}, {"name": "write_range"}]}
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        tabs = Tabs(chance, session_id)
        there: list[TestClient] = []

        async def come() -> None:
            client = app.test_client(user=ANN)
            tabs.listen(client)
            await client.__aenter__()
            there.append(client)
            await client.invoke("RegisterTools", session_id, offered)

        async def go() -> None:
            client = there.pop(chance.randrange(len(there)))
            await (client.drop() if chance.random() < 0.5 else client.stop())

        async with watching(ann, session_id) as watcher:
            await come()
            for run in range(3):
                await send(ann, session_id, f"m{run}")
            for _ in range(TURNS):
                await asyncio.sleep(chance.random() * 0.05)
                await (come() if not there or chance.random() < 0.5 else go())
                if chance.random() < 0.03:
                    await ann.invoke("Stop", session_id)
            await watcher.done(3)
            await tabs.idle()
            for client in there:
                await client.stop()
        assert set(tabs.writes.values()) <= {1}
        completes = [str(event["callId"]) for event in watcher.of("tool_complete")]
        assert len(completes) == len(set(completes))
        assert set(completes) == {str(event["callId"]) for event in watcher.of("tool_start")}
        results = {event["callId"]: event["result"] for event in watcher.of("tool_complete") if event.get("result")}
        assert all(call_id == value for call_id, value in results.items())
        assert not set(tabs.writes) - {str(call_id) for call_id in completes}
