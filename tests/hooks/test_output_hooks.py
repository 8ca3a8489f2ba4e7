"""Output hooks: what they see and say, and that an answer never depends on them."""

import asyncio
import logging

import pytest

from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.errors import ProviderError
from hub.hooks.output import MAX_EVENTS, MAX_VALUE_BYTES, Output, Piece
from hub.hooks.registry import Hooks
from hub.providers.base import TextDelta, ThinkingDelta
from tests.hooks.answering import answer, types_of_run
from tests.runs.node import Node, until
from tests.runs.scripted import call, end, says


async def test_a_hook_reads_the_answer_and_speaks_while_it_streams() -> None:
    hooks = Hooks()
    seen: list[Piece] = []
    gate = asyncio.Event()

    @hooks.on_output()
    async def watch(output: Output) -> None:
        async for piece in output:
            seen.append(piece)
            output.emit("seen", {"characters": len(piece.text)})
            gate.set()
        output.emit("outcome", output.outcome)

    _, recorder = await answer(hooks, "hi", [TextDelta(0, "one"), gate, TextDelta(0, "two"), end()])
    assert "".join(piece.text for piece in seen) == "onetwo"
    said = [(event.name, event.value) for event in recorder.of(events.Custom)]
    assert said == [("seen", {"characters": 3}), ("seen", {"characters": 3}), ("outcome", "completed")]
    types = types_of_run(recorder)
    assert types.index("custom") < len(types) - 1 - types[::-1].index("text")  # the first before the last text
    assert types[-1] == "done"


async def test_thinking_and_text_come_as_pieces_of_their_own_over_all_steps() -> None:
    hooks = Hooks()
    seen: list[Piece] = []

    @hooks.on_output()
    async def watch(output: Output) -> None:
        seen.extend([piece async for piece in output])

    await answer(
        hooks,
        "hi",
        [ThinkingDelta(0, "hm"), TextDelta(0, "a"), *call("c1"), end("tool_calls")],
        says("b", "c"),
    )
    kinds = [piece.kind for piece in seen]
    assert kinds[0] == "thinking" and set(kinds[1:]) == {"text"}
    assert "".join(piece.text for piece in seen) == "hmabc"


async def test_a_slow_hook_gets_fewer_and_bigger_pieces_and_delays_no_delta() -> None:
    hooks = Hooks()
    seen: list[Piece] = []
    gate = asyncio.Event()

    @hooks.on_output()
    async def slow(output: Output) -> None:
        await gate.wait()
        seen.extend([piece async for piece in output])

    node = Node(MemoryBackplane(), hooks=hooks)
    node.provider.scripts = [says(*"abcdefgh")]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("hi")
        await until(lambda: "".join(event.delta for event in recorder.of(events.Text)) == "abcdefgh")
        assert seen == []
        gate.set()
        await node.idle()
    assert seen == [Piece("text", "abcdefgh")]
    assert recorder.done()[0].outcome == "completed"


async def test_a_failure_is_logged_and_told_and_the_answer_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    hooks = Hooks()

    @hooks.on_output()
    async def bad(output: Output) -> None:
        async for piece in output:
            raise RuntimeError(piece.text)

    @hooks.on_output()
    async def good(output: Output) -> None:
        async for _ in output:
            pass
        output.emit("good", True)

    with caplog.at_level(logging.ERROR):
        _, recorder = await answer(hooks, "hi", says("one", "two"))
    assert [(notice.code, "bad" in notice.text) for notice in recorder.of(events.Notice)] == [("hook_failed", True)]
    assert "hook bad failed: RuntimeError" in caplog.text and "one" not in caplog.text
    assert [event.name for event in recorder.of(events.Custom)] == ["good"]
    assert recorder.done()[0].outcome == "completed"


async def test_a_hook_that_does_not_end_holds_done_no_longer_than_its_time() -> None:
    hooks = Hooks()
    cancelled: list[bool] = []

    @hooks.on_output(timeout_s=0.01)
    async def endless(output: Output) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    _, recorder = await answer(hooks, "hi", says("one"))
    assert recorder.of(events.Notice)[0].code == "hook_failed"
    assert types_of_run(recorder)[-1] == "done" and recorder.done()[0].outcome == "completed"
    await until(lambda: cancelled == [True])


async def test_a_stop_waits_for_no_hook_which_sees_the_end_and_says_nothing_after_it() -> None:
    hooks = Hooks()
    outcomes: list[object] = []

    @hooks.on_output()
    async def watch(output: Output) -> None:
        async for _ in output:
            pass
        outcomes.append(output.outcome)
        output.emit("late", 1)

    node = Node(MemoryBackplane(), hooks=hooks)
    node.provider.scripts = [[TextDelta(0, "one"), asyncio.Event()]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("hi")
        await until(lambda: bool(recorder.of(events.Text)))
        await node.stop()
        await node.idle()
        await until(lambda: outcomes == ["stopped"])
    assert recorder.of(events.Custom) == []
    assert types_of_run(recorder)[-1] == "done"


async def test_a_failed_answer_ends_its_hooks_too() -> None:
    hooks = Hooks()

    @hooks.on_output()
    async def watch(output: Output) -> None:
        async for _ in output:
            pass
        output.emit("outcome", output.outcome)
        async for _ in output:  # reading on after the end ends at once
            raise AssertionError

    failure = ProviderError("provider_auth", "No.")
    _, recorder = await answer(hooks, "hi", [TextDelta(0, "one"), failure])
    assert [event.value for event in recorder.of(events.Custom)] == ["failed"]
    assert recorder.of(events.Notice) == []


def test_what_a_hook_emits_is_bounded() -> None:
    sent: list[str] = []
    output = Output("ses", "run", "ann", "demo", "m", lambda name, value: sent.append(name))
    with pytest.raises(ValueError, match="longer than"):
        output.emit("big", "x" * MAX_VALUE_BYTES)
    with pytest.raises(ValueError, match="1 to 64"):
        output.emit("", 1)
    for _ in range(MAX_EVENTS):
        output.emit("one", 1)
    with pytest.raises(ValueError, match="may emit"):
        output.emit("one", 1)
    assert len(sent) == MAX_EVENTS
