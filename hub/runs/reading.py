"""Reads what was said in a session."""

from collections.abc import Sequence

import msgspec

from hub.backplane.base import Journal
from hub.chat.parts import Message, WireStruct
from hub.chat.transcript import SNAPSHOT_MESSAGES, Transcript
from hub.runs.follow.follows import Follows
from hub.runs.loading import load

MAX_PAGE_BYTES = 512 * 1024

_decoder = msgspec.json.Decoder(Message)


class HistoryPage(WireStruct, frozen=True, kw_only=True):
    """Messages, newest last, and whether there are older ones."""

    messages: Sequence[Message]
    has_more: bool


class Reading:
    """The newest messages come from the session as it is followed here, older ones from the journal's rows."""

    def __init__(self, journal: Journal, follows: Follows) -> None:
        self._journal = journal
        self._follows = follows

    async def message(self, session_id: str, message_id: str) -> Message | None:
        """A whole message; None if there is none, or it is still being written."""
        transcript = await self._newest(session_id)
        found = transcript.message(message_id)
        if found is not None or not await self._is_older(transcript, session_id, message_id):
            return found
        transcript, _ = await load(self._journal, session_id)
        return transcript.message(message_id)

    async def answer(self, session_id: str, run_id: str, message_id: str) -> Message | None:
        """A run's answer, as far as it is written; None before it has begun."""
        draft = (await self._newest(session_id)).runs.get(run_id)
        return await self.message(session_id, message_id) if draft is None else draft.message()

    async def has(self, session_id: str, message_id: str) -> bool:
        """Whether there is such a message, without reading more than the newest ones."""
        transcript = await self._newest(session_id)
        return transcript.message(message_id) is not None or await self._is_older(transcript, session_id, message_id)

    async def _newest(self, session_id: str) -> Transcript:
        async with self._follows.live(session_id) as live:
            if live.is_open:
                return live.transcript()
            transcript, _ = await load(self._journal, session_id, newest=SNAPSHOT_MESSAGES)
            return transcript

    async def _is_older(self, transcript: Transcript, session_id: str, message_id: str) -> bool:
        """Whether a message that is not among the newest is among the others."""
        if not transcript.has_older:
            return False
        try:
            await self._journal.rows(session_id, message_id, 0)
        except LookupError:
            return False
        return True

    async def messages(self, session_id: str) -> list[Message]:
        """All whole messages, oldest first."""
        transcript, _ = await load(self._journal, session_id)
        return transcript.messages()

    async def history(self, session_id: str, *, before: str | None, limit: int) -> HistoryPage | None:
        """The newest messages below `before`; None if there is no such message."""
        transcript = await self._newest(session_id)
        newest, has_older = transcript.messages(), transcript.has_older
        below = newest
        if before is not None:
            ids = [message.message_id for message in newest]
            if before in ids:
                below = newest[: ids.index(before)]
            elif has_older:
                return await self._older(session_id, before, limit, [])
            else:
                return None
        if len(below) <= limit and has_older:
            return await self._older(session_id, newest[0].message_id, limit, below)
        return _page(below[-limit:], has_more=len(below) > limit)

    async def _older(self, session_id: str, before: str, limit: int, tail: Sequence[Message]) -> HistoryPage | None:
        """The stored messages below one, followed by `tail`."""
        try:
            rows = await self._journal.rows(session_id, before, limit - len(tail) + 1)
        except LookupError:
            return None
        messages = [*(_decoder.decode(row.body) for row in rows), *tail]
        return _page(messages[-limit:], has_more=len(messages) > limit)


def _page(messages: Sequence[Message], *, has_more: bool) -> HistoryPage:
    """The newest of the messages that fit into a page, at least one."""
    left = MAX_PAGE_BYTES
    for place, message in enumerate(reversed(messages)):
        left -= len(msgspec.json.encode(message))
        if left < 0 and place > 0:
            return HistoryPage(messages=messages[-place:], has_more=True)
    return HistoryPage(messages=messages, has_more=has_more)
