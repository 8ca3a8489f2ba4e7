"""Every tool call of 1,000 random answers is seen by every watcher as start, progress where it was reported, and
complete, in this order."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from hub.app import Hubline
from hub.server.testing import TestClient
from hub.tools.base import ToolContext, ToolError
from tests.hosts.stage import ANN, Watcher, app_with, opened, send, watching
from tests.runs.scripted import Act, ScriptedProvider, call, end, says

BATCHES, SESSIONS, RUNS = 4, 25, 10
WATCHERS = 3


class Expected:
    """What was called, and what it reported, by call id."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.notes: dict[str, list[str]] = {}
        self.outcomes: dict[str, str] = {}

    def step(self, run: int, step: int) -> list[Act]:
        made: list[Act] = []
        for number in range(self._chance.randint(1, 4)):
            call_id = f"c{run}-{step}-{number}"
            notes = [f"{call_id}.{note}" for note in range(self._chance.randrange(3))]
            outcome = self._chance.choice(["success", "success", "failed"])
            self.notes[call_id], self.outcomes[call_id] = notes, outcome
            made += call(call_id, "work", notes=notes, fails=outcome == "failed")
        return [*made, end("tool_calls")]


def add_tool(app: Hubline) -> None:
    @app.tool(access="read")
    async def work(notes: list[str], fails: bool, ctx: ToolContext) -> str:
        for number, note in enumerate(notes):
            await ctx.progress(number / len(notes), note)
            await asyncio.sleep(0)
        if fails:
            raise ToolError("it cannot")
        return "worked"


def check(watcher: Watcher, expected: Expected) -> None:
    seen: dict[str, list[str]] = defaultdict(list)
    notes: dict[str, list[str]] = defaultdict(list)
    for event in watcher.events:
        kind = str(event["type"])
        if kind in ("tool_start", "tool_progress", "tool_complete"):
            call_id = str(event["callId"])
            if kind == "tool_progress":
                notes[call_id].append(str(event["note"]))
            if not seen[call_id] or seen[call_id][-1] != kind:
                seen[call_id].append(kind)
    for call_id, wanted in expected.notes.items():
        middle = ["tool_progress"] if wanted else []
        assert seen[call_id] == ["tool_start", *middle, "tool_complete"], call_id
        # Progress is coalesced: some may be left out, the last one never is.
        assert notes[call_id][-1:] == wanted[-1:]
        assert [note for note in wanted if note in notes[call_id]] == notes[call_id]
    assert watcher.outcomes == expected.outcomes


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_every_call_is_seen_by_every_watcher(batch: int) -> None:
    chance = random.Random(batch)
    provider = ScriptedProvider()
    app = app_with(provider)
    add_tool(app)
    async with app.lifespan(), AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(app.test_client(user=ANN)) for _ in range(WATCHERS)]
        for _ in range(SESSIONS):
            await one_session(clients, provider, chance)


async def one_session(clients: list[TestClient], provider: ScriptedProvider, chance: random.Random) -> None:
    expected = Expected(chance)
    session_id = await opened(clients[0])
    async with AsyncExitStack() as stack:
        watchers = [await stack.enter_async_context(watching(client, session_id)) for client in clients]
        for run in range(RUNS):
            steps: list[Sequence[Act]] = [expected.step(run, step) for step in range(chance.randint(1, 3))]
            provider.scripts = [*steps, says("done")]
            await send(chance.choice(clients), session_id, f"m{run}")
            for watcher in watchers:
                await watcher.done(run + 1)
    for watcher in watchers:
        check(watcher, expected)
