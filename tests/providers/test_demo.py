"""The demo provider: its deltas, pace, long texts, and answers that go on where they stopped."""

import asyncio
import re
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.chat.parts import FilePart, Message, Part, TextPart, ToolCallPart
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
from hub.providers.demo import DemoProvider
from hub.tools import spreadsheet
from tests.providers.demo_runs import assistant, executed, parts_of, request, run, said, step_of, text_in, user

LONG = "write a long text about tea, 600 words"
TABLE = "total revenue and top 2 by revenue\n\nname,revenue\na,1\nb,2\nc,30"


class Sleeper:
    """Waits for nothing and remembers for how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


async def answer_to(text: str) -> str:
    return text_in(await step_of(DemoProvider(0), request([user(text)])))


async def rest_of(messages: Sequence[Message]) -> str:
    return text_in(await step_of(DemoProvider(0), request(messages)))


@pytest.mark.parametrize(
    "text", ["hi", "Hello there!", "help", "what can you do?", "who are you", "Hallo", "are you an AI?"]
)
async def test_greeting_says_that_it_is_a_demo_and_what_it_can_do(text: str) -> None:
    answer = await answer_to(text)
    assert re.search(r"demo", answer, re.IGNORECASE)
    assert "2,000 words" in answer or "2000 Wörtern" in answer


@pytest.mark.parametrize(
    "text", ["what is the capital of France?", "tell me a joke", "asdf", "2+2", "   ", "🙂", "<script>x</script>"]
)
async def test_the_rest_is_honestly_not_understood(text: str) -> None:
    answer = await answer_to(text)
    assert "I did not understand" in answer
    assert "script" not in answer


async def test_a_file_cannot_be_read_and_it_says_so() -> None:
    message = msgspec.structs.replace(
        user(""), parts=[TextPart("look at this"), FilePart(file_id="f", name="a.csv", media_type="text/csv", size=3)]
    )
    assert "cannot open files" in text_in(await step_of(DemoProvider(0), request([message])))


PRICES = "name,price\npen,20\nink,51"


def with_file(text: str, media_type: str) -> Message:
    parts: list[Part] = [TextPart(text), FilePart(file_id="f", name="a", media_type=media_type, size=3)]
    return msgspec.structs.replace(user(text, message_id="u2"), parts=parts)


@pytest.mark.parametrize(
    ("media_type", "says"),
    [
        ("image/png", "I cannot see images."),
        ("text/csv", "I cannot open files."),
    ],
)
@pytest.mark.parametrize("text", ["What is the total price?", "What does it show?", ""])
async def test_a_question_about_a_file_is_not_answered_from_a_table_before(
    media_type: str, says: str, text: str
) -> None:
    asked = request([user(f"What is the average price?\n{PRICES}"), with_file(text, media_type)])
    deltas = await step_of(DemoProvider(0), asked)
    assert says in text_in(deltas)
    assert not [delta for delta in deltas if isinstance(delta, ToolCallStart)]


async def test_nor_is_it_taken_for_an_order_in_a_workbook() -> None:
    tools = [tool.spec for tool in spreadsheet.TOOLS]
    deltas = await step_of(DemoProvider(0), request([with_file("Write 1 into A1", "image/png")], tools=tools))
    assert "I cannot see images." in text_in(deltas)


async def test_a_table_beside_a_file_is_computed_with_and_a_greeting_is_greeted() -> None:
    asked = request([with_file(f"What is the total price?\n{PRICES}", "image/png")])
    assert [delta for delta in await step_of(DemoProvider(0), asked) if isinstance(delta, ToolCallStart)]
    assert "Hello!" in text_in(await step_of(DemoProvider(0), request([with_file("Hi", "image/png")])))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("write a long text about tea", 1500),
        ("Write an essay about the sea in 300 words", 300),
        ("please write me a 2,000 word story about a lighthouse", 2000),
        ("write 5k words about bread", 5000),
        ("write 3 pages about bread", 1200),
        ("write a text about owls, 20,000 words", 20_000),
        ("write a text about owls, 900000 words", 20_000),
        ("Schreib einen langen Text über Tee mit 800 Wörtern", 800),
        ("Schreibe eine Geschichte über Wölfe, 2 Seiten", 800),
    ],
)
async def test_a_long_text_has_about_the_words_that_were_asked_for(text: str, words: int) -> None:
    answer = await answer_to(text)
    assert abs(len(answer.split()) - words) <= max(70, 0.02 * words)
    assert answer.startswith("# ")
    assert answer.count("```") % 2 == 0


async def test_a_long_text_is_structured_and_names_its_subject() -> None:
    wish = user("write a long text about green tea and scones, 3000 words, slowly")
    answer = text_in(await step_of(DemoProvider(0, sleep=Sleeper().sleep), request([wish])))
    assert "green tea and scones" in answer
    assert "slowly" not in answer
    for structure in (r"^## 1\. ", r"^- \*\*", r"^1\. ", r"^\|---\|", r"^```python$"):
        assert re.search(structure, answer, re.MULTILINE), structure
    assert "demo text" in answer


async def test_a_subject_with_markup_is_written_as_words() -> None:
    answer = await answer_to("write a text about <img src=x> {person} `code` [a](b) **owls**, 200 words")
    assert "<" not in answer and "[" not in answer and "{" not in answer
    assert "person code a b owls" in answer


async def test_texts_are_the_same_again_and_differ_by_subject() -> None:
    assert await answer_to(LONG) == await answer_to(LONG)
    assert await answer_to(LONG) != await answer_to(LONG.replace("tea", "coffee"))


async def test_thinking_comes_first_if_it_is_asked_for() -> None:
    deltas = await step_of(DemoProvider(0), request([user("Think about it, then " + LONG)]))
    kinds = [type(delta) for delta in deltas if not isinstance(delta, UsageSoFar)]
    end = kinds.index(ThinkingEnd)
    assert end > 5
    assert set(kinds[:end]) == {ThinkingDelta}
    assert set(kinds[end + 1 : -1]) == {TextDelta}
    assert kinds[-1] is StepEnd


async def test_deltas_are_of_one_to_three_words() -> None:
    deltas = await step_of(DemoProvider(0), request([user(LONG)]))
    sizes = {len(delta.text.split()) for delta in deltas if isinstance(delta, TextDelta)}
    assert sizes == {1, 2, 3}


async def test_usage_counts_words_and_is_known_early() -> None:
    deltas = await step_of(DemoProvider(0), request([user(LONG)]))
    end = deltas[-1]
    assert isinstance(end, StepEnd)
    assert (end.reason, end.usage.input_tokens, end.usage.estimated) == ("stop", len(LONG.split()), False)
    assert end.usage.output_tokens == pytest.approx(len(text_in(deltas).split()), rel=0.02)
    early = [delta.usage.output_tokens for delta in deltas if isinstance(delta, UsageSoFar)]
    assert early[0] == 0
    assert early == sorted(early)
    assert len(early) > 4


@pytest.mark.parametrize(
    ("pace", "words", "wait_s"),
    [(60, "", 1 / 60), (50, ", slowly", 0.1), (50, ", fast", 1 / 200), (0, "", 0), (0, ", slowly", 1 / 12)],
)
async def test_pace_waits_before_each_delta(pace: float, words: str, wait_s: float) -> None:
    sleeper = Sleeper()
    deltas = await step_of(DemoProvider(pace, sleep=sleeper.sleep), request([user(LONG + words)]))
    assert len(sleeper.waits) == sum(isinstance(delta, TextDelta) for delta in deltas)
    assert sleeper.waits == pytest.approx([wait_s] * len(sleeper.waits))


async def test_closing_the_generator_stops_it_at_once() -> None:
    sleeper = Sleeper()
    stream = DemoProvider(10, sleep=sleeper.sleep).stream(request([user(LONG)]))
    for _ in range(10):
        await anext(stream)
    waited = len(sleeper.waits)
    await stream.aclose()
    assert len(sleeper.waits) == waited
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_cancelling_the_task_that_waits_in_it_stops_it() -> None:
    waiting = asyncio.Event()

    async def for_ever(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(step_of(DemoProvider(1, sleep=for_ever), request([user(LONG)])))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_tool_calls_come_in_pieces_that_join_to_their_arguments() -> None:
    deltas = await step_of(DemoProvider(0), request([user(TABLE)]))
    starts = [delta for delta in deltas if isinstance(delta, ToolCallStart)]
    ends = [delta for delta in deltas if isinstance(delta, ToolCallEnd)]
    assert [start.name for start in starts] == ["table_stats", "top_rows"]
    assert len({start.call_id for start in starts}) == 2
    for end in ends:
        pieces = [delta.delta for delta in deltas if isinstance(delta, ToolCallDelta) and delta.call_id == end.call_id]
        assert len(pieces) > 1
        assert msgspec.json.decode("".join(pieces)) == end.arguments
    last = deltas[-1]
    assert isinstance(last, StepEnd)
    assert last.reason == "tool_calls"


async def test_call_ids_differ_between_runs_and_steps() -> None:
    ids: set[str] = set()
    for run_id, step in (("r1", 0), ("r1", 1), ("r2", 0)):
        deltas = await step_of(DemoProvider(0), request([user(TABLE)], run_id=run_id, step=step))
        ids |= {delta.call_id for delta in deltas if isinstance(delta, ToolCallStart)}
    assert len(ids) == 6


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("failed", "failed: it broke"),
        ("denied", "not allowed"),
        ("timed_out", "too long"),
        ("interrupted", "interrupted"),
    ],
)
async def test_each_outcome_of_a_tool_is_told(state: str, words: str) -> None:
    parts = parts_of(await step_of(DemoProvider(0), request([user(TABLE)])), 0)
    after: list[Part] = []
    for part in parts:
        if isinstance(part, ToolCallPart):
            change = {"state": state, "error": "it broke" if state == "failed" else None}
            after.append(
                msgspec.structs.replace(part, **change) if part.name == "table_stats" else await executed(part)
            )
        else:
            after.append(part)
    answer = text_in(await step_of(DemoProvider(0), request([user(TABLE), assistant(after)], step=1)))
    assert words in answer
    assert "| c | 30 |" in answer


async def test_a_result_of_another_shape_is_told() -> None:
    parts = parts_of(await step_of(DemoProvider(0), request([user(TABLE)])), 0)
    odd = [
        msgspec.structs.replace(part, state="success", result={"rows": 1}) if isinstance(part, ToolCallPart) else part
        for part in parts
    ]
    answer = text_in(await step_of(DemoProvider(0), request([user(TABLE), assistant(odd)], step=1)))
    assert answer.count("another shape") == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_long_text_goes_on_at_any_place(data: st.DataObject) -> None:
    whole = asyncio.run(answer_to(LONG))
    place = data.draw(st.integers(0, len(whole)))
    partial = assistant([TextPart(whole[:place])] if place else [])
    messages = [user(LONG), partial] if place else [user(LONG)]
    assert whole[:place] + asyncio.run(rest_of(messages)) == whole


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_answer_from_tools_goes_on_at_any_place(data: st.DataObject) -> None:
    async def go_on() -> None:
        whole = await run([user(TABLE)])
        last = whole.parts[-1]
        assert isinstance(last, TextPart)
        place = data.draw(st.integers(1, len(last.text)))
        parts = [*whole.parts[:-1], TextPart(last.text[:place], step=1)]
        rest = text_in(await step_of(DemoProvider(0), request([user(TABLE), assistant(parts)], run_id="r2")))
        assert last.text[:place] + rest == last.text

    asyncio.run(go_on())


async def test_an_answer_that_stopped_before_its_calls_goes_on_to_them() -> None:
    first = await step_of(DemoProvider(0), request([user(TABLE)]))
    half = text_in(first)[:20]
    again = await step_of(DemoProvider(0), request([user(TABLE), assistant([TextPart(half)])], run_id="r2"))
    assert half + text_in(again) == text_in(first)
    assert sum(isinstance(delta, ToolCallEnd) for delta in again) == 2


async def test_calls_that_were_cut_off_are_made_again_by_the_run_that_continues() -> None:
    parts = parts_of(await step_of(DemoProvider(0), request([user(TABLE)])), 0)
    cut = [
        msgspec.structs.replace(part, state="interrupted") if isinstance(part, ToolCallPart) else part for part in parts
    ]
    again = await step_of(DemoProvider(0), request([user(TABLE), assistant(cut)], run_id="r2"))
    ids = {delta.call_id for delta in again if isinstance(delta, ToolCallStart)}
    assert len(ids) == 2
    assert not ids & {part.call_id for part in parts if isinstance(part, ToolCallPart)}


async def test_go_on_said_by_the_user_writes_the_rest() -> None:
    whole = await answer_to(LONG)
    messages = [user(LONG), assistant([TextPart(whole[:700])]), user("continue", message_id="u2")]
    assert await rest_of(messages) == whole[700:]


async def test_a_text_that_is_not_ours_is_followed_by_a_whole_answer() -> None:
    whole = await answer_to(LONG)
    assert await rest_of([user(LONG), assistant([TextPart("Something else. ")])]) == "\n\n" + whole


async def test_two_streams_at_once_do_not_mix() -> None:
    provider = DemoProvider(0)
    one, two = await asyncio.gather(
        step_of(provider, request([user(LONG)])), step_of(provider, request([user(LONG.replace("tea", "ink"))]))
    )
    assert text_in(one) == await answer_to(LONG)
    assert "ink" in text_in(two)
    await provider.close()


async def test_no_messages_is_a_greeting() -> None:
    assert "demo" in text_in(await step_of(DemoProvider(0), request([])))


async def test_said_joins_what_was_said() -> None:
    assert said(await run([user("thank you")])).startswith("You are welcome")


def test_it_is_the_demo() -> None:
    assert (DemoProvider.name, DemoProvider.default_model) == ("demo", "demo")
