"""The strings of a JSON value."""

from collections.abc import Callable, Iterator, Mapping

from hub.chat.parts import Json


def strings_of(value: Json) -> Iterator[str]:
    """All of them, keys included."""
    match value:
        case str():
            yield value
        case Mapping():
            for key, inner in value.items():
                yield str(key)
                yield from strings_of(inner)
        case list() | tuple():
            for inner in value:
                yield from strings_of(inner)


def with_strings(value: Json, change: Callable[[str], str]) -> Json:
    """The value with `change` made to each string, keys included; two keys that become one keep the last value."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {change(str(key)): with_strings(inner, change) for key, inner in value.items()}
        case list() | tuple():
            return [with_strings(inner, change) for inner in value]
    return value
