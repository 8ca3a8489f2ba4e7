"""Which messages a model gets to see, and in which order."""

from hub.chat import events
from hub.chat.parts import NO_USAGE, Message, MessageStatus, TextPart, Timing
from hub.chat.transcript import Transcript
from hub.runs.answer.history import of_request


def asked(number: int, status: MessageStatus = "complete") -> events.MessageChanged:
    return events.MessageChanged(
        Message(
            message_id=f"q{number}",
            role="user",
            author="ann",
            parts=[TextPart(f"Q{number}")],
            status=status,
            run_id=f"r{number}",
            created_at=number,
        ),
        time=number,
    )


def started(number: int) -> events.RunStarted:
    return events.RunStarted(f"r{number}", f"a{number}", f"q{number}", "demo", "demo", "e", time=number)


def answered(number: int) -> list[events.Stored]:
    return [
        events.Text(f"r{number}", f"a{number}", 0, f"A{number}", time=number),
        events.Done(
            f"r{number}",
            f"a{number}",
            "completed",
            usage=NO_USAGE,
            timing=Timing(queued_ms=0, total_ms=0),
            time=number,
        ),
    ]


def request(number: int, *all_events: events.Stored) -> list[str]:
    transcript = Transcript()
    for event in all_events:
        transcript.apply(event)
    return [message.message_id for message in of_request(transcript, f"r{number}")]


def test_a_question_that_waited_comes_after_the_answers_it_waited_for() -> None:
    first = [asked(1), started(1), asked(2, "queued"), asked(3, "queued"), *answered(1)]
    assert request(2, *first, asked(2), started(2)) == ["q1", "a1", "q2"]
    second = [*first, asked(2), started(2), *answered(2)]
    assert request(3, *second, asked(3), started(3)) == ["q1", "a1", "q2", "a2", "q3"]


def test_the_answer_under_way_comes_last() -> None:
    half = [asked(1), started(1), asked(2, "queued"), *answered(1), asked(2), started(2), answered(2)[0]]
    assert request(2, *half) == ["q1", "a1", "q2", "a2"]


def test_a_question_whose_answer_said_nothing_keeps_its_place() -> None:
    silent = [asked(1), started(1), answered(1)[1], asked(2), started(2), *answered(2)]
    assert request(3, *silent, asked(3), started(3)) == ["q1", "q2", "a2", "q3"]


def test_what_is_superseded_or_waits_is_left_out() -> None:
    assert request(2, asked(1, "superseded"), asked(2), started(2), asked(3, "queued")) == ["q2"]
