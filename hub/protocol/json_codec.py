"""The JSON encoding of hub messages (signalr.md 1.2, M1 and M6-M12).

Written: one object per message, `type` first, then `headers`, `invocationId` and the rest in the order of the table
there, absent fields left out, and 0x1E at the end. Read: in any order; unknown properties are skipped; a null is an
absent property, except for `item` and `result`, which it may be the value of.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, assert_never

from orjson import loads

from hub.errors import ProtocolError
from hub.protocol import fields
from hub.protocol.framing import SeparatorSplitter
from hub.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    Encoded,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
    StreamItem,
)
from hub.protocol.messages import Sequence as SequenceMessage
from hub.protocol.values import dump_json, load_json

_END = b"}\x1e"
_PING = Ping()
_MISSING = object()


class JsonCodec:
    """Text frames. Holds no state, so one serves all connections."""

    name: Literal["json"] = "json"
    transfer_format: Literal["Text"] = "Text"

    def encode(self, message: HubMessage) -> bytes:
        """One framed record. Raises TypeError if an argument, item or result cannot be encoded."""
        match message:
            case StreamItem():
                body = b'{"type":2%b%b,"item":%b' % (
                    _headers(message.headers),
                    _id(message.invocation_id),
                    _value(message.item),
                )
            case Invocation(invocation_id=None, stream_ids=(), headers=None):  # what is sent to many
                body = b'{"type":1,"target":%b,"arguments":%b' % (dump_json(message.target), _array(message.arguments))
            case Invocation():
                body = b'{"type":1' + _call(message)
            case Completion():
                body = b'{"type":3%b%b' % (_headers(message.headers), _id(message.invocation_id))
                if message.error is not None:
                    body += b',"error":' + dump_json(message.error)
                elif message.has_result:
                    body += b',"result":' + _value(message.result)
            case StreamInvocation():
                body = b'{"type":4' + _call(message)
            case CancelInvocation():
                body = b'{"type":5%b%b' % (_headers(message.headers), _id(message.invocation_id))
            case Ping():
                body = b'{"type":6'
            case Close():
                body = b'{"type":7'
                if message.error is not None:
                    body += b',"error":' + dump_json(message.error)
                if message.allow_reconnect:
                    body += b',"allowReconnect":true'
            case Ack():
                body = b'{"type":8,"sequenceId":%d' % message.sequence_id
            case SequenceMessage():
                body = b'{"type":9,"sequenceId":%d' % message.sequence_id
            case _:  # pragma: no cover
                assert_never(message)
        return body + _END

    def decode(self, record: bytes) -> HubMessage | None:
        """One record without its 0x1E; None for a type that is not known (X2). Raises ProtocolError."""
        try:
            found = loads(record)
        except ValueError:
            found = load_json(record)
        if type(found) is not dict:
            raise ProtocolError("Expected a message to be a JSON object.")
        kind = found.get("type")
        if type(kind) is int and kind == 1:
            # By far the most frequent message, whose usual form goes by without further calls.
            target, arguments, invocation_id = found.get("target"), found.get("arguments"), found.get("invocationId")
            if (
                type(target) is str
                and type(arguments) is list
                and (type(invocation_id) is str or invocation_id is None)
                and "streamIds" not in found
                and "headers" not in found
            ):
                return Invocation(target, arguments, invocation_id or None)
            return _read_invocation(found)
        if kind is None:
            raise fields.missing("type")
        reader = _READERS.get(fields.plain("type", kind, int))
        return None if reader is None else reader(found)

    def completion(self, invocation_id: str, result: object) -> bytes:
        """The same record as `encode(Completion(…, has_result=True))`, by the shortest way."""
        return b'{"type":3,"invocationId":%b,"result":%b}\x1e' % (
            dump_json(invocation_id),
            result.json if type(result) is Encoded else dump_json(result),
        )

    def splitter(self, max_receive_bytes: int | None) -> SeparatorSplitter:
        return SeparatorSplitter(max_receive_bytes)

    def stream_item_prefix(self, invocation_id: str) -> bytes:
        """What all items of one stream begin with; for `stream_item`."""
        return b'{"type":2%b,"item":' % _id(invocation_id)

    def stream_item(self, prefix: bytes, item: Encoded) -> bytes:
        """The same record as `encode(StreamItem(…))`, by the shortest way."""
        return prefix + item.json + _END


def _id(invocation_id: str) -> bytes:
    return b',"invocationId":' + dump_json(invocation_id)


def _headers(headers: Mapping[str, str] | None) -> bytes:
    return b',"headers":' + dump_json(dict(headers)) if headers else b""


def _value(value: object) -> bytes:
    return value.json if type(value) is Encoded else dump_json(value)


def _call(message: Invocation | StreamInvocation) -> bytes:
    return b'%b%b,"target":%b,"arguments":%b%b' % (
        _headers(message.headers),
        b"" if message.invocation_id is None else _id(message.invocation_id),
        dump_json(message.target),
        _array(message.arguments),
        b',"streamIds":' + _array(message.stream_ids) if message.stream_ids else b"",
    )


def _array(values: Sequence[object]) -> bytes:
    return dump_json(values if isinstance(values, list | tuple) else list(values))


def _read_headers(found: Mapping[str, object]) -> dict[str, str] | None:
    headers = found.get("headers")
    return None if headers is None else fields.headers(headers)


def _read_call(found: Mapping[str, object]) -> tuple[str, list[object], tuple[str, ...], dict[str, str] | None]:
    if (target := found.get("target")) is None:
        raise fields.missing("target")
    if (arguments := found.get("arguments")) is None:
        raise fields.missing("arguments")
    stream_ids = found.get("streamIds")
    return (
        fields.plain("target", target, str),
        fields.items("arguments", arguments),
        () if stream_ids is None else fields.stream_ids(stream_ids),
        _read_headers(found),
    )


def _read_invocation(found: Mapping[str, object]) -> Invocation:
    target, arguments, stream_ids, headers = _read_call(found)
    return Invocation(target, arguments, fields.optional_id(found.get("invocationId")), stream_ids, headers)


def _read_stream_item(found: Mapping[str, object]) -> StreamItem:
    item = found.get("item", _MISSING)
    if item is _MISSING:
        raise fields.missing("item")
    return StreamItem(fields.required_id(found.get("invocationId")), item, _read_headers(found))


def _read_completion(found: Mapping[str, object]) -> Completion:
    error = fields.optional_text("error", found.get("error"))
    has_result = "result" in found
    if error is not None and has_result:
        raise ProtocolError("The 'error' and 'result' properties are mutually exclusive.")
    return Completion(
        fields.required_id(found.get("invocationId")),
        error,
        found.get("result"),
        has_result,
        _read_headers(found),
    )


def _read_stream_invocation(found: Mapping[str, object]) -> StreamInvocation:
    target, arguments, stream_ids, headers = _read_call(found)
    invocation_id = fields.required_id(found.get("invocationId"))
    return StreamInvocation(target, arguments, invocation_id, stream_ids, headers)


def _read_cancel_invocation(found: Mapping[str, object]) -> CancelInvocation:
    return CancelInvocation(fields.required_id(found.get("invocationId")), _read_headers(found))


def _read_ping(found: Mapping[str, object]) -> Ping:
    return _PING


def _read_close(found: Mapping[str, object]) -> Close:
    allow_reconnect = found.get("allowReconnect")
    return Close(
        fields.optional_text("error", found.get("error")),
        allow_reconnect is not None and fields.plain("allowReconnect", allow_reconnect, bool),
    )


def _read_sequence_id(found: Mapping[str, object]) -> int:
    if (number := found.get("sequenceId")) is None:
        raise fields.missing("sequenceId")
    return fields.sequence_id(number)


_READERS: Mapping[int, Callable[[Mapping[str, object]], HubMessage]] = {
    1: _read_invocation,
    2: _read_stream_item,
    3: _read_completion,
    4: _read_stream_invocation,
    5: _read_cancel_invocation,
    6: _read_ping,
    7: _read_close,
    8: lambda found: Ack(_read_sequence_id(found)),
    9: lambda found: SequenceMessage(_read_sequence_id(found)),
}
