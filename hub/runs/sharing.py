"""Who takes part in a session: roles given and taken by its owner, and watches ended with them."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from hub.chat import events
from hub.chat.parts import Participant, Session
from hub.errors import CallError
from hub.runs.access import Access, role_of
from hub.runs.environment import RunEnvironment
from hub.runs.follow.follows import Follows
from hub.runs.sessions import Sessions

MAX_PARTICIPANTS = 200

SharedRole = Literal["editor", "viewer"]


class Sharing:
    """`note` has an event written to a session's journal."""

    def __init__(
        self,
        environment: RunEnvironment,
        access: Access,
        sessions: Sessions,
        follows: Follows,
        note: Callable[[Session, events.Stored], Awaitable[None]],
    ) -> None:
        self._env = environment
        self._access = access
        self._sessions = sessions
        self._follows = follows
        self._note = note

    async def share(self, owner: str, session_id: str, user: str, role: SharedRole) -> Session:
        """Let `user` take part, or change what they may do. Idempotent."""
        session = await self._access.owner(session_id, owner)
        if user == session.owner:
            raise CallError("invalid_arguments", "The owner of a session has all rights. Share it with another user.")
        return await self._change(session, user, role)

    async def unshare(self, by: str, session_id: str, user: str) -> Session:
        """Take `user` out, which ends their watches on every node; a participant may go by themselves. Idempotent."""
        session = await (self._access.viewer if by == user else self._access.owner)(session_id, by)
        if user == session.owner:
            raise CallError(
                "invalid_arguments", "The owner of a session cannot leave it. Delete it with DeleteSession."
            )
        changed = await self._change(session, user, None)
        self._follows.end_for(session_id, user)
        return changed

    async def _change(self, session: Session, user: str, role: SharedRole | None) -> Session:
        """The session in which the user has this role, or none."""
        now = self._env.now_ms()
        has_changed = False

        def change(old: Session) -> Session:
            nonlocal has_changed
            has_changed = role_of(old, user) != role
            if not has_changed:
                return old
            kept = [member for member in old.participants if member.user != user]
            if role is not None and len(kept) >= MAX_PARTICIPANTS:
                text = f"A session has at most {MAX_PARTICIPANTS} participants. Take one out with UnshareSession first."
                raise CallError("too_large", text)
            new = [] if role is None else [Participant(user, role)]
            return msgspec.structs.replace(old, participants=[*kept, *new], updated_at=now)

        changed = await self._sessions.change(session.session_id, change, created_at=session.created_at)
        if changed is None:
            raise CallError("session_not_found", "The session was deleted meanwhile. Open another one.")
        if has_changed:
            self._follows.presences.set_role(session.session_id, user, role)
            shown = msgspec.to_builtins(changed.participants)
            await self._note(changed, events.SessionChanged({"participants": shown}, time=now))
        return changed
