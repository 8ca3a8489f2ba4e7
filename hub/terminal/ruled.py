"""Answers approvals by a rule, where nobody is at the terminal who could be asked."""

import asyncio
from collections.abc import Callable, Sequence

from hub.errors import HubError
from hub.terminal.approval import DENIED_UNASKED, RULES, Rule, ruled_answer
from hub.terminal.link import LinkLost, LinkRefused
from hub.terminal.session import Session
from hub.terminal.view import Piece


class RuledApprovals:
    """Those of the answers to what was asked here: what others have asked for is theirs to allow."""

    def __init__(self, session: Session, rule: Rule | None, show: Callable[[Sequence[Piece]], None]) -> None:
        self._session = session
        self._rule = rule
        self._show = show
        self._told: set[tuple[str, int]] = set()
        self._needed = asyncio.Event()  # set whenever something may wait for an answer
        self.is_denied = False
        session.on_approval = self._needed.set

    async def answer(self) -> None:
        """For ever, or until the link is lost for good: to be cancelled. Each call is said on the terminal, once."""
        while True:
            await self._needed.wait()
            self._needed.clear()
            for approval in list(self._session.view.approvals.values()):
                key = (approval.call_id, approval.attempt)
                if key in self._told or approval.run_id not in self._session.view.own_runs:
                    continue
                self._told.add(key)
                said = DENIED_UNASKED if self._rule is None else RULES[self._rule]
                where = f" {self._session.session_id}" if self._rule == "wait" else ""
                self._show([Piece("status", f"  {said}{where}")])
                answer = ruled_answer(approval, self._rule)
                if answer is None:
                    continue
                self.is_denied |= not answer["approve"]
                try:
                    await self._session.resolve(approval.call_id, answer)
                except HubError as error:  # somebody else was first, or we may not
                    self._show([Piece("error", str(error))])
                except (LinkLost, LinkRefused):
                    return  # raised where the session is waited for, too
