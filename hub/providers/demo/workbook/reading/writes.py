"""From trees about values that are written, copied and cleared to orders."""

import msgspec

from hub.providers.demo.workbook.language.notation import Leaf, Tree
from hub.providers.demo.workbook.orders.orders import Clear, Copy, Fill, FillDown, Rename, Replace, Scale, Write
from hub.providers.demo.workbook.orders.places import Columns, Header, Place
from hub.providers.demo.workbook.ranges import Range
from hub.providers.demo.workbook.reading.leaves import Misread, headers, labels, numbers, sheet_of, texts, whole
from hub.providers.demo.workbook.reading.places import cells, letter_column, place, rows

MAX_SERIES = 1_000


def fill(tree: Tree) -> Fill:
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


def write(tree: Tree) -> Write:
    target = tree.one("target", "all_of") or tree
    found: Place
    if target is tree and not tree.has("cells"):
        named = labels(tree)
        crossing = Tree("cell_of", (Leaf("COLUMN", headers(tree)[0]), Leaf("LABEL", named[0])))
        found = place(crossing)
    else:
        found = place(target)
    series = tree.one("series")
    values = tuple(fill(one) for one in tree.all("given")) if series is None else _series(*numbers(series))
    if target.rule == "all_of":
        found = place(target)
        if isinstance(found, Columns):
            found = Columns(found.headers, values=True)
    if any(fill.value == "" for fill in values):
        raise Misread
    was = tree.one("was")
    before = was.one("given") if was is not None else None
    return Write(found, values, tree.rule in ("value_in", "more_set"), fill(before) if before is not None else None)


def _series(first: float, last: float) -> tuple[Fill, ...]:
    if first != int(first) or last != int(last) or not 1 < abs(last - first) + 1 <= MAX_SERIES:
        raise Misread
    step = 1 if last > first else -1
    return tuple(Fill("value", number) for number in range(int(first), int(last) + step, step))


def replace(tree: Tree) -> Replace:
    old, new = tree.one("old"), tree.one("new")
    assert old is not None and new is not None
    everywhere = not tree.has("change_one")
    inner = tree.one("columns", "letter_column", "cells")
    return Replace(fill(old).value, fill(new).value, place(inner) if inner is not None else None, everywhere)


def copy(tree: Tree) -> Copy:
    source = tree.one("source")
    target = tree.one("cells", "letter_column", "row_number")
    assert source is not None
    if target is None:
        found = place(source)
        if not isinstance(found, Range) or found.sheet is not None:
            raise Misread
        return Copy(found, msgspec.structs.replace(found, sheet=sheet_of(tree)))
    reads = {"cells": cells, "letter_column": letter_column, "row_number": rows}
    where = reads[target.rule](target)
    return Copy(place(source), where, move=tree.rule == "move")


def fill_down(tree: Tree) -> FillDown:
    source = tree.one("cells")
    last = [one for one in tree.leaves("CELL") if isinstance(one, Range)]
    found = cells(source) if source is not None else None
    row = last[0].top if last else whole(numbers(tree)[0]) if numbers(tree) else 0
    return FillDown(found, row, last[0].left if last else 0)


def clear(tree: Tree) -> Clear:
    styled = tree.one("styled_list")
    if styled is not None:
        return Clear(tuple(place(one) for one in styled.all("styled")), formats=True)
    return Clear(tuple(place(inner) for inner in tree.all("clearable", "matching_rows")))


def scale(tree: Tree) -> Scale:
    scaled = tree.one("scaled")
    assert scaled is not None
    number, percent = numbers(tree), numbers(tree, "PERCENT")
    down = -1 if tree.has("lower", "taken_off") else 1
    verb = "lowered" if down < 0 else "raised"
    if tree.has("percent_word"):
        percent, number = number, []
    if tree.has("of_all"):
        factor = 2.0 if tree.has("twice") else 0.5
        return Scale(place(scaled), "*", factor, "doubled {}" if factor == 2 else "halved {}")
    if tree.has("factor", "divisor"):
        if number[0] == 0:
            raise Misread
        factor = number[0] if tree.has("factor") else 1 / number[0]
        verb = "multiplied" if tree.has("factor") else "divided"
        return Scale(place(scaled), "*", factor, f"{verb} {{}} by {number[0]:g}")
    if percent:
        return Scale(place(scaled), "*", 1 + down * percent[0] / 100, f"{verb} {{}} by {percent[0]:g}%")
    return Scale(place(scaled), "+", down * number[0], f"{verb} {{}} by {number[0]:g}")


def _only(found: list[Header]) -> Header:
    if len(found) != 1:
        raise Misread
    return found[0]


def rename_cell(tree: Tree) -> Write:
    text = tree.one("new_text")
    assert text is not None
    return Write(place(tree), (Fill("value", texts(text, "NAME")[0]),))


def rename(tree: Tree) -> Rename:
    named = tree.one("header_cell") or tree
    inner, letters, text = named.one("columns"), tree.one("letter_column"), tree.one("new_text")
    assert text is not None
    where = letter_column(letters) if letters is not None else _only(headers(inner if inner is not None else named))
    return Rename(where, texts(text, "NAME")[0])
