"""When a connection's token ends: a warning first, then the end, unless it is refreshed in between.

Pure: the connection asks at each tick of the node's one timer, and acts.
"""

from typing import Literal

from hub.server.auth.user import User


class Expiry:
    """Of one connection. Times are in milliseconds since 1970."""

    __slots__ = ("_expires_at", "_is_warned", "_warning_ms")

    def __init__(self, user: User, warning_s: float) -> None:
        self._warning_ms = warning_s * 1000
        self.renew(user)

    @property
    def expires_at(self) -> int | None:
        return self._expires_at

    def renew(self, user: User) -> None:
        self._expires_at = user.expires_at
        self._is_warned = False

    def due(self, now: int) -> Literal["nothing", "warn", "end"]:
        """What is to be done now. "warn" is said once for each token; for a short-lived one at once."""
        if self._expires_at is None or now < self._expires_at - self._warning_ms:
            return "nothing"
        if now >= self._expires_at:
            return "end"
        if self._is_warned:
            return "nothing"
        self._is_warned = True
        return "warn"
