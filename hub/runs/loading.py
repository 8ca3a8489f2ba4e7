"""Reads a session's transcript from its journal."""

from hub.backplane.base import Journal, Position
from hub.chat import events
from hub.chat.transcript import Transcript


async def load(journal: Journal, session_id: str, *, newest: int | None = None) -> tuple[Transcript, Position]:
    """The transcript at the journal's top; with `newest`, only that many of the folded messages are loaded."""
    page = await journal.read(session_id, rows=None if newest is None else newest + 1)
    transcript = Transcript()
    if page.fold is not None:
        rows = page.fold.rows
        has_older = newest is not None and len(rows) > newest
        kept = rows[1:] if has_older else rows
        transcript = Transcript(page.fold.state, ((row.place, row.body) for row in kept), has_older=has_older)
    for entry in page.entries:
        event = events.decode(entry.payload)
        if event is not None:
            transcript.apply(event)
    return transcript, Position(page.epoch, page.top)
