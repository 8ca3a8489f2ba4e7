"""What a driver writes besides answers: users' messages, what they supersede, ends of runs that were left open.

Functions of the transcript that return events; the driver writes them.
"""

from collections.abc import Iterable

import msgspec

from hub.backplane.base import Known
from hub.chat import events
from hub.chat.draft import Draft
from hub.chat.parts import NO_USAGE, Message, MessageStatus, TextPart, Timing
from hub.chat.titles import clean_title
from hub.chat.transcript import Transcript
from hub.runs.ask import RunAsk

TITLE_CHARS = 60
INTERRUPTED_CALL = "The hub's node went away while this call was running."


def opening(transcript: Transcript, known: Known, ask: RunAsk, now: int) -> list[events.Stored]:
    """What comes before a run's start: the user's message, if there is one, and what it takes the place of.

    An ask that was stopped while another run was before it takes nobody's place: an edit is then shown as stopped.
    """
    takes_place = known.state == "active"
    found: list[events.Stored] = []
    if takes_place and ask.replaces is not None:
        found += superseded(transcript, ask.replaces, itself=True, now=now)
    elif takes_place and ask.reply_to is not None and ask.continues is None:
        found += superseded(transcript, ask.reply_to, itself=False, now=now)
    if ask.parts is not None:
        status: MessageStatus = "complete" if takes_place or ask.replaces is None else "stopped"
        found.append(events.MessageChanged(user_message(known, ask, status), time=now))
    return found


def queued(known: Known, ask: RunAsk, place: int, now: int) -> list[events.Stored]:
    """A message that waits for the runs before it."""
    return [
        events.MessageChanged(user_message(known, ask, "queued"), time=now),
        events.MessageQueued(ask.message_id, known.ask.run_id, place, time=now),
    ]


def user_message(known: Known, ask: RunAsk, status: MessageStatus) -> Message:
    return Message(
        message_id=ask.message_id,
        role="user",
        author=ask.author,
        parts=ask.parts or (),
        status=status,
        run_id=known.ask.run_id,
        created_at=known.ask.asked_at,
        context=ask.context,
        edited=ask.replaces,
        flags=ask.flags,
    )


def superseded(transcript: Transcript, message_id: str, *, itself: bool, now: int) -> Iterable[events.MessageChanged]:
    """Take back all messages after one, and that one too if it is replaced. What waits stays."""
    found = False
    for message in transcript.messages():
        if message.message_id == message_id:
            found = True
            if not itself:
                continue
        if found and message.status not in ("superseded", "queued"):
            yield events.MessageChanged(msgspec.structs.replace(message, status="superseded"), time=now)


def orphan_ends(draft: Draft, stopped_by: str | None, now: int) -> list[events.Stored]:
    """The end of a run that a node left open when it died: stopped if that was asked, else interrupted."""
    started = draft.started
    found: list[events.Stored] = [
        events.ToolComplete(
            started.run_id,
            call.call_id,
            "interrupted",
            duration_ms=0,
            result=call.progress and call.progress.output,
            error=INTERRUPTED_CALL,
            time=now,
        )
        for call in draft.open_calls()
    ]
    found.append(
        events.Done(
            started.run_id,
            started.message_id,
            "interrupted" if stopped_by is None else "stopped",
            usage=msgspec.structs.replace(NO_USAGE, estimated=True),
            timing=Timing(queued_ms=0, total_ms=max(0, now - started.time)),
            stopped_by=stopped_by,
            time=now,
        )
    )
    return found


def rerated(transcript: Transcript, event: events.MessageChanged) -> events.MessageChanged:
    """A message as it stands now with the rating of a note, which may have been written before other changes."""
    current = transcript.message(event.message.message_id)
    if current is None:
        return event
    return msgspec.structs.replace(event, message=msgspec.structs.replace(current, rating=event.message.rating))


def title_of(ask: RunAsk) -> str:
    """The message's first line of words, cut at a word: a table that stands before the question names nothing."""
    text = next((part.text for part in ask.parts or () if isinstance(part, TextPart)), "")
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    line = clean_title(next((line for line in lines if _is_words(line)), lines[0]))
    if len(line) <= TITLE_CHARS:
        return line
    return line[:TITLE_CHARS].rsplit(" ", 1)[0] + "…"


def _is_words(line: str) -> bool:
    """Whether a line is not a fence, nor a row of a table. Commas part words too, if they have a space behind them."""
    cells = max(line.count(mark) for mark in ("|", "\t", ";"))
    return not line.lstrip().startswith(("|", "```")) and cells == 0 and line.count(",") == line.count(", ")
