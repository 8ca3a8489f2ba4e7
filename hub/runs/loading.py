"""Reads a session's transcript from its journal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hub.backplane.base import Journal, Position
from hub.chat import events
from hub.chat.parts import Session
from hub.chat.transcript import Transcript
from hub.runs.hosts.store import HostStore
from hub.runs.sessions import Sessions


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


@dataclass(frozen=True)
class Loaded:
    """What a driver begins with. `hostless_at`: when no host of tools was stored for the session, milliseconds."""

    session: Session | None
    transcript: Transcript
    position: Position
    hostless_at: int | None


async def load_all(
    journal: Journal, sessions: Sessions, hosts: HostStore, session_id: str, now_ms: Callable[[], int]
) -> Loaded:
    """The longest read goes on beside the others. Raises what any of them raises, after all have come back."""
    now = now_ms()
    reading = asyncio.create_task(load(journal, session_id))
    try:
        session = await sessions.get(session_id)
        has_hosts = await hosts.has_any(session_id)
    finally:
        loaded = await reading
    return Loaded(session, *loaded, hostless_at=None if has_hosts else now)
