"""Bodies of `POST {hub}/negotiate` (signalr.md 1.7): which transports there are and what the connection is called.

All answers, errors too, are 200 application/json. Query values are what the URL held, None if it held none; names of
query parameters are matched without case by the caller.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from hub.errors import ProtocolError
from hub.protocol.values import dump_json

TransportName = Literal["WebSockets", "ServerSentEvents", "LongPolling"]

TRANSFER_FORMATS: Mapping[TransportName, tuple[Literal["Text", "Binary"], ...]] = {
    "WebSockets": ("Text", "Binary"),
    "ServerSentEvents": ("Text",),
    "LongPolling": ("Text", "Binary"),
}
NEGOTIATE_VERSION = 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
_MAX_INTEGER = 0x7FFFFFFF


def read_version(value: str | None, *, minimum: int = 0) -> int:
    """Of the query's `negotiateVersion`: 0 or 1; higher ones are answered as 1 (N3).

    Raises ProtocolError with the text for `error_body` (N4).
    """
    if value is None:
        version = 0
    elif _INTEGER.fullmatch(value) is None or not -_MAX_INTEGER <= (version := int(value)) <= _MAX_INTEGER:
        raise ProtocolError("The client requested a non-integer protocol version.")
    if version < minimum:
        raise ProtocolError(f"The client requested version '{version}', but the server does not support this version.")
    return min(version, NEGOTIATE_VERSION)


def uses_stateful_reconnect(value: str | None, *, is_allowed: bool, transports: Iterable[TransportName]) -> bool:
    """Only when the client asked (`useStatefulReconnect=true`), it is allowed, and WebSockets are there (S1)."""
    return is_allowed and value is not None and value.lower() == "true" and "WebSockets" in transports


def available_transports(transports: Iterable[TransportName]) -> list[dict[str, object]]:
    return [{"transport": name, "transferFormats": list(TRANSFER_FORMATS[name])} for name in transports]


def body(
    version: int,
    *,
    connection_id: str,
    connection_token: str,
    transports: Iterable[TransportName],
    use_stateful_reconnect: bool = False,
    token_lifetime_s: int | None = None,
) -> bytes:
    """The answer to a version of `read_version`.

    Version 0 knows no token: the id, which then doubles as the key, must be the secret one, so the token is sent
    as `connectionId` (N3). `token_lifetime_s` is for clients that refresh their token in time (N7).
    """
    answer: dict[str, object] = {"negotiateVersion": version}
    if version == 0:
        answer["connectionId"] = connection_token
    else:
        answer["connectionId"] = connection_id
        answer["connectionToken"] = connection_token
    if use_stateful_reconnect:
        answer["useStatefulReconnect"] = True
    answer["availableTransports"] = available_transports(transports)
    if token_lifetime_s is not None and version > 0:
        answer["tokenLifetimeSeconds"] = token_lifetime_s
    return dump_json(answer)


def refreshed_body(token_lifetime_s: int | None) -> bytes:
    """The answer to a token that was taken in place of the last one (N7)."""
    return dump_json({} if token_lifetime_s is None else {"tokenLifetimeSeconds": token_lifetime_s})


def redirect_body(url: str, access_token: str | None = None) -> bytes:
    """Sends the client to negotiate at another URL (N5)."""
    return dump_json({"url": url} if access_token is None else {"url": url, "accessToken": access_token})


def error_body(error: str) -> bytes:
    return dump_json({"error": error})
