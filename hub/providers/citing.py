"""Citations as they may go out: bounded, their places counted as clients count, and no address but of the web.

What providers say of a passage is theirs, or their users': titles and quotes may hold anything, addresses any scheme.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from hub.chat.parts import Citation
from hub.providers.text import whole_text

MAX_CITATIONS: Final = 500
"""In one block of an answer."""
MAX_QUOTE: Final = 1_000
MAX_TITLE: Final = 300
MAX_URL: Final = 2_000

_SCHEMES = ("https://", "http://")


def units(text: str) -> int:
    """The length of `text` in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def document(
    *,
    file_id: str | None = None,
    title: str | None = None,
    quote: str | None = None,
    pages: tuple[int, int] | None = None,
    passage: tuple[int, int] | None = None,
) -> Citation:
    """Of a file. `pages` are from 1, the last one included; `passage` is in UTF-16 code units of the block."""
    page, end_page = pages or (None, None)
    start, end = passage or (None, None)
    return Citation(
        source="document",
        title=_cut(title, MAX_TITLE),
        file_id=file_id,
        quote=_cut(quote, MAX_QUOTE),
        page=page,
        end_page=end_page,
        start=start,
        end=end,
    )


def web(
    *,
    url: str | None = None,
    title: str | None = None,
    quote: str | None = None,
    passage: tuple[int, int] | None = None,
) -> Citation:
    """Of a web page. An address that is none of the web's is left out."""
    start, end = passage or (None, None)
    known = url is not None and url.lower().startswith(_SCHEMES) and len(url) <= MAX_URL and url.isprintable()
    return Citation(
        source="web",
        title=_cut(title, MAX_TITLE),
        url=url if known else None,
        quote=_cut(quote, MAX_QUOTE),
        start=start,
        end=end,
    )


def within(text: str, start: object, end: object) -> tuple[int, int] | None:
    """A passage that is told by the characters (code points) of `text`; None if it is none of it."""
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
        return None
    if start >= len(text):
        return None
    before, inside = text[:start], text[start:end]
    return units(before), units(before) + units(inside)


class Bound:
    """Lets through as many citations of one block as it may have."""

    def __init__(self) -> None:
        self._left = MAX_CITATIONS

    @property
    def is_used_up(self) -> bool:
        return self._left <= 0

    def take(self, citations: Iterable[Citation | None]) -> Sequence[Citation]:
        """Those that are some; no more are looked at than it may have."""
        taken = list(islice((each for each in citations if each is not None), self._left))
        self._left -= len(taken)
        return taken


def _cut(text: str | None, length: int) -> str | None:
    """Nothing for a blank text."""
    if text is None or not text.strip():
        return None
    return whole_text(text if len(text) <= length else text[: length - 1] + "…")
