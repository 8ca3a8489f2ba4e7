"""What the local provider server answers: a script of blocks, and of what goes wrong between them.

    gate = Gate()
    Script(Think("Let me see."), Say("One, ", gate, "two."), CallTool("sum", {"column": "B"}))

A script without an `End` ends properly by itself, with "tool_use" if it called a tool and "end_turn" if not. Whatever
is not a block may also stand between the pieces of a block.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


class Gate:
    """The server waits here until the test opens it. `reached` is set once all before it has been written."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def wait(self) -> None:
        self.reached.set()
        await self._opened.wait()


@dataclass(frozen=True)
class Pace:
    """Wait `pause_s` before each piece from here on."""

    pause_s: float


@dataclass(frozen=True)
class Stall:
    """Say nothing any more; the connection stays open until the client closes it."""


@dataclass(frozen=True)
class Truncate:
    """End the HTTP answer properly, in the middle of what it says."""


@dataclass(frozen=True)
class Abort:
    """Close the connection at once: with a reset, or with `reset=False` without one (the answer lacks its end)."""

    reset: bool = True


@dataclass(frozen=True)
class ErrorEvent:
    """An `error` event; the answer ends after it."""

    type: str = "overloaded_error"
    message: str = "Overloaded"


@dataclass(frozen=True)
class Ping:
    pass


@dataclass(frozen=True)
class Raw:
    """These bytes as they are, such as an event of an unknown type."""

    data: bytes


def unknown_event(name: str = "event_of_tomorrow") -> Raw:
    return Raw(f'event: {name}\ndata: {{"type": "{name}", "field": 1}}\n\n'.encode())


Control = Gate | Pace | Stall | Truncate | Abort | ErrorEvent | Ping | Raw
Piece = str | Control


class Say:
    """A text block, one delta for each piece. Pieces may be halves of a character, such as "\\ud83d".

    `cites` are what it rests on, as the wire has it.
    """

    def __init__(self, *pieces: Piece, cites: Sequence[Mapping[str, Any]] = ()) -> None:
        self.pieces = pieces
        self.cites = cites


class Think:
    """A thinking block, signed by the server."""

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = pieces


@dataclass(frozen=True)
class Redacted:
    """A redacted thinking block."""

    text: str = "secret"


class CallTool:
    """A tool call. `pieces` are the deltas of its arguments' JSON; without them, the JSON of `arguments` in two.

    Where `pieces` do not make a whole object, it is as if the model had been cut off, or had made a mistake.
    """

    def __init__(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        call_id: str | None = None,
        pieces: Sequence[Piece] | None = None,
    ) -> None:
        self.name = name
        self.call_id = call_id
        if pieces is None:
            text = json.dumps(arguments or {}, ensure_ascii=False)
            half = len(text) // 2
            pieces = ["", text[:half], text[half:]]
        self.pieces = tuple(pieces)


StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]


@dataclass(frozen=True)
class End:
    """The proper end: `message_delta` and `message_stop`. A reason that is not known yet may be any string."""

    reason: StopReason | str
    stop_details: Mapping[str, Any] | None = None
    output_tokens: int | None = None
    """Absent: about one for each four characters of the answer."""


Step = Say | Think | Redacted | CallTool | End | Control

Delivery = Literal["whole", "drip", "cut_utf8"]


@dataclass(frozen=True)
class ScriptUsage:
    """What `message_start` tells; `input_tokens` absent: counted as the rules do."""

    input_tokens: int | None = None
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class Script:
    """One answer. `delivery`: each event in one write; one byte at a time; or cut inside each non-ASCII character."""

    def __init__(
        self,
        *steps: Step,
        before_headers: Gate | Stall | Abort | None = None,
        delivery: Delivery = "whole",
        usage: ScriptUsage | None = None,
    ) -> None:
        self.steps = steps
        self.before_headers = before_headers
        self.delivery: Delivery = delivery
        self.usage = usage or ScriptUsage()

    @property
    def stop_reason(self) -> StopReason:
        """What this script ends with if it does not say so itself."""
        return "tool_use" if any(isinstance(step, CallTool) for step in self.steps) else "end_turn"


@dataclass(frozen=True)
class Refuse:
    """An HTTP error instead of an answer."""

    status: int
    type: str | None = None
    message: str = "refused by the script"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Instead of the usual JSON, such as the HTML page of a proxy."""
    param: str | None = None
    """The field that was wrong, where the wire tells it (OpenAI's)."""

    @property
    def error_type(self) -> str:
        return self.type or ERROR_TYPES.get(self.status, "api_error")


ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}

Answer = Script | Refuse
