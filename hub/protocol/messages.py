"""The messages of SignalR's hub protocol (reference/signalr.md, section 1.2), as frozen structs.

Arguments, items and results are plain JSON values once decoded: None, bool, int, float, str, list, dict (and bytes
or datetime from MessagePack). Going out, each may also be an `Encoded` value, whose bytes are spliced in as they
are.
"""

from collections import abc

import msgspec


class Encoded:
    """A JSON value that is encoded once and sent to many.

    `json` is the value's UTF-8 JSON, without lone surrogates (`values.encoded` makes it so); nobody looks at it
    again. `msgpack` is made of it at the first client that needs it, once.
    """

    __slots__ = ("_msgpack", "json")

    def __init__(self, json: bytes) -> None:
        self.json = json
        self._msgpack: bytes | None = None  # set by the first read of `msgpack`

    @property
    def msgpack(self) -> bytes:
        if self._msgpack is None:
            self._msgpack = msgspec.msgpack.encode(msgspec.json.decode(self.json))
        return self._msgpack


class Message(msgspec.Struct, frozen=True):
    """What all messages share: nothing but being one."""


class Invocation(Message, frozen=True):
    """Type 1. Without `invocation_id` it is never answered, not even with an error (M6)."""

    target: str
    arguments: abc.Sequence[object]
    invocation_id: str | None = None
    stream_ids: abc.Sequence[str] = ()
    headers: abc.Mapping[str, str] | None = None


class StreamItem(Message, frozen=True):
    """Type 2. One item of the stream with that id, in either direction."""

    invocation_id: str
    item: object
    headers: abc.Mapping[str, str] | None = None


class Completion(Message, frozen=True):
    """Type 3. Ends the invocation or stream with that id: by an error, a result, or neither (void)."""

    invocation_id: str
    error: str | None = None
    result: object = None
    has_result: bool = False
    headers: abc.Mapping[str, str] | None = None


class StreamInvocation(Message, frozen=True):
    """Type 4. As `Invocation`, answered by a stream."""

    target: str
    arguments: abc.Sequence[object]
    invocation_id: str
    stream_ids: abc.Sequence[str] = ()
    headers: abc.Mapping[str, str] | None = None


class CancelInvocation(Message, frozen=True):
    """Type 5. Stops the stream (and, since .NET 11, the plain call) with that id."""

    invocation_id: str
    headers: abc.Mapping[str, str] | None = None


class Ping(Message, frozen=True):
    """Type 6."""


class Close(Message, frozen=True):
    """Type 7. The last message of a connection."""

    error: str | None = None
    allow_reconnect: bool = False


class Ack(Message, frozen=True):
    """Type 8. The highest sequence id received (stateful reconnect)."""

    sequence_id: int


class Sequence(Message, frozen=True):
    """Type 9. The sequence id of the next counted message (stateful reconnect)."""

    sequence_id: int


HubMessage = Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation | Ping | Close | Ack | Sequence
