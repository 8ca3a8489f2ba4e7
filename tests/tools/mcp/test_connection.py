"""Tools of real MCP servers, by stdio and by HTTP: `things.py` is the server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from hub.chat.parts import Json
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.mcp.connection import McpLimits, McpServer, McpServers
from hub.tools.schema import make_tool
from hub.tools.toolset import Toolset
from tests.backplane.redis_server import free_port
from tests.server.wire import until as until_within

THINGS = str(Path(__file__).with_name("things.py"))
KEY = "k-123"
LIMITS = McpLimits(first_wait_s=0.02, longest_wait_s=0.1, look_again_s=3600, max_result_bytes=1_000)
STDIO = McpServer("things", command=sys.executable, args=(THINGS, "stdio"), env={"THINGS_KEY": KEY})

until = partial(until_within, timeout_s=60)

Reports = list[tuple[float | None, str | None]]


@contextmanager
def http_things(port: int, *how: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, THINGS, "http", str(port), *how], env={**os.environ, "THINGS_KEY": KEY}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def http_server(port: int) -> McpServer:
    return McpServer("things", url=f"http://127.0.0.1:{port}/mcp", headers={"Authorization": f"Bearer {KEY}"})


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> Iterator[McpServer]:
    if request.param == "stdio":
        yield STDIO
        return
    port = free_port()
    with http_things(port):
        yield http_server(port)


@pytest.fixture
async def tools(server: McpServer) -> AsyncIterator[Toolset]:
    tools = Toolset()
    async with McpServers([server], tools, LIMITS).running():
        await until(lambda: len(tools) > 0)
        yield tools


def the(tools: Toolset, name: str) -> Tool:
    tool = tools.get(name)
    assert tool is not None, [each.spec.name for each in tools]
    return tool


async def call(tool: Tool, reports: Reports | None = None, **arguments: Json) -> Json:
    def report(fraction: float | None, note: str | None) -> None:
        if reports is not None:
            reports.append((fraction, note))

    tool.check(arguments)
    context = ToolContext(user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=report)
    return await tool.run(arguments, context)


async def back(tools: Toolset) -> str:
    """The process of the server, as soon as it answers again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return str(await call(the(tools, "things_pid")))
            except ToolError as away:
                assert "cannot be reached" in str(away) or "went away" in str(away)
                await asyncio.sleep(0.01)


async def test_tools_are_offered_and_run(tools: Toolset, tmp_path: Path) -> None:
    assert [spec.name for spec in tools.specs()] == [
        f"things_{name}" for name in ("stock", "note", "fail", "key", "pid", "pour", "die", "hang", "grow")
    ]
    stock = the(tools, "things_stock")
    assert (stock.spec.title, stock.spec.access) == ("Count the stock", "read")
    assert stock.spec.description == "How many there are of an article."
    assert stock.spec.input_schema["properties"]["sku"]["type"] == "string"
    assert the(tools, "things_note").spec.access == "write"

    reports: Reports = []
    assert await call(stock, reports, sku="a") == {"sku": "a", "count": 3}
    assert reports == [(0.25, "counting")]
    assert await call(the(tools, "things_note"), text="a") == "noted a\n[image of type image/png, left out]\nby hand"
    assert await call(the(tools, "things_key")) == KEY

    with pytest.raises(ToolError, match="There is no paper left"):
        await call(the(tools, "things_fail"))
    with pytest.raises(ToolError, match="Wrong arguments: sku must be string"):
        await call(stock, sku=3)
    with pytest.raises(ToolError, match="max_tool_result_bytes"):
        await call(the(tools, "things_note"), text="a" * 1_000)

    # Cancelling reaches the server.
    file = tmp_path / "hang"
    hanging = asyncio.create_task(call(the(tools, "things_hang"), reports, file=str(file)))
    await until(lambda: len(reports) == 2)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await until(lambda: file.exists() and file.read_text() == "cancelled")

    # A tool that comes later; the others stay in their order.
    assert await call(the(tools, "things_grow")) == "done"
    await until(lambda: tools.get("things_grown") is not None)
    assert await call(the(tools, "things_grown")) == "big"


async def test_a_server_that_dies_in_a_call_is_started_again() -> None:
    tools = Toolset()
    async with McpServers([STDIO], tools, LIMITS).running():
        await until(lambda: len(tools) > 0)
        before = await back(tools)
        with pytest.raises(ToolError, match="things went away during the call: it is not known whether it took effect"):
            await call(the(tools, "things_die"))
        assert await back(tools) != before


async def test_a_server_that_dies_unused_is_started_again() -> None:
    tools = Toolset()
    servers = McpServers([STDIO], tools, LIMITS)
    async with servers.running():
        await until(lambda: len(tools) > 0)
        pid = int(await back(tools))
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not servers.connections[0].is_connected)
        await until(lambda: servers.connections[0].is_connected)
        assert int(await back(tools)) != pid
    await until(lambda: not servers.connections[0].is_connected)


async def test_a_server_that_is_away_is_said_to_be_and_used_when_it_comes() -> None:
    port = free_port()
    tools = Toolset()
    servers = McpServers([http_server(port), STDIO_OTHER], tools, LIMITS)
    async with servers.running():
        await until(lambda: tools.get("other_pid") is not None)  # the dead one delays nothing
        assert tools.get("things_pid") is None
        with http_things(port):
            first = await back_once_known(tools)
        # A call notices that it went, if the connection did not.
        await until(lambda: not servers.connections[0].is_connected)
        with pytest.raises(ToolError, match="The MCP server things cannot be reached at the moment"):
            await call(the(tools, "things_pid"))
        with http_things(port):
            assert await back(tools) != first
        assert [spec.name.partition("_")[0] for spec in tools.specs()] == ["other"] * 9 + ["things"] * 9


STDIO_OTHER = McpServer("other", command=sys.executable, args=(THINGS, "stdio"))


async def back_once_known(tools: Toolset) -> str:
    await until(lambda: tools.get("things_pid") is not None)
    return await back(tools)


async def test_a_server_that_refuses_us_or_is_none_is_tried_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    def said(server: McpServer) -> int:
        return sum(text.startswith(f"MCP server {server.name}: ") for text in caplog.messages)

    port = free_port()
    tools = Toolset()
    servers = [
        McpServer("locked", url=f"http://127.0.0.1:{port}/mcp"),
        McpServer("missing", command="/nonexistent/mcp"),
        McpServer("mute", command="sleep", args=("60",)),
        McpServer("gone", command="true"),
    ]
    limits = McpLimits(connect_s=0.3, first_wait_s=0.02, longest_wait_s=0.1)
    with http_things(port):
        async with McpServers(servers, tools, limits).running():
            await until(lambda: all(said(server) >= (1 if server.name == "mute" else 2) for server in servers))
    assert len(tools) == 0
    there_is_none = "MCP server missing: there is no program '/nonexistent/mcp'; install it"
    assert any(text.startswith(there_is_none) for text in caplog.messages)


async def test_names_that_are_taken_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async def stock() -> str:
        return "ours"

    tools = Toolset([make_tool(stock, name="things_stock")])
    async with McpServers([STDIO], tools, LIMITS).running():
        await until(lambda: len(tools) > 1)
        assert await call(the(tools, "things_stock")) == "ours"
    assert "names are taken: things_stock" in caplog.text


@pytest.mark.parametrize("how", [(), ("json",)], ids=["events", "one piece"])
async def test_a_message_over_http_has_a_bound(how: tuple[str, ...]) -> None:
    port, tools = free_port(), Toolset()
    limits = replace(LIMITS, max_message_bytes=50_000)
    with http_things(port, *how):
        async with McpServers([http_server(port)], tools, limits).running():
            await until(lambda: len(tools) > 0)
            pour = the(tools, "things_pour")
            assert str(await call(pour, bytes_=20_000)).startswith("poured")
            with pytest.raises(ToolError, match=r"refused the call: .*(50000|exceed|too large|limit)"):
                await call(pour, bytes_=100_000)
            assert str(await call(pour, bytes_=20_000)).startswith("poured")
