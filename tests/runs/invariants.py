"""Section 3.4's order and invariants, checked over all events of one journal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.backplane.base import Entry
from hub.chat import events
from hub.chat.parts import Message, TextPart, ThinkingPart


@dataclass
class _Run:
    started: events.RunStarted
    texts: dict[int, str] = field(default_factory=dict)  # by part
    open_calls: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    waiting: dict[str, int] = field(default_factory=dict)  # calls that wait for an approval: which attempt
    steps: int = 0
    done: events.Done | None = None


def check(entries: Sequence[Entry], answers: Sequence[Message] = ()) -> None:
    """`answers`: finished ones, whose text must be what was streamed."""
    runs: dict[str, _Run] = {}
    said: set[str] = set()
    previous: Entry | None = None
    for entry in entries:
        if previous is not None and entry.epoch == previous.epoch:
            assert entry.offset == previous.offset + 1
        previous = entry
        event = events.decode(entry.payload)
        assert event is not None
        _check_event(event, runs, said)
    unfinished = [run_id for run_id, run in runs.items() if run.done is None]
    assert not unfinished, f"{unfinished} have no done"
    counts = Counter(run.started.message_id for run in runs.values())
    assert all(count == 1 for count in counts.values()), f"answers of several runs: {counts}"
    for answer in answers:
        if answer.role == "assistant":
            _check_answer(answer, runs)


def _check_event(event: events.Stored, runs: dict[str, _Run], said: set[str]) -> None:
    match event:
        case events.MessageChanged(message=message):
            if message.role == "user":
                said.add(message.message_id)
            else:
                assert message.run_id in runs, "an answer outside a run"
        case events.RunStarted():
            assert event.run_id not in runs, f"{event.run_id} started twice"
            assert event.reply_to in said, "a run before its message"
            runs[event.run_id] = _Run(event)
        case events.SessionChanged() | events.MessageQueued() | events.Notice() | events.Custom():
            pass
        case _:
            run = runs[event.run_id]
            assert run.done is None, f"{event} after the run's done"
            _check_part(event, run)


def _check_part(event: events.Stored, run: _Run) -> None:
    match event:
        case events.Step(index=index):
            assert index == run.steps
            run.steps += 1
        case events.Text() | events.Thinking():
            run.texts[event.part] = run.texts.get(event.part, "") + event.delta
            assert not any("\ud800" <= char <= "\udfff" for char in event.delta)
        case events.ToolStart():
            assert event.call_id not in run.calls, f"{event.call_id} started twice"
            run.calls.add(event.call_id)
            run.open_calls.add(event.call_id)
        case events.ToolInput():
            assert event.call_id in run.open_calls
        case events.ToolProgress():
            assert event.call_id in run.open_calls - run.waiting.keys(), f"{event.call_id} runs without approval"
        case events.ApprovalNeeded():
            assert event.call_id in run.open_calls
            assert event.attempt == run.waiting.get(event.call_id, 0) + 1
            run.waiting[event.call_id] = event.attempt
        case events.ApprovalResolved():
            assert event.call_id in run.waiting, f"{event.call_id} was resolved and not asked about"
            del run.waiting[event.call_id]
        case events.ToolComplete():
            waited = run.waiting.pop(event.call_id, None) is not None
            assert not waited or event.outcome in ("denied", "interrupted"), f"{event.call_id} ran without approval"
            assert event.call_id in run.open_calls, f"{event.call_id} completed twice, or never started"
            run.open_calls.remove(event.call_id)
        case events.Done():
            assert not run.open_calls, f"{run.open_calls} were never completed"
            assert event.message_id == run.started.message_id
            assert (event.outcome == "stopped") == (event.stopped_by is not None)
            assert (event.error is not None) == (event.outcome in ("failed", "limit"))
            run.done = event


def _check_answer(answer: Message, runs: dict[str, _Run]) -> None:
    run = runs[answer.run_id or ""]
    assert run.done is not None
    assert answer.status != "streaming"
    whole = {place: part.text for place, part in enumerate(answer.parts) if isinstance(part, TextPart | ThinkingPart)}
    assert whole == run.texts
