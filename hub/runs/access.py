"""Who may do what in a session (design, section 3.3)."""

from hub.chat.parts import Autonomy, Session
from hub.errors import CallError
from hub.runs.sessions import Sessions
from hub.tools.policy.autonomy import lower, may_choose

_RANK = {"viewer": 0, "editor": 1, "owner": 2}


class Access:
    """Finds a session for a user, or says why it cannot be had."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def viewer(self, session_id: str, user: str) -> Session:
        return await self._session(session_id, user, "viewer")

    async def editor(self, session_id: str, user: str) -> Session:
        return await self._session(session_id, user, "editor")

    async def owner(self, session_id: str, user: str) -> Session:
        return await self._session(session_id, user, "owner")

    async def _session(self, session_id: str, user: str, role: str) -> Session:
        session = await self._sessions.get(session_id)
        if session is None:
            raise CallError("session_not_found", "There is no such session. Open one with OpenSession.")
        require(session, user, role)
        return session


def role_of(session: Session, user: str) -> str | None:
    return next((member.role for member in session.participants if member.user == user), None)


def require(session: Session, user: str, role: str) -> None:
    """Raises `forbidden` unless the user has at least this role."""
    has = role_of(session, user)
    if has is None:
        raise CallError("forbidden", "This session is not yours. Ask its owner to share it with you.")
    if _RANK[has] < _RANK[role]:
        raise CallError("forbidden", f"This needs the role {role}, and yours is {has}. Ask the session's owner.")


def may_approve(session: Session, user: str) -> bool:
    """Whether what this user approved for the session holds."""
    return role_of(session, user) in ("owner", "editor")


def autonomy_of(session: Session, author: str, wanted: Autonomy | None) -> Autonomy:
    """What a run goes by now that `author` asked for: the session's mode may have been lowered since."""
    if wanted is None:
        return session.autonomy
    return wanted if role_of(session, author) == "owner" else lower(wanted, session.autonomy)


def check_autonomy(session: Session, user: str, wanted: Autonomy | None) -> None:
    """Only the owner may raise it."""
    is_owner = role_of(session, user) == "owner"
    if wanted is not None and not may_choose(wanted, session.autonomy, is_owner=is_owner):
        raise CallError("forbidden", f"Only the owner may raise the autonomy above {session.autonomy}. Leave it out.")
