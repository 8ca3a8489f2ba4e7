"""Cutting a text into deltas of a few words, at a reading pace."""

import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"\s*\S+\s*")
_SIZES = (1, 2, 1, 3, 2, 1, 2, 2, 3, 1)
"""Words per delta, over and over: uneven, as models are."""

SLOWER, FASTER = 0.2, 4.0


def skip(chunks: Iterable[str], written: str) -> Iterator[str]:
    """What follows `written` in the text; all of it, as a new paragraph, if the text does not begin so."""
    rest = written
    seen: list[str] = []
    chunks = iter(chunks)
    for chunk in chunks:
        if not rest:
            yield chunk
        elif rest.startswith(chunk):
            rest = rest[len(chunk) :]
            seen.append(chunk)
        elif chunk.startswith(rest):
            yield chunk[len(rest) :]
            rest = ""
        else:
            yield "\n\n"
            yield from seen
            yield chunk
            yield from chunks
            return


def deltas(chunks: Iterable[str]) -> Iterator[str]:
    """The text in pieces of one to three words, joined again by concatenation. No piece is empty."""
    count = 0
    blank = ""
    for chunk in chunks:
        # Blank space goes out with the word after it.
        words = _WORD.findall(blank + chunk)
        blank = "" if words else blank + chunk
        place = 0
        while place < len(words):
            size = _SIZES[count % len(_SIZES)]
            yield "".join(words[place : place + size])
            place += size
            count += 1
    if blank:
        yield blank


def wished(pace: float, words: Iterable[str]) -> float:
    """The pace in deltas per second, with what the user said about it ("slowly", "fast"); 0 is without a wait."""
    for word in words:
        if word in ("slowly", "slow", "slower", "langsam", "langsamer"):
            return (pace or 60.0) * SLOWER
        if word in ("fast", "faster", "quickly", "quick", "schnell", "schneller"):
            return pace * FASTER
    return pace
