"""From a tree of a whole sentence to its typed orders."""

from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.orders import Chart, NameRange, Order, Sentence
from hub.providers.demo.workbook.orders.places import Columns
from hub.providers.demo.workbook.reading.columns import new_column, total_row
from hub.providers.demo.workbook.reading.leaves import Misread, cells_in, headers, sheet_of, texts
from hub.providers.demo.workbook.reading.looks import format_of
from hub.providers.demo.workbook.reading.places import place
from hub.providers.demo.workbook.reading.questions import compare, compute, list_of, show, which, which_it
from hub.providers.demo.workbook.reading.rows import add_row, insert, sort
from hub.providers.demo.workbook.reading.writes import (
    clear,
    copy,
    fill_down,
    rename,
    rename_cell,
    replace,
    scale,
    write,
)


def sentence(tree: Tree) -> Sentence:
    """Raises `Misread` for a tree without a sense."""
    lead = tree.one("lead")
    orders = tuple(
        format_of(one) if one.rule == "shown_as" else _order(one.first()) for one in tree.all("order", "shown_as")
    )
    tells = tree.one("tail")
    only = (lead is not None and lead.has("nowrite")) or (tells is not None and tells.has("nowrite_tail"))
    return Sentence(orders, sheet_of(lead) if lead is not None else None, only)


def _order(tree: Tree) -> Order:
    match tree.rule:
        case "question" | "put_result" | "place_result":
            return compute(tree)
        case "total_row" | "make_total":
            return total_row(tree)
        case "new_column" | "fill_column":
            return new_column(tree)
        case "format" | "more_looks" | "more_format":
            return format_of(tree)
        case "yes_no":
            return compare(tree)
        case "write" | "value_in" | "set" | "more_set":
            return write(tree)
        case "rename_cell":
            return rename_cell(tree)
        case "rename_column":
            return rename(tree)
        case "replace":
            return replace(tree)
        case "copy" | "move":
            return copy(tree)
        case "fill_down":
            return fill_down(tree)
        case "insert":
            return insert(tree)
        case "add_row":
            return add_row(tree)
        case "clear":
            return clear(tree)
        case "sort":
            return sort(tree)
        case "scale":
            return scale(tree)
        case "chart":
            return _chart(tree)
        case "name_range":
            return NameRange(texts(tree, "NAME")[0], place(tree))
        case "show":
            return show(tree)
        case "which_it":
            return which_it(tree)
        case "which":
            return which(tree)
        case _:
            return list_of(tree)


def _chart(tree: Tree) -> Chart:
    named = tree.one("chart_as") or tree
    kind = tree.one("kind") or named.one("kind")
    rest = tree.all("chart_rest")
    titles = [title for one in rest for title in texts(one, "NAME")]
    spots = [spot for one in rest for where in one.all("cells_at") for spot in cells_in(where)]
    if len(titles) > 1 or len(spots) > 1:
        raise Misread
    charted = tree.one("charted")
    by, found = None, None
    if charted is not None:
        column_list, labelled = charted.one("column_list"), charted.one("by")
        by = headers(labelled)[0] if labelled is not None else None
        found = Columns(tuple(headers(column_list))) if column_list is not None else place(charted)
    name = kind.first().rule.removesuffix("_kind") if kind is not None else "column"
    legend = not any(one.has("no_legend") for one in rest)
    return Chart(name, found, by, titles[0] if titles else None, spots[0] if spots else None, legend=legend)
