"""Checks of decoded fields, the same for both encodings. Each raises ProtocolError that names the field.

The texts go out only where detailed errors are on.
"""

from typing import TypeVar

from hub.errors import ProtocolError

_T = TypeVar("_T", str, int, bool)

_KIND_NAMES: dict[type, str] = {str: "String", int: "Integer", bool: "Boolean", list: "Array", dict: "Object"}
_MAX_SEQUENCE_ID = (1 << 63) - 1


def wrong_kind(name: str, kind: type) -> ProtocolError:
    return ProtocolError(f"Expected '{name}' to be of type {_KIND_NAMES[kind]}.")


def missing(name: str) -> ProtocolError:
    return ProtocolError(f"Missing required property '{name}'.")


def plain(name: str, value: object, kind: type[_T]) -> _T:
    """Exactly of that type: a boolean is no integer here."""
    if type(value) is not kind:
        raise wrong_kind(name, kind)
    return value


def optional_text(name: str, value: object) -> str | None:
    return None if value is None else plain(name, value, str)


def optional_id(value: object) -> str | None:
    """An empty invocation id is none (M6)."""
    return optional_text("invocationId", value) or None


def required_id(value: object) -> str:
    if (invocation_id := optional_id(value)) is None:
        raise missing("invocationId")
    return invocation_id


def sequence_id(value: object) -> int:
    number = plain("sequenceId", value, int)
    if not 0 <= number <= _MAX_SEQUENCE_ID:
        raise ProtocolError("Expected 'sequenceId' to be a positive 64-bit number.")
    return number


def items(name: str, value: object) -> list[object]:
    if type(value) is not list:
        raise wrong_kind(name, list)
    return value


def stream_ids(value: object) -> tuple[str, ...]:
    return tuple([plain("streamIds", stream_id, str) for stream_id in items("streamIds", value)])


def headers(value: object) -> dict[str, str] | None:
    """Text to text; an empty map is none (M8)."""
    if type(value) is not dict:
        raise wrong_kind("headers", dict)
    if not value:
        return None
    return {plain("headers", key, str): plain("headers", item, str) for key, item in value.items()}
