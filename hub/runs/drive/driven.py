"""The session's object as its driver changes it: whether a run goes on, the title, what its runs have used."""

import msgspec

from hub.backplane.base import Position
from hub.chat.parts import NO_USAGE, Session, Usage, sum_of
from hub.errors import BackplaneAway
from hub.runs.environment import RunEnvironment
from hub.runs.sessions import Sessions


class DrivenSession:
    """`session` is as it was stored last."""

    def __init__(self, environment: RunEnvironment, sessions: Sessions, session: Session) -> None:
        self.session = session
        self._now_ms = environment.now_ms
        self._sessions = sessions
        self._usage: dict[str, Usage] = {}  # of the finished runs by who asked, not yet added to the session's

    def add_usage(self, user: str, usage: Usage) -> None:
        """To be stored with the next change."""
        self._usage[user] = self._usage.get(user, NO_USAGE).plus(usage)

    async def change(self, *, running: bool, title: str = "", top: Position | None = None) -> None:
        """`title` is taken by a session that has none; `top` is the end of a new answer. Raises `BackplaneAway`."""
        used, self._usage = self._usage, {}
        now = self._now_ms()

        def change(session: Session) -> Session:
            by_user = {user: sum_of([session.usage_by_user.get(user, NO_USAGE), usage]) for user, usage in used.items()}
            return msgspec.structs.replace(
                session,
                running=running,
                updated_at=now,
                title=session.title or title,
                usage=sum_of([session.usage, *used.values()]),
                usage_by_user={**session.usage_by_user, **by_user},
            )

        try:
            changed = await self._sessions.change(
                self.session.session_id, change, created_at=self.session.created_at, top=top
            )
        except BackplaneAway:
            for user, usage in self._usage.items():
                used[user] = sum_of([used.get(user, NO_USAGE), usage])
            self._usage = used  # counted when it is tried again
            raise
        if changed is not None:
            self.session = changed
