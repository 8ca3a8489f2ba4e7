"""What a run may do now, by the stores that all nodes share: never by what was true when it began."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hub.backplane.base import Inbox
from hub.chat.parts import Access, Autonomy, Session
from hub.errors import BackplaneAway
from hub.runs import lives
from hub.runs.access import autonomy_of, may_approve
from hub.runs.sessions import Grant, Sessions

logger = logging.getLogger("hub.runs")

T = TypeVar("T")


class Rights:
    """One session's. While the backplane is away everything here waits for it: nothing is allowed by guessing."""

    def __init__(self, sessions: Sessions, inbox: Inbox, session: Session, *, retry_s: float) -> None:
        self._sessions = sessions
        self._inbox = inbox
        self._session = session
        self._retry_s = retry_s

    async def of(self, author: str, wanted: Autonomy | None, tool: str, access: Access) -> tuple[Autonomy, bool]:
        """The mode that a run of `author` goes by, and whether calls of the tool were approved for the session."""
        found = await self._patiently(lambda: self._sessions.with_grants(self._session.session_id))
        if found is None or found[0].created_at != self._session.created_at:
            return "ask", False  # deleted: this run is about to end
        session, grants = found
        is_granted = any(
            grant.tool == tool and grant.access == access and may_approve(session, grant.by) for grant in grants
        )
        return autonomy_of(session, author, wanted), is_granted

    async def grant(self, grant: Grant) -> None:
        await self._patiently(lambda: self._sessions.grant(self._session, grant))

    async def answer(self, call_id: str, attempt: int, body: bytes) -> bytes:
        """Answer an approval from here; the first answer, wherever it was given, is returned."""
        key = lives.approval_key(self._session, call_id, attempt)
        return await self._patiently(lambda: self._inbox.answer(self._session.session_id, key, body))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await ask()
            except BackplaneAway as error:
                logger.warning("session %s: a call waits for the backplane (%s)", self._session.session_id, error)
                await asyncio.sleep(self._retry_s)
