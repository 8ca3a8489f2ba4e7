"""The calls of a sentence, one after the other, and what is said at the end.

A generator yields the next call and is sent what came of it. `next_of` runs it over the calls that the history has, so
nothing is kept between requests. A call that did not succeed ends it.
"""

from collections.abc import Generator, Mapping, Sequence

import msgspec

from hub.chat.parts import Json, ToolCallPart
from hub.providers.demo.workbook.book import Area, Book, TooLarge, Unread, UnreadNames
from hub.providers.demo.workbook.language.notation import TooManyWays
from hub.providers.demo.workbook.planning.desk import Act, Refusal, Step, text_of
from hub.providers.demo.workbook.ranges import Range, parse
from hub.providers.demo.workbook.refusals import not_understood, refused
from hub.providers.demo.workbook.understand import NotUnderstood, understand

MAX_READS = 3
"""Attempts at a read that was interrupted: it may be repeated, a write never."""

MAX_LOOKS = 12
"""Ranges that are read for one sentence."""


class Call(msgspec.Struct, frozen=True):
    """A tool by its own name, without a host's prefix."""

    tool: str
    arguments: Mapping[str, Json]


class Stop(Exception):
    """It ends here. The text is for the user."""


Calls = Generator[Call, ToolCallPart, str]


def next_of(sentence: str, made: Sequence[ToolCallPart], offered: Mapping[str, str]) -> Call | str:
    """The next call, under the name that is offered, or what to say at the end. `made` are the calls so far."""
    said: list[str] = []
    calls = _calls(sentence, offered, said)
    try:
        call = next(calls)
        for part in made:
            if part.name != call.tool:
                return _ending(said, "The calls so far are not those that I would make, so I do nothing more.")
            call = calls.send(part)
    except StopIteration as end:
        return str(end.value)
    except Stop as problem:
        return _ending(said, f"{problem} I did nothing after that.")
    return call


def _ending(said: Sequence[str], problem: str) -> str:
    return " ".join([*said, problem]) + "\n"


def _calls(sentence: str, offered: Mapping[str, str], said: list[str]) -> Calls:
    """All is read and decided before the first write."""
    book = Book()
    for _ in range(MAX_LOOKS):
        try:
            steps = understand(sentence, book)
        except Unread as needed:
            yield from _look(needed, book, offered)
        except UnreadNames:
            yield from _look_at_names(book, offered)
        except NotUnderstood as problem:
            return not_understood(problem)
        except Refusal as problem:
            return refused(problem)
        except TooManyWays:
            return refused(Refusal("that can be read in too many ways: say it in shorter sentences"))
        except TooLarge:
            return refused(Refusal("that is about too many cells: name a smaller range"))
        else:
            yield from _run(steps, offered, said)
            return " ".join(said) + "\n"
    return refused(Refusal("that is about too many ranges"))


def _look(needed: Unread, book: Book, offered: Mapping[str, str]) -> Generator[Call, ToolCallPart, None]:
    place = needed.place
    try:
        call = yield from _call(offered, "read_range", place, {"range": place.address()})
    except Stop:
        if not needed.guessed or place.sheet is None:
            raise
        book.no_sheets.add(place.sheet.casefold())
        return
    result = call.result
    rows = result.get("values") if isinstance(result, dict) else result
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Stop(f"What came back for {place.address()} has no rows of values.")
    if isinstance(result, dict) and (result.get("truncated") or result.get("shortened")):
        raise Stop(f"{place.address()} came back shortened, so I cannot say what all of it comes to.")
    formulas = result.get("formulas") if isinstance(result, dict) else None
    if not isinstance(formulas, list) or not all(isinstance(row, list) for row in formulas):
        formulas = []
    # A host may cut a whole column to what is used, and tells that by its address.
    told = (result.get("address") or result.get("range")) if isinstance(result, dict) else None
    came = parse(told) if isinstance(told, str) else None
    left = came.left if came is not None and came.left else place.left or 1
    top = came.top if came is not None and came.top else place.top or 1
    book.areas.append(Area(place, left, top, rows, formulas))


def _look_at_names(book: Book, offered: Mapping[str, str]) -> Generator[Call, ToolCallPart, None]:
    book.names = {}
    if "get_named_ranges" not in offered:
        return
    call = yield Call(offered["get_named_ranges"], {})
    told = call.result.get("names") if call.state == "success" and isinstance(call.result, dict) else None
    if isinstance(told, dict):
        places = {name: parse(str(address).removeprefix("=")) for name, address in told.items()}
        book.names = {name: place for name, place in places.items() if place is not None}


def _run(steps: Sequence[Step], offered: Mapping[str, str], said: list[str]) -> Generator[Call, ToolCallPart, None]:
    missing = sorted({step.tool for step in steps if isinstance(step, Act)} - set(offered))
    if missing:
        raise Stop(f"This needs {', '.join(missing)}, which is not offered here.")
    ran: dict[int, Range | str] = {}
    for at, step in enumerate(steps):
        if isinstance(step, str):
            said.append(step)
            continue
        place = step.place if step.follows is None else ran[step.follows]
        address = place if isinstance(place, str) else place.address()
        call = yield from _call(offered, step.tool, address, {step.key: address, **step.arguments})
        ran[at] = _where(call, step, place)
        said.append(_said(step, ran[at], call.arguments or {}))


def _where(call: ToolCallPart, step: Act, planned: Range | str) -> Range | str:
    """Where the call ran: who approved it may have edited that."""
    told = (call.arguments or {}).get(step.key)
    return (parse(told) if isinstance(told, str) else None) or planned


def _said(step: Act, place: Range | str, arguments: Mapping[str, Json]) -> str:
    values = arguments.get("values", step.arguments.get("values"))
    told = ""
    if isinstance(values, list):
        cells = [cell for row in values if isinstance(row, list) for cell in row if cell is not None]
        one = {text_of(cell) for cell in cells}
        told = (
            "the edited values"
            if "values" in arguments and values != step.arguments.get("values")
            else (text_of(cells[0]) if len(one) == 1 else ", ".join(text_of(cell) for cell in cells[:20]))
        )
    words = {
        "{place}": place if isinstance(place, str) else place.address(),
        "{formula}": str(arguments.get("formula", step.arguments.get("formula"))),
        "{values}": told,
    }
    said = step.said
    for mark, text in words.items():
        said = said.replace(mark, text)
    return said


def _call(
    offered: Mapping[str, str], tool: str, place: Range | str, arguments: Mapping[str, Json]
) -> Generator[Call, ToolCallPart, ToolCallPart]:
    if tool not in offered:
        raise Stop(f"This needs {tool}, which is not offered here.")
    call = yield Call(offered[tool], arguments)
    attempts = 1
    while tool == "read_range" and call.state == "interrupted" and attempts < MAX_READS:
        call = yield Call(offered[tool], arguments)
        attempts += 1
    if call.state == "success":
        return call
    address = place if isinstance(place, str) else place.address()
    match call.state:
        case "denied":
            raise Stop(f"{tool} on {address} was denied, so it was not done.")
        case "failed":
            raise Stop(f"{tool} on {address} failed: {call.error or 'no reason was given'}.")
        case _ if tool == "read_range":
            raise Stop(f"{tool} on {address} did not come to its end.")
        case _:
            raise Stop(
                f"{tool} on {address} did not come to its end; it may have been done. Look before you repeat it."
            )
