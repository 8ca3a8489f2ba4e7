"""What stands in the inbox about a call to a client: who claimed it, and what it delivered. First answers win."""

import msgspec

from hub.chat.parts import Json, Session

CLOSED = b"null"
"""In place of a claim or a result: the call has ended without, and none is taken any more."""


class Claim(msgspec.Struct, frozen=True, rename="camel"):
    """The connection of the host that is told of the call."""

    host_id: str
    connection_id: str


class Delivered(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a host made of a call: its result, or why it failed. `token` tells two that are alike apart; `fraction` and
    `note` are the progress that it reported last."""

    token: str
    result: Json = None
    error: str | None = None
    fraction: float | None = None
    note: str | None = None


def claim_key(created_at: int, call_id: str, attempt: int) -> str:
    """`created_at` is the session's: see `lives`."""
    return f"claim:{call_id}:{created_at}.{attempt}"


def result_key(session: Session, call_id: str) -> str:
    return f"result:{call_id}:{session.created_at}"


def encode(answer: Claim | Delivered) -> bytes:
    return msgspec.json.encode(answer)


_claims: msgspec.json.Decoder[Claim | None] = msgspec.json.Decoder(Claim | None)
_delivered: msgspec.json.Decoder[Delivered | None] = msgspec.json.Decoder(Delivered | None)


def claim(body: bytes) -> Claim | None:
    return _claims.decode(body)


def delivered(body: bytes) -> Delivered | None:
    return _delivered.decode(body)
