"""One answer: steps, tools, retries and limits, and the end of each."""

import asyncio
from collections.abc import Sequence

import pytest

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import Autonomy, Json, ToolCallPart
from hub.errors import ProviderError
from hub.providers.base import (
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageSoFar,
)
from hub.runs.asking import Wish
from hub.runs.chats import SettingsWish
from hub.runs.limits import RunLimits
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.toolset import Toolset
from tests.runs import invariants
from tests.runs.node import Node, Recorder, until
from tests.runs.scripted import USAGE, Act, ScriptedProvider, call, end, says
from tests.runs.tools import counting_tools

OVERLOADED = ProviderError("provider_overloaded", "Too many ask.", retryable=True)


async def answered(
    backplane: Backplane,
    *scripts: Sequence[Act],
    limits: RunLimits | None = None,
    tools: Toolset | None = None,
    autonomy: Autonomy = "agent-yolo",
    wish: Wish | None = None,
) -> tuple[Node, Recorder, events.Done]:
    """Ask once, let it end, check all invariants."""
    node = Node(backplane, tools=tools or counting_tools(), limits=limits)
    node.provider.scripts = list(scripts)
    async with node.running():
        await node.open(wish=SettingsWish(autonomy=autonomy))
        recorder = await node.record()
        asked = await node.send("ask", wish=wish)
        await node.idle()
        page = await node.chats.history("ann", "ses", before=None, limit=10)
        invariants.check(recorder.entries, page.messages)
    assert node.provider.open_streams == 0
    return node, recorder, recorder.done(asked.run_id)[0]


def completes(recorder: Recorder) -> dict[str, events.ToolComplete]:
    return {event.call_id: event for event in recorder.of(events.ToolComplete)}


async def test_tools_run_side_by_side_and_their_results_go_into_the_next_request(backplane: Backplane) -> None:
    script = [TextDelta(0, "let me see"), *call("c1", to=2), *call("c2", to=1), end("tool_calls")]
    node, recorder, done = await answered(backplane, script, says("done", block=0))
    assert done.outcome == "completed"
    assert [event.index for event in recorder.of(events.Step)] == [0, 1]
    assert [done.usage.input_tokens, done.usage.output_tokens] == [20, 10]
    under_way = node.provider.streams[1].request.messages[-1]
    calls = [part for part in under_way.parts if isinstance(part, ToolCallPart)]
    assert [(part.state, part.result, part.title) for part in calls] == [
        ("success", [0, 1], "Count"),
        ("success", [0], "Count"),
    ]
    assert [part.step for part in under_way.parts] == [0, 0, 0]
    assert recorder.of(events.ToolProgress)


async def test_thinking_keeps_its_signature_and_its_own_part(backplane: Backplane) -> None:
    script: list[Act] = [
        ThinkingDelta(0, "hm"),
        ThinkingEnd(0, signature="sig"),
        ThinkingEnd(1, redacted="xx"),
        ThinkingDelta(2, "unsigned"),
        ThinkingEnd(2),
        TextDelta(0, "so"),
        end(),
    ]
    _, recorder, _ = await answered(backplane, script)
    parts = {event.part: (event.signature, event.redacted) for event in recorder.of(events.Thinking)}
    assert parts == {0: ("sig", None), 1: (None, "xx"), 2: (None, None)}
    assert recorder.of(events.Text)[0].part == 3


@pytest.mark.parametrize(
    ("reason", "outcome", "code"),
    [
        ("max_output", "limit", "max_output"),
        ("refused", "failed", "refused"),
        ("context_full", "failed", "context_too_long"),
    ],
)
async def test_a_step_that_ends_early_says_why(backplane: Backplane, reason: str, outcome: str, code: str) -> None:
    cut_off: list[Act] = [TextDelta(0, "par"), ToolCallStart("c1", "count"), ToolCallDelta("c1", '{"t')]
    _, recorder, done = await answered(backplane, [*cut_off, StepEnd(reason, USAGE)])  # type: ignore[arg-type]  # one of the reasons
    assert (done.outcome, done.error and done.error.code, done.finish_reason) == (outcome, code, reason)
    assert completes(recorder)["c1"].outcome == "interrupted"


async def test_a_pause_asks_again(backplane: Backplane) -> None:
    node, _, done = await answered(backplane, [TextDelta(0, "a"), end("pause")], says("b"))
    assert done.outcome == "completed"
    assert len(node.provider.streams) == 2


async def test_a_call_that_was_cut_off_is_answered_before_the_next_request(backplane: Backplane) -> None:
    script: list[Act] = [*call("c1", to=1), ToolCallStart("c2", "count"), end("tool_calls")]
    node, recorder, done = await answered(backplane, script, says("ok"))
    assert done.outcome == "completed"
    assert completes(recorder)["c2"].outcome == "interrupted"
    states = [
        part.state for part in node.provider.streams[1].request.messages[-1].parts if isinstance(part, ToolCallPart)
    ]
    assert states == ["success", "interrupted"]


async def test_a_stream_without_its_end_is_a_failure(backplane: Backplane) -> None:
    _, _, done = await answered(backplane, [TextDelta(0, "par")])
    assert (done.outcome, done.error and done.error.code) == ("failed", "provider_truncated")


async def test_a_failure_before_the_first_delta_is_tried_again_with_a_notice(backplane: Backplane) -> None:
    node, recorder, done = await answered(backplane, [OVERLOADED], [OVERLOADED], says("at last"))
    assert done.outcome == "completed"
    assert [event.code for event in recorder.of(events.Notice)] == ["retrying", "retrying"]
    assert len(recorder.of(events.Step)) == 1
    assert len(node.provider.streams) == 3


@pytest.mark.parametrize(
    "script",
    [
        [TextDelta(0, "par"), OVERLOADED],
        [ProviderError("provider_auth", "No.")],
        [ProviderError("provider_rate_limited", "Later.", retryable=True, retry_after_s=9999.0)],
    ],
)
async def test_a_failure_is_not_tried_again(backplane: Backplane, script: list[Act]) -> None:
    node, recorder, done = await answered(backplane, script)
    assert done.outcome == "failed"
    assert len(node.provider.streams) == 1
    assert not recorder.of(events.Notice)


def warnings(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """What the log's lines on runs that failed say."""
    failed = [record for record in caplog.records if record.getMessage().startswith("run failed")]
    assert all(isinstance(record.args, dict) for record in failed)
    return [{"levelname": record.levelname, **record.args} for record in failed if isinstance(record.args, dict)]


async def test_a_failure_is_one_line_in_the_log(backplane: Backplane, caplog: pytest.LogCaptureFixture) -> None:
    script: list[Act] = [TextDelta(0, "par"), ProviderError("provider_auth", "The key sk-1234567 is wrong.")]
    node, _, done = await answered(backplane, script)
    assert warnings(caplog) == [
        {
            "levelname": "WARNING",
            "code": "provider_auth",
            "provider": "scripted",
            "model": node.provider.streams[0].request.model,
            "run": done.run_id,
            "session": "ses",
        }
    ]
    assert (
        f"run failed: code=provider_auth provider=scripted model=script-1 run={done.run_id} session=ses"
        in caplog.messages
    )
    assert "sk-" not in caplog.text


async def test_an_answer_that_completes_is_not_warned_of(
    backplane: Backplane, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, done = await answered(backplane, [OVERLOADED], says("at last"))
    assert (done.outcome, warnings(caplog)) == ("completed", [])


async def test_trying_again_has_an_end(backplane: Backplane) -> None:
    node, _, done = await answered(backplane, *[[OVERLOADED]] * 9)
    assert (done.outcome, done.error and done.error.retryable) == ("failed", True)
    assert len(node.provider.streams) == 3


@pytest.mark.parametrize("error", [RuntimeError("boom"), TimeoutError("boom, in time")])
async def test_a_provider_that_breaks_fails_the_run(
    backplane: Backplane, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    _, _, done = await answered(backplane, [error])
    assert (done.outcome, done.error and done.error.code) == ("failed", "internal")
    assert "boom" in caplog.text


async def test_wall_time_says_its_name_and_number(backplane: Backplane, caplog: pytest.LogCaptureFixture) -> None:
    limits = RunLimits(wall_time_s=0.01, linger_s=0)
    _, _, done = await answered(backplane, [TextDelta(0, "par"), asyncio.Event()], limits=limits)
    assert done.outcome == "limit" and done.error is not None
    assert (done.error.code, "wall_time_s (0.01 s)" in done.error.message) == ("wall_time", True)
    assert [line["code"] for line in warnings(caplog)] == ["wall_time"]


async def test_max_steps_says_its_name_and_number(backplane: Backplane) -> None:
    scripts = [[*call(f"c{step}", to=1), end("tool_calls")] for step in range(5)]
    node, _, done = await answered(backplane, *scripts, wish=Wish(max_steps=2))
    assert done.outcome == "limit" and done.error is not None
    assert (done.error.code, "max_steps (2)" in done.error.message) == ("max_steps", True)
    assert len(node.provider.streams) == 2


async def test_a_long_wait_for_the_model_is_told(backplane: Backplane) -> None:
    gate = asyncio.Event()
    node = Node(backplane, limits=RunLimits(notice_wait_s=0.0, linger_s=0))
    node.provider.scripts = [[gate, *says("ok")]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await until(lambda: bool(recorder.of(events.Notice)))
        gate.set()
        await node.idle()
    assert recorder.of(events.Notice)[0].code == "waiting_for_provider"


async def test_a_stopped_step_is_accounted_for(backplane: Backplane) -> None:
    node = Node(backplane)
    node.provider.scripts = [[UsageSoFar(USAGE), TextDelta(0, "x" * 400), asyncio.Event()]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await until(lambda: bool(recorder.of(events.Text)))
        await node.stop()
        await node.idle()
        usage = recorder.done()[0].usage
        assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (10, 100, True)
        assert (await node.chats.get("ann", "ses")).usage == usage


async def test_halves_of_characters_are_mended_everywhere(backplane: Backplane) -> None:
    tools = Toolset()

    async def echo(arguments: object, ctx: ToolContext) -> Json:
        await ctx.progress(0.5, "\udc00")
        raise ToolError(f"no {arguments} \ud83d")

    spec = counting_tools().specs()[0]
    tools.add(Tool(spec=spec, run=echo))
    script: list[Act] = [
        TextDelta(0, "a\ud83d"),
        TextDelta(0, "\udcc8b"),
        TextDelta(1, "\ud83d"),
        ToolCallStart("c1", "count"),
        ToolCallDelta("c1", '"\ud83d'),
        ToolCallDelta("c1", '\udcc8"'),
        ToolCallEnd("c1", {"to\ud83d": ["\ud83d", {"x": 1}]}),
        end("tool_calls"),
    ]
    _, recorder, done = await answered(backplane, script, [ProviderError("provider_auth", "\ud83d")], tools=tools)
    assert done.outcome == "failed"
    texts: dict[int, str] = {}
    for event in recorder.of(events.Text):
        texts[event.part] = texts.get(event.part, "") + event.delta
    assert texts == {0: "a📈b", 2: "\ufffd"}
    whole = [event.arguments for event in recorder.of(events.ToolInput) if event.arguments is not None]
    assert whole == [{"to\ufffd": ["\ufffd", {"x": 1}]}]


# -------------------------------------------------------------------------------------------------------- tools


async def outcome_of(
    backplane: Backplane, acts: list[Act], tools: Toolset | None = None, autonomy: Autonomy = "agent-yolo"
) -> str:
    script = [*acts, end("tool_calls")]
    _, recorder, done = await answered(backplane, script, says("ok"), tools=tools, autonomy=autonomy)
    assert done.outcome == "completed"
    complete = recorder.of(events.ToolComplete)
    assert len(complete) == 1
    return f"{complete[0].outcome}: {complete[0].error}"


async def test_an_unknown_tool_fails(backplane: Backplane) -> None:
    assert await outcome_of(backplane, call("c1", "nothing")) == "failed: There is no tool called nothing."


async def test_wrong_arguments_fail(backplane: Backplane) -> None:
    assert (await outcome_of(backplane, call("c1", too=1))).startswith("failed: Wrong arguments: to is required")


async def test_arguments_that_are_no_object_fail(backplane: Backplane) -> None:
    acts: list[Act] = [ToolCallStart("c1", "count"), ToolCallEnd("c1", None, "It is a list.")]
    assert await outcome_of(backplane, acts) == "failed: It is a list."


async def test_whatever_a_tool_raises_fails_its_call_only(
    backplane: Backplane, caplog: pytest.LogCaptureFixture
) -> None:
    tools = Toolset()

    @tools.tool()
    async def breaks(how: str) -> str:
        match how:
            case "error":
                raise RuntimeError("its own fault")
            case "timeout":
                raise TimeoutError("not ours")
            case "cancelled":
                raise asyncio.CancelledError
            case "refuses":
                raise ToolError("No such sheet.")
        await asyncio.Event().wait()
        return "never"

    @tools.tool(timeout_s=0.01)
    async def hangs() -> None:
        await asyncio.Event().wait()

    acts = [act for how in ("error", "timeout", "cancelled", "refuses") for act in call(how, "breaks", how=how)]
    acts += call("hang", "hangs")
    _, recorder, done = await answered(backplane, [*acts, end("tool_calls")], says("ok"), tools=tools)
    assert done.outcome == "completed"
    assert {call_id: event.outcome for call_id, event in completes(recorder).items()} == {
        "error": "failed",
        "timeout": "failed",
        "cancelled": "interrupted",
        "refuses": "failed",
        "hang": "timed_out",
    }
    assert completes(recorder)["refuses"].error == "No such sheet."
    assert completes(recorder)["hang"].error == "The tool did not finish within 0.01 s."
    assert "its own fault" in caplog.text


async def test_stop_during_a_tool_cancels_it_and_answers_its_call(backplane: Backplane) -> None:
    is_cancelled = asyncio.Event()
    tools = Toolset()

    @tools.tool()
    async def hangs(ctx: ToolContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()
            await ctx.progress(1.0, "too late")

    provider = ScriptedProvider()
    provider.scripts = [[TextDelta(0, "a"), *call("c1", "hangs"), *call("c2", "hangs"), end("tool_calls")]]
    node = Node(backplane, provider=provider, tools=tools)
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("ask")
        await until(lambda: len([event for event in recorder.of(events.ToolInput) if event.arguments is not None]) == 2)
        await node.stop()
        await node.idle()
        assert is_cancelled.is_set()
        await node.send("next")
        await node.idle()
    invariants.check(recorder.entries)
    assert [done.outcome for done in recorder.done()] == ["stopped", "completed"]
    assert {event.outcome for event in completes(recorder).values()} == {"interrupted"}
