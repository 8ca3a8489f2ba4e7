"""From trees about rows to orders."""

from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.orders import AddRow, Fill, Insert, Sort
from hub.providers.demo.workbook.orders.places import Columns, Header, LabelRow
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread, headers, labels, numbers, whole
from hub.providers.demo.workbook.reading.places import cells, letter_column, place, rows
from hub.providers.demo.workbook.reading.writes import fill


def insert(tree: Tree) -> Insert:
    many = tree.one("how_many")
    count = whole(numbers(many)[0]) if many is not None and numbers(many) else 1
    side = tree.one("row_side", "column_side")
    assert side is not None
    after = side.has("after_it")
    spot = side.one("row_at", "column_at")
    if side.rule == "row_side":
        if spot is None and labels(side):
            first, second = labels(side)
            return Insert("rows", count, LabelRow(second), False, first)
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


def add_row(tree: Tree) -> AddRow:
    named = tree.one("row_label")
    label, column = None, None
    if named is not None:
        given = named.one("given")
        assert given is not None
        label = fill(given)
        column = headers(named)[0] if headers(named) else None
    rest = tree.one("row_rest") or tree
    pairs: list[tuple[Header, Fill]] = []
    for told in rest.all("pair"):
        given = told.one("given")
        pairs.append((headers(told)[0], fill(given) if given is not None else Fill("value", numbers(told)[0])))
    return AddRow(label, column, tuple(pairs), tuple(Fill("value", one) for one in numbers(rest)))


def sort(tree: Tree) -> Sort:
    direction = tree.one("direction")
    descending = tree.has("down") or (direction is not None and direction.has("descending"))
    key, only = tree.one("sort_key"), tree.one("columns_sorted")
    area = tree.one("cells")
    if only is not None:
        # The rows stay whole.
        if key is not None:
            raise Misread
        key = only.one("columns") or only
    if key is None or len(headers(key)) > 1:
        raise Misread
    letters = key.one("letter_column")
    found = headers(key)
    by: Header | int = (
        found[0] if found else letter_column(letters).left if letters is not None else int(numbers(key, "LETTER")[0])
    )
    alphabetic = tree.has("alphabetic") or (direction is not None and direction.first().has("alphabetic"))
    return Sort(by, descending, alphabetic, cells(area) if area is not None else None)
