"""Tells what was asked of a session from what is asked of a later one with the same id.

Whoever asks has looked the session up before, and it may be deleted and made anew, by another user too, before the ask
is stored. So everything that is left in an inbox says when its session was created, and the driver, which has the
session of now under its fence, passes over what was meant for another.
"""

from hub.chat.parts import Session
from hub.runs.ask import RunAsk


def is_ask_of(session: Session, ask: RunAsk) -> bool:
    return ask.session_created_at is None or ask.session_created_at == session.created_at


def note_id(session: Session, unique: str) -> str:
    """An id for a note to the session's inbox: the time, a dot and what is unique."""
    return f"{session.created_at}.{unique}"


def approval_key(session: Session, call_id: str, attempt: int) -> str:
    """The key of the answer to an approval, among the session's answers."""
    return f"approval:{call_id}:{session.created_at}.{attempt}"


def is_note_of(session: Session, note_id: str) -> bool:
    created_at, dot, _ = note_id.partition(".")
    return not dot or created_at == str(session.created_at)
