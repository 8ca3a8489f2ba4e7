"""The spreadsheet tools, ready made: a host announces them by name and brings only what they do in its workbook.

Names and arguments are those that GridMate's users know. A host may support some of them; what it does with each is
said in the tool's description, which is all that a model knows of it.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from hub.chat.parts import Access
from hub.providers.base import ToolSpec
from hub.tools.schema import arguments_schema

READ_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 300.0
"""A host waits while someone edits a cell (design, section 5: per-tool time in a client)."""

MAX_INSERTED = 10_000

Address = Annotated[str, Field(description="A range, such as A1:D10, Sheet1!B2, 'Q1 Sales'!A:C.", max_length=8_192)]
Colour = Annotated[str, Field(description="A colour in hexadecimal, such as #FFFF00.")]
CellValue = str | int | float | bool | None


class Arguments(BaseModel):
    """The arguments of one tool. Others are refused, so that a model that misspells one learns so."""

    model_config = ConfigDict(extra="forbid")


class ReadRange(Arguments):
    range: Address
    include_formulas: bool = True
    include_formatting: bool = False


class WriteRange(Arguments):
    range: Address
    values: list[list[CellValue]] = Field(
        description="Rows of cells, as many as the range has. null leaves a cell as it is, an empty text clears it. A "
        "text that begins with = is a formula; so may be one that begins with +, - or @, unless an apostrophe is put "
        "before it."
    )
    preserve_formatting: bool = True


class ApplyFormula(Arguments):
    range: Address
    formula: str = Field(description="One formula in English, such as =SUM(A1:A10).", max_length=8_192)
    relative_references: bool = Field(
        True, description="Whether its references move along with each further cell of the range."
    )


class Font(Arguments):
    bold: bool | None = None
    italic: bool | None = None
    size: float | None = Field(None, gt=0, le=409)
    color: Colour | None = None


class Alignment(Arguments):
    horizontal: Literal["left", "center", "right", "fill", "justify"] | None = None
    vertical: Literal["top", "middle", "bottom"] | None = None


class FormatRange(Arguments):
    range: Address
    number_format: str | None = Field(None, description="Such as #,##0.00, 0.0% or yyyy-mm-dd.", max_length=255)
    font: Font | None = None
    fill_color: Colour | None = None
    alignment: Alignment | None = None


class ClearRange(Arguments):
    range: Address
    clear_type: Literal["contents", "formats", "all"] = "contents"


class InsertRowsColumns(Arguments):
    position: str = Field(
        description="Where: a row or cell such as 5 or A5, a column such as C; Sheet1!C for another sheet."
    )
    type: Literal["rows", "columns"]
    count: int = Field(1, ge=1, le=MAX_INSERTED)


class CreateChart(Arguments):
    data_range: Address
    chart_type: Literal["column", "bar", "line", "pie", "scatter", "area", "combo"]
    title: str | None = Field(None, max_length=255)
    position: str | None = Field(None, description="The cell of its upper left corner, such as F5.")
    include_legend: bool = True


class GetNamedRanges(Arguments):
    scope: Literal["workbook", "worksheet"] = "workbook"


class CreateNamedRange(Arguments):
    name: str = Field(description="Such as Revenue or TaxRate.", min_length=1, max_length=255)
    range: Address


class SpreadsheetTool(msgspec.Struct, frozen=True):
    """A tool that some host executes. `arguments` checks what a model sends for it (`schema.check_arguments`)."""

    spec: ToolSpec
    arguments: type[Arguments]
    timeout_s: float


def _tool(name: str, title: str, access: Access, arguments: type[Arguments], description: str) -> SpreadsheetTool:
    spec = ToolSpec(name, description, arguments_schema(arguments), access, title)
    return SpreadsheetTool(spec, arguments, READ_TIMEOUT_S if access == "read" else WRITE_TIMEOUT_S)


TOOLS: tuple[SpreadsheetTool, ...] = (
    _tool(
        *("read_range", "Read a range", "read", ReadRange),
        "Read the values of a range, with its formulas and formats if asked for. Read before you write. A whole column "
        "or row is cut to what is used; a large range comes shortened, and says so.",
    ),
    _tool(
        *("write_range", "Write a range", "write", WriteRange),
        "Write values into a range, over what is there. For the same formula in many cells use apply_formula.",
    ),
    _tool(
        *("apply_formula", "Apply a formula", "write", ApplyFormula),
        "Put one formula into every cell of a range.",
    ),
    _tool(
        *("format_range", "Format a range", "write", FormatRange),
        "Set the number format, font, fill and alignment of a range. What is left out stays as it is.",
    ),
    _tool(
        *("clear_range", "Clear a range", "write", ClearRange),
        "Clear the contents of a range, its formats, or both. Cells around it do not move.",
    ),
    _tool(
        *("insert_rows_columns", "Insert rows or columns", "write", InsertRowsColumns),
        "Insert empty rows above, or empty columns to the left of, a position. What is there moves on.",
    ),
    _tool(
        *("create_chart", "Create a chart", "write", CreateChart),
        "Draw a chart of a range; its first row and column are taken for labels where they are text.",
    ),
    _tool(
        *("get_named_ranges", "List the names", "read", GetNamedRanges),
        "List the workbook's names, or the sheet's, and what each stands for.",
    ),
    _tool(
        *("create_named_range", "Name a range", "write", CreateNamedRange),
        "Give a range a name that formulas can use.",
    ),
)
"""In the order in which models are shown them."""

_BY_NAME = {tool.spec.name: tool for tool in TOOLS}


def ready_made(name: str) -> ToolSpec | None:
    """What a host means that announces a tool by this name alone; None for a name that is not one of these."""
    tool = _BY_NAME.get(name)
    return None if tool is None else tool.spec


def ready_made_set(names: Iterable[str] | None = None) -> list[ToolSpec]:
    """All of them, or those named, in their own order. Raises `ValueError` for a name that is not one of these."""
    chosen = _BY_NAME.keys() if names is None else set(names)
    if unknown := sorted(chosen - _BY_NAME.keys()):
        raise ValueError(f"{', '.join(unknown)}: not a ready-made tool. There are: {', '.join(_BY_NAME)}.")
    return [tool.spec for tool in TOOLS if tool.spec.name in chosen]


def spreadsheet_tool(name: str) -> SpreadsheetTool | None:
    """The tool with its time limit and the check of its arguments."""
    return _BY_NAME.get(name)
