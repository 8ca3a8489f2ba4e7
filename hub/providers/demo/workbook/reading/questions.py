"""From trees of questions to orders."""

from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.orders import List, Order, Show, Which
from hub.providers.demo.workbook.orders.places import Columns, Condition, Function, Header, Part, Place
from hub.providers.demo.workbook.orders.values import (
    Aggregate,
    Below,
    Compare,
    Compute,
    Into,
    Number,
    PutResult,
    WhichIt,
)
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread, headers, labels, numbers, whole
from hub.providers.demo.workbook.reading.places import cells, columns, compared, conditions, place
from hub.providers.demo.workbook.reading.values import aggregate, pair, value


def _into(tree: Tree) -> Into | None:
    first = tree.one("into_first", "into_cells")
    if first is not None:
        place_first = first.one("cells")
        assert place_first is not None
        return cells(place_first)
    into = tree.one("into")
    if into is None:
        return None
    under = into.one("under")
    if under is not None:
        named = headers(under) or (under.has("columns", "letter_column"))
        return Below(_under(under)) if named else "below"
    if into.has("beside"):
        return "beside"
    found = into.one("cells")
    assert found is not None
    return cells(found)


def _under(tree: Tree) -> Place:
    return Columns((headers(tree)[0],), values=True) if headers(tree) else place(tree)


def _is_here(tree: Tree) -> bool:
    named = tree.one("into", "into_first", "into_cells")
    on = [part for one in named.all("cells") for part in one.all("on_sheet")] if named is not None else []
    return any(inner.has("here") for one in on for inner in one.all("this_sheet"))


def compute(tree: Tree) -> Order:
    into = _into(tree)
    if tree.rule == "place_result":
        assert into is not None
        return PutResult(into, _is_here(tree))
    told = tree.one("value")
    if told is not None:
        found = value(told)
        # "Sum B2 to B6" is about five cells: nobody sums up one.
        if into is not None and isinstance(found, Aggregate) and isinstance(found.place, Range) and found.place.is_cell:
            raise Misread
        return Compute(found, into, verb=tree.has("putting"), here=_is_here(tree))
    only = tree.one("operand_only")
    if only is not None:
        return Compute(aggregate(Tree("aggregate", (Tree("sum"), Tree("operand", (Tree("cells", only.parts),))))))
    operand = tree.one("operand", "columns")
    assert operand is not None
    inner = Tree(
        "aggregate", (Tree("sum"), Tree("operand", (operand,) if operand.rule == "columns" else operand.parts))
    )
    return Compute(aggregate(Tree("aggregate", (*inner.parts, *tree.all("labels")))))


def compare(tree: Tree) -> Compare:
    than = tree.one("than")
    if than is None:
        only = tree.one("scalar")
        assert only is not None
        return Compare(value(only), compared(tree, None))
    first, second = pair(tree, tree.one("labels"))
    if isinstance(second, Number):
        raise Misread
    return Compare(first, None, second, than.has("more"))


def show(tree: Tree) -> Show:
    if tree.has("show_all"):
        return Show(Part("table"))
    if tree.has("summary"):
        return Show(Part("table"), "summary")
    some = tree.one("show_rows")
    if some is not None:
        return Show(Part("rows"), "last" if some.has("last_ones") else "first", whole(numbers(some)[0]))
    shown = tree.one("shown")
    if shown is not None:
        return Show(place(shown))
    named = tree.one("columns")
    return Show(columns(named, values=True) if named is not None else Part("header"))


def which_it(tree: Tree) -> WhichIt:
    named = headers(tree)
    return WhichIt(named[0] if named else None)


def which(tree: Tree) -> Which:
    chosen: Function = "MAX" if tree.has("max", "best", "peak") else "MIN"
    asked, measured = tree.one("asked"), tree.all("measured")
    if len(measured) > 1:
        raise Misread
    column = headers(measured[0])[0] if measured else None
    return Which(headers(asked)[0] if asked is not None else None, chosen, column)


def list_of(tree: Tree) -> List:
    top = tree.one("top", "top_low")
    if top is not None:
        named = headers(top)
        return List(
            named[0] if len(named) == 2 else None,
            None,
            whole(numbers(top)[0]),
            named[-1],
            "MAX" if top.rule == "top" else "MIN",
        )
    if tree.has("conditions") and not tree.has("condition_of") and len(headers(tree)) > 1:
        raise Misread
    inner = tree.one("rows_where")
    if inner is not None:
        named = headers(inner)
        if not inner.has("conditions"):
            raise Misread
        return List(named[0] if named else None, conditions(inner))
    told = tree.one("condition_of") or tree
    if told.has("conditions"):
        named = headers(tree)
        return List(named[0] if named else None, conditions(told))
    label = labels(tree)[0]
    return List(None, Condition(Header(label.sheet, label.column, ""), "=", text=str(label.value)))
