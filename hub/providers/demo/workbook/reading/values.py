"""From trees about results to what they want to know."""

from collections.abc import Sequence

import msgspec

from hub.providers.demo.workbook.language.notation import Leaf, Tree
from hub.providers.demo.workbook.orders.places import Columns, Crossing, Function, Header, Place
from hub.providers.demo.workbook.orders.values import (
    Aggregate,
    Arithmetic,
    CountColumns,
    CountRows,
    Growth,
    Number,
    Sign,
    Value,
)
from hub.providers.demo.workbook.reading.leaves import Misread, edge_rows, headers, labels, numbers
from hub.providers.demo.workbook.reading.places import (
    cells,
    columns,
    compared,
    conditions,
    letter_column,
    place,
)

_FUNCTIONS: dict[str, Function] = {
    "sum": "SUM",
    "average": "AVERAGE",
    "min": "MIN",
    "max": "MAX",
    "median": "MEDIAN",
}


_SIGNS: dict[str, Sign] = {"minus": "-", "plus": "+", "times": "*", "over": "/", "share": "%"}


def function(tree: Tree) -> Function:
    inner = tree.one("func")
    inner = inner if inner is not None else tree
    return next(_FUNCTIONS[part.rule] for part in inner.parts if isinstance(part, Tree) and part.rule in _FUNCTIONS)


def value(tree: Tree) -> Value:
    """Of `value` and `scalar`."""
    part = tree.parts[0]
    if isinstance(part, Leaf):
        return Number(numbers(tree)[0])
    match part.rule:
        case "aggregate":
            return aggregate(part)
        case "share_of_label":
            whole_columns = part.one("columns")
            assert whole_columns is not None
            column = _one(headers(whole_columns))
            total = Aggregate("SUM", Columns((column,), values=True))
            return Arithmetic("%", Crossing(column, labels(part)[0]), total)
        case "count_of":
            return _count_of(part)
        case "count_where":
            return _count_where(part)
        case "arithmetic":
            return _arithmetic(part.first(), part.one("labels"))
        case "growth":
            first, last = labels(part)
            return Growth(headers(part)[0], first, last)
        case "cell_of":
            return Crossing(headers(part)[0], labels(part)[0])
        case "column_total":
            return Aggregate("SUM", Columns((headers(part)[0],), values=True), implied=True)
        case _:
            found = cells(part)
            if not found.is_cell:
                raise Misread
            return found


def aggregate(tree: Tree) -> Aggregate:
    out, per = tree.one("left_out"), tree.one("per_row")
    told = tree.one("labels") if out is None else out
    if out is not None and tree.has("labels"):
        raise Misread
    where = tree.one("where_rows")
    criterion = None
    if where is not None:
        criterion = conditions(where)
    operand = tree.one("operand", "columns")
    found = None if operand is None else place(operand)
    edge = tree.one("edge_of")
    if edge is not None:
        assert operand is not None
        found = edge_rows(edge, _one(headers(operand)), headers(edge)[0])
    some = tuple(labels(told)) if told is not None else ()
    between = told is not None and told.has("from_to")
    each = headers(per)[0] if per is not None else None
    rows_of = where.one("rows_of") if where is not None else None
    among = headers(rows_of)[0] if rows_of is not None else None
    return Aggregate(function(tree), found, some, criterion, between, left_out=out is not None, per=each, among=among)


def _count_of(tree: Tree) -> Value:
    if tree.has("of_columns"):
        return CountColumns()
    operand = tree.one("operand")
    if operand is not None:
        return Aggregate("COUNT" if tree.has("of_numbers") else "COUNTA", place(operand))
    named = tree.one("columns")
    return CountRows(None if named is None else _one(headers(named)))


def _count_where(tree: Tree) -> CountRows:
    if tree.has("conditions"):
        named = tree.one("columns")
        return CountRows(_one(headers(named)) if named is not None else None, conditions(tree))
    letters = tree.one("letter_column")
    if letters is not None:
        return CountRows(None, msgspec.structs.replace(compared(tree, None), column=letter_column(letters)))
    named = tree.all("columns")[-1]
    return CountRows(None, compared(tree, _one(headers(named))))


def _one(found: Sequence[Header]) -> Header:
    if len(found) != 1:
        raise Misread
    return found[0]


def _arithmetic(tree: Tree, told: Tree | None) -> Arithmetic:
    """The order in which both stand depends on the words between them."""
    if tree.rule == "spread":
        of = _of_spread(tree)
        most, least = (Aggregate(function(Tree("", (one,))), of) for one in tree.all("func"))
        return Arithmetic("-", most, least)
    if tree.rule == "label_difference":
        if len(set(headers(tree))) != 1:
            raise Misread
        first_label, second_label = labels(tree)
        column = headers(tree)[0]
        return Arithmetic("-", Crossing(column, first_label), Crossing(column, second_label))
    share = numbers(tree, "PERCENT")
    if share:
        (scalar,) = tree.all("scalar")
        return Arithmetic("*", Number(round(share[0] / 100, 12)), value(scalar))
    first, second = pair(tree, told)
    if tree.has("turned"):
        first, second = second, first
    return Arithmetic(_SIGNS[tree.rule], first, second)


def _of_spread(tree: Tree) -> Place:
    named = tree.one("columns")
    return columns(named, values=True) if named is not None else place(tree)


def pair(tree: Tree, told: Tree | None) -> tuple[Value, Value]:
    """Two values that belong together. "Revenue" alone is its total, unless the other is of one row; `told` are the
    rows that both are of."""
    scalars = tree.all("scalar")
    alone = [one.has("column_total") for one in scalars]
    if any(alone) and any(one.has("cell_of") for one in scalars):
        raise Misread
    if told is not None and not all(alone):
        raise Misread
    # What all rows of two columns come to is no product of totals, and their sum is one of all cells.
    if any(alone) and (tree.has("summed") or (tree.rule == "times" and all(alone))):
        raise Misread
    first, second = (value(one) for one in scalars)
    if told is not None:
        some, between = tuple(labels(told)), told.has("from_to")
        assert isinstance(first, Aggregate) and isinstance(second, Aggregate)
        first, second = (msgspec.structs.replace(one, labels=some, from_to=between) for one in (first, second))
    return first, second
