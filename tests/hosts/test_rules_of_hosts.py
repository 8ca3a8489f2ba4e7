"""What RegisterTools, ToolProgress and ToolResult refuse, and how tools of several hosts are told apart."""

from itertools import pairwise

import pytest

from hub.app import Hubline
from hub.errors import HubError
from hub.tools.spreadsheet import TOOLS
from tests.hosts.stage import (
    ANN,
    BOB,
    KEY,
    app_with,
    opened,
    reads,
    register,
    result,
    scripted,
    send,
    shown,
    told,
    watching,
    writes,
)
from tests.runs.node import until
from tests.runs.scripted import Act, call, end, says

OWN = {
    "name": "lookup",
    "description": "Find a customer.",
    "inputSchema": {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]},
    "access": "read",
}


def own(**changes: object) -> dict[str, object]:
    return {**OWN, **changes}


def small_app(**settings: object) -> Hubline:
    return app_with(scripted(), host_grace_s=30, **settings)


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        ([{"name": "lookup"}], r"\[invalid_arguments\] tools.0.description: It is missing"),
        ([own(), own()], r"\[invalid_arguments\] tools.1.name: lookup is there twice"),
        ([own(name="a b")], r"\[invalid_arguments\] tools.0.name"),
        ([own(access="admin")], r"\[invalid_arguments\] tools.0.access"),
        ([own(description="x" * 4001)], r"\[too_large\] tools.0.description has 4001 characters; the limit is 4000"),
        ([own(name=f"t{number}") for number in range(65)], r"\[too_large\] There are 65 tools; a host may have 64"),
        ([own(inputSchema={"type": "array"})], r"\[invalid_arguments\] .*`type` must be \"object\""),
        ([own(inputSchema={"type": "object", "x": "y" * 17_000})], r"\[too_large\] tools.0.inputSchema has \d+ bytes"),
        ([own(inputSchema={"type": "object", "properties": {"a b": {}}})], r"\[invalid_arguments\] .*'a b'"),
        ([own(inputSchema={"type": "object", "anyOf": [{}]})], r"\[invalid_arguments\] .*providers take no anyOf"),
    ],
)
async def test_tools_that_cannot_be_used_are_refused(tools: list[dict[str, object]], why: str) -> None:
    app = small_app()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        with pytest.raises(HubError, match=why):
            await ann.invoke("RegisterTools", session_id, {"name": "CRM", "tools": tools})


async def test_a_schema_that_is_nested_too_deep_is_refused() -> None:
    schema: dict[str, object] = {"type": "object"}
    for _ in range(30):
        schema = {"type": "object", "properties": {"a": schema}}
    app = small_app()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        with pytest.raises(HubError, match="over 20 levels deep"):
            await ann.invoke("RegisterTools", session_id, {"name": "CRM", "tools": [own(inputSchema=schema)]})


async def test_who_only_views_offers_nothing() -> None:
    app = small_app()
    async with app.lifespan(), app.test_client(user=ANN) as ann, app.test_client(user=BOB) as bob:
        session_id = await opened(ann)
        await ann.invoke("ShareSession", session_id, "bob", "viewer")
        with pytest.raises(HubError, match="forbidden"):
            await register(bob, session_id, "read_range")


async def test_a_session_has_a_bound_of_hosts() -> None:
    app = small_app()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        for number in range(8):
            await register(ann, session_id, "read_range", name=f"Book {number}")
        with pytest.raises(HubError, match=r"too_large.*has 8 hosts"):
            await register(ann, session_id, "read_range", name="Book 8")
        await register(ann, session_id, name="Book 3")  # withdrawn
        await register(ann, session_id, "read_range", name="Book 8")


async def test_two_workbooks_are_told_apart() -> None:
    provider = scripted(reads("c1", "Plan_2026_xlsx_read_range"))
    app = app_with(provider, host_grace_s=30)
    async with app.lifespan(), app.test_client(user=ANN) as ann, app.test_client(user=ANN) as other:
        session_id = await opened(ann)
        first = await register(ann, session_id, *(tool.spec.name for tool in TOOLS), name="Budget.xlsx")
        second = await register(other, session_id, "read_range", name="Plan 2026.xlsx")
        assert first != second
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id)
            asked = await told(other)
            assert (asked["name"], asked["callId"]) == ("read_range", "c1")
            with pytest.raises(HubError, match="not_host"):
                await result(ann, session_id, result="not mine")
            assert await result(other, session_id, result="mine")
            await watcher.done()
        specs = shown(provider)
        assert [spec.name for spec in specs] == [*(tool.spec.name for tool in TOOLS), "Plan_2026_xlsx_read_range"]
        assert "Plan 2026.xlsx" in specs[-1].description
        assert watcher.of("tool_start")[0]["host"] == second


async def test_a_tool_of_the_servers_name_gets_the_hosts_before_it() -> None:
    provider = scripted()
    app = app_with(provider, host_grace_s=30)

    @app.tool()
    async def lookup(name: str) -> str:
        return name

    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        await register(ann, session_id, tools=[OWN], name="CRM")
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id)
            await watcher.done()
        assert [spec.name for spec in shown(provider)] == ["CRM_lookup"]


async def test_what_is_withdrawn_is_not_offered_and_who_lost_the_role_neither() -> None:
    provider = scripted(says("one"), says("two"), says("three"))
    app = app_with(provider, host_grace_s=30)
    async with app.lifespan(), app.test_client(user=ANN) as ann, app.test_client(user=BOB) as bob:
        session_id = await opened(ann)
        await ann.invoke("ShareSession", session_id, "bob", "editor")
        host_id = await register(bob, session_id, "read_range")
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id, "m1")
            await watcher.done(1)
            await ann.invoke("ShareSession", session_id, "bob", "viewer")
            await send(ann, session_id, "m2")
            await watcher.done(2)
            await ann.invoke("ShareSession", session_id, "bob", "editor")
            assert await register(bob, session_id) == host_id
            await send(ann, session_id, "m3")
            await watcher.done(3)
        assert [len(shown(provider, step)) for step in range(3)] == [1, 0, 0]


async def test_wrong_arguments_of_a_hosts_own_schema_fail_before_it_is_asked() -> None:
    bad: list[Act] = [*call("c1", "lookup", who=7), *call("c2", "lookup", hwo="x"), end("tool_calls")]
    app = app_with(scripted(bad), host_grace_s=30)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        await register(ann, session_id, tools=[OWN])
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id)
            await watcher.done()
        errors = {event["callId"]: event["error"] for event in watcher.of("tool_complete")}
        assert errors == {
            "c1": "Wrong arguments: who must be string.",
            "c2": "Wrong arguments: who is required.",
        }


async def test_a_result_above_the_limit_fails_its_call_and_says_both_numbers() -> None:
    app = app_with(scripted(reads()), host_grace_s=30, max_tool_result_bytes=100)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        await register(ann, session_id, "read_range")
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id)
            await told(ann)
            text = "The tool's result has 202 bytes; the limit max_tool_result_bytes is 100."
            with pytest.raises(HubError, match=rf"\[too_large\] {text}"):
                await result(ann, session_id, result="x" * 200)
            await watcher.done()
        (complete,) = watcher.of("tool_complete")
        assert (complete["outcome"], complete["error"]) == ("failed", f"{text} Ask for less of it.")


async def test_a_result_before_the_call_was_approved_is_not_taken() -> None:
    app = app_with(scripted(writes()), host_grace_s=30)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann, "agent-default")
        await register(ann, session_id, "write_range")
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id)
            await until(lambda: bool(watcher.of("approval_needed")))
            with pytest.raises(HubError, match="conflict"):
                await result(ann, session_id, result="early")
            await ann.invoke("ResolveApproval", session_id, "c1", {"approve": True})
            await told(ann)
            assert await result(ann, session_id, result="ok")
            await watcher.done()
        assert watcher.of("tool_complete")[0]["result"] == "ok"


async def test_progress_is_passed_on_now_and_then_and_the_last_of_it_always() -> None:
    app = app_with(scripted(reads()), host_grace_s=30)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        await register(ann, session_id, "read_range")
        async with watching(ann, session_id) as watcher:
            await send(ann, session_id)
            await told(ann)
            for row in range(200):
                await ann.invoke("ToolProgress", session_id, "c1", {"note": f"row {row}"})
            await result(ann, session_id, result="ok")
            await watcher.done()
        times = [int(str(event["time"])) for event in watcher.of("tool_progress")]
        between = [later - earlier for earlier, later in pairwise(times[:-1])]
        assert all(gap >= 95 for gap in between)  # but for the last: it comes with the result
        assert watcher.notes[0] == "row 0" and watcher.notes[-1] == "row 199"


async def test_calls_and_sessions_that_are_not_there() -> None:
    app = small_app()
    async with app.lifespan(), app.test_client(user=ANN) as ann, app.test_client(user=BOB) as bob:
        session_id = await opened(ann)
        with pytest.raises(HubError, match="not_host"):
            await result(ann, session_id, "nothing", result=1)
        await register(ann, session_id, "read_range")
        with pytest.raises(HubError, match="call_closed"):
            await result(ann, session_id, "nothing", result=1)
        with pytest.raises(HubError, match="forbidden"):
            await result(bob, session_id, "nothing", result=1)
        with pytest.raises(HubError, match="session_not_found"):
            await register(ann, "nowhere", "read_range")
        with pytest.raises(HubError, match=r"invalid_arguments.*hostKey"):
            await register(ann, session_id, "read_range", key="")


async def test_a_host_without_a_key_takes_its_old_place_but_not_its_calls() -> None:
    provider = scripted(writes("c1"))
    app = app_with(provider, host_grace_s=0.3)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        async with watching(ann, session_id) as watcher:
            async with app.test_client(user=ANN) as gone:
                old_id = await register(gone, session_id, "write_range", key=None)
                assert await register(gone, session_id, "write_range", "read_range", key=None) == old_id
                await send(ann, session_id)
                await told(gone)
            async with app.test_client(user=ANN) as back:
                assert await register(back, session_id, "write_range", key=None) != old_id
                with pytest.raises(HubError, match="not_host"):
                    await result(back, session_id, result="late")
                await watcher.done()
        assert watcher.outcomes == {"c1": "interrupted"}
        assert [spec.name for spec in shown(provider, 1)] == ["write_range"]


async def test_a_deleted_session_has_no_hosts_any_more() -> None:
    provider = scripted()
    app = app_with(provider, host_grace_s=30)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        await ann.invoke("OpenSession", {"sessionId": "again"})
        await register(ann, "again", "read_range")
        await ann.invoke("DeleteSession", "again")
        await ann.invoke("OpenSession", {"sessionId": "again"})
        async with watching(ann, "again") as watcher:
            await send(ann, "again")
            await watcher.done()
        assert shown(provider) == []


async def test_nothing_of_a_key_is_stored() -> None:
    app = small_app()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        host_id = await register(ann, session_id, "read_range")
        record = await app._backplane.directory.get(f"{session_id}/hosts")
        assert record is not None and host_id.encode() in record.body
        assert KEY.encode() not in record.body and KEY not in host_id
        page = await ann.invoke("ListSessions")
        assert isinstance(page, dict) and [one["sessionId"] for one in page["sessions"]] == [session_id]
