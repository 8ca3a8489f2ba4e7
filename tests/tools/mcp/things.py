"""An MCP server, run as a process by the tests: `things.py stdio` or `things.py http PORT [json]`."""

import asyncio
import os
import sys
from pathlib import Path

import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("things", log_level="ERROR")


class Stock(BaseModel):
    sku: str
    count: int


@server.tool(title="Count the stock", annotations=ToolAnnotations(read_only_hint=True))
async def stock(sku: str, ctx: Context) -> Stock:
    """How many there are of an article."""
    await ctx.report_progress(1, 4, "counting")
    return Stock(sku=sku, count=3)


@server.tool(structured_output=False)
async def note(text: str) -> list[str | Image]:
    """Write something down."""
    return [f"noted {text}", Image(data=b"png", format="png"), "by hand"]


@server.tool()
async def fail() -> str:
    raise ToolError("There is no paper left.")


@server.tool(structured_output=False)
async def key() -> str:
    return os.environ.get("THINGS_KEY", "")


@server.tool(structured_output=False)
async def pid() -> str:
    return str(os.getpid())


@server.tool(structured_output=False)
async def pour(bytes_: int) -> list[str | Image]:
    """Much, of which the result keeps little."""
    return ["poured", Image(data=b"x" * bytes_, format="png")]


@server.tool()
async def die() -> str:
    os._exit(1)


@server.tool()
async def hang(file: str, ctx: Context) -> str:
    """Never ends; says in the file that it was cancelled."""
    await ctx.report_progress(0.5)
    try:
        await asyncio.Event().wait()
    finally:
        Path(file).write_text("cancelled")  # noqa: ASYNC240  # a few bytes
    return ""


@server.tool(structured_output=False)
async def grow(ctx: Context) -> str:
    """Adds a tool."""

    async def grown() -> str:
        return "big"

    server.add_tool(grown, structured_output=False)
    await ctx.notify_tools_changed()
    return "done"


def locked(app: ASGIApp, key: str) -> ASGIApp:
    """Answers only who has the key."""

    async def check(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != f"Bearer {key}".encode():
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    return check


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        in_one_piece = "json" in sys.argv[3:]
        app = locked(server.streamable_http_app(json_response=in_one_piece), os.environ["THINGS_KEY"])
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
