"""The tool `chart`: what it takes, and that its process ends with the call."""

import asyncio
import contextlib
import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from hub import Hubline
from hub.chat.parts import FilePart, Json
from hub.config import program_variables
from hub.tools.base import ToolContext, ToolError
from hub.tools.charts.tool import chart_tool, draw
from tests.provider_server.fixtures import provider_server
from tests.provider_server.script import CallTool, Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, one

__all__ = ["provider_server"]

SALES: dict[str, Json] = {
    "kind": "bar",
    "title": "Sales",
    "labels": ["May", "June"],
    "series": [{"name": "North", "values": [3, None]}, {"name": "South", "values": [4.5, -1]}],
}


def series(*values: Json) -> list[Json]:
    return [{"values": list(values)}]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": "radar"}, "kind"),
        ({"labels": []}, "labels"),
        ({"series": []}, "series"),
        ({"series": series(1)}, "Series 1 has 1 values for 2 labels"),
        ({"series": series(None, None)}, "nothing to draw"),
        ({"series": series(1, 1e101)}, "less than or equal to"),
        ({"series": series(1, "x")}, "number"),
        ({"series": series(1, float("inf"))}, "series"),
        ({"series": [{"values": [1, 2], "colour": "red"}]}, "colour"),
        ({"title": "x" * 201}, "200 characters"),
        ({"labels": ["x" * 201, "y"]}, "labels"),
        ({"labels": ["x"] * 501, "series": series(*[1] * 501)}, "500"),
        ({"series": series(1, 2) * 9}, "8 items"),
        ({"labels": ["x"] * 251, "series": series(*[1] * 251) * 2}, "at most 500 bars"),
        ({"kind": "scatter"}, "labels of a scatter chart are numbers"),
        ({"kind": "pie"}, "A pie shows one series"),
        ({"kind": "pie", "series": series(3, -1)}, "none is negative"),
        ({"kind": "pie", "series": series(0, 0)}, "one at least is above 0"),
        ({"kind": "pie", "labels": ["x"] * 13, "series": series(*[1] * 13)}, "at most 12 slices"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_with_the_reason(changes: Mapping[str, Json], problem: str) -> None:
    context = ToolContext(
        user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=lambda fraction, note: None
    )
    with pytest.raises(ToolError, match=problem):
        await chart_tool(program_variables()).run({**SALES, **changes}, context)


async def test_a_chart_is_a_file_of_the_answer(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("Look:"), CallTool("chart", SALES)), Script(Say("There.")))
    async with chatting(anthropic_at(provider_server)) as chat:
        events = await chat.ask("Chart the sales")
    assert events[-1]["outcome"] == "completed", events[-1]
    added, complete = one(events, "file"), one(events, "tool_complete")
    assert (added["name"], added["mediaType"]) == ("Sales.png", "image/png")
    assert (complete["outcome"], complete["result"]["fileId"]) == ("success", added["fileId"])
    assert not [event for event in events if event["type"] == "approval_needed"]


async def test_the_file_is_a_picture_with_a_name() -> None:
    kept: list[tuple[str, bytes]] = []

    async def keep(name: str, media_type: str, content: bytes) -> FilePart:
        kept.append((name, content))
        return FilePart("f1", name, media_type, len(content))

    context = ToolContext(
        user="ann",
        organisation=None,
        session_id="s",
        run_id="r",
        call_id="c",
        report=lambda fraction, note: None,
        keep=keep,
    )
    result = await chart_tool(program_variables()).run({**SALES, "title": " ", "kind": "line"}, context)
    ((name, content),) = kept
    assert (name, Image.open(io.BytesIO(content)).format) == ("line.png", "PNG")
    assert result == {
        "fileId": "f1",
        "mediaType": "image/png",
        "bytes": len(content),
        "note": "The user sees the chart now.",
    }


def environment_of(process: str) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()


def children() -> set[str]:
    """The processes that this one has started and not yet waited for."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def test_a_stopped_call_leaves_no_process() -> None:
    before = children()
    drawing = asyncio.create_task(draw(SALES, program_variables()))
    async with asyncio.timeout(30):
        while children() == before:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.001)
    drawing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await drawing
    assert drawing.cancelled()
    assert children() == before


async def test_what_the_program_says_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ToolError, match="could not be drawn") as refused:
        await draw({"kind": "bar"}, program_variables())
    assert "KeyError" in caplog.text
    assert "KeyError" not in str(refused.value)


async def test_the_process_gets_none_of_the_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "s3cret")
    before = children()
    drawing = asyncio.create_task(draw({**SALES, "x_label": "", "y_label": ""}, program_variables()))
    async with asyncio.timeout(30):
        while children() == before:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.001)
        (child,) = children() - before
        assert b"s3cret" not in environment_of(child)
        await drawing


def test_the_tool_is_there_with_the_extra() -> None:
    tool = Hubline(backplane="memory://").tools.get("chart")
    assert tool is not None
    assert tool.spec.access == "read"
