"""Answers approvals on behalf of users (design, section 3.3): on any node, and the first answer wins."""

from collections.abc import Mapping

import msgspec

from hub.backplane.base import Inbox, Journal
from hub.chat.parts import ApprovalScope, Json, WireStruct
from hub.chat.transcript import SNAPSHOT_MESSAGES
from hub.errors import CallError
from hub.runs import lives
from hub.runs.access import Access
from hub.runs.answer import resolution
from hub.runs.answer.resolution import Resolution
from hub.runs.drive.supervisor import Supervisor
from hub.runs.loading import load


class ApprovalWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a user says to an approval. `attempt` is the one they saw; None: the one that waits now."""

    approve: bool
    arguments: Mapping[str, Json] | None = None
    reason: str | None = None
    scope: ApprovalScope = "call"
    attempt: int | None = None


class ApprovalAnswer(WireStruct, frozen=True, kw_only=True):
    """Whether what this user said is what counts; and what counts."""

    accepted: bool
    resolution: Resolution


class Approving:
    """ResolveApproval, with all its rules."""

    def __init__(self, inbox: Inbox, journal: Journal, access: Access, supervisor: Supervisor) -> None:
        self._inbox = inbox
        self._journal = journal
        self._access = access
        self._supervisor = supervisor

    async def resolve(self, user: str, session_id: str, call_id: str, wish: ApprovalWish) -> ApprovalAnswer:
        """Allow a call, or do not. The same answer of the same user again is accepted again.

        Raises `call_closed` if the call is not known, waits for no approval, or did so for too long.
        """
        session = await self._access.editor(session_id, user)
        attempt = await self._attempt(session_id, call_id, wish.attempt)
        mine = Resolution(
            approve=wish.approve,
            by=user,
            scope=wish.scope if wish.approve else "call",
            arguments=wish.arguments if wish.approve else None,
            reason=wish.reason,
        ).encode()
        key = lives.approval_key(session, call_id, attempt)
        first = await self._inbox.answer(session_id, key, mine)
        self._supervisor.touch(session_id)
        given = resolution.decode(first)
        if given is None:
            raise CallError("call_closed", "Nobody approved this call in time. Ask for it again.")
        return ApprovalAnswer(accepted=first == mine, resolution=given)

    async def _attempt(self, session_id: str, call_id: str, seen: int | None) -> int:
        """Which time the call was asked about is to be answered: one that waits, or was answered."""
        transcript, _ = await load(self._journal, session_id, newest=SNAPSHOT_MESSAGES)
        call = transcript.call(call_id)
        if call is None:
            raise CallError("call_closed", "There is no such call here, or it ended long ago. Watch the session.")
        asked = call.approval
        if asked is None:
            raise CallError("call_closed", "This call waits for no approval. Answer those that were asked for one.")
        if seen is not None and seen < asked.attempt:
            return seen  # answered, or it would not have been asked about again
        if seen is not None and seen > asked.attempt:
            raise CallError("invalid_arguments", f"This call was asked about {asked.attempt} times. Leave attempt out.")
        if call.state != "approval" and asked.approve is None:
            raise CallError("call_closed", "This call ended before anybody answered. Ask for it again.")
        return asked.attempt
