"""Hosts whose connection ends, before, while and after they execute a call: no write runs twice, no run hangs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from hub.app import Hubline
from hub.errors import HubError
from hub.server.testing import TestClient
from tests.hosts.stage import ANN, Object, Watcher, app_with, opened, reads, register, result, send, watching, writes
from tests.runs.node import until
from tests.runs.scripted import Act, ScriptedProvider, says

TOOLS = ("read_range", "write_range")


class Tab:
    """A page that executes tools, or will."""

    def __init__(self, client: TestClient, session_id: str) -> None:
        self.client = client
        self.session_id = session_id
        self.executed: list[str] = []
        self.cancelled: list[Object] = []
        client.on("ExecuteTool", lambda call: self.executed.append(call["callId"]))
        client.on("CancelTool", self.cancelled.append)

    async def register(self) -> str:
        return await register(self.client, self.session_id, *TOOLS)

    async def until_executing(self, call_id: str = "c1") -> None:
        await until(lambda: call_id in self.executed)


class Stage:
    """One session, watched by its owner; `tab` opens another page of theirs."""

    def __init__(self, app: Hubline, ann: TestClient, session_id: str, watcher: Watcher, stack: AsyncExitStack) -> None:
        self.ann = ann
        self.session_id = session_id
        self.watcher = watcher
        self.gate = asyncio.Event()
        self._app = app
        self._stack = stack

    async def tab(self) -> Tab:
        client = await self._stack.enter_async_context(self._app.test_client(user=ANN))
        return Tab(client, self.session_id)

    async def host(self) -> Tab:
        tab = await self.tab()
        await tab.register()
        return tab

    async def ended(self, outcome: str, call_id: str = "c1") -> str:
        """The call's error, once its run has completed."""
        done = await self.watcher.done()
        assert done["outcome"] == "completed"
        assert self.watcher.outcomes[call_id] == outcome
        completes = [event for event in self.watcher.of("tool_complete") if event["callId"] == call_id]
        assert len(completes) == 1
        return str(completes[0].get("error"))


@pytest.fixture(params=["memory", "sqlite"])
def backplane_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'hub.db'}"


@asynccontextmanager
async def stage_with(url: str, *steps: list[Act], **settings: object) -> AsyncIterator[Stage]:
    provider = ScriptedProvider()
    app = app_with(provider, backplane=url, **settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.lifespan())
        ann = await stack.enter_async_context(app.test_client(user=ANN))
        session_id = await opened(ann)
        watcher = await stack.enter_async_context(watching(ann, session_id))
        stage = Stage(app, ann, session_id, watcher, stack)
        provider.scripts = [*([stage.gate, *step] for step in steps), says("done")]
        yield stage


async def test_a_host_that_is_back_before_its_call_gets_it(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes(), host_grace_s=30) as stage:
        gone = await stage.host()
        await send(stage.ann, stage.session_id)
        await until(lambda: bool(stage.watcher.of("step")))
        await gone.client.drop()
        stage.gate.set()
        await until(lambda: bool(stage.watcher.of("tool_start")))
        back = await stage.host()
        await back.until_executing()
        assert await result(back.client, stage.session_id, result="ok")
        await stage.ended("success")
        assert (gone.executed, back.executed) == ([], ["c1"])


async def test_a_call_whose_host_never_comes_back_was_not_run(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes()) as stage:
        gone = await stage.host()
        await send(stage.ann, stage.session_id)
        await until(lambda: bool(stage.watcher.of("step")))
        await gone.client.drop()
        stage.gate.set()
        assert await stage.ended("failed") == (
            "Budget.xlsx is not connected any more. The call was not run: nothing was changed."
        )


@pytest.mark.parametrize("step", [writes(), reads()], ids=["write", "read"])
async def test_a_page_that_reloads_delivers_what_it_was_at(backplane_url: str, step: list[Act]) -> None:
    async with stage_with(backplane_url, step, host_grace_s=30) as stage:
        gone = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await gone.until_executing()
        await gone.client.drop()
        back = await stage.tab()
        with pytest.raises(HubError, match="not_host"):
            await result(back.client, stage.session_id, result="stolen")
        await back.register()
        assert await back.client.invoke("ToolProgress", stage.session_id, "c1", {"fraction": 1}) == {"accepted": True}
        assert await result(back.client, stage.session_id, result="kept")
        await stage.ended("success")
        assert stage.watcher.of("tool_complete")[0]["result"] == "kept"
        assert stage.watcher.of("tool_progress")[0]["fraction"] == 1
        assert not await result(back.client, stage.session_id, result="twice")


@pytest.mark.parametrize("is_back", [True, False])
async def test_a_write_that_was_claimed_never_runs_again(backplane_url: str, is_back: bool) -> None:
    async with stage_with(backplane_url, writes()) as stage:
        gone = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await gone.until_executing()
        await gone.client.drop()
        back = await stage.host() if is_back else await stage.tab()
        assert "The call may have been run" in await stage.ended("interrupted")
        assert back.executed == []
        with pytest.raises(HubError, match="call_closed" if is_back else "not_host"):
            await result(back.client, stage.session_id, result="late")


async def test_a_read_runs_again_where_its_host_is_back(backplane_url: str) -> None:
    async with stage_with(backplane_url, reads(), host_grace_s=30) as stage:
        gone = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await gone.until_executing()
        await gone.client.drop()
        back = await stage.host()
        await back.until_executing()
        assert await result(back.client, stage.session_id, result=[[1]])
        await stage.ended("success")


async def test_a_read_whose_host_never_comes_back_ends(backplane_url: str) -> None:
    async with stage_with(backplane_url, reads()) as stage:
        gone = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await gone.until_executing()
        await gone.client.drop()
        assert "it can be made again" in await stage.ended("interrupted")


async def test_a_host_that_goes_after_its_result_has_done_its_work(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes()) as stage:
        gone = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await gone.until_executing()
        assert await result(gone.client, stage.session_id, result="ok")
        await gone.client.drop()
        await stage.ended("success")


async def test_the_newer_of_two_tabs_gets_the_calls_and_no_call_runs_twice(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes("c1"), writes("c2"), writes("c3"), host_grace_s=30) as stage:
        older, newer = await stage.tab(), await stage.tab()
        assert await older.register() == await newer.register()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await newer.until_executing("c1")
        assert await result(newer.client, stage.session_id, "c1", result=1)
        await newer.until_executing("c2")
        answers = await asyncio.gather(
            result(older.client, stage.session_id, "c2", result="older"),
            result(newer.client, stage.session_id, "c2", result="newer"),
        )
        assert sorted(answers) == [False, True]
        await newer.until_executing("c3")
        assert older.executed == []
        assert await result(newer.client, stage.session_id, "c3", result=3)
        await stage.ended("success", "c3")
        winner = stage.watcher.of("tool_complete")[1]["result"]
        assert winner == ("older" if answers[0] else "newer")
        assert newer.executed == ["c1", "c2", "c3"]


async def test_the_older_tab_gets_the_calls_again_when_the_newer_one_closes(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes(), host_grace_s=30) as stage:
        older, newer = await stage.host(), await stage.host()
        await newer.client.stop()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await older.until_executing()
        assert await result(older.client, stage.session_id, result=1)
        await stage.ended("success")


async def test_a_host_that_takes_too_long_is_told_to_give_up(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes(), client_tool_timeout_s=0.2, host_grace_s=30) as stage:
        slow = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        error = await stage.ended("timed_out")
        assert error.startswith("Budget.xlsx did not finish within 0.2 s. The call may have been run")
        await until(lambda: bool(slow.cancelled))
        assert slow.cancelled == [{"sessionId": stage.session_id, "callId": "c1", "reason": "timed_out"}]
        with pytest.raises(HubError, match="call_closed"):
            await result(slow.client, stage.session_id, result="late")
        with pytest.raises(HubError, match="call_closed"):
            await slow.client.invoke("ToolProgress", stage.session_id, "c1", {"note": "late"})


async def test_a_stop_cancels_the_call_at_once(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes(), host_grace_s=30) as stage:
        tab = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await tab.until_executing()
        await stage.ann.invoke("Stop", stage.session_id)
        assert (await stage.watcher.done())["outcome"] == "stopped"
        assert stage.watcher.outcomes == {"c1": "interrupted"}
        await until(lambda: bool(tab.cancelled))
        assert tab.cancelled == [{"sessionId": stage.session_id, "callId": "c1", "reason": "stopped"}]
        with pytest.raises(HubError, match="call_closed"):
            await result(tab.client, stage.session_id, result="late")


async def test_a_call_that_was_stopped_before_its_host_came_back_is_never_sent(backplane_url: str) -> None:
    async with stage_with(backplane_url, writes(), host_grace_s=30) as stage:
        gone = await stage.host()
        await send(stage.ann, stage.session_id)
        await until(lambda: bool(stage.watcher.of("step")))
        await gone.client.drop()
        stage.gate.set()
        await until(lambda: bool(stage.watcher.of("tool_start")))
        await stage.ann.invoke("Stop", stage.session_id)
        assert (await stage.watcher.done())["outcome"] == "stopped"
        back = await stage.host()
        await send(stage.ann, stage.session_id, "m2")
        await stage.watcher.done(2)
        assert back.executed == []


async def test_a_host_that_reports_progress_after_it_was_away_is_waited_for(backplane_url: str) -> None:
    grace_s = 1.0
    async with stage_with(backplane_url, writes(), host_grace_s=grace_s) as stage:
        gone = await stage.host()
        stage.gate.set()
        await send(stage.ann, stage.session_id)
        await gone.until_executing()
        await gone.client.drop()
        back = await stage.host()
        loop = asyncio.get_running_loop()
        until_s, shown = loop.time() + 1.5 * grace_s, 0
        while loop.time() < until_s:
            shown += 1
            await back.client.invoke("ToolProgress", stage.session_id, "c1", {"note": f"row {shown}"})
            await until(lambda: f"row {shown}" in stage.watcher.notes)  # noqa: B023 (it is called before the next one)
        assert await result(back.client, stage.session_id, result="slow")
        await stage.ended("success")
