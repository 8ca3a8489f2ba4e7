"""What a terminal shows, event by event."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.terminal.view import Piece, View, clean

Event = dict[str, Any]  # JSON, as it comes off the wire


def text(delta: str, *, part: int = 0, message: str = "a1") -> Event:
    return {"type": "text", "runId": "r1", "messageId": message, "part": part, "delta": delta}


def started(run: str = "r1", message: str = "a1") -> Event:
    return {"type": "run_started", "runId": run, "messageId": message, "replyTo": "u1", "epoch": "e1"}


def done(outcome: str = "completed", **fields: object) -> Event:
    return {"type": "done", "runId": "r1", "messageId": "a1", "outcome": outcome, "timing": {}, **fields}


def answer(said: str, status: str, message: str = "a1", run: str = "r1") -> Event:
    return {
        "messageId": message,
        "role": "assistant",
        "parts": [{"type": "text", "text": said}],
        "status": status,
        "runId": run,
    }


def user(said: str, message: str = "u1") -> Event:
    return {"messageId": message, "role": "user", "parts": [{"type": "text", "text": said}], "status": "complete"}


def snapshot(*messages: Event, run: Event | None = None, offset: int = 0) -> Event:
    event = {"type": "snapshot", "epoch": "e1", "offset": offset, "session": {}, "messages": list(messages)}
    return event if run is None else {**event, "run": run}


def play(view: View, *events: Mapping[str, object]) -> list[Piece]:
    return [piece for event in events for piece in view.apply(event)]


def answers(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if piece.kind == "answer")


def statuses(pieces: list[Piece]) -> list[str]:
    return [piece.text for piece in pieces if piece.kind == "status"]


def test_an_answer_streams_and_ends_with_its_rate() -> None:
    view = View()
    pieces = play(view, snapshot(), started(), text("Hel"), text("lo"), done(timing={"tokensPerSecond": 41.6}))
    assert answers(pieces) == "Hello"
    assert statuses(pieces) == ["completed · 42 tokens/s"]
    assert view.active_run is None
    assert view.ended["r1"].outcome == "completed"


def test_a_second_text_part_begins_a_paragraph() -> None:
    assert answers(play(View(), started(), text("one"), text("two", part=2), text("!", part=2))) == "one\n\ntwo!"


def test_the_position_is_where_the_last_event_was() -> None:
    view = View()
    assert view.position is None
    play(view, snapshot(offset=4), {**started(), "offset": 5}, {**text("x"), "offset": 6})
    assert view.position == {"epoch": "e1", "offset": 6}


def test_ones_own_message_is_not_echoed_and_anothers_is() -> None:
    view = View(own={"u1"})
    pieces = play(
        view, {"type": "message", "message": user("mine")}, {"type": "message", "message": user("yours", "u2")}
    )
    assert pieces == [Piece("user", "yours")]


def test_a_tool_call_shows_title_progress_and_end() -> None:
    call = {"runId": "r1", "callId": "c1"}
    pieces = play(
        View(),
        {"type": "tool_start", **call, "name": "sum", "title": "Add up", "access": "read", "host": "server"},
        {"type": "tool_progress", **call, "fraction": 0.5, "note": "row 10"},
        {"type": "tool_progress", **call, "note": "nearly"},
        {"type": "tool_complete", **call, "outcome": "success", "durationMs": 12},
    )
    assert statuses(pieces) == ["▸ Add up", "   50% row 10", "  nearly", "✓ Add up (12 ms)"]


def test_a_call_of_a_client_names_it() -> None:
    call = {"callId": "c1", "name": "write_range", "host": "host_1", "hostName": "Totals.xlsx"}
    needed = {"type": "approval_needed", "callId": "c1", "reason": "It writes.", "arguments": {}}
    started = {"type": "tool_start", "runId": "r1", **call}
    asked = "write_range in Totals.xlsx waits for approval: It writes."
    assert statuses(play(View(), started, needed)) == ["▸ write_range in Totals.xlsx", asked, "  {}"]
    run = {"runId": "r1", "openCalls": [call], "pendingApprovals": [needed]}
    assert statuses(play(View(), {"type": "snapshot", "messages": [], "run": run})) == [asked, "  {}"]


def test_what_a_call_puts_out_is_shown_once_in_whole_lines() -> None:
    call = {"runId": "r1", "callId": "c1"}
    progress = {"type": "tool_progress", **call, "note": "building"}
    pieces = play(
        View(),
        {"type": "tool_start", **call, "name": "build"},
        progress,
        {**progress, "output": "one\ntw"},
        {**progress, "output": "one\ntwo\nthree"},
        {**progress, "output": "two\nthree\nfo"},  # the beginning of what is long is left out
        {"type": "tool_complete", **call, "outcome": "success", "durationMs": 3},
    )
    put_out = ["  │ one", "  │ two", "  │ three", "  │ fo"]
    assert statuses(pieces) == ["▸ build", "  building", *put_out, "✓ build (3 ms)"]


@pytest.mark.parametrize(
    ("outcome", "error", "said"), [("failed", "no such sheet", "no such sheet"), ("timed_out", "", "timed_out")]
)
def test_a_failed_call_says_why(outcome: str, error: str, said: str) -> None:
    call = {"runId": "r1", "callId": "c1", "name": "sum"}
    pieces = play(
        View(),
        {"type": "tool_start", **call},
        {"type": "tool_complete", **call, "outcome": outcome, "durationMs": 1, "error": error},
    )
    assert statuses(pieces)[-1] == f"✗ sum: {said}"


def test_thinking_is_announced_once_per_part() -> None:
    think = {"type": "thinking", "runId": "r1", "messageId": "a1", "part": 0, "delta": "hm"}
    assert statuses(play(View(), think, think, {**think, "part": 1})) == ["thinking …", "thinking …"]


def test_a_failed_run_says_what_the_contract_says() -> None:
    view = View()
    failure = {"code": "provider_auth", "message": "The provider refused the key.", "retryable": False}
    pieces = play(view, started(), done("failed", error=failure))
    assert Piece("error", "The provider refused the key.") in pieces
    assert view.ended["r1"].text == "The provider refused the key."


def test_a_stopped_run_says_by_whom() -> None:
    assert statuses(play(View(), started(), done("stopped", stoppedBy="ann"))) == ["stopped by ann"]


def test_a_run_that_the_user_stopped_says_no_name() -> None:
    own = {"type": "message", "message": {**user("tea?"), "author": "ann"}}
    pieces = play(View(own={"u1"}), own, started(), done("stopped", stoppedBy="ann"))
    assert statuses(pieces) == ["stopped"]
    pieces = play(View(own={"u1"}), own, started(), done("stopped", stoppedBy="bob"))
    assert statuses(pieces) == ["stopped by bob"]


def test_sources_are_told_when_the_answer_is_done() -> None:
    report = {"source": "document", "title": "report.pdf", "page": 3, "endPage": 5, "quote": "Total:\n 7"}
    page = {"source": "web", "title": "Prices", "url": "https://a.example/", "page": 1, "endPage": 1}
    partial = {
        **answer("Seven", status="streaming"),
        "parts": [{"type": "text", "text": "Seven", "citations": [report]}],
    }
    pieces = play(
        View(),
        started(),
        {**text("Seven"), "citations": [report]},
        snapshot(run={"runId": "r1", "message": partial}),
        {
            **text("."),
            "citations": [page, report, {"source": "document"}, {"source": "web", "url": "https://b.example/"}],
        },
        done("completed"),
    )
    assert statuses(pieces) == [
        "source 1: report.pdf, pages 3-5: “Total: 7”",
        "source 2: Prices, page 1 <https://a.example/>",
        "source 3: a document",
        "source 4: https://b.example/",
        "completed",
    ]


def test_notices_files_queue_and_approvals_are_lines() -> None:
    pieces = play(
        View(),
        {"type": "notice", "code": "retrying", "text": "The provider is busy."},
        {"type": "file", "name": "chart.png", "size": 10},
        {"type": "message_queued", "place": 2},
        {"type": "approval_needed", "callId": "c1", "reason": "writes", "arguments": {}},
        {"type": "approval_resolved", "callId": "c1", "approve": False, "by": "ann"},
    )
    assert statuses(pieces) == [
        "The provider is busy.",
        "file: chart.png (10 bytes)",
        "waits, at place 2",
        "tool waits for approval: writes",
        "  {}",
        "tool was denied by ann",
    ]


@pytest.mark.parametrize(
    "event",
    [{}, {"type": "later"}, {"type": 5}, {"type": "text"}, {"type": "done"}, {"type": "message"}, {"type": "snapshot"}],
)
def test_unknown_and_odd_events_do_no_harm(event: Event) -> None:
    assert answers(View().apply(event)) == ""


class TestSnapshots:
    def test_history_is_shown_when_a_session_is_joined(self) -> None:
        pieces = play(View(), snapshot(user("hi"), answer("Hello.", "complete")))
        assert pieces == [Piece("user", "hi"), Piece("answer", "Hello.")]

    def test_superseded_messages_are_not(self) -> None:
        assert play(View(), snapshot({**user("old"), "status": "superseded"}, answer("no", "superseded"))) == []

    def test_in_mid_answer_only_the_rest_is_printed(self) -> None:
        view = View()
        before = play(view, snapshot(), started(), text("Hel"))
        run = {"runId": "r1", "messageId": "a1", "message": answer("Hello, wor", "streaming"), "openCalls": []}
        pieces = play(view, snapshot(run=run, offset=9), text("ld"))
        assert answers([*before, *pieces]) == "Hello, world"
        assert view.active_run == "r1"

    def test_the_partial_message_may_also_stand_among_the_messages(self) -> None:
        run = {"runId": "r1", "messageId": "a1", "message": answer("Hel", "streaming"), "openCalls": []}
        assert answers(play(View(), snapshot(answer("Hel", "streaming"), run=run), text("lo"))) == "Hello"

    @pytest.mark.parametrize(("status", "outcome"), [("complete", "completed"), ("interrupted", "interrupted")])
    def test_a_run_that_ended_meanwhile_has_ended(self, status: str, outcome: str) -> None:
        view = View()
        before = play(view, snapshot(), started(), text("Hel"))
        pieces = play(view, snapshot(answer("Hello", status)))
        assert answers([*before, *pieces]) == "Hello"
        assert statuses(pieces) == [outcome]
        assert view.ended["r1"].outcome == outcome
        assert view.active_run is None

    def test_open_calls_keep_their_names(self) -> None:
        call = {"type": "tool_call", "callId": "c1", "name": "sum", "title": "Add up"}
        run = {"runId": "r1", "message": answer("", "streaming"), "openCalls": [call]}
        end = {"type": "tool_complete", "callId": "c1", "outcome": "success", "durationMs": 3}
        assert statuses(play(View(), snapshot(run=run), end)) == ["✓ Add up (3 ms)"]


@given(st.text())
def test_nothing_that_a_terminal_obeys_gets_through(said: str) -> None:
    shown = clean(said)
    assert not any(ord(character) < 0x20 and character not in "\n\t" for character in shown)
    assert not any(0x7F <= ord(character) < 0xA0 for character in shown)


def test_escape_sequences_become_visible() -> None:
    assert clean("\x1b]0;owned\x07\x1b[2Jhi\r\b\u202edlrow") == "␛]0;owned␛[2Jhidlrow"


@given(st.text(), st.integers(min_value=0, max_value=50))
def test_cleaning_deltas_is_cleaning_their_sum(said: str, cut: int) -> None:
    assert clean(said[:cut]) + clean(said[cut:]) == clean(said)
