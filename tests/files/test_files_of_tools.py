"""Files that tools add to answers."""

from hub import ToolContext
from tests.files.uploading import PNG
from tests.provider_server.fixtures import provider_server
from tests.provider_server.script import CallTool, Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, one

__all__ = ["provider_server"]


async def dot(ctx: ToolContext) -> str:
    """Draws a dot."""
    await ctx.file("../dot.png", "image/png", PNG)
    return "drawn"


async def page(ctx: ToolContext) -> str:
    """Makes a page."""
    return await ctx.file("page.html", "text/html", b"<p>")


async def test_a_file_of_a_tool_is_a_part_of_the_answer(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("I draw."), CallTool("dot"), CallTool("page")), Script(Say("There.")))
    async with chatting(anthropic_at(provider_server), dot, page) as chat:
        events = await chat.ask("Draw a dot")
        assert events[-1]["outcome"] == "completed", events[-1]
        added = one(events, "file")
        assert (added["name"], added["mediaType"], added["size"]) == ("dot.png", "image/png", len(PNG))
        failed = next(event for event in events if event["type"] == "tool_complete" and event["outcome"] == "failed")
        assert "are not taken" in failed["error"]
        page_of = await chat.client.invoke("History", chat.session_id)
        assert isinstance(page_of, dict)
        parts = page_of["messages"][-1]["parts"]
        assert parts[added["part"]]["fileId"] == added["fileId"]
        assert [part["type"] for part in parts] == ["text", "tool_call", "tool_call", "file", "text"]
        again = await chat.ask("And now?")
        assert again[-1]["outcome"] == "completed"
