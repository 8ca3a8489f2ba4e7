"""From trees of the grammar's lower half to places and conditions."""

import msgspec

from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.places import (
    Columns,
    Compared,
    Condition,
    Crossing,
    Extreme,
    Function,
    Header,
    HeaderCell,
    It,
    LabelCell,
    LabelRow,
    Matching,
    Part,
    Place,
    Several,
)
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, Range
from hub.providers.demo.workbook.reading.leaves import (
    Misread,
    cells_in,
    edge_rows,
    headers,
    labels,
    numbers,
    sheet_of,
    texts,
    whole,
)

_COMPARED: dict[str, Compared] = {
    **{"above": ">", "below": "<", "from": ">=", "or_more": ">=", "upto": "<=", "or_less": "<="},
}


def on_sheet(place: Range, sheet: str | None) -> Range:
    """`loose`: the sheet was told in words, so that it may have been meant for others too."""
    if sheet is None:
        return place
    if place.sheet is not None:
        raise Misread
    return msgspec.structs.replace(place, sheet=sheet, loose=True)


def cells(tree: Tree) -> Range:
    """Of `cells`."""
    spanned = tree.one("spanned")
    found = on_sheet(span(spanned) if spanned is not None else cells_in(tree)[0], sheet_of(tree))
    # "Data A1" is one place; "A1 on Data" may say where more than A1 is.
    return found if tree.has("on_sheet") else msgspec.structs.replace(found, loose=False)


def span(tree: Tree) -> Range:
    first, last = cells_in(tree)
    if last.sheet not in (None, first.sheet):
        raise Misread
    columns, rows = sorted((first.left, last.left)), sorted((first.top, last.top))
    return Range(columns[0], rows[0], columns[1], rows[1], first.sheet)


def letter_column(tree: Tree) -> Range:
    """Columns side by side."""
    found = letter_columns(tree)
    if isinstance(found, Several):
        raise Misread
    return found


def letter_columns(tree: Tree) -> Range | Several:
    letters = [int(one) for one in numbers(tree, "LETTER")]
    if not all(1 <= one <= MAX_COLUMNS for one in letters):
        raise Misread
    span = tree.one("row_span")
    top, bottom = _ends(span) if span is not None else (0, 0)
    sheet = sheet_of(tree)
    if tree.has("to") or len(letters) == 1 or abs(letters[0] - letters[-1]) == 1 == len(letters) - 1:
        return on_sheet(Range(min(letters), top, max(letters), bottom), sheet)
    return Several(tuple(on_sheet(Range(one, top, one, bottom), sheet) for one in letters))


def _ends(tree: Tree) -> tuple[int, int]:
    """The first and the last row. "Rows 2 and 5" are two, not four."""
    told = sorted(whole(one) for one in numbers(tree))
    if len(told) > 1 and not tree.has("to") and told[-1] - told[0] != 1:
        raise Misread
    return told[0], told[-1]


def rows(tree: Tree) -> Range:
    """Rows one below the other."""
    first, last = _ends(tree)
    return on_sheet(Range(0, first, 0, last), sheet_of(tree))


def some_rows(tree: Tree) -> Range | Several:
    told = [whole(one) for one in numbers(tree)]
    if len(told) < 2 or tree.has("to") or (len(told) == 2 and abs(told[0] - told[1]) == 1):
        return rows(tree)
    sheet = sheet_of(tree)
    return Several(tuple(on_sheet(Range(0, one, 0, one), sheet) for one in told))


def columns(tree: Tree, *, values: bool = False) -> Columns:
    """Of `columns` or `column_values`. Columns that are on another sheet than the one told are others."""
    inner = tree.one("columns")
    if inner is not None:
        return columns(inner, values=values)
    found = tuple(headers(tree))
    sheet = sheet_of(tree)
    if any(header.sheet != sheet and sheet is not None for header in found):
        raise Misread
    if len({header.sheet for header in found}) > 1 or len(set(found)) < len(found):
        raise Misread
    return Columns(found, values)


def place(tree: Tree) -> Place:
    """Of a rule that has one place below it, such as `operand` or `styled`."""
    inner = tree if tree.rule in _PLACES else next(iter(tree.all(*_PLACES)), None)
    if inner is None:
        told = labels(tree)
        if not told:
            raise Misread
        return LabelCell(told[0])
    match inner.rule:
        case "cells":
            return cells(inner)
        case "letter_column":
            return letter_columns(inner)
        case "row_number":
            return some_rows(inner)
        case "nth_column":
            return Part("first column" if inner.has("first_one") else "last column")
        case "columns":
            return columns(inner)
        case "column_values":
            return columns(inner, values=True)
        case "header_row":
            return Part("header", sheet_of(inner))
        case "last_row":
            return Part("last", sheet_of(inner))
        case "total_row" | "total_row_place":
            return Part("totals")
        case "table":
            return Part("table", sheet_of(inner))
        case "capital_column":
            column = int(numbers(inner, "CAPITAL")[0])
            return Range(column, 0, column, 0)
        case "all_numbers":
            return Part("all numbers")
        case "table_rows":
            return Part("rows")
        case "edge_rows":
            return edge_rows(inner, headers(inner)[0])
        case "sheet_data" | "sheet_numbers":
            return Part("numbers", sheet_of(inner))
        case "label_row":
            return LabelRow(labels(inner)[0])
        case "header_cell":
            named = inner.one("columns")
            return HeaderCell(tuple(headers(named if named is not None else inner)))
        case "cell_of":
            return Crossing(headers(inner)[0], labels(inner)[0])
        case "extreme" | "extreme_row":
            return _extreme(inner)
        case "matching":
            return Matching(_columns_or_range(inner), compared(inner, None))
        case "rows_where":
            return _rows_where(inner)
        case _:
            return It()


_PLACES = (
    *("edge_rows", "sheet_numbers"),
    *("capital_column", "all_numbers", "table_rows", "cells", "letter_column", "row_number", "columns"),
    *("column_values", "header_row", "last_row", "nth_column", "total_row"),
    *("total_row_place", "table", "sheet_data", "label_row", "header_cell", "cell_of", "extreme", "extreme_row"),
    *("matching", "rows_where", "it"),
)


def _columns_or_range(tree: Tree) -> Columns | Range:
    named, letters, area = tree.one("columns"), tree.one("letter_column"), tree.one("cells")
    if named is not None:
        return columns(named, values=True)
    if letters is not None:
        return letter_column(letters)
    assert area is not None
    return cells(area)


def _extreme(tree: Tree) -> Extreme:
    function: Function = "MAX" if tree.has("max") else "MIN"
    if tree.rule == "extreme":
        return Extreme(function, _columns_or_range(tree))
    named = headers(tree)
    of = Columns((named[-1],), values=True)
    return Extreme(function, of, rows=True) if len(named) == 1 else Extreme(function, of, column=named[0])


def _rows_where(tree: Tree) -> Matching:
    """Whole rows; of a column that is named before, its cells in them."""
    named = headers(tree)
    if not tree.has("conditions"):
        return Matching(None, compared(tree, named[0]))
    return Matching(Columns((named[0],), values=True) if named else None, conditions(tree))


def conditions(tree: Tree) -> Condition:
    """All of them."""
    told = tree.one("conditions")
    assert told is not None
    found = None
    for one in reversed(told.all("condition")):
        found = msgspec.structs.replace(condition(one), also=found)
    assert found is not None
    return found


def condition(tree: Tree) -> Condition:
    named = headers(tree)
    if tree.has("compared"):
        return compared(tree, named[0])
    told = labels(tree)
    if told:
        # A label is one of the column that it is compared with.
        if told[0].column != named[0].column or told[0].sheet != named[0].sheet:
            raise Misread
        return Condition(named[0], "=", text=str(told[0].value))
    return Condition(named[0], "=", text=texts(tree, "TEXT")[0])


def compared(tree: Tree, column: Header | None) -> Condition:
    told = tree.one("compared")
    assert told is not None
    low, *more = numbers(told)
    if more:
        return Condition(column, "between", min(low, *more), max(low, *more))
    for rule, sign in _COMPARED.items():
        if told.has(rule):
            return Condition(column, sign, low)
    return Condition(column, "=", low)
