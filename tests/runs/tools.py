"""Tools for tests."""

import asyncio

from hub.tools.base import ToolContext
from hub.tools.toolset import Toolset


def counting_tools() -> Toolset:
    tools = Toolset()

    @tools.tool(access="read", title="Count")
    async def count(to: int, ctx: ToolContext) -> list[int]:
        """Count up to a number."""
        for number in range(to):
            await ctx.progress(number / to, f"at {number}")
            await asyncio.sleep(0)
        return list(range(to))

    return tools
