"""What an output hook sees of an answer while it streams, and what it may say beside it.

A hook reads in a task of its own: the answer never waits for it. What it has not read yet is joined, so that a slow one
gets fewer and bigger pieces; the answer's own length bounds them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

import msgspec

from hub.chat.parts import Json, RunOutcome

MAX_VALUE_BYTES = 16 * 1024
"""The longest value of a custom event, as JSON."""
MAX_EVENTS = 1_000
"""What one hook may emit in one answer."""
MAX_NAME_CHARS = 64


class Piece(msgspec.Struct, frozen=True):
    """More of the answer, or of the thinking before it."""

    kind: Literal["text", "thinking"]
    text: str


class Output:
    """One answer: `async for piece in output` ends when the answer does, and `outcome` then says how."""

    def __init__(
        self, session_id: str, run_id: str, user: str, provider: str, model: str, emit: Callable[[str, Json], None]
    ) -> None:
        self.session_id = session_id
        self.run_id = run_id
        self.user = user
        self.provider = provider
        self.model = model
        self.outcome: RunOutcome | None = None  # set by `end`
        self._emit = emit
        self._emitted = 0
        self._kind: Literal["text", "thinking"] = "text"  # of what waits
        self._waiting: list[str] = []
        self._ready: list[Piece] = []  # of another kind than what waits, and before it
        self._wake = asyncio.Event()

    def emit(self, name: str, value: Json) -> None:
        """Send watchers a `custom` event; after the answer's end nothing is sent. Raises ValueError if it is too long,
        one too many, or nothing that every client can read."""
        if not 1 <= len(name) <= MAX_NAME_CHARS:
            raise ValueError(f"The name of a custom event must have 1 to {MAX_NAME_CHARS} characters.")
        if len(msgspec.json.encode(value)) > MAX_VALUE_BYTES:
            raise ValueError(f"The value of the custom event {name} is longer than {MAX_VALUE_BYTES} bytes.")
        if self._emitted >= MAX_EVENTS:
            raise ValueError(f"A hook may emit {MAX_EVENTS} custom events in one answer.")
        self._emitted += 1
        self._emit(name, value)

    def put(self, kind: Literal["text", "thinking"], text: str) -> None:
        """More of the answer."""
        if kind != self._kind:
            self._turn()
            self._kind = kind
        self._waiting.append(text)
        self._wake.set()

    def end(self, outcome: RunOutcome) -> None:
        """The answer has ended."""
        self.outcome = outcome
        self._wake.set()

    def _turn(self) -> None:
        """Make what waits a piece."""
        if self._waiting:
            self._ready.append(Piece(self._kind, "".join(self._waiting)))
            self._waiting = []

    async def __aiter__(self) -> AsyncIterator[Piece]:
        while True:
            self._turn()
            ready, self._ready = self._ready, []
            for piece in ready:
                yield piece
            if self._waiting or self._ready:
                continue
            if self.outcome is not None:
                return
            self._wake.clear()
            await self._wake.wait()
