"""Stop at 300 random moments of an answer that thinks, writes and makes three calls at once: one that the server
executes, one that a client does, one that waits for an approval. The contract's invariants hold, the strict provider
server takes the next request, and Stop is seen upstream as a closed connection."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from hub.app import Hubline
from hub.chat import events
from hub.config import load
from hub.errors import HubError
from hub.server.testing import TestClient
from hub.tools.base import ToolContext
from tests.hosts.stage import ANN, opened, register, send
from tests.provider_server.openai_rules import Style
from tests.provider_server.script import CallTool, Say, Script, Stall, Think
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, openai_at, responses_at
from tests.runs import invariants
from tests.runs.node import Recorder, until

STOPS = 30
BATCHES = [
    *(("anthropic", seed) for seed in range(10)),
    *(("openai", seed) for seed in range(5)),
    *(("openai responses", seed) for seed in range(3)),
]
REASONS = Style(reasoning="reasoning")
AT = {"anthropic": anthropic_at, "openai": openai_at, "openai responses": responses_at}
MOMENTS = 40
"""More than there are events before the last one; what comes after the answer's end stops nothing."""


def answer(body: Mapping[str, Any]) -> Script:
    """The calls, where the newest message asks for them; "stall" breaks off in the middle of the text."""
    last = (body["messages"] if "messages" in body else body["input"])[-1]
    content = last["output"] if "output" in last else last["content"]
    newest = [content] if isinstance(content, str) else [block.get("text") for block in content]
    if newest == ["stall"]:
        return Script(Think("Let me ", "see."), Say("I read ", Stall()))
    if newest != ["go"]:
        return Script(Say("Done."))
    return Script(
        Think("Let me ", "see."),
        Say("I read ", "and write."),
        CallTool("count", {"to": 3}, call_id="toolu_count"),
        CallTool("read_range", {"range": "A1"}, call_id="toolu_read"),
        CallTool("write", {"cell": "A1"}, call_id="toolu_write"),
    )


class Stage:
    """One hub with its tools, and a page that executes, at once, later or never."""

    def __init__(self, provider: ProviderServer, kind: str, chance: random.Random) -> None:
        self.app = Hubline(
            settings=load({"backplane": "memory://", "provider": kind.partition(" ")[0], **AT[kind](provider)})
        )
        self.written: list[str] = []
        self._provider = provider
        self._chance = chance
        self._working: set[asyncio.Task[None]] = set()
        self._add_tools()

    def _add_tools(self) -> None:
        @self.app.tool(access="read")
        async def count(to: int, ctx: ToolContext) -> int:
            for number in range(to):
                await ctx.progress(number / to)
            return to

        @self.app.tool(access="write")
        async def write(cell: str) -> str:
            self.written.append(cell)
            return "written"

    def execute_on(self, page: TestClient) -> None:
        def execute(told: dict[str, Any]) -> None:
            if self._chance.random() < 0.7:
                task = asyncio.create_task(self._execute(page, told["sessionId"], told["callId"]))
                self._working.add(task)
                task.add_done_callback(self._working.discard)

        page.on("ExecuteTool", execute)

    async def _execute(self, page: TestClient, session_id: str, call_id: str) -> None:
        for _ in range(self._chance.randrange(5)):
            await asyncio.sleep(0)
        try:
            await page.invoke("ToolProgress", session_id, call_id, {"fraction": 0.5})
            await page.invoke("ToolResult", session_id, call_id, {"result": [[1]]})
        except HubError as error:
            assert str(error).startswith("[call_closed]"), error

    async def stop_somewhere(self, page: TestClient, other: TestClient) -> None:
        chance, begun = self._chance, len(self._provider.requests)
        session_id = await opened(page, "agent-default")
        await register(page, session_id, "read_range")
        recorder = Recorder()
        await self.app._backplane.journal.follow(session_id, recorder.receive)
        stalls = chance.random() < 0.25
        asked = {"messageId": "m1", "content": "stall" if stalls else "go"}
        await page.invoke("SendMessage", session_id, asked)
        moment, answers_at = chance.randrange(5 if stalls else MOMENTS), chance.choice([None, chance.randrange(3)])
        await until(lambda: len(recorder.entries) >= moment or is_waiting(recorder) or bool(recorder.done()))
        if is_waiting(recorder) and answers_at is not None:
            await resolve(other, session_id, approve=chance.random() < 0.7)
            await until(lambda: not is_waiting(recorder))  # whether more comes is the page's affair
            for _ in range(10 * answers_at):
                await asyncio.sleep(0)
        await chance.choice([page, other]).invoke("Stop", session_id)
        await until(lambda: bool(recorder.done()))
        await send(page, session_id, "m2")
        await until(lambda: is_waiting(recorder, recorder.done()[0].run_id) or len(recorder.done()) == 2)
        await page.invoke("Stop", session_id)
        await until(lambda: len(recorder.done()) == 2)
        await page.invoke("SendMessage", session_id, {"messageId": "m3", "content": "and on"})
        await until(lambda: len(recorder.done()) == 3)
        invariants.check(recorder.entries)
        first, _, last = recorder.done()
        assert last.outcome == "completed", last.error
        assert first.outcome in (("stopped",) if stalls else ("stopped", "completed"))
        for request in self._provider.requests[begun:]:
            assert request.refused is None
            await until(lambda request=request: request.answered.is_set() or request.closed_by_client.is_set())  # type: ignore[misc]  # mypy has no type for a lambda's defaults
        approved = [event for event in recorder.of(events.ApprovalResolved) if event.approve]
        assert len(self.written) <= len(approved)
        self.written.clear()


async def resolve(client: TestClient, session_id: str, *, approve: bool) -> None:
    """Unless it comes too late."""
    try:
        await client.invoke("ResolveApproval", session_id, "toolu_write", {"approve": approve})
    except HubError as error:
        assert str(error).startswith("[call_closed]"), error


def is_waiting(recorder: Recorder, after: str = "") -> bool:
    """Whether a call waits for an approval; of another run than `after`."""
    needed = {event.call_id for event in recorder.of(events.ApprovalNeeded) if event.run_id != after}
    return bool(needed - {event.call_id for event in recorder.of(events.ApprovalResolved)})


@pytest.mark.parametrize(("kind", "seed"), BATCHES)
async def test_stop_at_any_moment_leaves_a_history_that_holds(kind: str, seed: int) -> None:
    async with ProviderServer(style=REASONS, default=answer) as provider:
        stage = Stage(provider, kind, random.Random(seed))
        app = stage.app
        async with app.lifespan(), app.test_client(user=ANN) as page, app.test_client(user=ANN) as other:
            stage.execute_on(page)
            for _ in range(STOPS):
                await stage.stop_somewhere(page, other)
