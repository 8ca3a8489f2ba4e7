"""Stop at every moment of an answer that thinks, writes and makes three calls at once, one of which waits for an
approval: the contract's invariants hold, and the strict provider server takes the next request."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from hub.app import Hubline
from hub.chat import events
from hub.errors import HubError
from hub.server.testing import TestClient
from hub.tools.base import ToolContext
from tests.provider_server.script import CallTool, Say, Script, Think
from tests.provider_server.server import ProviderServer
from tests.runs import invariants
from tests.runs.node import Recorder, until

SEEDS = range(30)
MOMENTS = 40
"""More than there are events before the last one; what comes after the answer's end stops nothing."""


def answer(body: Mapping[str, Any]) -> Script:
    """The calls, where the newest message is the one that asks for them."""
    newest = body["messages"][-1]["content"]
    if [block.get("text") for block in newest] != ["go"]:
        return Script(Say("Done."))
    return Script(
        Think("Let me ", "see."),
        Say("I read ", "and write."),
        CallTool("count", {"to": 3}, call_id="toolu_count"),
        CallTool("write", {"cell": "A1"}, call_id="toolu_write"),
        CallTool("fail", {}, call_id="toolu_fail"),
    )


def application(provider: ProviderServer) -> tuple[Hubline, list[str]]:
    app = Hubline(backplane="memory://", anthropic_api_key=provider.api_key, anthropic_base_url=provider.base_url)
    written: list[str] = []

    @app.tool(access="read")
    async def count(to: int, ctx: ToolContext) -> int:
        for number in range(to):
            await ctx.progress(number / to)
        return to

    @app.tool(access="write")
    async def write(cell: str) -> str:
        written.append(cell)
        return "written"

    @app.tool(access="read")
    async def fail() -> str:
        raise RuntimeError("broken")

    return app, written


async def resolve(client: TestClient, session_id: object, *, approve: bool) -> object:
    """The answer; or the code, if it came too late."""
    try:
        return await client.invoke("ResolveApproval", session_id, "toolu_write", {"approve": approve})
    except HubError as error:
        assert str(error).startswith("[call_closed]")
        return None


@pytest.mark.parametrize("seed", SEEDS)
async def test_stop_at_any_moment_leaves_a_history_that_holds(seed: int) -> None:
    chance = random.Random(seed)
    async with ProviderServer(default=answer) as provider:
        app, written = application(provider)
        async with app.lifespan(), app.test_client() as client, app.test_client() as other:
            opened = await client.invoke("OpenSession", {})
            assert isinstance(opened, dict)
            session_id = opened["sessionId"]
            recorder = Recorder()
            await app._backplane.journal.follow(session_id, recorder.receive)
            await client.invoke("SendMessage", session_id, {"messageId": "m-1", "content": "go"})
            moment, answers_at = chance.randrange(MOMENTS), chance.choice([None, chance.randrange(3)])
            await until(lambda: len(recorder.entries) >= moment or is_waiting(recorder) or bool(recorder.done()))
            if is_waiting(recorder) and answers_at is not None:
                await resolve(other, session_id, approve=chance.random() < 0.7)
                enough = len(recorder.entries) + answers_at
                await until(lambda: len(recorder.entries) >= enough or bool(recorder.done()))
            await client.invoke("Stop", session_id)
            await until(lambda: bool(recorder.done()))
            assert await resolve(other, session_id, approve=True) is None or recorder.of(events.ApprovalResolved)
            await client.invoke("SendMessage", session_id, {"messageId": "m-2", "content": "and on"})
            await until(lambda: len(recorder.done()) == 2)
            page = await client.invoke("History", session_id)
            assert isinstance(page, dict)
        invariants.check(recorder.entries)
        first, second = recorder.done()
        assert second.outcome == "completed", second.error
        assert first.outcome in ("stopped", "completed")
        assert [request.refused for request in provider.requests] == [None] * len(provider.requests)
        resolved = recorder.of(events.ApprovalResolved)
        assert len(written) <= len([event for event in resolved if event.approve])


def is_waiting(recorder: Recorder) -> bool:
    needed = {event.call_id for event in recorder.of(events.ApprovalNeeded)}
    return bool(needed - {event.call_id for event in recorder.of(events.ApprovalResolved)})
