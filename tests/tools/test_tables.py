"""The table tools, run as tools."""

import asyncio
import random
import statistics
from collections.abc import Mapping
from typing import Any

import pytest

from hub.tools.base import ToolContext, ToolError
from hub.tools.tables import table_tools
from hub.tools.toolset import Toolset

TOOLS = Toolset(table_tools())
SALES = """Region,Quarter,Revenue,Units,Day
North,Q1,"1,200.50",10,2024-01-03
South,Q1,900,8,2024-02-03
North,Q2,100.25,,2024-05-03
Total,,2200.75,18,"""


class Progress:
    """What a tool reported."""

    def __init__(self) -> None:
        self.reports: list[tuple[float | None, str | None]] = []
        self.under_way = asyncio.Event()
        """A tenth is done."""

    def context(self) -> ToolContext:
        return ToolContext(user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=self.report)

    def report(self, fraction: float | None, note: str | None) -> None:
        self.reports.append((fraction, note))
        if (fraction or 0) > 0.1:
            self.under_way.set()


async def call(name: str, arguments: Mapping[str, Any], progress: Progress | None = None) -> dict[str, Any]:
    tool = TOOLS.get(name)
    assert tool is not None
    result = await tool.run(arguments, (progress or Progress()).context())
    assert isinstance(result, dict)
    return result


def test_all_read_and_explain_themselves() -> None:
    assert [spec.name for spec in TOOLS.specs()] == [
        "read_table", "table_stats", "top_rows", "group_rows", "filter_rows",
    ]  # fmt: skip
    for spec in TOOLS.specs():
        assert spec.access == "read"
        assert spec.title
        assert len(spec.description) > 40
        assert "description" in spec.input_schema["properties"]["text"]
        assert "ctx" not in spec.input_schema["properties"]


async def test_read_table() -> None:
    result = await call("read_table", {"text": SALES})
    assert (result["rows"], result["header"], result["leftOut"]) == (3, True, ["Total"])
    assert [(each["name"], each["kind"]) for each in result["columns"]] == [
        ("Region", "text"), ("Quarter", "text"), ("Revenue", "number"), ("Units", "number"), ("Day", "date"),
    ]  # fmt: skip
    assert result["columns"][3]["missing"] == 1
    assert result["columns"][0]["examples"] == ["North", "South"]


async def test_stats_of_chosen_columns() -> None:
    result = await call("table_stats", {"text": SALES, "columns": ["revenue", "Units"]})
    revenue, units = result["columns"]
    assert (revenue["sum"], revenue["min"], revenue["max"], revenue["median"]) == (2200.75, 100.25, 1200.5, 900)
    assert revenue["average"] == pytest.approx(2200.75 / 3)
    assert (units["sum"], units["count"], units["missing"]) == (18, 2, 1)


async def test_stats_of_text_and_dates() -> None:
    region, _, _, _, day = (await call("table_stats", {"text": SALES}))["columns"]
    assert (region["distinct"], region["common"][0]) == (2, {"value": "North", "rows": 2})
    assert (day["min"], day["max"]) == ("2024-01-03", "2024-05-03")
    assert "sum" not in day


@pytest.mark.parametrize(
    ("where", "matched"),
    [
        ([{"column": "Region", "value": "north"}], 2),
        ([{"column": "Region", "operator": "!=", "value": "North"}], 1),
        ([{"column": "Revenue", "operator": ">", "value": 900}], 1),
        ([{"column": "Revenue", "operator": ">=", "value": "900"}], 2),
        ([{"column": "Units", "operator": "<", "value": 9}], 1),
        ([{"column": "Day", "operator": "<=", "value": "2024-02-03"}], 2),
        ([{"column": "Day", "operator": ">", "value": "3 Feb 2024"}], 1),
        ([{"column": "Quarter", "operator": "contains", "value": "q"}], 3),
        ([{"column": "Region", "value": "North"}, {"column": "Quarter", "value": "Q2"}], 1),
        ([], 3),
    ],
)
async def test_filter(where: list[dict[str, object]], matched: int) -> None:
    result = await call("filter_rows", {"text": SALES, "where": where})
    assert (result["matched"], result["of"], len(result["rows"])) == (matched, 3, matched)


async def test_filter_may_only_count() -> None:
    result = await call("filter_rows", {"text": SALES, "where": [], "limit": 0})
    assert (result["matched"], result["rows"]) == (3, [])


async def test_top_rows_leaves_out_rows_without_a_value() -> None:
    result = await call("top_rows", {"text": SALES, "column": "Units", "n": 5, "ascending": True})
    assert result["values"] == [8, 10]
    assert result["rows"][0] == ["South", "Q1", "900", "8", "2024-02-03"]


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ({"column": "Revenue"}, [("North", 1300.75), ("South", 900)]),
        ({"column": "Revenue", "ascending": True}, [("South", 900), ("North", 1300.75)]),
        ({"column": "Revenue", "measure": "average"}, [("South", 900), ("North", 650.375)]),
        ({"column": "Units", "measure": "max"}, [("North", 10), ("South", 8)]),
        ({"column": "Units", "measure": "count"}, [("North", 1), ("South", 1)]),
        ({"measure": "count"}, [("North", 2), ("South", 1)]),
        ({"column": "Units", "where": [{"column": "Quarter", "value": "Q2"}]}, [("North", None)]),
    ],
)
async def test_groups(arguments: dict[str, object], groups: list[tuple[str, float | None]]) -> None:
    result = await call("group_rows", {"text": SALES, "by": "region", **arguments})
    assert [(group["value"], group["result"]) for group in result["groups"]] == groups


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("table_stats", {"columns": ["Revnue"]}, "no column 'Revnue'; the columns are: Region, Quarter"),
        ("top_rows", {"column": "Units", "n": 0}, "greater than or equal to 1"),
        ("group_rows", {"by": "Region"}, "Name the column"),
        ("group_rows", {"by": "Region", "column": "Day"}, "not of numbers"),
        ("filter_rows", {"where": [{"column": "Units", "operator": ">", "value": "many"}]}, "'many' is none"),
        ("filter_rows", {"where": [{"column": "Day", "operator": ">", "value": "soon"}]}, "YYYY-MM-DD"),
        ("filter_rows", {"where": [{"column": "Units", "operator": "~", "value": 1}]}, "operator"),
        ("read_table", {"text": "no table here"}, "no table in the text"),
        ("read_table", {"text": "a,b\n" + "1,2\n" * 300_000}, "limit is 1,048,576"),
        ("read_table", {}, "text is required"),
    ],
)
async def test_errors_say_what_to_change(tool: str, arguments: dict[str, object], words: str) -> None:
    given = {"text": SALES, **arguments} if tool != "read_table" else arguments
    with pytest.raises(ToolError) as caught:
        await call(tool, given)
    assert words in str(caught.value)


async def test_sums_of_decimals_are_exact() -> None:
    text = "n,x\n" + "\n".join(f"r{n},0.1" for n in range(1000))
    stats = (await call("table_stats", {"text": text, "columns": ["x"]}))["columns"][0]
    assert (stats["sum"], stats["average"]) == (100, 0.1)


def big(rows: int = 20_000) -> tuple[str, list[float]]:
    chance = random.Random(7)
    values = [round(chance.uniform(-1000, 1000), 2) for _ in range(rows)]
    return "id,name,x\n" + "\n".join(f"{n},row {n % 97},{value:.2f}" for n, value in enumerate(values)), values


async def test_progress_rises_with_notes_and_a_large_table_is_right() -> None:
    text, values = big()
    progress = Progress()
    stats = (await call("table_stats", {"text": text, "columns": ["x"]}, progress))["columns"][0]
    assert stats["sum"] == pytest.approx(sum(values))
    assert stats["median"] == pytest.approx(statistics.median(values))
    fractions = [fraction for fraction, _ in progress.reports if fraction is not None]
    assert len(fractions) > 10
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert all(note for _, note in progress.reports)


async def test_a_stop_reaches_a_tool_in_the_middle() -> None:
    text, _ = big()
    progress = Progress()
    task = asyncio.create_task(call("table_stats", {"text": text}, progress))
    await progress.under_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert max(fraction or 0 for fraction, _ in progress.reports) < 0.5


async def test_a_value_may_be_one_of_a_list() -> None:
    where = [{"column": "region", "operator": "in", "value": ["north", "EAST"]}]
    text = "Region,Units\nNorth,1\nSouth,2\nEast,3"
    result = await call("filter_rows", {"text": text, "where": where})
    assert [row[0] for row in result["rows"]] == ["North", "East"]
