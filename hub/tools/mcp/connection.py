"""One MCP server: its connection, made again for as long as we run, and the calls of its tools."""

import asyncio
import logging
import math
import random
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp import Tool as McpTool
from mcp.client import IncomingMessage, Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types import CONNECTION_CLOSED, Implementation, ToolListChangedNotification
from pydantic import ValidationError

from hub.chat.parts import Json
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.json_schema import argument_check
from hub.tools.mcp.bounds import event_hooks
from hub.tools.mcp.translation import to_result, tool_spec
from hub.tools.schema import MAX_RESULT_BYTES
from hub.tools.toolset import Toolset

logger = logging.getLogger("hub.tools.mcp")

MAX_NOTE = 200
MAX_ERROR = 500


@dataclass(frozen=True)
class McpServer:
    """Where a server is: a command that is run and spoken to by stdio, or else the URL of a streamable HTTP endpoint.

    A command gets `env` and a few variables that are safe to inherit (PATH, HOME), not our whole environment.
    """

    name: str
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class McpLimits:
    """`call_s` is the timeout of its tools; `first_wait_s` doubles with each failed attempt up to `longest_wait_s`.

    `max_message_bytes` is that of one message over HTTP, images included, which results leave out.

    The list of tools is asked for every `look_again_s`, and when the server says that it changed.
    """

    connect_s: float = 30.0
    call_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    look_again_s: float = 60.0
    max_tools: int = 128
    max_result_bytes: int = MAX_RESULT_BYTES
    max_message_bytes: int = 4 << 20


class McpConnection:
    """Keeps a server connected while `run` runs. Its tools stay in the tool set while it is away: calls then say so."""

    def __init__(self, server: McpServer, tools: Toolset, limits: McpLimits) -> None:
        self._server = server
        self._tools = tools
        self._limits = limits
        self._client: Client | None = None  # while it is connected
        self._changed = asyncio.Event()  # its tools, or the connection, may be others: look again
        self._failures = 0  # since it was connected last
        self._listed: object = None  # what the tool set has of it

    @property
    def is_connected(self) -> bool:
        return self._client is not None

    async def run(self) -> None:
        """Until it is cancelled. Never fails: a server that cannot be reached is tried again."""
        while True:
            problem = await self._attempt()
            wait_s = min(self._limits.first_wait_s * 2**self._failures, self._limits.longest_wait_s)
            self._failures = min(self._failures + 1, 30)
            logger.warning("MCP server %s: %s; next attempt in %.1f s", self._server.name, problem, wait_s)
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))

    async def _attempt(self) -> str:
        """One connection, from its beginning to what ended it, which is returned.

        It has a task of its own: the client's cancel scopes now and then leave a cancellation behind (seen where a
        process could not be started just when the time for it was over), and that must end no more than the attempt.
        """
        attempt = asyncio.create_task(self._follow())
        try:
            await asyncio.wait({attempt})
        finally:
            while not attempt.done():  # as we are cancelled; once may be lost to the client, which needs 6 s at most
                attempt.cancel()
                await asyncio.wait({attempt}, timeout=10)
            error = None if attempt.cancelled() else attempt.exception()
        if isinstance(_first(error), FileNotFoundError) and self._server.command is not None:
            return f"there is no program {self._server.command!r}; install it, or name it by its whole path"
        return "the attempt was cut short" if error is None else _reason(error)

    async def _follow(self) -> None:
        """Connect, and offer the tools whenever they change. Raises what ends the connection."""
        try:
            with anyio.fail_after(self._limits.connect_s) as connecting:
                async with self._open() as client:
                    await self._offer(client)
                    connecting.deadline = math.inf
                    self._client = client
                    self._failures = 0
                    async with anyio.create_task_group() as group:
                        group.start_soon(self._listen, client)
                        while True:
                            await self._look_again(client)
        finally:
            self._client = None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Client]:
        server = self._server
        if server.command is not None:
            parameters = StdioServerParameters(command=server.command, args=list(server.args), env=dict(server.env))
            async with self._speak(stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr)) as client:
                yield client
            return
        # An answer may be a stream that is silent for as long as a call may take.
        max_bytes = self._limits.max_message_bytes
        timeout = httpx2.Timeout(self._limits.connect_s, read=max(300.0, self._limits.call_s))
        async with (
            httpx2.AsyncClient(
                headers=dict(server.headers), timeout=timeout, event_hooks=event_hooks(max_bytes)
            ) as http,
            self._speak(
                streamable_http_client(server.url or "", http_client=http, max_sse_event_size=max_bytes)
            ) as client,
        ):
            yield client

    def _speak(self, transport: Transport) -> Client:
        about = Implementation(name="hubline", version=version("hubline"))
        return Client(transport, client_info=about, message_handler=self._on_message, cache=None)

    async def _look_again(self, client: Client) -> None:
        """After a change, or now and then: a server of an older protocol may end, or change, without a word."""
        with anyio.move_on_after(self._limits.look_again_s):
            await self._changed.wait()
        self._changed.clear()
        with anyio.fail_after(self._limits.connect_s):
            await self._offer(client)

    async def _on_message(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._changed.set()

    async def _listen(self, client: Client) -> None:
        """What servers of the newer protocol have in place of notifications: a stream of changes, which also ends when
        the connection does."""
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    async for _ in changes:
                        self._changed.set()
            except (ListenNotSupportedError, MCPError):
                return
            except (SubscriptionLost, TimeoutError) as lost:
                logger.debug("MCP server %s: %s", self._server.name, lost)
            self._changed.set()
            await asyncio.sleep(self._limits.first_wait_s)

    async def _offer(self, client: Client) -> None:
        """Ask for the tools, and put them into the tool set."""
        found: list[McpTool] = []
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None or len(found) > self._limits.max_tools:
                break
        listed = [(tool.name, tool.description, tool.input_schema, tool.annotations) for tool in found]
        if listed == self._listed:
            return
        self._listed = listed
        offered: list[Tool] = []
        for tool in found[: self._limits.max_tools]:
            try:
                offered.append(self._tool(tool))
            except ValueError as error:
                logger.warning("MCP server %s: its tool %.64r is left out: %s", self._server.name, tool.name, error)
        left_out = self._tools.set_source(self._server.name, offered)
        if left_out:
            logger.warning("MCP server %s: names are taken: %s", self._server.name, ", ".join(left_out))
        if len(found) > self._limits.max_tools:
            logger.warning("MCP server %s: only its first %d tools", self._server.name, self._limits.max_tools)
        logger.info("MCP server %s: %d tools", self._server.name, len(offered) - len(left_out))

    def _tool(self, tool: McpTool) -> Tool:
        spec = tool_spec(self._server.name, tool)

        async def run(arguments: Mapping[str, Json], context: ToolContext) -> Json:
            return await self._call(tool.name, arguments, context)

        return Tool(
            spec=spec,
            run=run,
            timeout_s=self._limits.call_s,
            check=argument_check(spec.input_schema),
        )

    async def _call(self, name: str, arguments: Mapping[str, Json], context: ToolContext) -> Json:
        client, server = self._client, self._server.name
        if client is None:
            raise ToolError(f"The MCP server {server} cannot be reached at the moment.")

        async def report(progress: float, total: float | None, message: str | None) -> None:
            await context.progress(progress / total if total else None, message and message[:MAX_NOTE])

        try:
            # A cancelled call is cancelled on the server, too: the client sees to it.
            result = await client.call_tool(name, dict(arguments), progress_callback=report)
        except MCPError as error:
            self._changed.set()  # it may be the end of the connection, or the tool may be gone
            if error.code == CONNECTION_CLOSED:
                raise ToolError(
                    f"The MCP server {server} went away during the call: it is not known whether it took effect."
                ) from error
            raise ToolError(f"The MCP server {server} refused the call: {error.message[:MAX_ERROR]}") from error
        except (RuntimeError, ValidationError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            # What the client raises where the server breaks the protocol, or its own schema, or asks the user.
            raise ToolError(f"The MCP server {server} did not answer as it should: {_reason(error)}") from error
        return to_result(result, self._limits.max_result_bytes)


def _first(error: BaseException | None) -> BaseException | None:
    """Of a group, its first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _reason(error: BaseException) -> str:
    """In a line."""
    first = _first(error)
    return f"{type(first).__name__}: {first}"[:MAX_ERROR]


class McpServers:
    """All of them, each by itself: one that is dead delays nothing."""

    def __init__(self, servers: Sequence[McpServer], tools: Toolset, limits: McpLimits) -> None:
        self.connections = [McpConnection(server, tools, limits) for server in servers]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Begin to connect, and end what was begun. Does not wait for a server to be there."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(connection.run()) for connection in self.connections]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
