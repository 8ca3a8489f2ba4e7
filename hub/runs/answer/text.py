"""Text as it may go out: whole code points only (design, section 3.2)."""

from collections.abc import Mapping

from hub.chat.parts import Json


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


def repaired_json(value: Json) -> Json:
    """The JSON value with all its strings, keys included, as `repaired` makes them."""
    match value:
        case str():
            return repaired(value)
        case Mapping():
            return {repaired(str(key)): repaired_json(inner) for key, inner in value.items()}
        case list() | tuple():
            return [repaired_json(inner) for inner in value]
    return value


def repaired(text: str) -> str:
    """The text with each pair of surrogates made one character, and each lone one U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
