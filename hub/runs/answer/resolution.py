"""An answer to an approval, as it is given, kept in the inbox and told to whoever comes second."""

from collections.abc import Mapping

import msgspec

from hub.chat.parts import ApprovalScope, Json, WireStruct


class Resolution(WireStruct, frozen=True, kw_only=True):
    """Whether the call may run. `arguments` are edited ones that replace the model's whole; `reason` is for the model
    to read; `scope` says for which further calls of the tool it holds."""

    approve: bool
    by: str
    scope: ApprovalScope
    arguments: Mapping[str, Json] | None = None
    reason: str | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")


EXPIRED = b"null"
"""Stands in the inbox in place of an answer that nobody gave in time: so nobody can give it later."""

_decoder: msgspec.json.Decoder[Resolution | None] = msgspec.json.Decoder(Resolution | None)


def decode(body: bytes) -> Resolution | None:
    """None: nobody answered in time."""
    return _decoder.decode(body)
