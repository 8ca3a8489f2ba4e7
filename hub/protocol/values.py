"""Hub values to bytes and back: what a method returns or a message carries, in JSON and in MessagePack.

| value | JSON | MessagePack |
|---|---|---|
| None, bool, int up to 64 bits, float, str, list, tuple, dict | as they are | as they are |
| NaN and infinities | null, as in JavaScript | as they are |
| datetime with a zone; without one | ISO 8601 text | timestamp (extension -1); ISO 8601 text |
| date, time, timedelta, UUID, Decimal | text | text |
| bytes, bytearray, memoryview | base64 text | bin |
| set, frozenset, named tuple | array | array |
| Enum | its value | its value |
| dataclass, msgspec Struct | object | map |
| pydantic model | its own JSON form, by alias | the same as a map, but datetime and bytes as above |
| Encoded | spliced in | spliced in |

Anything else, integers over 64 bits, cycles and nesting over some 250 levels raise TypeError. Strings with lone
surrogates are repaired in both directions. Reading gives plain values only and raises ProtocolError for all that
is not one: NaN in JSON, extensions other than timestamps, dates outside the years 1 to 9999. Duplicate keys: the
last one wins. JSON integers over 64 bits are read as floats, as JavaScript would.
"""

import datetime
from collections.abc import Callable
from typing import NoReturn, Protocol, runtime_checkable

import msgspec
import orjson

from hub.errors import ProtocolError
from hub.protocol.messages import Encoded
from hub.protocol.surrogates import repair_json, repair_msgpack, repair_tree

# Dataclasses go through msgspec in both encodings: orjson alone would leave out fields with an underscore.
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS
_MSGPACK_TYPES = (bytes, bytearray, memoryview, datetime.datetime)


@runtime_checkable
class _Model(Protocol):
    """A pydantic model, without importing pydantic."""

    def model_dump(self, *, mode: str, by_alias: bool) -> object: ...


def dump_json(value: object) -> bytes:
    """Raises TypeError, whose text says what cannot be encoded."""
    try:
        return orjson.dumps(value, _splice_json, _OPTIONS)
    except TypeError:
        # Rare, so found out by failing: a key that is no text, half an emoji, or really nothing that can travel.
        return _dump(orjson.dumps, lambda: msgspec.to_builtins(value, str_keys=True, enc_hook=_reduce))


def load_json(record: bytes) -> object:
    """Raises ProtocolError."""
    try:
        return orjson.loads(record)
    except ValueError as error:
        return _load(orjson.loads, repair_json(record), error)


def dump_msgpack(value: object) -> bytes:
    """Raises TypeError, whose text says what cannot be encoded."""
    try:
        return _MSGPACK_ENCODER.encode(value)
    except Exception:  # TypeError, OverflowError, UnicodeEncodeError, RecursionError, or what a model raised
        return _dump(
            _MSGPACK_ENCODER.encode,
            lambda: msgspec.to_builtins(value, builtin_types=_MSGPACK_TYPES, enc_hook=_reduce_for_msgpack),
        )


def load_msgpack(record: bytes) -> object:
    """Raises ProtocolError."""
    try:
        return _MSGPACK_DECODER.decode(record)
    except (ValueError, RecursionError) as error:
        return _load(_MSGPACK_DECODER.decode, repair_msgpack(record), error)


def encoded(value: object) -> Encoded:
    """Encodes once what is to be sent to many. Raises TypeError."""
    return Encoded(dump_json(value))


def _dump(encode: Callable[[object], bytes], reduce: Callable[[], object]) -> bytes:
    try:
        return encode(repair_tree(reduce()))
    except Exception as error:  # whatever the value's own conversion raised is its way of not being encodable
        raise TypeError(f"The value cannot be encoded: {error}") from error


def _load(decode: Callable[[bytes], object], repaired: bytes | None, refusal: Exception) -> object:
    if repaired is None:
        raise ProtocolError(f"The message cannot be decoded: {refusal}") from refusal
    try:
        return decode(repaired)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"The message cannot be decoded: {error}") from error


def _splice_json(value: object) -> object:
    """For orjson, which calls this with what it does not know."""
    if isinstance(value, Encoded):
        return orjson.Fragment(value.json)
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_reduce)


def _splice_msgpack(value: object) -> object:
    """For msgspec, which calls this with what it does not know."""
    if isinstance(value, Encoded):
        return msgspec.Raw(value.msgpack)
    return _reduce_for_msgpack(value)


def _reduce_for_msgpack(value: object) -> object:
    if isinstance(value, _Model):
        as_json, as_it_is = (value.model_dump(mode=mode, by_alias=True) for mode in ("json", "python"))
        return _with_own_kinds(as_json, as_it_is)
    return _reduce(value)


def _with_own_kinds(as_json: object, as_it_is: object) -> object:
    """A model's JSON form, with the values that MessagePack has a kind for, and JSON only a text, as they are."""
    match as_json, as_it_is:
        case str(), bytes() | bytearray() | datetime.datetime():
            return as_it_is
        case dict(), dict() if len(as_json) == len(as_it_is):
            pairs = zip(as_json.items(), as_it_is.values(), strict=True)
            return {key: _with_own_kinds(item, own) for (key, item), own in pairs}
        case list(), list() | tuple() if len(as_json) == len(as_it_is):
            return [_with_own_kinds(item, own) for item, own in zip(as_json, as_it_is, strict=True)]
        case _:
            return as_json


def _reduce(value: object) -> object:
    match value:
        case Encoded():
            return load_json(value.json)
        case _Model():
            return value.model_dump(mode="json", by_alias=True)
        case str():
            return str.__str__(value)  # a subclass, as are the next two; not its own idea of text
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case _:
            raise TypeError(f"{type(value).__name__} is none of the types that can be sent")


def _refuse_extension(code: int, body: memoryview) -> NoReturn:
    raise ValueError(f"extension type {code} is not supported")


_MSGPACK_ENCODER = msgspec.msgpack.Encoder(enc_hook=_splice_msgpack)
_MSGPACK_DECODER = msgspec.msgpack.Decoder(ext_hook=_refuse_extension)
