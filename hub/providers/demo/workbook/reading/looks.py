"""From trees about formats to the look that they order."""

import msgspec

from hub.providers.demo.workbook.language.lexicon import COLOURS
from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.orders import Format, Look
from hub.providers.demo.workbook.orders.places import Place
from hub.providers.demo.workbook.reading.leaves import Misread, numbers, texts, whole
from hub.providers.demo.workbook.reading.places import place

MAX_DECIMALS = 30
_PALE = frozenset({"yellow", "bright yellow", "pink", "beige", "gold", "cyan", "turquoise", "lime"})


def format_of(tree: Tree) -> Format:
    """Of `format` and `more_looks`. A look that contradicts itself is none."""
    listed = tree.one("styled_list") or (tree.one("centred") or Tree("")).one("styled_list")
    places: tuple[Place, ...] = () if listed is None else tuple(place(one) for one in listed.all("styled"))
    conditional = tree.one("conditional")
    if conditional is not None:
        places = (place(Tree("matching", (*conditional.parts, *tree.all("compared")))),)
    return Format(places, _look_of(tree), more=tree.rule == "more_format", shown=tree.rule == "shown_as")


def _look_of(tree: Tree) -> Look:
    if tree.has("bold_verb", "italic_verb"):
        return Look(bold=tree.has("bold_verb") or None, italic=tree.has("italic_verb") or None)
    if tree.has("highlight") and not tree.has("conditional"):
        return Look(fill=_colour(tree.one("fill_only"), "yellow"))
    if tree.has("paint"):
        painted = tree.one("painted")
        assert painted is not None
        inner = painted.one("fill_only")
        return Look(fill=_colour(inner)) if inner is not None else Look(ink=_colour(painted))
    if tree.has("centred"):
        return Look(align="center")
    unlook = tree.one("unlook")
    if unlook is not None:
        return Look(bold=False) if unlook.has("bold_off") else Look(italic=False)
    if tree.has("aspect"):
        return _aspect(tree)
    aligned = tree.one("aligned")
    if aligned is not None:
        return _one(Tree("look", (aligned,)))
    only = tree.one("looks", "looks_only") or tree
    inner = only.one("looks") if only.rule == "looks_only" else only
    assert inner is not None
    return merged([_one(one) for one in inner.all("look")])


def _colour(tree: Tree | None, otherwise: str | None = None) -> str:
    name = texts(tree, "COLOUR")[0] if tree is not None else otherwise
    assert name is not None
    return COLOURS[name]


def _aspect(tree: Tree) -> Look:
    aspect, told = tree.one("aspect"), tree.one("aspect_value")
    assert aspect is not None and told is not None
    fill = told.one("fill_only")
    if aspect.has("of_fill"):
        return Look(fill=_colour(fill)) if fill is not None else _misread()
    if aspect.has("of_ink"):
        return Look(ink=_colour(fill)) if fill is not None else _misread()
    if aspect.has("of_size"):
        return Look(size=numbers(told)[0]) if numbers(told) else _misread()
    inner = told.one("look")
    return _one(inner) if inner is not None else _misread()


def _misread() -> Look:
    raise Misread


def _one(tree: Tree) -> Look:
    inner = tree.first()
    match inner.rule:
        case "bold":
            return Look(bold=True)
        case "italic":
            return Look(italic=True)
        case "ink":
            return Look(ink=_colour(inner))
        case "fill":
            return Look(fill=_colour(inner) if texts(inner, "COLOUR") else COLOURS["yellow"])
        case "plain_colour":
            name = texts(inner, "COLOUR")[0]
            # Nobody can read a text in a pale colour.
            return (
                Look(fill=COLOURS[name])
                if name.startswith(("light", "pale")) or name in _PALE
                else Look(colour=COLOURS[name])
            )
        case "currency":
            for rule in ("dollars", "euros", "pounds"):
                if inner.has(rule):
                    return msgspec.convert({"kind": rule}, Look)
            return Look(kind="currency")
        case "percents":
            return Look(kind="percent")
        case "thousands":
            return Look(kind="thousands")
        case "date":
            return Look(kind="date")
        case "general":
            return Look(kind="general")
        case "decimals":
            return _decimals(inner)
        case "size":
            return Look(size=_size(numbers(inner)[0]))
        case _:
            return Look(align="left" if inner.has("left") else "right" if inner.has("right") else "center")


def _decimals(tree: Tree) -> Look:
    if tree.has("zero", "whole"):
        return Look(decimals=0)
    places = numbers(tree)[0]
    if places != 0:
        places = whole(places)
    if places > MAX_DECIMALS:
        raise Misread
    return Look(decimals=int(places))


def _size(points: float) -> float:
    if not 1 <= points <= 409:
        raise Misread
    return points


def merged(looks: list[Look]) -> Look:
    """All in one."""
    found: dict[str, object] = {}
    for look in looks:
        for field in Look.__struct_fields__:
            wanted = getattr(look, field)
            if wanted is not None:
                if found.setdefault(field, wanted) != wanted:
                    raise Misread
    if {"colour", "ink"} <= set(found) or {"colour", "fill", "ink"} <= set(found):
        raise Misread
    if "colour" in found:
        # With a background, or with letters that are bold, it is the colour of the letters.
        found["ink"] = found.pop("colour")
    return msgspec.convert(found, Look)
