"""Tools that read and compute a table which stands in a text: CSV, spreadsheet cells, Markdown.

They take the text itself, so they serve any provider. All are bounded by the size of the text and its cells; they
report how far they are, and give way to the event loop as they go, so that a stop reaches them.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from hub.chat.parts import Json
from hub.tables.table import Cell, Column, Table, TableError, build, find
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.conditions import Condition, Conditions, column_of, row_test, sort_key
from hub.tools.schema import MAX_RESULT_BYTES, ToolFunction, make_tool

MAX_ROWS_RETURNED = 200
MAX_GROUPS = 200
MAX_CELL_CHARACTERS = 200
ROWS_PER_CHUNK = 5_000
MAX_COMMON_VALUES = 3

T = TypeVar("T")
Measure = Literal["sum", "average", "min", "max", "median", "count"]

TableText = Annotated[str, Field(description="The text with the table: CSV, cells of a spreadsheet, or Markdown.")]


async def read_table(text: TableText, ctx: ToolContext) -> Json:
    """What the table has: its columns with their kinds and examples, how many rows, and what was left out of it.

    Rows of totals (their first cell says so) are left out, here and in the other table tools.
    """
    table = await _read(text, ctx)
    return {
        "rows": len(table.rows),
        "header": table.has_header,
        "leftOut": list(table.left_out),
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "unit": column.unit,
                "missing": sum(cell is None for cell in column.cells) - column.unreadable,
                "unreadable": column.unreadable,
                "examples": _examples(column, table, index),
            }
            for index, column in enumerate(table.columns)
        ],
    }


async def table_stats(
    text: TableText, ctx: ToolContext, columns: list[str] | None = None, where: Conditions = None
) -> Json:
    """Sum, average, median, smallest and largest value of columns; for text, how many different values.

    Args:
        columns: Names of columns; all if left out.
    """
    table = await _read(text, ctx)
    chosen = [column_of(table, name) for name in columns] if columns else list(table.columns)
    rows = await _matching(table, where, ctx)
    stats: list[Json] = []
    for number, column in enumerate(chosen, start=1):
        stats.append(_stats(column, rows))
        await ctx.progress(0.7 + 0.3 * number / len(chosen), column.name[:40])
        await asyncio.sleep(0)
    return {"rows": len(rows), "leftOut": list(table.left_out), "columns": stats}


async def top_rows(
    text: TableText,
    column: str,
    ctx: ToolContext,
    n: Annotated[int, Field(ge=1, le=MAX_ROWS_RETURNED)] = 5,
    ascending: bool = False,
    where: Conditions = None,
) -> Json:
    """The rows with the largest values in a column (the smallest, if ascending), in order; those without one left out.

    `tied` is how many more rows have the same value as the last one.

    Args:
        column: The column to sort by.
        n: How many rows.
        ascending: Smallest (or earliest, or A to Z) first.
    """
    table = await _read(text, ctx)
    by = column_of(table, column)
    rows = [row for row in await _matching(table, where, ctx) if by.cells[row] is not None]
    ordered = sorted(rows, key=lambda row: sort_key(by.cells[row]), reverse=not ascending)
    await ctx.progress(1.0, f"{min(n, len(ordered))} rows")
    return {
        "column": by.name,
        "unit": by.unit,
        "decimals": by.decimals,
        "matched": len(ordered),
        "tied": sum(by.cells[row] == by.cells[ordered[n - 1]] for row in ordered[n:]),
        "columns": [each.name for each in table.columns],
        "kinds": [each.kind for each in table.columns],
        "rows": _shown(table, ordered[:n]),
        "values": [_json(by.cells[row]) for row in ordered[:n]],
        "leftOut": list(table.left_out),
    }


async def group_rows(
    text: TableText,
    by: str,
    ctx: ToolContext,
    column: str | None = None,
    measure: Measure = "sum",
    ascending: bool = False,
    where: Conditions = None,
) -> Json:
    """One value per group: for example the sum of revenue by region, or how many rows each has. Largest value first.

    Args:
        by: The column whose values make the groups.
        column: The column to measure; may be left out to count rows.
        measure: What to compute in each group.
        ascending: Smallest value first.
    """
    table = await _read(text, ctx)
    key = column_of(table, by)
    measured = None if column is None else column_of(table, column)
    if measured is None and measure != "count":
        raise ToolError(f"Name the column to compute the {measure} of.")
    if measured is not None and measured.kind != "number" and measure != "count":
        raise ToolError(f"The column {measured.name} is not of numbers, so it has no {measure}.")
    groups: dict[str, tuple[str, list[int]]] = {}
    for row in await _matching(table, where, ctx):
        label = _label(key.cells[row])
        groups.setdefault(label.lower(), (label, []))[1].append(row)
    found = [(label, _measure(measured, rows, measure), len(rows)) for label, rows in groups.values()]
    found.sort(
        key=lambda group: (group[1] is None, Decimal(0) if group[1] is None else group[1]), reverse=not ascending
    )
    if not ascending:
        found.sort(key=lambda group: group[1] is None)
    await ctx.progress(1.0, f"{len(found)} groups")
    return {
        "by": key.name,
        "column": None if measured is None else measured.name,
        "measure": measure,
        "unit": "" if measured is None or measure == "count" else measured.unit,
        "decimals": 0 if measured is None or measure == "count" else measured.decimals,
        "groupCount": len(found),
        "groups": [
            {"value": label, "result": _json(result), "rows": count} for label, result, count in found[:MAX_GROUPS]
        ],
        "leftOut": list(table.left_out),
    }


async def filter_rows(
    text: TableText, where: Conditions, ctx: ToolContext, limit: Annotated[int, Field(ge=0, le=MAX_ROWS_RETURNED)] = 50
) -> Json:
    """The rows that meet all conditions, and how many there are.

    Args:
        limit: How many rows to return at most.
    """
    table = await _read(text, ctx)
    rows = await _matching(table, where, ctx)
    await ctx.progress(1.0, f"{len(rows)} rows")
    return {
        "matched": len(rows),
        "of": len(table.rows),
        "columns": [column.name for column in table.columns],
        "kinds": [column.kind for column in table.columns],
        "rows": _shown(table, rows[:limit]),
        "leftOut": list(table.left_out),
    }


def table_tools(max_result_bytes: int = MAX_RESULT_BYTES) -> list[Tool]:
    """The table tools, to be added to a tool set. All of them read."""
    titles: list[tuple[ToolFunction, str]] = [
        (read_table, "Read the table"),
        (table_stats, "Compute table statistics"),
        (top_rows, "Find the top rows"),
        (group_rows, "Group the table"),
        (filter_rows, "Filter the table"),
    ]
    return [make_tool(function, title=title, max_result_bytes=max_result_bytes) for function, title in titles]


async def _read(text: str, ctx: ToolContext) -> Table:
    await ctx.progress(0.0, "reading the table")
    try:
        # Finding the table in a large text takes a tenth of a second, and cannot be cut into pieces.
        grid = await asyncio.to_thread(find, text)
        return await _drive(build(grid), lambda fraction: ctx.progress(0.5 * fraction, "reading the table"))
    except TableError as error:
        raise ToolError(f"The table cannot be read: {error}.") from error


async def _drive(steps: Generator[float, None, T], report: Callable[[float], Awaitable[None]]) -> T:
    while True:
        try:
            fraction = next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        await report(fraction)
        await asyncio.sleep(0)


async def _matching(table: Table, where: Sequence[Condition] | None, ctx: ToolContext) -> list[int]:
    """Indexes of the rows that meet all conditions."""
    tests = [row_test(table, condition) for condition in where or ()]
    if not tests:
        return list(range(len(table.rows)))
    found: list[int] = []
    for start in range(0, len(table.rows), ROWS_PER_CHUNK):
        chunk = range(start, min(start + ROWS_PER_CHUNK, len(table.rows)))
        found += [row for row in chunk if all(test(row) for test in tests)]
        await ctx.progress(0.5 + 0.2 * chunk.stop / len(table.rows), "choosing rows")
        await asyncio.sleep(0)
    return found


def _numbers(column: Column, rows: Iterable[int]) -> list[Decimal]:
    cells = column.cells
    return [cell for row in rows if isinstance(cell := cells[row], Decimal)]


def _measure(column: Column | None, rows: Sequence[int], measure: Measure) -> Decimal | None:
    """None where there is nothing to measure."""
    if measure == "count" or column is None:
        return Decimal(len(rows) if column is None else sum(column.cells[row] is not None for row in rows))
    numbers = _numbers(column, rows)
    if not numbers:
        return None
    match measure:
        case "sum":
            return sum(numbers, Decimal(0))
        case "average":
            return sum(numbers, Decimal(0)) / len(numbers)
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case "median":
            return median(numbers)


def median(numbers: Sequence[Decimal]) -> Decimal:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _stats(column: Column, rows: Sequence[int]) -> Json:
    filled = [row for row in rows if column.cells[row] is not None]
    stats: dict[str, Json] = {
        "name": column.name,
        "kind": column.kind,
        "unit": column.unit,
        "decimals": column.decimals,
        "count": len(filled),
        "missing": len(rows) - len(filled),
        "unreadable": column.unreadable,
    }
    if column.kind == "number" and filled:
        measures: tuple[Measure, ...] = ("sum", "average", "median", "min", "max")
        stats |= {measure: _json(_measure(column, filled, measure)) for measure in measures}
    elif column.kind == "date" and filled:
        dates = [cell for row in filled if isinstance(cell := column.cells[row], datetime.datetime)]
        stats |= {"min": _json(min(dates)), "max": _json(max(dates))}
    elif filled:
        counts: dict[str, int] = {}
        for row in filled:
            label = _label(column.cells[row])
            counts[label] = counts.get(label, 0) + 1
        common = sorted(counts, key=lambda label: -counts[label])[:MAX_COMMON_VALUES]
        stats |= {"distinct": len(counts), "common": [{"value": label, "rows": counts[label]} for label in common]}
    return stats


def _label(cell: Cell) -> str:
    return "(empty)" if cell is None else str(_json(cell))[:MAX_CELL_CHARACTERS]


def _json(cell: Cell) -> Json:
    match cell:
        case Decimal():
            whole = cell.to_integral_value()
            return int(cell) if cell == whole and abs(cell) < 2**53 else float(cell)
        case datetime.datetime():
            return cell.isoformat().removesuffix("T00:00:00")
        case _:
            return cell


def _examples(column: Column, table: Table, index: int) -> list[str]:
    examples: list[str] = []
    for row, cell in enumerate(column.cells):
        text = table.rows[row][index][:60]
        if cell is not None and text not in examples:
            examples.append(text)
        if len(examples) == 3:
            break
    return examples


def _shown(table: Table, rows: Iterable[int]) -> list[list[str]]:
    """Rows as they were written, their cells cut."""
    return [[cell[:MAX_CELL_CHARACTERS] for cell in table.rows[row]] for row in rows]
