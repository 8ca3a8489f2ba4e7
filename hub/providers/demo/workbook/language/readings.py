"""From a tree of a whole sentence to its typed orders."""

import msgspec

from hub.providers.demo.workbook.language import looks
from hub.providers.demo.workbook.language.lexicon import Header
from hub.providers.demo.workbook.language.named import (
    Misread,
    aggregate,
    cells,
    cells_in,
    columns,
    compared,
    conditions,
    function,
    headers,
    labels,
    letter_column,
    numbers,
    pair,
    place,
    rows,
    sheet_of,
    texts,
    value,
    whole,
)
from hub.providers.demo.workbook.language.notation import Leaf, Tree
from hub.providers.demo.workbook.language.orders import (
    AddRow,
    Aggregate,
    Chart,
    Clear,
    Columns,
    Compare,
    Compute,
    Condition,
    Copy,
    Fill,
    FillDown,
    Function,
    Insert,
    Into,
    List,
    NameRange,
    NewColumn,
    Number,
    Order,
    Part,
    Place,
    PutResult,
    Rename,
    Replace,
    RowFormula,
    Scale,
    Sentence,
    Show,
    Sort,
    Term,
    TotalRow,
    Which,
    Write,
)
from hub.providers.demo.workbook.ranges import Range

MAX_SERIES = 1_000
_ROWS_OF = ("row_minus", "row_plus", "row_times", "row_over", "row_share", "row_of_total", "row_growth", "row_half")
_ROW_FORMULAS = ("row_minus", "row_plus", "row_times", "row_over")


def sentence(tree: Tree) -> Sentence:
    """Raises `Misread` for a tree without a sense."""
    lead = tree.one("lead")
    orders = tuple(_order(one.first()) for one in tree.all("order"))
    tells = tree.one("tail")
    only = (lead is not None and lead.has("nowrite")) or (tells is not None and tells.has("nowrite_tail"))
    return Sentence(orders, sheet_of(lead) if lead is not None else None, only)


def _order(tree: Tree) -> Order:
    match tree.rule:
        case "question" | "put_result" | "place_result":
            return _compute(tree)
        case "total_row" | "make_total":
            return _total_row(tree)
        case "new_column" | "fill_column":
            return _new_column(tree)
        case "format" | "more_looks":
            return looks.format_of(tree)
        case "yes_no":
            return _compare(tree)
        case "write" | "value_in" | "set" | "more_set":
            return _write(tree)
        case "rename_column":
            named = tree.one("header_cell") or tree
            inner = named.one("columns")
            letters = tree.one("letter_column")
            found = headers(inner if inner is not None else named)
            where = letter_column(letters) if letters is not None else _only(found)
            text = tree.one("new_text")
            assert text is not None
            return Rename(where, texts(text, "NAME")[0])
        case "replace":
            return _replace(tree)
        case "copy" | "move":
            return _copy(tree)
        case "fill_down":
            return _fill_down(tree)
        case "insert":
            return _insert(tree)
        case "add_row":
            return _add_row(tree)
        case "clear":
            return _clear(tree)
        case "sort":
            return _sort(tree)
        case "scale":
            return _scale(tree)
        case "chart":
            return _chart(tree)
        case "name_range":
            return NameRange(texts(tree, "NAME")[0], place(tree))
        case "show":
            shown = tree.one("shown")
            if shown is not None:
                return Show(place(shown))
            named_columns = tree.one("columns")
            return Show(columns(named_columns, values=True) if named_columns is not None else Part("header"))
        case "which":
            return _which(tree)
        case _:
            return _list(tree)


def _only(found: list[Header]) -> Header:
    if len(found) != 1:
        raise Misread
    return found[0]


def _into(tree: Tree) -> Into | None:
    first = tree.one("into_first")
    if first is not None:
        place_first = first.one("cells")
        assert place_first is not None
        return cells(place_first)
    into = tree.one("into")
    if into is None:
        return None
    if into.has("under"):
        return "below"
    if into.has("beside"):
        return "beside"
    found = into.one("cells")
    assert found is not None
    return cells(found)


def _compute(tree: Tree) -> Order:
    into = _into(tree)
    if tree.rule == "place_result":
        assert into is not None
        return PutResult(into)
    told = tree.one("value")
    if told is not None:
        found = value(told)
        # "Sum B2 to B6" is about five cells: nobody sums up one.
        if into is not None and isinstance(found, Aggregate) and isinstance(found.place, Range) and found.place.is_cell:
            raise Misread
        return Compute(found, into, verb=tree.has("putting"))
    only = tree.one("operand_only")
    if only is not None:
        return Compute(aggregate(Tree("aggregate", (Tree("sum"), Tree("operand", (Tree("cells", only.parts),))))))
    operand = tree.one("operand", "columns")
    assert operand is not None
    inner = Tree(
        "aggregate", (Tree("sum"), Tree("operand", (operand,) if operand.rule == "columns" else operand.parts))
    )
    return Compute(aggregate(Tree("aggregate", (*inner.parts, *tree.all("labels")))))


def _compare(tree: Tree) -> Compare:
    than = tree.one("than")
    if than is None:
        only = tree.one("scalar")
        assert only is not None
        return Compare(value(only), compared(tree, None))
    first, second = pair(tree, tree.one("labels"))
    if isinstance(second, Number):
        raise Misread
    return Compare(first, None, second, than.has("more"))


def _total_row(tree: Tree) -> TotalRow:
    named = tree.one("columns")
    chosen = tuple(headers(named)) if named is not None else ()
    if not tree.has("func"):
        return TotalRow("SUM", chosen)
    return TotalRow(function(tree), chosen)


def _new_column(tree: Tree) -> NewColumn:
    """`fill_column` names where it goes, `new_column` what it is called."""
    defined = tree.one("defined", "row_value")
    assert defined is not None
    inner = defined.one("row_value") if defined.rule == "defined" else defined
    assert inner is not None
    named = tree.one("named") or tree
    names = list(dict.fromkeys((*texts(named, "NAME"), *texts(tree, "NAME"))))
    if len(names) > 1:
        raise Misread
    parts = (tree, *tree.all("at_letter", "bare_letter"))
    letters = [int(one) for part in parts for one in numbers(part, "LETTER")]
    if len(set(letters)) > 1:
        raise Misread
    areas = cells_in(tree)
    letter = letters[0] if letters else 0
    for part in tree.all("at_letter"):
        found = cells_in(part)
        if found:
            if found[0].sheet is not None:
                raise Misread
            letter = found[0].left
        elif not letters:
            letter = _after(part)
    return NewColumn(
        names[0] if names else None,
        letter,
        _row_formula(next(iter(inner.all(*_ROWS_OF)), inner)),
        areas[0] if areas else None,
    )


def _after(tree: Tree) -> int:
    """ "After the Cost column" is the column right of it."""
    named = tree.one("columns")
    if named is not None:
        return headers(named)[-1].column + 1
    letters = tree.one("letter_column")
    return letter_column(letters).right + 1 if letters is not None else 0


def _row_formula(tree: Tree) -> RowFormula:
    match tree.rule:
        case "row_value":
            return RowFormula("formula", texts(tree, "FORMULA")[0])
        case "row_of_total":
            found = [*headers(tree), *(one for part in tree.all("each_row") for one in headers(part))]
            named = set(headers(tree))
            if len(named) != 1:
                raise Misread
            return RowFormula("of total", found[0], percent=True)
        case "row_half":
            raise Misread
        case _:
            pass
    terms: list[Term] = [_term(one) for one in tree.all("row_term")]
    terms += [Number(one / 100) for one in numbers(tree, "PERCENT")]
    if len(terms) != 2:
        raise Misread
    if all(isinstance(one, Number) for one in terms):
        raise Misread
    first, second = terms[::-1] if tree.has("turned") else terms
    match tree.rule:
        case "row_minus":
            return RowFormula("-", first, second)
        case "row_plus":
            return RowFormula("+", first, second)
        case "row_times":
            return RowFormula("*", first, second)
        case "row_growth":
            return RowFormula("growth", first, second, percent=True)
        case _:
            return RowFormula("/", first, second, percent=tree.rule == "row_share")


def _term(tree: Tree) -> Term:
    found = headers(tree)
    if found:
        return found[0]
    inner = tree.one("row_value")
    if inner is not None:
        return _row_formula(inner.first()) if inner.all(*_ROW_FORMULAS) else _misread()
    letters = tree.one("letter_only")
    return int(numbers(letters, "LETTER")[0]) if letters is not None else Number(numbers(tree)[0])


def _misread() -> Term:
    raise Misread


def _fill(tree: Tree) -> Fill:
    """Of `given`, `old` and `new`."""
    if tree.has("today"):
        return Fill("today", "=TODAY()")
    for kind in ("NUMBER", "PERCENT"):
        for number in numbers(tree, kind):
            return Fill("value", number) if kind == "NUMBER" else Fill("percent", number / 100)
    for formula in texts(tree, "FORMULA"):
        return Fill("formula", formula)
    for label in labels(tree):
        return Fill("value", label.value if isinstance(label.value, int | float) else str(label.value))
    text = [*texts(tree, "TEXT"), *texts(tree, "FREE")][0]
    return Fill("formula" if text.startswith("=") else "value", text)


def _write(tree: Tree) -> Write:
    target = tree.one("target", "all_of") or tree
    found: Place
    if target is tree and not tree.has("cells"):
        named = labels(tree)
        crossing = Tree("cell_of", (Leaf("COLUMN", headers(tree)[0]), Leaf("LABEL", named[0])))
        found = place(crossing)
    else:
        found = place(target)
    series = tree.one("series")
    values = tuple(_fill(one) for one in tree.all("given")) if series is None else _series(*numbers(series))
    if target.rule == "all_of":
        found = place(target)
        if isinstance(found, Columns):
            found = Columns(found.headers, values=True)
    if any(fill.value == "" for fill in values):
        raise Misread
    was = tree.one("was")
    before = was.one("given") if was is not None else None
    return Write(found, values, tree.rule in ("value_in", "more_set"), _fill(before) if before is not None else None)


def _series(first: float, last: float) -> tuple[Fill, ...]:
    if first != int(first) or last != int(last) or not 1 < abs(last - first) + 1 <= MAX_SERIES:
        raise Misread
    step = 1 if last > first else -1
    return tuple(Fill("value", number) for number in range(int(first), int(last) + step, step))


def _replace(tree: Tree) -> Replace:
    old, new = tree.one("old"), tree.one("new")
    assert old is not None and new is not None
    inner = tree.one("columns", "letter_column", "cells")
    return Replace(_fill(old).value, _fill(new).value, place(inner) if inner is not None else None)


def _copy(tree: Tree) -> Copy:
    source = tree.one("source")
    target = tree.one("cells", "letter_column")
    assert source is not None
    if target is None:
        found = place(source)
        if not isinstance(found, Range) or found.sheet is not None:
            raise Misread
        return Copy(found, msgspec.structs.replace(found, sheet=sheet_of(tree)))
    where = cells(target) if target.rule == "cells" else letter_column(target)
    return Copy(place(source), where, move=tree.rule == "move")


def _fill_down(tree: Tree) -> FillDown:
    source = tree.one("cells")
    last = [one for one in tree.leaves("CELL") if isinstance(one, Range)]
    found = cells(source) if source is not None else None
    row = last[0].top if last else whole(numbers(tree)[0]) if numbers(tree) else 0
    return FillDown(found, row, last[0].left if last else 0)


def _insert(tree: Tree) -> Insert:
    many = tree.one("how_many")
    count = whole(numbers(many)[0]) if many is not None and numbers(many) else 1
    side = tree.one("row_side", "column_side")
    assert side is not None
    after = side.has("after_it")
    spot = side.one("row_at", "column_at")
    if side.rule == "row_side":
        if spot is None:
            told = sorted(whole(one) for one in numbers(side))
            if len(told) == 2 and told[1] != told[0] + 1:
                raise Misread
            return Insert("rows", count, Range(0, told[-1], 0, told[-1]) if told else "top", False)
        if numbers(spot):
            return Insert("rows", count, rows(spot), after)
        return Insert("rows", count, place(spot) if spot.parts else Range(0, 1, 0, 1), after)
    both = side.all("column_at")
    if not both:
        inner = side.one("letter_column", "columns")
        letters = numbers(side, "LETTER")
        if inner is not None:
            found = place(inner)
            if isinstance(found, Columns):
                if len(found.headers) != 2:
                    raise Misread
                return _between(found.headers[0].column, found.headers[1].column, count)
            assert isinstance(found, Range)
            return _between(found.left, found.right, count)
        return Insert("columns", count, _column_at(int(letters[0])) if letters else "left", False)
    at = [headers(one)[0].column if headers(one) else int(numbers(one, "LETTER")[0]) for one in both]
    return _between(at[0], at[1], count) if len(at) == 2 else Insert("columns", count, _column_at(at[0]), after)


def _between(first: int, second: int, count: int) -> Insert:
    if abs(first - second) != 1:
        raise Misread
    return Insert("columns", count, _column_at(max(first, second)), False)


def _column_at(column: int) -> Range:
    return Range(column, 0, column, 0)


def _add_row(tree: Tree) -> AddRow:
    named = tree.one("row_label")
    label, column = None, None
    if named is not None:
        given = named.one("given")
        assert given is not None
        label = _fill(given)
        column = headers(named)[0] if headers(named) else None
    rest = tree.one("row_rest") or tree
    pairs: list[tuple[Header, Fill]] = []
    for told in rest.all("pair"):
        given = told.one("given")
        pairs.append((headers(told)[0], _fill(given) if given is not None else Fill("value", numbers(told)[0])))
    return AddRow(label, column, tuple(pairs), tuple(Fill("value", one) for one in numbers(rest)))


def _clear(tree: Tree) -> Clear:
    styled = tree.one("styled_list")
    if styled is not None:
        return Clear(tuple(place(one) for one in styled.all("styled")), formats=True)
    inner = tree.one("clearable", "matching_rows")
    assert inner is not None
    return Clear((place(inner),))


def _sort(tree: Tree) -> Sort:
    direction = tree.one("direction")
    descending = tree.has("down") or (direction is not None and direction.has("descending"))
    key, only = tree.one("sort_key"), tree.one("columns_sorted")
    area = tree.one("cells")
    if only is not None:
        # The rows stay whole.
        if key is not None or only.one("columns") is None:
            raise Misread
        key = only.one("columns")
    if key is None or len(headers(key)) > 1:
        raise Misread
    letters = key.one("letter_column")
    found = headers(key)
    by: Header | int = (
        found[0] if found else letter_column(letters).left if letters is not None else int(numbers(key, "LETTER")[0])
    )
    alphabetic = tree.has("alphabetic") or (direction is not None and direction.first().has("alphabetic"))
    return Sort(by, descending, alphabetic, cells(area) if area is not None else None)


def _scale(tree: Tree) -> Scale:
    scaled = tree.one("scaled")
    assert scaled is not None
    number, percent = numbers(tree), numbers(tree, "PERCENT")
    down = -1 if tree.has("lower", "taken_off") else 1
    if tree.has("percent_word"):
        percent, number = number, []
    if tree.has("of_all"):
        factor = 2.0 if tree.has("twice") else 0.5
        return Scale(place(scaled), "*", factor, f"by {factor:g}")
    if tree.has("factor", "divisor"):
        if number[0] == 0:
            raise Misread
        factor = number[0] if tree.has("factor") else 1 / number[0]
        return Scale(place(scaled), "*", factor, f"by {number[0]:g}")
    if percent:
        return Scale(place(scaled), "*", 1 + down * percent[0] / 100, f"by {percent[0]:g}%")
    return Scale(place(scaled), "+", down * number[0], f"by {number[0]:g}")


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


def _which(tree: Tree) -> Which:
    chosen: Function = "MAX" if tree.has("max", "best", "peak") else "MIN"
    asked, measured = tree.one("asked"), tree.all("measured")
    if len(measured) > 1:
        raise Misread
    column = headers(measured[0])[0] if measured else None
    return Which(headers(asked)[0] if asked is not None else None, chosen, column)


def _list(tree: Tree) -> List:
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
