"""The source of all deltas: a provider that follows a plan which stands in the user's message.

Each delta carries when it was due and when it was given, on the monotonic clock that all processes of a machine share,
so that whoever reads it knows how long it was under way.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import msgspec

from hub.chat.parts import NO_USAGE, TextPart
from hub.providers.base import Delta, Request, StepEnd, TextDelta
from tests.bench.document import pieces

WORDS = "and then some words"
"""What a delta says besides its stamps: about as much as a provider's."""

_STAMP = re.compile(r"<(\d+\.\d{6}) (\d+\.\d{6})>")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`start_at`: monotonic seconds, when the first of `deltas` is due, 0 for now; `waits`: say nothing after the last
    one; `document`: give this many characters of a long Markdown text instead of stamps."""

    deltas: int = 0
    per_second: float = 50.0
    start_at: float = 0.0
    waits: bool = False
    document: int = 0


class Stamp(msgspec.Struct, frozen=True):
    due: float
    given: float


def read_plan(text: str) -> Plan:
    return msgspec.json.decode(text, type=Plan)


def write_plan(plan: Plan) -> str:
    return msgspec.json.encode(plan).decode()


def stamps(text: str) -> Iterator[Stamp]:
    """Those of all deltas in a text, which may have been joined on the way."""
    for due, given in _STAMP.findall(text):
        yield Stamp(float(due), float(given))


async def texts(plan: Plan) -> AsyncIterator[str]:
    """The deltas of a plan, each as soon as it is due; late ones follow at once."""
    start_at = plan.start_at or time.monotonic()
    prepared = pieces(plan.document) if plan.document else None
    count = plan.deltas if prepared is None else len(prepared)
    for number in range(count):
        due = start_at + number / plan.per_second
        wait_s = due - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        yield f"<{due:.6f} {time.monotonic():.6f}>{WORDS}" if prepared is None else prepared[number]
    if plan.waits:
        await asyncio.Event().wait()


class Source:
    """The plan as a provider."""

    name = "source"
    default_model = "source-1"

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        # What a context hook has found stands before it.
        asked = [part.text for part in request.messages[-1].parts if isinstance(part, TextPart)][-1]
        async for text in texts(read_plan(asked)):
            yield TextDelta(0, text)
        yield StepEnd("stop", NO_USAGE)

    async def close(self) -> None:
        """Nothing is held."""
