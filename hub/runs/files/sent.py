"""The files that go to a model with a request: the bytes of those that the user's messages refer to."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from hub.backplane.base import Files
from hub.chat.parts import FilePart, Message
from hub.errors import BackplaneAway

logger = logging.getLogger("hub.runs")

MAX_BYTES = 15 << 20
"""Of one request, newest files first; as base64 it is a third more, and providers take about twice that."""


class SentFiles:
    """Of one run: what was read once is kept until it ends."""

    def __init__(self, files: Files, session_id: str, *, retry_s: float) -> None:
        self._files = files
        self._session_id = session_id
        self._retry_s = retry_s
        self._read: dict[str, bytes | None] = {}  # by file id; None: it is not there

    async def of(self, messages: Sequence[Message]) -> Mapping[str, bytes]:
        """By file id. A file that is not among them has no room, or is gone: the model is told its name only."""
        left = MAX_BYTES
        found: dict[str, bytes] = {}
        asked = (message for message in reversed(messages) if message.role == "user")
        for part in (part for message in asked for part in message.parts if isinstance(part, FilePart)):
            if part.file_id in found or part.size > left:
                continue
            content = await self._content(part.file_id)
            if content is not None:
                found[part.file_id] = content
                left -= len(content)
        return found

    async def _content(self, file_id: str) -> bytes | None:
        """Waits for the store while it is away: the run's wall time bounds that."""
        while file_id not in self._read:
            try:
                self._read[file_id] = await self._files.content(self._session_id, file_id)
            except BackplaneAway as error:
                logger.warning("session %s: a file waits for the backplane (%s)", self._session_id, error)
                await asyncio.sleep(self._retry_s)
        return self._read[file_id]
