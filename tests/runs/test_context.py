"""What is left out of a request, whatever was said: the rules of `hub.runs.answer.context`, on random sessions."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.chat.parts import NO_USAGE, Message, Part, Role, TextPart, ToolCallPart
from hub.runs.answer.context import LEFT_OUT, RESULT_CUT, RESULT_LEFT_OUT, Context

words = st.integers(0, 4_000).map(lambda size: "wörd " * (size // 5))
results = st.one_of(words, st.integers(0, 400).map(lambda rows: [["a", "b"]] * rows))


@st.composite
def sessions(draw: st.DrawFn) -> list[Message]:
    """Turns of a user's message and up to two answers with text and calls."""
    found: list[Message] = []
    for turn in range(draw(st.integers(1, 12))):
        found.append(message(f"u{turn}", "user", [TextPart(draw(words))]))
        for answer in range(draw(st.integers(0, 2))):
            parts: list[Part] = [TextPart(draw(words))]
            parts += [call(f"c{turn}_{answer}_{n}", draw(results)) for n in range(draw(st.integers(0, 3)))]
            found.append(message(f"a{turn}_{answer}", "assistant", parts))
    return found


def message(message_id: str, role: Role, parts: list[Part]) -> Message:
    return Message(message_id=message_id, role=role, author="x", parts=parts, status="complete", created_at=1)


def call(call_id: str, result: object) -> ToolCallPart:
    return ToolCallPart(call_id=call_id, name="t", state="success", result=result, access="read", host="server")


def calls(messages: list[Message]) -> dict[str, ToolCallPart]:
    return {part.call_id: part for one in messages for part in one.parts if isinstance(part, ToolCallPart)}


def tokens(messages: list[Message]) -> float:
    """As the strictest of the providers' servers counts them, which is less than is estimated."""
    return len(msgspec.json.encode([one.parts for one in messages])) / 4


@settings(max_examples=150, deadline=None)
@given(sessions(), st.integers(500, 8_000))
def test_what_is_left_is_the_end_of_the_session_in_its_order(session: list[Message], window: int) -> None:
    context = Context()
    kept = list(context.fit(session, window))
    ids = [one.message_id for one in session]
    assert [one.message_id for one in kept] == ids[-len(kept) :]
    last_question = max(place for place, one in enumerate(session) if one.role == "user")
    assert len(kept) >= len(session) - last_question, "the turn under way is whole"
    assert kept[0].role == "user"
    assert (kept[0].parts[0] == TextPart(LEFT_OUT)) == (len(kept) < len(session))
    whole = calls(session)
    for call_id, part in calls(kept).items():
        is_shorter = isinstance(part.result, str) and part.result.endswith((RESULT_LEFT_OUT, RESULT_CUT))
        assert is_shorter or part == whole[call_id]
    is_changed = kept != session
    assert (context.news() is not None) == is_changed
    assert context.news() is None, "it is said once"
    if len(kept) > len(session) - last_question:
        assert tokens(kept) < window, "nothing but the turn under way may be too long"


@settings(max_examples=50, deadline=None)
@given(sessions(), st.integers(500, 8_000))
def test_more_is_left_out_after_the_provider_found_it_too_long(session: list[Message], window: int) -> None:
    context = Context()
    first = list(context.fit(session, window))
    assert context.tighten()
    second = list(context.fit(session, window))
    assert tokens(second) <= tokens(first) + 50, "the words that say so count too"
    assert not context.tighten()


def test_all_is_sent_where_the_window_is_unknown() -> None:
    session = [message("u", "user", [TextPart("x" * 1_000_000)])]
    assert Context().fit(session, None) is session


def test_what_the_provider_counts_corrects_the_estimate() -> None:
    session = [message(f"u{n}", "user", [TextPart("x" * 300)]) for n in range(100)]
    context = Context()
    assert len(context.fit(session, 20_000)) == 100
    context.learn(msgspec.structs.replace(NO_USAGE, input_tokens=30_000))
    assert len(context.fit(session, 20_000)) < 60
    context.learn(msgspec.structs.replace(NO_USAGE, input_tokens=10))
    assert len(context.fit(session, 20_000)) < 60, "what was left out is not put back in the same run"
