"""Text as it may go out: whole code points only (design, section 3.2)."""

from collections.abc import Mapping
from typing import Final

from hub.chat.parts import Json

MAX_DEPTH: Final = 128
"""How deep JSON of others may be nested: encoders end at some 250, and a message's own levels come on top. More than
clients may send, so that what was taken from them is taken here."""
_LEAST: Final = -(2**63)
_GREATEST: Final = 2**64 - 1


class Surrogates:
    """Mends the text of one stream whose pieces may end in half of a surrogate pair.

    Providers that cut their JSON anywhere send the two halves of an emoji in two deltas, which Python decodes as lone
    surrogates. A high half is held back until the next piece; what stays alone becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._held = ""  # a high surrogate that waits for its other half

    def mend(self, piece: str) -> str:
        """The piece as it may go out; may be empty."""
        if not self._held and piece.isascii():
            return piece
        text = self._held + piece
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._held = text[-1]
            text = text[:-1]
        return repaired(text)

    def rest(self) -> str:
        """What is left at the end of the stream."""
        text, self._held = self._held, ""
        return repaired(text)


def repaired_json(value: Json, *, max_depth: int = MAX_DEPTH) -> Json:
    """The JSON value as every client can read it: its strings, keys included, as `repaired` makes them, and integers
    of more than 64 bits, which MessagePack has none of, as floats. Raises ValueError, which says why, for what has no
    such form."""
    match value:
        case str():
            return repaired(value)
        case int():
            return value if _LEAST <= value <= _GREATEST else _as_float(value)
        case Mapping() | list() | tuple() if max_depth == 0:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        case Mapping():
            return {repaired(str(key)): repaired_json(inner, max_depth=max_depth - 1) for key, inner in value.items()}
        case list() | tuple():
            return [repaired_json(inner, max_depth=max_depth - 1) for inner in value]
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a number in it is too large") from None


def repaired(text: str) -> str:
    """The text with each pair of surrogates made one character, and each lone one U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
