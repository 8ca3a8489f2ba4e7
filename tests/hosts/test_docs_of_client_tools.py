"""The page about client tools says what is so: its example runs, its limits are those of the code."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.config import load
from hub.runs.hosts.records import MAX_HOSTS
from hub.tools import client_side, json_schema
from hub.tools.spreadsheet import TOOLS
from tests.nodes.test_two_nodes import by_provider, client
from tests.provider_server.script import CallTool, Say, Script
from tests.provider_server.server import ProviderServer
from tests.running import running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "client_tools.md").read_text(encoding="utf-8")


def test_limits_and_names_are_those_of_the_code() -> None:
    settings = load({})
    assert f"`--host-grace-s` | {settings.host_grace_s:g}:" in PAGE
    assert f"`--client-tool-timeout-s` | {settings.client_tool_timeout_s:g}:" in PAGE
    assert f"`--max-tool-result-bytes` | {settings.max_tool_result_bytes}:" in PAGE
    assert f"| {MAX_HOSTS}, {client_side.MAX_TOOLS} |" in PAGE
    sizes = (client_side.MAX_SCHEMA_BYTES // 1024, json_schema.MAX_DEPTH, client_side.MAX_TOOLS_BYTES // 1024)
    bounds = f"{client_side.MAX_DESCRIPTION_CHARS} characters, {sizes[0]} KiB and {sizes[1]} levels, {sizes[2]} KiB"
    assert bounds in PAGE
    assert all(f"`{tool.spec.name}`" in PAGE for tool in TOOLS)


@asynccontextmanager
async def example(url: str) -> AsyncIterator[None]:
    """It runs, and has offered its tools."""
    (code,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    node = await asyncio.create_subprocess_exec(
        "node", "--input-type=module", "--eval", code.replace("http://127.0.0.1:8000", url),
        cwd=ROOT / "tests" / "interop", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert node.stdout is not None
        async with asyncio.timeout(60):
            while not (line := await node.stdout.readline()).startswith(b"host host_"):
                assert line, "the example has ended"
            yield
    finally:
        node.kill()
        await node.wait()


@pytest.mark.interop
async def test_the_example_executes_calls(tmp_path: Path) -> None:
    async with ProviderServer() as provider:
        provider.add(
            Script(CallTool("read_range", {"range": "A2"}), CallTool("count_cells", {})),
            Script(Say("There are 2 cells.")),
        )
        with running(tmp_path, environment=by_provider(provider)) as hub:
            async with example(hub.url), client(hub.url, "budget") as ann:
                await ann.send("m-1")
                assert (await ann.until("done"))["outcome"] == "completed"
            results = [event["result"] for event in ann.events if event["type"] == "tool_complete"]
            assert sorted(results, key=str) == [2, {"range": "A2", "values": [[5]]}]
        assert [request.refused for request in provider.requests] == [None] * 2


@pytest.mark.interop
async def test_the_demo_calls_what_the_page_says(tmp_path: Path) -> None:
    asked = ["What is in A1?", "Set A1 to 7", "use count_cells"]
    assert re.findall(r'ask it "([^"]+)"|; "([^"]+)" asks|`(use \w+)` calls', PAGE) == [
        (asked[0], "", ""), ("", asked[1], ""), ("", "", asked[2])
    ]  # fmt: skip
    with running(tmp_path, "--demo-pace", "0") as hub:
        async with example(hub.url), client(hub.url, "budget") as ann:
            for number, text in enumerate(asked):
                await ann.link.invoke("SendMessage", "budget", {"messageId": f"m-{number}", "content": text})
                if text.startswith("Set"):
                    needed = await ann.until("approval_needed")
                    await ann.link.invoke("ResolveApproval", "budget", needed["callId"], {"approve": True})
                assert (await ann.until("done", number + 1))["outcome"] == "completed"
        results = [event["result"] for event in ann.events if event["type"] == "tool_complete"]
        assert results == [{"range": "A1", "values": [[4]]}, {"range": "A1"}, 2]
