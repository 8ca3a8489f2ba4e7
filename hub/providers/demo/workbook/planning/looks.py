"""Formats: from a look to the arguments of format_range."""

from collections.abc import Mapping, Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.language.lexicon import COLOURS
from hub.providers.demo.workbook.orders.orders import Clear, Format, Look
from hub.providers.demo.workbook.orders.places import It
from hub.providers.demo.workbook.planning.cells import joined
from hub.providers.demo.workbook.planning.desk import Act, Desk, Refusal
from hub.providers.demo.workbook.planning.places import Purpose, ranges
from hub.providers.demo.workbook.ranges import Range

_SIGNED = {"currency": "$#,##0{}", "dollars": "$#,##0{}", "euros": "#,##0{} €", "pounds": "£#,##0{}"}
_NAMES = {COLOURS[name]: name for name in reversed(list(COLOURS))}


def format_places(desk: Desk, order: Format) -> None:
    purpose: Purpose = "number look" if order.look.is_of_numbers else "look"
    places = order.places or (It(),)
    found = [one for place in places for one in ranges(desk, place, purpose)]
    if order.shown:
        found = [_below_header(desk, one) for one in found]
    _check_mixed(found)
    follows = desk.last_act if places == (It(),) else None
    change, said = change_of(order.look)
    apply_format(desk, joined(found), change, said, follows)


def _below_header(desk: Desk, place: Range) -> Range:
    """How values are shown is nothing for the header above them."""
    table = desk.block(place.sheet)
    is_column = table.headers and place.top == table.top and place.bottom == table.bottom
    return msgspec.structs.replace(place, top=table.first) if is_column else place


def _check_mixed(found: Sequence[Range]) -> None:
    """Some say a sheet in words and others have none."""
    if any(one.loose for one in found) and any(one.sheet is None for one in found):
        raise Refusal("which of those are on that sheet? Name it for each, as in Sheet2!B11")


def apply_format(
    desk: Desk, places: Sequence[Range], change: Mapping[str, Json], said: str, follows: int | None = None
) -> None:
    for place in places:
        first = len(places) == 1 and follows is not None
        desk.act(
            _one_more(
                desk,
                Act("format_range", place, change, f"I made {{place}} {said}.", follows=follows if first else None),
            )
        )
    if follows is not None and len(places) == 1:
        desk.last_act = follows
    charted = desk.charted if list(places) == desk.it else None
    desk.about(*places, charted=charted)


def _one_more(desk: Desk, act: Act) -> Act:
    """A look for what was just given one is given with that."""
    before = desk.steps[-1] if desk.steps else None
    if not isinstance(before, Act) or before.tool != act.tool or before.place != act.place:
        return act
    if before.follows != act.follows and act.follows != len(desk.steps) - 1:
        return act
    desk.steps.pop()
    old, new = before.arguments, act.arguments
    font = {**(old.get("font") or {}), **(new.get("font") or {})}
    said = before.said.removesuffix(".") + act.said.replace("I made {place}", ", and")
    return msgspec.structs.replace(before, arguments={**old, **new, **({"font": font} if font else {})}, said=said)


def clear_formats(desk: Desk, order: Clear) -> None:
    for place in joined([one for named in order.places for one in ranges(desk, named, "look")]):
        desk.act(Act("clear_range", place, {"clear_type": "formats"}, "I cleared the formats of {place}."))
        desk.about(place)


def change_of(look: Look) -> tuple[dict[str, Json], str]:
    """The arguments, and how they are told."""
    font: dict[str, Json] = {}
    change: dict[str, Json] = {}
    said: list[str] = []
    for name, wanted in (("bold", look.bold), ("italic", look.italic)):
        if wanted is not None:
            font[name] = wanted
            said.append(name if wanted else f"not {name}")
    ink = look.ink or look.colour
    if ink is not None:
        font["color"] = ink
        said.append(f"{_NAMES[ink]} in its letters")
    if look.size is not None:
        font["size"] = look.size
        said.append(f"{look.size:g} points in size")
    if font:
        change["font"] = font
    if look.fill is not None:
        change["fill_color"] = look.fill
        said.append(f"{_NAMES[look.fill]} in the background")
    number = _number_format(look)
    if number is not None:
        change["number_format"] = number
        said.append(f"formatted as {number}")
    if look.align is not None:
        change["alignment"] = {"horizontal": look.align}
        said.append("centred" if look.align == "center" else f"aligned to the {look.align}")
    return change, _and(said)


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _number_format(look: Look) -> str | None:
    places = "" if look.decimals is None or look.decimals == 0 else "." + "0" * look.decimals
    if look.kind in _SIGNED:
        return _SIGNED[look.kind].format(".00" if look.decimals is None else places)
    match look.kind:
        case "percent":
            return "0" + (".0" if look.decimals is None else places) + "%"
        case "date":
            return "yyyy-mm-dd" if look.decimals is None else None
        case "general":
            return "General" if look.decimals is None else "0" + places
        case "thousands":
            return "#,##0" + places
        case _:
            return None if look.decimals is None else "#,##0" + places
