"""A step's deltas, the pieces of each block joined."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from hub.errors import ProviderError
from hub.providers.base import Delta, TextDelta, ThinkingDelta, UsageSoFar

MAX_PIECE_CHARS = 64 * 1024
"""A longer block comes in several pieces: no event may be longer than what may wait for a connection."""


class Joined:
    """Takes deltas in; `deltas` are the same answer in as few as may be."""

    def __init__(self) -> None:
        self._deltas: list[Delta] = []
        self._last: tuple[type[TextDelta] | type[ThinkingDelta], int] | None = None  # whose pieces wait
        self._pieces: list[str] = []

    def add(self, delta: Delta) -> None:
        if isinstance(delta, TextDelta | ThinkingDelta):
            whose = type(delta), delta.block
            if whose != self._last:
                self._close()
                self._last = whose
            self._pieces.append(delta.text)
        else:
            self._close()
            self._deltas.append(delta)

    def deltas(self) -> Sequence[Delta]:
        """All that was added."""
        self._close()
        return self._deltas

    def _close(self) -> None:
        if self._last is None:
            return
        kind, block = self._last
        text = "".join(self._pieces)
        starts = range(0, len(text), MAX_PIECE_CHARS)
        self._deltas.extend(kind(block, text[start : start + MAX_PIECE_CHARS]) for start in starts)
        self._last, self._pieces = None, []


async def in_one_piece(stream: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    """A step's stream that says nothing before its end, and then all of it.

    Of one that fails, what had come comes before the error.
    """
    joined = Joined()
    async with aclosing(stream) as pieces:
        try:
            async for delta in pieces:
                if isinstance(delta, UsageSoFar):
                    yield delta  # what a stopped answer has cost must be known
                else:
                    joined.add(delta)
        except ProviderError:
            for whole in joined.deltas():
                yield whole
            raise
    for whole in joined.deltas():
        yield whole
