"""Context hooks: what is found goes to the model, its sources to the watchers."""

import asyncio

from hub.chat import events
from hub.hooks.base import Found, Question
from hub.hooks.registry import Hooks
from tests.hooks.answering import answer, first_message, types_of_run
from tests.runs.scripted import call, end, says, text_of

SALES = Found(text="Sales were 7 in May.", title="Sales", url="https://example.org/sales")


async def test_what_is_found_goes_before_the_question_in_every_step_and_sources_are_shown() -> None:
    hooks = Hooks()
    asked: list[Question] = []

    @hooks.add_context()
    async def look(question: Question) -> list[Found]:
        asked.append(question)
        return [SALES, Found(text="It rained.", title="Weather")]

    node, recorder = await answer(hooks, "How were sales?", [*call("c1"), end("tool_calls")], says("7"))
    assert [question.text for question in asked] == ["How were sales?"]
    for stream in node.provider.streams:
        sent = next(text_of(message) for message in stream.request.messages if message.role == "user")
        assert sent.index("Sales were 7 in May.") < sent.index("[2] Weather") < sent.index("How were sales?")
    shown = recorder.of(events.Custom)[0]
    assert (shown.name, shown.value) == (
        "sources",
        [{"title": "Sales", "url": "https://example.org/sales"}, {"title": "Weather"}],
    )
    assert types_of_run(recorder)[:3] == ["run_started", "custom", "step"]
    _, message = await first_message(hooks, "How were sales?")
    assert text_of(message) == "How were sales?"  # what was found is not part of what was said


async def test_nothing_found_changes_nothing() -> None:
    hooks = Hooks()
    hooks.add_context()(lambda question: [])
    node, recorder = await answer(hooks, "hi")
    assert text_of(node.provider.streams[0].request.messages[-1]) == "hi"
    assert recorder.of(events.Custom) == []


async def test_a_hook_that_fails_or_hangs_is_told_and_the_others_count() -> None:
    hooks = Hooks()

    @hooks.add_context()
    def bad(question: Question) -> list[Found]:
        raise RuntimeError

    @hooks.add_context(timeout_s=0.01)
    async def slow(question: Question) -> list[Found]:
        await asyncio.Event().wait()
        return []

    hooks.add_context(name="good")(lambda question: [SALES])
    node, recorder = await answer(hooks, "hi")
    assert sorted(notice.text.split()[2] for notice in recorder.of(events.Notice)) == ["bad", "slow"]
    assert SALES.text in text_of(node.provider.streams[0].request.messages[-1])
    assert recorder.done()[0].outcome == "completed"


async def test_what_is_found_is_bounded() -> None:
    hooks = Hooks()
    long = Found(text="é" * 100, title="long")
    hooks.add_context(name="much", max_bytes=301)(lambda question: [long, long, SALES])
    node, _ = await answer(hooks, "hi")
    sent = text_of(node.provider.streams[0].request.messages[-1])
    assert sent.count("é") == 150 and SALES.text not in sent
