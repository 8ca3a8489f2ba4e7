"""The fold of a session: each event, stored folds, windows, snapshots."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.chat import events
from hub.chat.parts import (
    NO_USAGE,
    Approval,
    Citation,
    FilePart,
    Message,
    MessageStatus,
    Part,
    Progress,
    Rating,
    RunError,
    RunOutcome,
    Session,
    TextPart,
    ThinkingPart,
    Timing,
    ToolCallPart,
    Usage,
)
from hub.chat.transcript import CUT_RESULT_BYTES, Transcript, cut_results
from tests.runs.client_fold import ClientFold, assert_same

TIMING = Timing(queued_ms=0, total_ms=1)


def said(message_id: str, text: str = "hi", time: int = 1, status: MessageStatus = "complete") -> events.MessageChanged:
    message = Message(
        message_id=message_id, role="user", author="ann", parts=[TextPart(text)], status=status, created_at=time
    )
    return events.MessageChanged(message, time=time)


def started(run_id: str = "r", time: int = 2, reply_to: str = "m") -> events.RunStarted:
    return events.RunStarted(run_id, f"a-{run_id}", reply_to, "demo", "model-1", "e", time=time)


def text(delta: str, part: int = 0, run_id: str = "r") -> events.Text:
    return events.Text(run_id, f"a-{run_id}", part, delta, time=3)


def tool(call_id: str = "c", part: int = 0, run_id: str = "r") -> events.ToolStart:
    return events.ToolStart(run_id, f"a-{run_id}", part, call_id, "count", "read", "server", time=3)


def done(run_id: str = "r", outcome: RunOutcome = "completed", time: int = 9) -> events.Done:
    return events.Done(run_id, f"a-{run_id}", outcome, NO_USAGE, TIMING, time=time)


def folded(*history: events.Stored) -> Transcript:
    transcript = Transcript()
    for event in history:
        transcript.apply(event)
    return transcript


def parts_of(*history: events.Stored) -> list[Part]:
    return list(folded(started(), *history).runs["r"].message().parts)


def call_of(*history: events.Stored) -> ToolCallPart:
    part = parts_of(tool(), *history)[0]
    assert isinstance(part, ToolCallPart)
    return part


# --------------------------------------------------------------------------------------------- what events change


def test_a_message_is_added_then_changed_in_its_place() -> None:
    transcript = folded(said("m"), said("n"), said("m", "changed"))
    assert [message.message_id for message in transcript.messages()] == ["m", "n"]
    message = transcript.message("m")
    assert message is not None and message.parts == [TextPart("changed")]
    assert transcript.message("nowhere") is None


def test_an_answer_keeps_its_seat_while_it_is_written() -> None:
    transcript = folded(said("m"), started(), said("n", status="queued"))
    assert [message.message_id for message in transcript.messages()] == ["m", "n"]
    assert transcript.message("a-r") is None and not transcript.has_ended("r")
    transcript.apply(done())
    assert [message.message_id for message in transcript.messages()] == ["m", "a-r", "n"]
    assert transcript.has_ended("r") and not transcript.has_ended("other")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("completed", "complete"), ("stopped", "stopped"), ("failed", "failed"), ("interrupted", "interrupted")],
)
def test_done_sets_the_answer_s_status_and_costs(outcome: RunOutcome, status: str) -> None:
    usage = Usage(input_tokens=1, output_tokens=2, cache_read_tokens=0, cache_write_tokens=0, estimated=False, cost=0.5)
    error = RunError(code="internal", message="x", retryable=False)
    end = msgspec.structs.replace(done(outcome=outcome), usage=usage, error=error)
    answer = folded(started(), text("hello"), end).message("a-r")
    assert answer is not None
    assert (answer.status, answer.usage, answer.error, answer.provider) == (status, usage, error, "demo")


def test_deltas_grow_parts_of_their_step() -> None:
    step = events.Step("r", 1, time=3)
    thinking = events.Thinking("r", "a-r", 1, "hm", time=3)
    signed = events.Thinking("r", "a-r", 1, "", signature="s", time=3)
    redacted = events.Thinking("r", "a-r", 2, "", redacted="x", time=3)
    assert parts_of(text("a"), text("b"), step, thinking, signed, redacted, text("c", 3)) == [
        TextPart("ab"),
        ThinkingPart("hm", step=1, signature="s"),
        ThinkingPart("", step=1, redacted="x"),
        TextPart("c", step=1),
    ]


def test_citations_are_added_to_their_part() -> None:
    one, two, three = (Citation(source="web", url=f"https://example.org/{number}") for number in range(3))
    cited = events.Text("r", "a-r", 0, "", [one, two], time=3)
    again = events.Text("r", "a-r", 0, "", [three], time=3)
    assert parts_of(text("a"), cited, text("b"), again) == [TextPart("ab", citations=(one, two, three))]


def test_a_delta_of_a_part_that_is_not_there_changes_nothing() -> None:
    assert parts_of(text("a", part=4)) == []
    assert len(parts_of(tool(), text("a", part=0))) == 1


def test_a_call_goes_through_its_states() -> None:
    arguments = events.ToolInput("r", "c", arguments={"to": 3}, time=3)
    assert call_of().state == "pending"
    assert call_of(events.ToolInput("r", "c", delta="{", time=3)).arguments is None
    assert (call_of(arguments).state, call_of(arguments).arguments) == ("running", {"to": 3})
    progress = events.ToolProgress("r", "c", 0.5, "half", time=4)
    assert call_of(arguments, progress).progress == Progress(0.5, "half")
    complete = events.ToolComplete("r", "c", "success", 7, result=[1], time=5)
    whole = call_of(arguments, progress, complete)
    assert (whole.state, whole.result, whole.duration_ms, whole.progress) == ("success", [1], 7, None)
    assert folded(started(), tool(), complete).runs["r"].open_calls() == []


def test_an_event_of_a_call_that_is_not_there_changes_nothing() -> None:
    assert parts_of(events.ToolProgress("r", "other", 0.5, time=3)) == []


@pytest.mark.parametrize(("approve", "state"), [(True, "running"), (False, "pending")])
def test_an_approval_is_pending_until_it_is_resolved(approve: bool, state: str) -> None:
    needed = events.ApprovalNeeded("r", "c", {"to": 1}, "It writes.", 99, time=3)
    resolved = events.ApprovalResolved("r", "c", approve, {"to": 2}, "ann", "call", time=4)
    transcript = folded(said("m"), started(), tool(), needed)
    active = transcript.active()
    assert active is not None and active.pending_approvals == [needed]
    assert active.open_calls[0].state == "approval"
    transcript.apply(resolved)
    active = transcript.active()
    assert active is not None and active.pending_approvals == []
    assert (active.open_calls[0].state, active.open_calls[0].arguments) == (state, {"to": 2})
    assert active.open_calls[0].approval == Approval(approve=approve, by="ann", scope="call")


def test_a_call_that_is_asked_about_again_says_so() -> None:
    first = events.ApprovalNeeded("r", "c", {"to": 1}, "It writes.", 99, time=3)
    again = events.ApprovalNeeded("r", "c", {"to": 2}, "It reaches out.", 199, attempt=2, time=4)
    resolved = events.ApprovalResolved("r", "c", True, {"to": 2}, "ann", "run", time=5)
    assert call_of(first, again).approval == Approval(attempt=2)
    assert call_of(first, again, resolved).approval == Approval(attempt=2, approve=True, by="ann", scope="run")
    assert call_of(resolved).approval == Approval(approve=True, by="ann", scope="run")


def test_a_call_is_found_by_its_id() -> None:
    transcript = folded(said("m"), started("r"), tool("c"), done("r"), started("s"), text("hi", run_id="s"))
    transcript.apply(tool("d", part=1, run_id="s"))
    found = [transcript.call(call_id) for call_id in ("c", "d", "e")]
    assert [call and call.call_id for call in found] == ["c", "d", None]


def test_each_call_of_a_session_gets_an_id_of_its_own() -> None:
    transcript = folded(said("m"), started("r"), text("hi"), tool("call_0", part=1), done("r"), started("s"))
    transcript.apply(tool("call_1", run_id="s"))
    assert [transcript.free_call_id(wanted) for wanted in ("call_0", "call_1", "call_2")] == [
        "call_0_2",
        "call_1_2",
        "call_2",
    ]
    transcript.apply(tool("call_0_2", part=1, run_id="s"))
    assert transcript.free_call_id("call_0") == "call_0_3"
    assert [transcript.free_call_id(wanted) for wanted in ("", "a b", "x" * 121, "x" * 120)] == [
        *["call"] * 3,
        "x" * 120,
    ]


def test_a_file_is_a_part() -> None:
    file = events.FileAdded("r", "a-r", 0, "f", "chart.png", "image/png", 10, time=3)
    assert folded(started(), file).runs["r"].part_count == 1
    assert parts_of(file) == [FilePart("f", "chart.png", "image/png", 10)]


def test_who_answers_instead_is_the_answer_s_author() -> None:
    instead = events.Notice("fallback_provider", "Down.", "r", "openai", "gpt-5.5", time=3)
    elsewhere = events.Notice("fallback_provider", "Down.", "other", "demo", "demo", time=3)
    transcript = folded(said("m"), started(), instead, elsewhere)
    active = transcript.active()
    assert active is not None
    assert (active.provider, active.model, active.message.provider) == ("openai", "gpt-5.5", "openai")
    transcript.apply(done())
    answer = transcript.messages()[-1]
    assert (answer.provider, answer.author) == ("openai", "gpt-5.5")


def test_events_of_no_open_run_change_nothing() -> None:
    lonely: list[events.Stored] = [text("a"), events.Step("r", 0, time=1), done(), tool()]
    others: list[events.Stored] = [
        events.MessageQueued("m", "r", 1, time=1),
        events.Notice("cached", "x", time=1),
        events.Custom("x", 1, time=1),
        events.SessionChanged({"title": "x"}, time=1),
    ]
    transcript = folded(*lonely, *others)
    assert transcript.messages() == [] and transcript.active() is None and transcript.changed() == []


def test_errors_of_the_client_go_into_the_next_request_only() -> None:
    errors = [events.Notice("client_error", f"error {number}", time=1) for number in range(12)]
    transcript = folded(*errors, started())
    assert list(transcript.runs["r"].client_errors) == []
    transcript.apply(events.Step("r", 0, time=3))
    assert list(transcript.runs["r"].client_errors) == [f"error {number}" for number in range(2, 12)]
    transcript.apply(errors[0])
    transcript.apply(events.Step("r", 1, time=3))
    assert list(transcript.runs["r"].client_errors) == ["error 0"]
    assert folded(*errors[:1]).state() != Transcript().state()


# ------------------------------------------------------------------------------------------------------ snapshots


def test_a_snapshot_has_the_latest_messages_only() -> None:
    transcript = folded(*(said(f"m{number}", time=number) for number in range(60)))
    messages, has_more = transcript.latest()
    assert ([message.message_id for message in messages], has_more) == (
        [f"m{number}" for number in range(10, 60)],
        True,
    )
    assert folded(said("m")).latest()[1] is False


def test_a_snapshot_is_bounded_in_bytes_but_has_one_message_at_least() -> None:
    transcript = folded(*(said(f"m{number}", "x" * 1000) for number in range(5)))
    messages, has_more = transcript.latest(max_bytes=3500)
    assert (len(messages), has_more) == (3, True)
    assert len(transcript.latest(max_bytes=1)[0]) == 1


def test_a_snapshot_cuts_long_results() -> None:
    long = events.ToolComplete("r", "c", "success", 1, result=["é" * CUT_RESULT_BYTES], time=4)
    transcript = folded(started(), tool(), long)
    active = transcript.active()
    assert active is not None
    transcript.apply(done())
    for message in (active.message, transcript.latest()[0][-1]):
        part = message.parts[0]
        assert isinstance(part, ToolCallPart) and part.cut
        assert len(part.result.encode()) <= CUT_RESULT_BYTES
    whole = transcript.message("a-r")
    assert whole is not None and whole.parts[0] != transcript.latest()[0][-1].parts[0]


def test_a_snapshot_leaves_signatures_to_the_provider() -> None:
    thinking = events.Thinking("r", "a-r", 0, "hm", signature="s" * 90_000, time=3)
    transcript = folded(started(), thinking, text("so", 1))
    active = transcript.active()
    assert active is not None
    assert active.message.parts == [ThinkingPart("hm"), TextPart("so")]
    answer = transcript.runs["r"].message()
    assert isinstance(answer.parts[0], ThinkingPart) and answer.parts[0].signature is not None


def test_what_needs_no_cut_is_left_as_it_is() -> None:
    message = said("m").message
    assert cut_results(message) is message


def test_usage_adds_up_with_what_is_known_of_the_cost() -> None:
    paid = msgspec.structs.replace(NO_USAGE, input_tokens=1, cost=0.5)
    guessed = msgspec.structs.replace(NO_USAGE, output_tokens=2, estimated=True)
    assert paid.plus(guessed) == Usage(
        input_tokens=1, output_tokens=2, cache_read_tokens=0, cache_write_tokens=0, estimated=True, cost=0.5
    )
    assert NO_USAGE.plus(guessed).cost is None


# ---------------------------------------------------------------------------------------------------- windows


def rows(transcript: Transcript) -> list[tuple[int, bytes]]:
    return [(place, msgspec.json.encode(message)) for place, message in transcript.changed()]


def test_a_change_of_a_message_below_the_window_is_left_to_the_stored_rows() -> None:
    whole = folded(*(said(f"m{number}", time=number) for number in range(5)))
    window = Transcript(whole.state(), rows(whole)[3:], has_older=True)
    rated = msgspec.structs.replace(said("m0", time=0).message, rating=Rating(1))
    window.apply(events.MessageChanged(rated, time=9))
    window.apply(said("m1", time=1, status="superseded"))
    window.apply(started(time=6))  # an answer under way has no time of its own to compare with
    window.apply(said("m2", "older", time=2))
    window.apply(said("m5", time=7))
    assert [message.message_id for message in window.messages()] == ["m3", "m4", "m5"]
    assert window.latest()[1] is True


def test_a_window_without_messages_takes_what_is_new() -> None:
    window = Transcript(None, has_older=True)
    window.apply(said("m"))
    assert len(window.messages()) == 1


# --------------------------------------------------------------------------------------------------- properties


@st.composite
def histories(draw: st.DrawFn) -> list[events.Stored]:
    """What a driver may write: runs one after another, messages that wait, edits, ratings."""
    times = itertools.count(1)
    history: list[events.Stored] = []
    sent: list[str] = []
    for number in range(draw(st.integers(1, 6))):
        run_id = f"r{number}"
        history.append(said(f"m{number}", time=next(times)))
        sent.append(f"m{number}")
        history.append(started(run_id, time=next(times), reply_to=f"m{number}"))
        calls = 0
        part = 0
        for kind in draw(st.lists(st.sampled_from(["text", "more", "tool", "later", "error", "rate"]), max_size=8)):
            match kind:
                case "text":
                    history.append(text(draw(st.sampled_from(["a", "é", "📈"])), part, run_id))
                    part += 1
                case "more" if part and isinstance(history[-1], events.Text) and history[-1].run_id == run_id:
                    history.append(text("more", part - 1, run_id))
                case "tool":
                    call_id = f"{run_id}c{calls}"
                    calls += 1
                    history.append(tool(call_id, part, run_id))
                    history.append(events.ToolInput(run_id, call_id, arguments={"to": part}, time=3))
                    history.append(events.ToolProgress(run_id, call_id, 0.5, "half", time=3))
                    history.append(events.ToolComplete(run_id, call_id, "success", 1, result=part, time=3))
                    part += 1
                case "later":
                    sent.append(f"q{number}-{len(sent)}")
                    history.append(said(sent[-1], time=next(times), status="queued"))
                case "error":
                    history.append(events.Notice("client_error", "oops", time=3))
                case "rate":
                    which = draw(st.sampled_from(sent))
                    old = folded(*history).message(which)
                    assert old is not None
                    history.append(events.MessageChanged(msgspec.structs.replace(old, rating=Rating(1)), time=3))
        history.append(done(run_id, draw(st.sampled_from(["completed", "stopped", "failed"])), time=next(times)))
    return history


def between_runs(history: list[events.Stored]) -> list[int]:
    return [0, *(place + 1 for place, event in enumerate(history) if isinstance(event, events.Done))]


@given(histories(), st.data())
@settings(deadline=None)
def test_a_stored_fold_and_what_came_after_is_the_whole(history: list[events.Stored], data: st.DataObject) -> None:
    whole = folded(*history)
    cut = data.draw(st.sampled_from(between_runs(history)))
    stored = folded(*history[:cut])
    again = Transcript(stored.state(), rows(stored))
    for event in history[cut:]:
        again.apply(event)
    assert again.messages() == whole.messages()
    assert again.state() == whole.state()
    # Only what has changed is stored with the next fold, and that is enough.
    merged = dict(rows(stored)) | dict(rows(again))
    assert sorted(merged.items()) == rows(whole)
    again.stored()
    assert again.changed() == []


@given(histories(), st.data())
@settings(deadline=None)
def test_a_window_and_what_came_after_is_the_newest_of_the_whole(
    history: list[events.Stored], data: st.DataObject
) -> None:
    whole = folded(*history)
    cut = data.draw(st.sampled_from(between_runs(history)))
    stored = folded(*history[:cut])
    kept = data.draw(st.integers(1, 5))
    has_older = len(rows(stored)) > kept
    window = Transcript(stored.state(), rows(stored)[-kept:], has_older=has_older)
    for event in history[cut:]:
        window.apply(event)
    newest = whole.messages()[-len(window.messages()) :] if window.messages() else []
    assert window.messages() == newest
    assert window.state() == whole.state()
    assert has_older or newest == whole.messages()


SESSION = Session(
    session_id="s",
    title="",
    owner="ann",
    participants=[],
    provider="demo",
    model="model-1",
    system="",
    autonomy="ask",
    tags=[],
    created_at=1,
    updated_at=1,
    running=True,
    usage=NO_USAGE,
)


@given(histories(), st.data())
@settings(deadline=None)
def test_a_client_that_gets_a_snapshot_at_any_moment_sees_the_whole(
    history: list[events.Stored], data: st.DataObject
) -> None:
    wires = [events.with_offset(events.encode(event), place) for place, event in enumerate(history, 1)]
    cut = data.draw(st.integers(0, len(history)))
    transcript = folded(*history[:cut])
    messages, has_more = transcript.latest()
    snapshot = events.Snapshot("e", SESSION, messages, has_more, transcript.active(), time=1)
    client = ClientFold().feed([events.with_offset(events.encode(snapshot), cut), *wires[cut:]])
    assert_same(client, ClientFold().feed(wires))
    assert client.view().keys() == {message.message_id for message in folded(*history).messages()}
