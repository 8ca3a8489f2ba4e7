"""Where the table is: in what the user wrote, or in what the client sent along.

The latest message with a table counts, so that a table pasted earlier is still "the table".
"""

import csv
import io
from collections.abc import Sequence

import msgspec

from hub.chat.parts import Json, Message
from hub.providers.demo.conversation import text_of
from hub.tables.grid import Grid, around, find_grid, table_text
from hub.tables.table import MAX_BYTES


class Source(msgspec.Struct, frozen=True):
    """A table as the tools get it, and its cells."""

    text: str
    grid: Grid


def table_sources(users: Sequence[Message]) -> tuple[Source | None, str]:
    """The latest table in the user's messages, if there is one, and the words of the last message without it."""
    last = text_of(users[-1])
    source, instruction = _in_text(last)
    for message in reversed(users):
        source = source or _in_context(message.context) or _in_text(text_of(message))[0]
        if source is not None:
            break
    return source, instruction


def _in_text(text: str) -> tuple[Source | None, str]:
    # A text beyond every limit is not searched: its size is the answer.
    if len(text) > MAX_BYTES:
        return Source(text, Grid([], "", 0, 0)), ""
    grid = find_grid(text)
    if grid is None:
        return None, text
    return Source(table_text(text, grid), grid), around(text, grid)


def _in_context(context: Json) -> Source | None:
    """The selection that a spreadsheet sends: `selectedData.values`, rows of cells."""
    if not isinstance(context, dict):
        return None
    selected = context.get("selectedData")
    values = selected.get("values") if isinstance(selected, dict) else None
    if not isinstance(values, list) or not values or not all(isinstance(row, list) for row in values):
        return None
    if sum(len(row) for row in values) < 2:
        return None
    text = _as_text(values)
    if len(text) > MAX_BYTES:
        return Source(text, Grid([], "", 0, 0))
    grid = find_grid(text)
    return None if grid is None else Source(text, grid)


def _as_text(values: Sequence[Sequence[Json]]) -> str:
    """As a spreadsheet puts cells on the clipboard: tabs between, quotes where needed."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    for row in values:
        # A tab or a line break in a cell stays inside its quotes.
        writer.writerow([_cell(cell) for cell in row])
    return out.getvalue().rstrip("\n")


def _cell(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case _:
            return str(value)
