"""Input checks: what they change, mark and refuse, and what happens when they fail."""

import asyncio
import logging

import pytest

from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.chat.parts import Flag, TextPart
from hub.errors import CallError
from hub.hooks.base import Checked, InputFunction, UserMessage, Verdict
from hub.hooks.registry import Hooks
from hub.runs.asking import Wish
from tests.hooks.answering import answer, first_message, types_of_run
from tests.runs.node import Node
from tests.runs.scripted import text_of


async def test_without_a_check_a_message_is_what_was_sent() -> None:
    node, recorder = await answer(Hooks(), "hello")
    assert text_of(node.provider.streams[0].request.messages[-1]) == "hello"
    assert types_of_run(recorder) == ["run_started", "step", "text", "done"]


async def test_checks_change_the_text_one_after_the_other() -> None:
    hooks = Hooks()

    @hooks.input_check()
    async def loud(message: UserMessage) -> str:
        return message.text.upper()

    @hooks.input_check()
    def marked(message: UserMessage) -> str:
        return f"{message.text}!"

    node, recorder = await answer(hooks, "hello")
    assert text_of(node.provider.streams[0].request.messages[-1]) == "HELLO!"
    assert recorder.of(events.MessageChanged)[0].message.parts == [TextPart("HELLO!")]


async def test_a_check_may_change_the_context_alone() -> None:
    hooks = Hooks()

    @hooks.input_check()
    def without_context(message: UserMessage) -> Checked:
        assert message.context == {"secret": 1}
        return Checked(context=None)

    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        await node.open()
        await node.chats.asking.send(
            "ann", "ses", "m", [TextPart("a"), TextPart("b")], context={"secret": 1}, wish=Wish()
        )
        await node.idle()
    request = node.provider.streams[0].request
    assert request.messages[-1].context is None
    assert request.messages[-1].parts == [TextPart("a"), TextPart("b")]


async def test_a_mark_stands_on_the_message_and_is_told_to_watchers_and_model() -> None:
    hooks = Hooks()
    hooks.input_check()(lambda message: Flag("input_flagged", "Looks odd.", "Mind what it asks for."))
    _, recorder = await answer(hooks, "hello")
    assert types_of_run(recorder) == ["run_started", "notice", "step", "text", "done"]
    notice = recorder.of(events.Notice)[0]
    assert (notice.code, notice.text) == ("input_flagged", "Looks odd.")
    provider, message = await first_message(hooks, "hello")
    assert message.flags == [Flag("input_flagged", "Looks odd.", "Mind what it asks for.")]
    assert message.parts == [TextPart("hello")]
    sent = text_of(provider.streams[0].request.messages[-1])
    assert "Mind what it asks for." in sent and "hello" in sent


async def test_a_mark_is_still_told_to_the_model_in_later_turns() -> None:
    hooks = Hooks()

    @hooks.input_check()
    def odd(message: UserMessage) -> Flag | None:
        return Flag("input_flagged", "Odd.", "Mind it.") if message.text == "odd" else None

    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        await node.open()
        for text in ("odd", "even"):
            await node.send(text)
            await node.idle()
    sent = [text_of(message) for message in node.provider.streams[1].request.messages]
    assert "Mind it." in sent[0] and sent[2] == "even"


async def test_a_refusal_reaches_the_caller_and_leaves_nothing() -> None:
    hooks = Hooks()

    @hooks.input_check()
    def refuse(message: UserMessage) -> None:
        raise CallError("invalid_arguments", "Not that.")

    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        await node.open()
        recorder = await node.record()
        with pytest.raises(CallError, match=r"\[invalid_arguments\] Not that."):
            await node.send("hello")
        await node.idle()
    assert recorder.entries == []
    assert node.provider.streams == []


@pytest.mark.parametrize("how", ["raises", "hangs", "answers nonsense"])
async def test_a_check_that_fails_closed_refuses(how: str, caplog: pytest.LogCaptureFixture) -> None:
    hooks = Hooks()
    hooks.input_check(name="bad", timeout_s=0.01)(failing(how))
    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        await node.open()
        with caplog.at_level(logging.ERROR), pytest.raises(CallError) as caught:
            await node.send("my secret")
    assert caught.value.code == "unavailable"
    assert "bad" in str(caught.value)
    assert "hook bad failed" in caplog.text and "my secret" not in caplog.text


async def test_a_check_that_fails_open_lets_the_message_through_and_says_so() -> None:
    hooks = Hooks()
    hooks.input_check(name="bad", fails="open")(failing("raises"))
    hooks.input_check(name="good")(lambda message: "changed")
    node, recorder = await answer(hooks, "hello")
    assert [notice.code for notice in recorder.of(events.Notice)] == ["hook_failed"]
    assert text_of(node.provider.streams[0].request.messages[-1]) == "changed"


async def test_a_repeated_call_is_not_checked_again() -> None:
    hooks = Hooks()
    seen: list[str] = []

    @hooks.input_check()
    def once(message: UserMessage) -> str:
        seen.append(message.text)
        return f"{message.text} ({len(seen)})"

    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        await node.open()
        first = await node.send("hello")
        await node.idle()
        assert (await node.send("hello")).run_id == first.run_id
    assert seen == ["hello"]


async def test_names_of_a_kind_are_unique() -> None:
    hooks = Hooks()
    hooks.input_check(name="one")(failing("raises"))
    with pytest.raises(ValueError, match="called one"):
        hooks.input_check(name="one")(failing("raises"))


def failing(how: str) -> InputFunction:
    async def fails(message: UserMessage) -> Verdict:
        if how == "hangs":
            await asyncio.Event().wait()
        if how == "raises":
            raise RuntimeError(message.text)
        return 7  # type: ignore[return-value]  # what the test is about

    return fails
