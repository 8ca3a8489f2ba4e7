"""At most so many calls of one tool at once on this node; the others wait, in the order in which they came."""

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from hub.chat.parts import Json
from hub.tools.base import Tool, ToolContext

WAITING = "waiting"
"""The note of a call that waits for its turn."""


def gated(tool: Tool, concurrency: int) -> Tool:
    """`tool` with at most `concurrency` calls at once. The time a call waits counts to its `timeout_s`.

    A call that has to wait reports the progress note "waiting"; one that is cancelled meanwhile never runs.
    Raises `TypeError` or `ValueError` for a number that is none.
    """
    name = tool.spec.name
    if isinstance(concurrency, bool) or not isinstance(concurrency, int):
        raise TypeError(f"The concurrency of the tool {name} must be a whole number or None, not {concurrency!r}.")
    if concurrency < 1:
        raise ValueError(f"The concurrency of the tool {name} must be at least 1, not {concurrency}.")
    places = asyncio.Semaphore(concurrency)

    async def run(arguments: Mapping[str, Json], context: ToolContext) -> Json:
        if places.locked():
            await context.progress(note=WAITING)
        async with places:
            return await tool.run(arguments, context)

    return replace(tool, run=run)
