"""What one connection has received and not read yet, because it came in bulk: taken out in slices.

Decoding and acting on what came in one read, or in one large message, could take seconds for hundreds of thousands of
small records, and the event loop serves all connections. So who has sent `SLICE_BYTES` goes on in the loop's next turn,
after the others, and its transport reads no further meanwhile, which bounds what waits here by what it had read.
"""

from collections import deque

SLICE_BYTES = 4096
"""Of one connection, between two turns of the loop: some hundreds of the smallest records."""

PIECE_BYTES = 64
"""What a piece counts besides its bytes, so that tiny ones have their cost."""

_SPARSE_BYTES = 65_536
_SEPARATOR = b"\x1e"


class Slices:
    """Bytes in, in any pieces; out come the same, cut small where there may be many records in them."""

    __slots__ = ("_at", "_pieces")

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._at = 0  # where the first one goes on

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, data: bytes) -> None:
        if data:
            self._pieces.append(data)

    def take(self, budget_bytes: int) -> list[bytes]:
        """The next pieces, as far as the budget goes; at least one, if there is any."""
        taken: list[bytes] = []
        while self._pieces and budget_bytes > 0:
            data, at = self._pieces[0], self._at
            # A part of one large text record is cheap, and should not wait for many turns.
            is_sparse = data.count(_SEPARATOR, at, at + _SPARSE_BYTES) <= 1 and data.endswith(_SEPARATOR)
            end = at + (_SPARSE_BYTES if is_sparse else SLICE_BYTES)
            if end < len(data):
                self._at = end
            else:
                self._pieces.popleft()
                self._at = 0
            taken.append(data if at == 0 and end >= len(data) else data[at:end])
            budget_bytes -= min(end, len(data)) - at + PIECE_BYTES
        return taken
