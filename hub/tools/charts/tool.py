"""The tool `chart`: an image of a chart, added to the answer as a file."""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.chat.parts import Json
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.schema import MAX_RESULT_BYTES, make_tool

logger = logging.getLogger("hub.tools")

MAX_SERIES = 8
MAX_LABELS = 500
MAX_BARS = 500
MAX_SLICES = 12
MAX_TEXT = 200
MAX_MAGNITUDE = 1e100
"""Beyond it the arithmetic of axes overflows, and nobody reads the ticks."""
TIMEOUT_S = 30.0
AT_ONCE = 2
"""Drawings on a node: each is a process of 90 MB for most of a second."""

PICTURE = Path(__file__).with_name("picture.py")

Kind = Literal["bar", "line", "scatter", "pie"]
Number = Annotated[float, Field(ge=-MAX_MAGNITUDE, le=MAX_MAGNITUDE, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class Series(BaseModel):
    """Values under one name, one for each label."""

    model_config = ConfigDict(extra="forbid")

    name: Text = ""
    values: list[Number | None] = Field(
        min_length=1, max_length=MAX_LABELS, description="One for each label; null where there is none."
    )


def chart_tool(variables: Mapping[str, str], *, max_result_bytes: int = MAX_RESULT_BYTES) -> Tool:
    """It writes nothing but the answer's own file, so nobody is asked to approve it. Needs the extra `chart`.

    `variables` is the environment of the process that draws: not the hub's, which holds keys.
    """

    async def chart(
        kind: Kind,
        title: Text,
        labels: Annotated[list[Text | Number], Field(min_length=1, max_length=MAX_LABELS)],
        series: Annotated[list[Series], Field(min_length=1, max_length=MAX_SERIES)],
        ctx: ToolContext,
        x_label: Text = "",
        y_label: Text = "",
    ) -> Json:
        """Draw a chart as a PNG image, which the user sees in the answer. It changes no document.

        Args:
            labels: Names of bars, points or slices. For `scatter` (and for `line` where the distances between them
                count) numbers: the places along x, for all series.
            series: The values. A pie has one series, none of whose values is negative, and at most 12 slices.
            x_label: What is along x, for example Month.
            y_label: What the values are, for example Revenue in EUR.
        """
        _check(kind, labels, series)
        await ctx.progress(0.0, "drawing")
        wanted: dict[str, Json] = {
            "kind": kind,
            "title": title,
            "labels": list(labels),
            "series": [one.model_dump() for one in series],
            "x_label": x_label,
            "y_label": y_label,
        }
        picture = await draw(wanted, variables)
        file_id = await ctx.file(f"{title.strip()[:60] or kind}.png", "image/png", picture)
        note = "The user sees the chart now."
        return {"fileId": file_id, "mediaType": "image/png", "bytes": len(picture), "note": note}

    return make_tool(
        chart, title="Draw a chart", timeout_s=TIMEOUT_S, concurrency=AT_ONCE, max_result_bytes=max_result_bytes
    )


async def draw(chart: Mapping[str, Json], variables: Mapping[str, str]) -> bytes:
    """A PNG of `picture.Chart`, drawn by a process that ends with this call, also if it is cancelled.

    Raises ToolError if there is none."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(PICTURE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=PICTURE.parent,  # matplotlib reads settings from where it is started
        env={**variables, "OPENBLAS_NUM_THREADS": "1"},
    )
    try:
        picture, said = await process.communicate(json.dumps(chart).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        logger.error("a chart was not drawn: %s", said.decode(errors="replace")[-2_000:])
        raise ToolError("The chart could not be drawn; the hub's log says why.")
    return picture


def _check(kind: Kind, labels: Sequence[str | float], series: Sequence[Series]) -> None:
    """What the schema cannot say. Raises ToolError."""
    for number, one in enumerate(series, start=1):
        if len(one.values) != len(labels):
            shown = one.name[:40] or str(number)
            raise ToolError(f"Series {shown} has {len(one.values)} values for {len(labels)} labels: give one for each.")
    values = [value for one in series for value in one.values if value is not None]
    if not values:
        raise ToolError("There is nothing to draw: all values are null.")
    match kind:
        case "bar" if len(labels) * len(series) > MAX_BARS:
            raise ToolError(f"A bar chart has at most {MAX_BARS} bars: draw a line, or fewer of them.")
        case "scatter" if any(isinstance(label, str) for label in labels):
            raise ToolError("The labels of a scatter chart are numbers: the places along x.")
        case "pie":
            _check_pie(labels, series, values)
        case _:
            pass


def _check_pie(labels: Sequence[str | float], series: Sequence[Series], values: Sequence[float]) -> None:
    if len(series) > 1:
        raise ToolError("A pie shows one series: draw bars for several.")
    if len(labels) > MAX_SLICES:
        raise ToolError(f"A pie has at most {MAX_SLICES} slices: put the smallest together as Others, or draw bars.")
    if min(values) < 0 or max(values) == 0:
        raise ToolError("The slices of a pie are parts of a whole: none is negative, and one at least is above 0.")
