"""Texts and JSON as they may be sent to a provider, and as they come back from one: pure functions.

Users and models may cut a character in half (a lone surrogate): no UTF-8 can hold that, and no part of the contract
lets it through.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from hub.chat.parts import Json

CHARACTERS_PER_TOKEN: Final = 4
USAGE_EVERY_CHARACTERS: Final = 2_000
"""How often an estimate of the output so far is given, for runs that never see their end."""

MAX_DEPTH: Final = 128
"""How deep JSON of a provider's may be nested that is written again."""

_Wire = TypeVar("_Wire")

_SURROGATE = re.compile("[\ud800-\udfff]")


def has_half(text: str) -> bool:
    """Whether half a character is in `text`, or both halves of one that are not joined."""
    return _SURROGATE.search(text) is not None


def whole_text(text: str) -> str:
    """`text` with halves of characters joined where both are there, and replaced by U+FFFD where not."""
    if not has_half(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_json(value: Json) -> Json:
    """`value` as JSON that can be sent: whole strings, finite numbers, keys that are strings."""
    match value:
        case str():
            return whole_text(value)
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {whole_text(str(key)): whole_json(item) for key, item in value.items()}
        case list() | tuple():
            return [whole_json(item) for item in value]
        case _:
            return value


def is_deep(value: Json) -> bool:
    """Whether `value` is nested too deep to be written again; walks without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Json) -> Iterable[Json]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def json_text(value: Json) -> str:
    """`value` as JSON that can be sent, written."""
    return json.dumps(whole_json(value), ensure_ascii=False, default=str)


class Joiner:
    """Joins the pieces of one text where a cut went through a character."""

    def __init__(self) -> None:
        self._half = ""  # the first half of a character whose second has not come

    def join(self, piece: str) -> str:
        """`piece` with what was held back before it, without a last half of a character."""
        if not self._half and piece.isascii():
            return piece
        text = self._half + piece
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return whole_text(text[:-1] if self._half else text)

    def rest(self) -> str:
        """What stands for the half that never became whole; mostly nothing."""
        half, self._half = self._half, ""
        return "\N{REPLACEMENT CHARACTER}" if half else ""


def decode_wire(decoder: "msgspec.json.Decoder[_Wire]", data: bytes | str) -> _Wire:
    """One JSON value of a provider. Raises ValueError if it is none, or of another shape."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:
        # msgspec refuses halves of characters (lone surrogates written as escapes), json does not.
        return msgspec.convert(json.loads(data), decoder.type)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError("not the format of the provider") from error


def parse_arguments(text: str) -> tuple[Mapping[str, Json] | None, str | None]:
    """The arguments of a call, or why they are none. Nothing at all means none were needed."""
    if not text.strip():
        return {}, None
    try:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            # Takes halves of characters, which then become U+FFFD.
            value = whole_json(json.loads(text, parse_float=_finite, parse_constant=_finite))
    except (ValueError, RecursionError) as error:
        return None, f"The arguments are not valid JSON: {error}"[:200]
    if not isinstance(value, dict):
        return None, "The arguments are not a JSON object."
    return value, None


def _finite(text: str) -> float:
    """A number of JSON. Raises ValueError for one that is none there, or has no end as a float."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number that can be kept")
    return value
