"""docs/tools.md: its example has ten lines and runs as it stands there, and its numbers are the code's."""

import re
from pathlib import Path

from hub import Hubline
from hub.config import Settings
from hub.tools import calculator
from hub.tools.base import MAX_OUTPUT_CHARS, ToolContext
from hub.tools.charts import tool as charts
from hub.tools.mcp.connection import McpLimits
from tests.provider_server.fixtures import provider_server
from tests.provider_server.script import CallTool, Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, one

__all__ = ["provider_server"]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
HOOKS_PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_a_tool_and_a_hook_take_ten_lines() -> None:
    for page in (PAGE, HOOKS_PAGE):
        lines = [line for line in examples(page)[0].splitlines() if line]
        assert len(lines) <= 10, lines


async def test_the_example_is_a_tool(provider_server: ProviderServer) -> None:
    (code,) = examples(PAGE)
    found: dict[str, object] = {}
    exec(compile(code, "docs/tools.md", "exec"), found)
    app, function = found["app"], found["count_words"]
    assert isinstance(app, Hubline)
    tool = app.tools.get("count_words")
    assert tool is not None
    assert (tool.spec.access, tool.timeout_s) == ("read", 20)
    assert callable(function)
    provider_server.add(Script(CallTool("count_words", {"text": "tea or tea"})), Script(Say("Two.")))
    async with chatting(anthropic_at(provider_server), function) as chat:
        events = await chat.ask("How often is there tea?")
    assert one(events, "tool_progress")["note"] == "3 words"
    assert one(events, "tool_complete")["result"] == {"tea": 2, "or": 1}


async def test_the_demo_calls_it_where_it_is_named() -> None:
    found: dict[str, object] = {}
    exec(compile(examples(PAGE)[0], "docs/tools.md", "exec"), found)
    assert callable(found["count_words"])
    (sentence,) = re.findall(r"`(use count_words [^`]+)`", PAGE)
    async with chatting({"provider": "demo", "demo_pace": 0}, found["count_words"]) as chat:
        assert one(await chat.ask(sentence), "tool_complete")["result"] == {"tea": 2, "or": 1}


def test_the_table_names_what_a_tool_sees() -> None:
    context = ToolContext(user="", organisation=None, session_id="", run_id="", call_id="", report=lambda *_: None)
    ways = {name for name in {*vars(context), *dir(context)} if not name.startswith("_")}
    told = set(re.findall(r"ctx\.(\w+)", PAGE)) | set(re.findall(r"`\.(\w+)`", PAGE))
    assert ways - told == {"put_out", "report"}  # what the hub reads, and `progress` for who cannot await


def test_numbers_are_those_of_the_code() -> None:
    fields = Settings.model_fields
    for number, says in (
        (f"{MAX_OUTPUT_CHARS} characters", "the end"),
        (f"--max-tool-result-bytes` ({fields['max_tool_result_bytes'].default})", "fails the call"),
        (f"--tool-timeout-s` ({fields['tool_timeout_s'].default:g})", "timed_out"),
        (f"{charts.MAX_LABELS} labels, {charts.MAX_SERIES} series, {charts.MAX_BARS} bars", "12 slices"),
        (f"{charts.TIMEOUT_S:g} s at most", "chart"),
        (f"{McpLimits().max_message_bytes >> 20} MiB", "message"),
        (f"{calculator.MAX_DIGITS} digits", "kept"),
    ):
        assert number in PAGE, number
        assert says in PAGE
    assert charts.MAX_SLICES == 12


def test_the_tools_of_the_table_are_those_that_are_there() -> None:
    app = Hubline(backplane="memory://", fetch_allowed_hosts="example.com")
    rows = re.findall(r"^\| (`[^|]+) \| (?:read|write|as the server says) \|", PAGE, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {tool.spec.name for tool in app.tools}
