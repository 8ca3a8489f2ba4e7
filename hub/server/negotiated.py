"""Connection tokens: signed, so that every node with the same secret can read them, and claimed by their first use.

Wire format, base64url, 64 characters (N6 has 22, which hold no signature):

    connection id   16 bytes
    expiry          6 bytes: milliseconds since 1970, big endian
    flags           1 byte; 1: stateful reconnect was negotiated
    user            9 bytes of HMAC-SHA256(secret, "user", organisation, id)
    signature       16 bytes of HMAC-SHA256(secret, "token", path of the hub, all of the above)

A token is the key to its connection for as long as that lives; the expiry is only about the first use. Which ids were
used is the claim table's to know (`Claims`): a token that was claimed and has no connection here is over, and whoever
comes with it gets 404 before the upgrade, lest a client that reconnects is taken as new (design, No sticky sessions).
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from hub.server.auth import Refused, User

_ID = slice(0, 16)
_EXPIRY = slice(16, 22)
_FLAGS = 22
_USER = slice(23, 32)
_SIGNED = slice(0, 32)
_SIGNATURE = slice(32, 48)
_STATEFUL = 1

NO_CONNECTION = "No Connection with that ID"


@dataclass(frozen=True, slots=True)
class Token:
    """What a good token says."""

    connection_id: str
    expires_at_ms: int
    stateful: bool
    user_mark: bytes


class Tokens:
    """Gives tokens out and reads them. Without a secret it makes one that ends with this process, as do its tokens."""

    def __init__(self, lifetime_s: float, now_ms: Callable[[], int], secret: bytes | None = None) -> None:
        self._lifetime_ms = round(lifetime_s * 1000)
        self._now_ms = now_ms
        self._secret = secret or secrets.token_bytes(32)

    def give(self, path: str, user: User, *, stateful: bool = False) -> tuple[str, str]:
        """A new connection's public id and its secret token."""
        raw_id = secrets.token_bytes(16)
        expiry = (self._now_ms() + self._lifetime_ms).to_bytes(6)
        signed = raw_id + expiry + bytes([_STATEFUL * stateful]) + self._user_mark(user)
        return _text(raw_id), _text(signed + self._sign(path, signed))

    def read(self, text: str, path: str) -> Token:
        """A token that was given out for this hub, expired or not. Raises Refused (404)."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        # The length is part of what is secret-free to know; the rest is compared in constant time.
        if len(raw) != _SIGNATURE.stop or not hmac.compare_digest(raw[_SIGNATURE], self._sign(path, raw[_SIGNED])):
            raise Refused(404, NO_CONNECTION)
        return Token(_text(raw[_ID]), int.from_bytes(raw[_EXPIRY]), bool(raw[_FLAGS] & _STATEFUL), raw[_USER])

    def check_fresh(self, token: Token) -> None:
        """Raises Refused (404)."""
        if self._now_ms() >= token.expires_at_ms:
            raise Refused(404, NO_CONNECTION)

    def check_user(self, token: Token, user: User) -> None:
        """Raises Refused (403) for another user than the token was given to (S7)."""
        if not hmac.compare_digest(token.user_mark, self._user_mark(user)):
            raise Refused(403, "The connection was negotiated by another user.")

    def _user_mark(self, user: User) -> bytes:
        return self._hmac("user", repr((user.organisation, user.id)).encode())[: _USER.stop - _USER.start]

    def _sign(self, path: str, signed: bytes) -> bytes:
        return self._hmac(f"token\0{path}", signed)[: _SIGNATURE.stop - _SIGNATURE.start]

    def _hmac(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + data, "sha256")


class Claims(Protocol):
    """Which connection ids were used, and by which node. Where nodes share the secret of their tokens they must share
    this too. `claim` and `owner` raise Refused (503) if it cannot be known."""

    async def claim(self, connection_id: str, owner: str, until_ms: int) -> bool:
        """True for exactly one caller; all others get False until `until_ms` at least, when the token has expired."""
        ...

    async def owner(self, connection_id: str) -> str | None:
        """The node that claimed it; None if nobody has, or nobody kept the claim."""
        ...

    async def keep(self, connection_ids: Collection[str], owner: str, until_ms: int) -> None:
        """Remember that these are the owner's until then. Does nothing while the store is away: ask again."""
        ...


class LocalClaims:
    """`Claims` of one node. Bound: at most `max_claims` at once; over it, new connections are refused."""

    def __init__(self, max_claims: int, now_ms: Callable[[], int]) -> None:
        self._max_claims = max_claims
        self._now_ms = now_ms
        self._claims: dict[str, tuple[int, str]] = {}  # by connection id: until when, nearly in that order; owner

    async def claim(self, connection_id: str, owner: str, until_ms: int) -> bool:
        self._forget_expired()
        if connection_id in self._claims:
            return False
        if len(self._claims) >= self._max_claims:
            raise Refused(503, f"Too many connections begin at once: the limit max_negotiated is {self._max_claims}.")
        self._claims[connection_id] = until_ms, owner
        return True

    async def owner(self, connection_id: str) -> str | None:
        self._forget_expired()
        found = self._claims.get(connection_id)
        return None if found is None else found[1]

    async def keep(self, connection_ids: Collection[str], owner: str, until_ms: int) -> None:
        for connection_id in connection_ids:
            self._claims.pop(connection_id, None)  # so that it comes last
            self._claims[connection_id] = until_ms, owner

    def _forget_expired(self) -> None:
        now_ms = self._now_ms()
        expired = []
        for connection_id, (until_ms, _) in self._claims.items():
            if until_ms > now_ms:
                break
            expired.append(connection_id)
        for connection_id in expired:
            del self._claims[connection_id]


def random_id() -> str:
    """128 random bits in 22 characters (N6)."""
    return secrets.token_urlsafe(16)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
