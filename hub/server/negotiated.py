"""Tokens that were negotiated: given out, claimed once by a connection, in use until it ends.

Bound: at most `max_negotiated` that wait; the oldest gives way. In memory: a token is known to the node that gave it.
"""

import secrets
from dataclasses import dataclass

from hub.server.auth import Refused, User


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What `POST /negotiate` promised."""

    path: str
    connection_id: str
    user: User
    expires_at: float


class NegotiatedTokens:
    """`now` is the server's coarse clock, in seconds."""

    def __init__(self, lifetime_s: float, max_waiting: int) -> None:
        self._lifetime_s = lifetime_s
        self._max_waiting = max_waiting
        self._waiting: dict[str, Negotiated] = {}  # in the order of expiry
        self._in_use: set[str] = set()

    def give(self, path: str, user: User, now: float) -> tuple[str, str]:
        """A new connection's public id and its secret token."""
        if len(self._waiting) >= self._max_waiting:
            del self._waiting[next(iter(self._waiting))]
        connection_id, token = random_id(), random_id()
        self._waiting[token] = Negotiated(path, connection_id, user, now + self._lifetime_s)
        return connection_id, token

    def claim(self, token: str, path: str, user: User, now: float) -> str:
        """The connection id that the token stands for; it is in use from now on. Raises Refused (signalr.md 1.8)."""
        if token in self._in_use:
            raise Refused(409, "The connection is in use by another socket.")
        found = self._waiting.get(token)
        if found is None or found.path != path or found.expires_at <= now:
            raise Refused(404, "No Connection with that ID")
        if found.user.id != user.id or found.user.organisation != user.organisation:
            raise Refused(403, "The connection was negotiated by another user.")
        del self._waiting[token]
        self._in_use.add(token)
        return found.connection_id

    def release(self, token: str) -> None:
        """Its connection has ended. Idempotent."""
        self._in_use.discard(token)

    def tick(self, now: float) -> None:
        expired = []
        for token, found in self._waiting.items():
            if found.expires_at > now:
                break
            expired.append(token)
        for token in expired:
            del self._waiting[token]


def random_id() -> str:
    """128 random bits in 22 characters (N6)."""
    return secrets.token_urlsafe(16)
