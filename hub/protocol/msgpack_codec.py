"""The MessagePack encoding of hub messages (signalr.md 1.2, M2-M6 and M13).

Each message is an array, its type first, in the order of the table there, after its length as a VarInt. Headers are
always a map, the empty one 0x80. Longer arrays than known are accepted; an Invocation may lack its stream ids.
"""

from collections.abc import Callable, Mapping
from typing import Literal, assert_never

from hub.errors import ProtocolError
from hub.protocol import fields
from hub.protocol.framing import LengthSplitter, write_varint
from hub.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    Encoded,
    HubMessage,
    Invocation,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)
from hub.protocol.values import dump_msgpack, load_msgpack

_PING = Ping()
_NO_HEADERS: Mapping[str, str] = {}

ERROR_RESULT = 1
VOID_RESULT = 2
VALUE_RESULT = 3


class MessagePackCodec:
    """Binary frames. Holds no state, so one serves all connections."""

    name: Literal["messagepack"] = "messagepack"
    transfer_format: Literal["Binary"] = "Binary"

    def encode(self, message: HubMessage) -> bytes:
        """One framed record. Raises TypeError if an argument, item or result cannot be encoded."""
        record = dump_msgpack(_array(message))
        return write_varint(len(record)) + record

    def decode(self, record: bytes) -> HubMessage | None:
        """One record without its length; None for a type that is not known (X2). Raises ProtocolError."""
        found = load_msgpack(record)
        if type(found) is not list or not found:
            raise ProtocolError("Expected a message to be a MessagePack array that begins with its type.")
        known = _READERS.get(fields.plain("type", found[0], int))
        if known is None:
            return None
        min_items, reader = known
        if len(found) < min_items:
            raise ProtocolError(f"Expected a message of type {found[0]} to have at least {min_items} items.")
        return reader(found)

    def completion(self, invocation_id: str, result: object) -> bytes:
        """The same record as `encode(Completion(…, has_result=True))`, by the shortest way."""
        record = dump_msgpack((3, _NO_HEADERS, invocation_id, VALUE_RESULT, result))
        return write_varint(len(record)) + record

    def splitter(self, max_receive_bytes: int | None) -> LengthSplitter:
        return LengthSplitter(max_receive_bytes)

    def stream_item_prefix(self, invocation_id: str) -> bytes:
        """What all items of one stream begin with, after their length; for `stream_item`."""
        return b"\x94\x02\x80" + dump_msgpack(invocation_id)

    def stream_item(self, prefix: bytes, item: Encoded) -> bytes:
        """The same record as `encode(StreamItem(…))`, by the shortest way."""
        body = item.msgpack
        return write_varint(len(prefix) + len(body)) + prefix + body


def _array(message: HubMessage) -> tuple[object, ...]:
    match message:
        case StreamItem():
            return 2, _headers(message.headers), message.invocation_id, message.item
        case Invocation():
            return 1, *_call(message)
        case Completion(error=str()):
            return 3, _headers(message.headers), message.invocation_id, ERROR_RESULT, message.error
        case Completion(has_result=True):
            return 3, _headers(message.headers), message.invocation_id, VALUE_RESULT, message.result
        case Completion():
            return 3, _headers(message.headers), message.invocation_id, VOID_RESULT
        case StreamInvocation():
            return 4, *_call(message)
        case CancelInvocation():
            return 5, _headers(message.headers), message.invocation_id
        case Ping():
            return (6,)
        case Close():
            return 7, message.error, message.allow_reconnect
        case Ack():
            return 8, message.sequence_id
        case Sequence():
            return 9, message.sequence_id
        case _:  # pragma: no cover
            assert_never(message)


def _call(message: Invocation | StreamInvocation) -> tuple[object, ...]:
    return (
        _headers(message.headers),
        message.invocation_id,
        message.target,
        tuple(message.arguments),
        tuple(message.stream_ids),
    )


def _headers(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    return dict(headers) if headers else _NO_HEADERS


def _read_invocation(found: list[object]) -> Invocation:
    return Invocation(
        fields.plain("target", found[3], str),
        fields.items("arguments", found[4]),
        fields.optional_id(found[2]),
        _read_stream_ids(found),
        fields.headers(found[1]),
    )


def _read_stream_item(found: list[object]) -> StreamItem:
    return StreamItem(fields.required_id(found[2]), found[3], fields.headers(found[1]))


def _read_completion(found: list[object]) -> Completion:
    headers = fields.headers(found[1])
    invocation_id = fields.required_id(found[2])
    kind = fields.plain("resultKind", found[3], int)
    if kind == VOID_RESULT:
        return Completion(invocation_id, headers=headers)
    if kind not in (ERROR_RESULT, VALUE_RESULT):
        raise ProtocolError(f"Invalid invocation result kind {kind}.")
    if len(found) < 5:
        raise fields.missing("error" if kind == ERROR_RESULT else "result")
    if kind == ERROR_RESULT:
        return Completion(invocation_id, fields.plain("error", found[4], str), headers=headers)
    return Completion(invocation_id, None, found[4], True, headers)


def _read_stream_invocation(found: list[object]) -> StreamInvocation:
    return StreamInvocation(
        fields.plain("target", found[3], str),
        fields.items("arguments", found[4]),
        fields.required_id(found[2]),
        _read_stream_ids(found),
        fields.headers(found[1]),
    )


def _read_cancel_invocation(found: list[object]) -> CancelInvocation:
    return CancelInvocation(fields.required_id(found[2]), fields.headers(found[1]))


def _read_ping(found: list[object]) -> Ping:
    return _PING


def _read_close(found: list[object]) -> Close:
    allow_reconnect = found[2] if len(found) > 2 else None
    return Close(
        fields.optional_text("error", found[1]),
        allow_reconnect is not None and fields.plain("allowReconnect", allow_reconnect, bool),
    )


def _read_stream_ids(found: list[object]) -> tuple[str, ...]:
    """Absent in the JavaScript client's calls without uploads (M5)."""
    stream_ids = found[5] if len(found) > 5 else None
    return () if stream_ids is None else fields.stream_ids(stream_ids)


_READERS: Mapping[int, tuple[int, Callable[[list[object]], HubMessage]]] = {
    1: (5, _read_invocation),
    2: (4, _read_stream_item),
    3: (4, _read_completion),
    4: (5, _read_stream_invocation),
    5: (3, _read_cancel_invocation),
    6: (1, _read_ping),
    7: (2, _read_close),
    8: (2, lambda found: Ack(fields.sequence_id(found[1]))),
    9: (2, lambda found: Sequence(fields.sequence_id(found[1]))),
}
"""By type: how many items it has at least, and its reader."""
