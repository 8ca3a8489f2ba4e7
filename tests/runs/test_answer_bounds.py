"""What one answer may hold, and that all of it can be read in both protocols."""

from collections.abc import Sequence

import pytest

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import Citation, Json
from hub.hooks.output import Output
from hub.hooks.registry import Hooks
from hub.hooks.rollout import Rollout
from hub.protocol.messages import Encoded
from hub.protocol.values import dump_json, dump_msgpack
from hub.providers.base import Cited, TextDelta, ThinkingDelta, ThinkingEnd, ToolCallDelta, ToolCallEnd, ToolCallStart
from hub.runs.answer.text import MAX_DEPTH, repaired_json
from hub.runs.limits import RunLimits
from hub.tools.toolset import Toolset
from tests.runs import invariants
from tests.runs.node import Node, Recorder
from tests.runs.scripted import Act, call, end, says
from tests.runs.tools import counting_tools

SMALL = RunLimits(
    linger_s=0.0, retry_base_s=0.0, max_answer_chars=20, max_argument_chars=10, max_step_parts=3, max_step_calls=2
)
CITED = Cited(0, [Citation(source="web", title="t" * 7, quote="q" * 7, url="u" * 7)])
ENDLESS_NUMBER = 10**400


def nested(levels: int) -> Json:
    value: Json = []
    for _ in range(levels - 1):
        value = [value]
    return value


async def answered(backplane: Backplane, node: Node, *scripts: Sequence[Act]) -> tuple[Recorder, events.Done]:
    """Ask once, and once more: the session goes on, and both protocols can read all of it."""
    node.provider.scripts = [*scripts, says("Fine.")]
    async with node.running():
        await node.open()
        recorder = await node.record()
        asked = await node.send("ask")
        await node.idle()
        first = recorder.done(asked.run_id)[0]
        again = await node.send("again")
        await node.idle()
        page = await node.chats.history("ann", "ses", before=None, limit=10)
        invariants.check(recorder.entries, page.messages)
    assert recorder.done(again.run_id)[0].outcome == "completed"
    assert node.provider.open_streams == 0
    assert dump_json(page) and dump_msgpack(page)
    assert all(Encoded(wire).msgpack for wire in recorder.wires)
    return recorder, first


@pytest.mark.parametrize(
    ("script", "limit"),
    [
        ([TextDelta(0, "x" * 15), TextDelta(0, "x" * 6)], "max_answer_chars"),
        ([TextDelta(0, "x" * 21)], "max_answer_chars"),
        ([ThinkingDelta(0, "x" * 15), TextDelta(0, "x" * 6)], "max_answer_chars"),
        ([ThinkingEnd(0, signature="x" * 11), ThinkingEnd(1, redacted="x" * 10)], "max_answer_chars"),
        ([ToolCallStart("c", "x" * 20)], "max_answer_chars"),
        ([TextDelta(0, "x"), CITED], "max_answer_chars"),
        ([ToolCallStart("c", "n"), ToolCallDelta("c", "x" * 6), ToolCallDelta("c", "x" * 5)], "max_argument_chars"),
        ([ToolCallStart(name, "n") for name in "abc"], "max_step_calls"),
        ([*(TextDelta(number, "x") for number in range(4))], "max_step_parts"),
        ([*(ThinkingEnd(number, redacted="x") for number in range(4))], "max_step_parts"),
        ([ToolCallStart("a", "n"), ToolCallStart("b", "n"), TextDelta(0, "x"), TextDelta(1, "x")], "max_step_parts"),
    ],
)
async def test_what_is_too_much_ends_the_answer(backplane: Backplane, script: list[Act], limit: str) -> None:
    node = Node(backplane, limits=SMALL)
    recorder, done = await answered(backplane, node, [*script, end()])
    assert done.error is not None
    assert (done.outcome, done.error.code, done.error.retryable) == ("failed", "provider_truncated", False)
    assert f"{limit} ({getattr(SMALL, limit)})" in done.error.message
    assert node.provider.streams[0].yielded == script, "the stream is closed at what was too much"
    assert recorder.of(events.Notice) == [], "nor is it asked again"
    parts = next(part for part in recorder.fold().messages.values() if part["role"] == "assistant")["parts"]
    kept = sum(len(part.get("text", "")) for part in parts)
    assert kept == sum(len(act.text) for act in script[:-1] if isinstance(act, TextDelta | ThinkingDelta))


async def test_the_answer_is_bounded_over_its_steps_and_parts_and_calls_in_each(backplane: Backplane) -> None:
    node = Node(
        backplane, tools=counting_tools(), limits=RunLimits(linger_s=0.0, max_answer_chars=30, max_step_calls=1)
    )
    steps: list[Sequence[Act]] = [[*call(f"c{number}", to=1), end("tool_calls")] for number in range(4)]
    recorder, done = await answered(backplane, node, *steps)
    assert done.error is not None and "max_answer_chars (30)" in done.error.message
    # Each has two characters of id, five of name and one of arguments.
    assert [event.outcome for event in recorder.of(events.ToolComplete)] == ["success"] * 3
    assert len(node.provider.streams) == 5


async def test_an_answer_that_is_held_back_is_bounded_too(backplane: Backplane) -> None:
    node = Node(backplane, limits=SMALL, hooks=Hooks(streaming=Rollout("streaming", 0)))
    script = [TextDelta(0, "x" * 15), TextDelta(0, "x" * 6), TextDelta(0, "never asked for")]
    recorder, done = await answered(backplane, node, [*script, end()])
    assert done.error is not None and done.error.code == "provider_truncated"
    assert node.provider.streams[0].yielded == script[:2]
    assert recorder.of(events.Text, done.run_id)[0].delta == "x" * 15


@pytest.mark.parametrize("value", [ENDLESS_NUMBER, -ENDLESS_NUMBER, nested(MAX_DEPTH), [{"a": [ENDLESS_NUMBER]}]])
async def test_arguments_that_cannot_travel_fail_their_call(backplane: Backplane, value: Json) -> None:
    """Whatever provider made them: one that decodes its own, or the demo, which writes them itself."""
    script: list[Act] = [ToolCallStart("c1", "count"), ToolCallEnd("c1", {"to": value}), end("tool_calls")]
    recorder, done = await answered(backplane, Node(backplane, tools=counting_tools()), script, says("ok"))
    (complete,) = recorder.of(events.ToolComplete)
    assert (complete.outcome, done.outcome) == ("failed", "completed")
    assert complete.error is not None and complete.error.startswith("The arguments are not taken: ")


def returning(value: Json) -> Toolset:
    tools = Toolset()

    @tools.tool()
    async def gives() -> object:
        """Give the value."""
        return value

    return tools


@pytest.mark.parametrize("value", [ENDLESS_NUMBER, nested(MAX_DEPTH + 1), {"a": -ENDLESS_NUMBER}])
async def test_results_that_cannot_travel_fail_their_call(backplane: Backplane, value: Json) -> None:
    script = [*call("c1", "gives"), end("tool_calls")]
    recorder, done = await answered(backplane, Node(backplane, tools=returning(value)), script, says("ok"))
    (complete,) = recorder.of(events.ToolComplete)
    assert (complete.outcome, complete.result, done.outcome) == ("failed", None, "completed")
    assert complete.error is not None and complete.error.startswith("The tool has run, but its result is not taken: ")


@pytest.mark.parametrize(
    ("value", "kept"),
    [(10**30, 1e30), ([-(10**30), True], [-1e30, True]), (2**64 - 1, 2**64 - 1), (-(2**63), -(2**63))],
)
async def test_integers_of_more_than_64_bits_are_kept_as_floats(backplane: Backplane, value: Json, kept: Json) -> None:
    script = [*call("c1", "gives"), end("tool_calls")]
    recorder, _ = await answered(backplane, Node(backplane, tools=returning(value)), script, says("ok"))
    (complete,) = recorder.of(events.ToolComplete)
    assert (complete.outcome, complete.result) == ("success", kept)


async def test_a_hook_is_told_what_cannot_travel(backplane: Backplane) -> None:
    hooks, refused = Hooks(), list[str]()

    @hooks.on_output()
    async def says_much(output: Output) -> None:
        for value in (ENDLESS_NUMBER, nested(MAX_DEPTH + 1)):
            try:
                output.emit("much", value)
            except ValueError as error:
                refused.append(str(error))
        output.emit("enough", 10**30)
        async for _ in output:
            pass

    recorder, done = await answered(backplane, Node(backplane, hooks=hooks), says("ok"))
    assert [(event.name, event.value) for event in recorder.of(events.Custom, done.run_id)] == [("enough", 1e30)]
    assert refused[:2] == ["a number in it is too large", f"it is nested more than {MAX_DEPTH} levels deep"]


def test_the_deepest_that_is_taken_can_be_read_in_both_protocols() -> None:
    value = repaired_json(nested(MAX_DEPTH))
    assert Encoded(dump_json({"message": {"parts": [{"result": value}]}})).msgpack
