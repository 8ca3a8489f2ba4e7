"""Makes the tools that the settings ask for: a part of `app`, beside `offering`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from hub.config import Settings, program_variables
from hub.errors import SettingsError
from hub.tools.calculator import calculator
from hub.tools.charts.tool import chart_tool
from hub.tools.fetch import fetch_tool
from hub.tools.tables import table_tools
from hub.tools.toolset import Toolset


def tools(settings: Settings) -> Toolset:
    """Those that are there from the start. Raises SettingsError if what they need is not installed."""
    if settings.mcp_servers is not None and find_spec("mcp") is None:
        raise SettingsError("HUBLINE_MCP_SERVERS needs the extra hubline[mcp]: install it, or unset this.")
    max_bytes = settings.max_tool_result_bytes
    found = Toolset([*table_tools(max_result_bytes=max_bytes), calculator(max_result_bytes=max_bytes)])
    if find_spec("matplotlib") is not None:
        found.add(chart_tool(program_variables(), max_result_bytes=max_bytes))
    if settings.fetch_allowed_hosts:
        found.add(fetch_tool(settings.fetch_allowed_hosts, max_result_bytes=max_bytes))
    return found


@asynccontextmanager
async def mcp_servers(settings: Settings, tools: Toolset) -> AsyncIterator[None]:
    """Their tools come into `tools` as the servers come up, for as long as the context lasts."""
    entries = settings.mcp_server_entries
    if not entries:
        yield
        return
    # An extra: only where a setting asks for it.
    from hub.tools.mcp.connection import McpLimits, McpServer, McpServers

    servers = [McpServer(name, **entry.model_dump()) for name, entry in entries.items()]
    limits = McpLimits(call_s=settings.tool_timeout_s, max_result_bytes=settings.max_tool_result_bytes)
    async with McpServers(servers, tools, limits).running():
        yield
