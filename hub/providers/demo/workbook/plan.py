"""The calls of a plan, one after the other, each from the outcomes of those before; and what is said at the end.

A plan is a generator: it yields the next call and is sent what came of it. `next_of` runs it over the calls that the
history has, so nothing is kept between requests. A call that did not succeed ends the plan.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from statistics import median

import msgspec

from hub.chat.parts import Json, ToolCallPart
from hub.providers.demo.workbook.orders import Chart, Clear, Compare, Compute, Format, Read, Step, Write
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, MAX_ROWS, Range, parse

MAX_CELLS_FILLED = 1_000
MAX_CELLS_SAID = 60
MAX_READS = 3
"""Attempts at a read that was interrupted: it may be repeated, a write never."""

_NAMES = {"SUM": "sum", "AVERAGE": "average", "MIN": "minimum", "MAX": "maximum", "COUNTA": "count", "MEDIAN": "median"}

_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVERAGE": lambda numbers: sum(numbers) / len(numbers),
    "MIN": min,
    "MAX": max,
    "MEDIAN": median,
}


class Call(msgspec.Struct, frozen=True):
    """A tool by its own name, without a host's prefix."""

    tool: str
    arguments: Mapping[str, Json]


class Stop(Exception):
    """The plan ends here. The text is for the user."""


Calls = Generator[Call, ToolCallPart, str]


def next_of(steps: Sequence[Step], made: Sequence[ToolCallPart], offered: Mapping[str, str]) -> Call | str:
    """The next call, under the name that is offered, or what to say at the end. `made` are the calls so far."""
    said: list[str] = []
    plan = _plan(steps, offered, said)
    try:
        call = next(plan)
        for part in made:
            if part.name != call.tool:
                return _ending(said, "The calls so far are not those that I would make, so I do nothing more.")
            call = plan.send(part)
    except StopIteration as end:
        return str(end.value)
    except Stop as problem:
        return _ending(said, f"{problem} I did nothing after that.")
    return call


def _ending(said: Sequence[str], problem: str) -> str:
    return " ".join([*said, problem]) + "\n"


def _plan(steps: Sequence[Step], offered: Mapping[str, str], said: list[str]) -> Calls:
    target: Range | None = None
    source: Range | None = None
    for step in steps:
        match step:
            case Compute():
                source, target = yield from _compute(step, offered, said)
            case Compare():
                source = target = yield from _compare(step, offered, said)
            case Read():
                rows = yield from _read(step.source, offered)
                said.append(_shown(step.source, rows))
                source = target = step.source
            case Write():
                target = yield from _write(step, offered, said)
                source = target
            case Format():
                place = step.target or target
                assert place is not None
                call = yield from _call(offered, "format_range", {"range": place.address(), **step.change})
                target = _ran(call, "range", place)
                said.append(f"I made {target.address()} {step.said}.")
            case Chart():
                place = step.source or source
                assert place is not None
                call = yield from _call(
                    offered, "create_chart", {"data_range": place.address(), "chart_type": step.kind}
                )
                source = _ran(call, "data_range", place)
                said.append(f"I drew a {step.kind} chart of {source.address()}.")
            case Clear():
                call = yield from _call(offered, "clear_range", {"range": step.target.address()})
                target = source = _ran(call, "range", step.target)
                said.append(f"I cleared the contents of {target.address()}.")
    return " ".join(said) + "\n"


def _compute(
    step: Compute, offered: Mapping[str, str], said: list[str]
) -> Generator[Call, ToolCallPart, tuple[Range, Range]]:
    """Reads first: what is there decides where a result may go, and is what the sentence at the end says."""
    rows = yield from _read(step.source, offered)
    if step.where is None:
        said.append(f"The {_NAMES[step.function]} of {step.source.address()} is {_result(step.function, rows)}.")
        return step.source, step.source
    source, target = _placed(step, rows)
    if not isinstance(step.where, Range):
        there = yield from _read(target, offered)
        if any(cell not in (None, "") for row in there for cell in row):
            raise Stop(f"{target.address()} is not empty: name the cell that the result should go into.")
    formula = f"={step.function}({source.address(with_sheet=source.sheet != target.sheet)})"
    call = yield from _call(offered, "apply_formula", {"range": target.address(), "formula": formula})
    target = _ran(call, "range", target)
    said.append(f"I put {(call.arguments or {}).get('formula', formula)} into {target.address()}.")
    return source, target


def _compare(step: Compare, offered: Mapping[str, str], said: list[str]) -> Generator[Call, ToolCallPart, Range]:
    first, second = step.first, step.second
    if step.where is not None:
        sheet = step.where.sheet
        left, right = (one.address(with_sheet=one.sheet != sheet) for one in (first, second))
        call = yield from _call(
            offered, "apply_formula", {"range": step.where.address(), "formula": f"={left}{step.sign}{right}"}
        )
        target = _ran(call, "range", step.where)
        said.append(f"I put {(call.arguments or {}).get('formula')} into {target.address()}.")
        return target
    numbers: list[float] = []
    for place in (first, second):
        rows = yield from _read(place, offered)
        cell = rows[0][0] if rows and rows[0] else None
        if not isinstance(cell, int | float) or isinstance(cell, bool):
            raise Stop(f"{place.address()} has no number.")
        numbers.append(cell)
    if step.sign == "-":
        said.append(f"{first.address()} minus {second.address()} is {numbers[0] - numbers[1]:,.10g}.")
    elif numbers[1] == 0:
        raise Stop(f"{second.address()} is 0, so there is no percentage of it.")
    else:
        said.append(f"{first.address()} is {100 * numbers[0] / numbers[1]:,.10g}% of {second.address()}.")
    return first


def _placed(step: Compute, rows: Sequence[Sequence[Json]]) -> tuple[Range, Range]:
    """What the formula is over, and its cell. A whole column that has the cell ends above it."""
    source = step.source
    match step.where:
        case Range() as target:
            return _without(source, target, rows), target
        case "below":
            if source.left != source.right or source.left == 0:
                raise Stop("Below which column? Name one column, or the cell that the result should go into.")
            last = source.bottom or _last_used(rows)
            column = msgspec.structs.replace(source, top=source.top or 1, bottom=last)
            if last >= MAX_ROWS or last == 0:
                raise Stop("There is no row for the result.")
            return column, msgspec.structs.replace(column, top=last + 1, bottom=last + 1)
        case _:
            if not source.is_bounded or source.right >= MAX_COLUMNS:
                raise Stop("Next to what? Name the cell that the result should go into.")
            if source.left != source.right and source.top != source.bottom:
                raise Stop("Next to which cell? Name the cell that the result should go into.")
            beside = source.right + 1
            return source, msgspec.structs.replace(source, left=beside, right=beside, bottom=source.top)


def _without(source: Range, target: Range, rows: Sequence[Sequence[Json]]) -> Range:
    left, right = source.left or 1, source.right or MAX_COLUMNS
    top, bottom = source.top or 1, source.bottom or MAX_ROWS
    apart = (source.sheet or "").lower() != (target.sheet or "").lower()
    if apart or not (left <= target.left <= right and top <= target.top <= bottom):
        return source
    if source.top or left != right or target.top == 1:
        raise Stop(f"{target.address()} is within {source.address()}: a formula there would count itself.")
    if any(cell not in (None, "") for row in rows[target.top :] for cell in row):
        raise Stop(f"Column {source.address()} goes on below {target.address()}: name the cells, such as B2:B10.")
    return msgspec.structs.replace(source, top=1, bottom=target.top - 1)


def _last_used(rows: Sequence[Sequence[Json]]) -> int:
    used = [at for at, row in enumerate(rows, start=1) if any(cell not in (None, "") for cell in row)]
    return max(used, default=0)


def _write(step: Write, offered: Mapping[str, str], said: list[str]) -> Generator[Call, ToolCallPart, Range]:
    place = step.target
    if step.formula is not None:
        call = yield from _call(offered, "apply_formula", {"range": place.address(), "formula": step.formula})
        target = _ran(call, "range", place)
        said.append(f"I put {(call.arguments or {}).get('formula', step.formula)} into {target.address()}.")
        return target
    across, down = place.right - place.left + 1, place.bottom - place.top + 1
    if across * down > MAX_CELLS_FILLED:
        raise Stop(f"{place.address()} has more than {MAX_CELLS_FILLED:,} cells: too many to fill at once.")
    values = [[step.value] * across for _ in range(down)]
    call = yield from _call(offered, "write_range", {"range": place.address(), "values": values})
    target = _ran(call, "range", place)
    edited = (call.arguments or {}).get("values") != values
    said.append(f"I wrote {'the edited values' if edited else step.value} into {target.address()}.")
    return target


def _read(place: Range, offered: Mapping[str, str]) -> Generator[Call, ToolCallPart, list[list[Json]]]:
    call = yield from _call(offered, "read_range", {"range": place.address(), "include_formulas": False})
    result = call.result
    rows = result.get("values") if isinstance(result, dict) else result
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Stop(f"What came back for {place.address()} has no rows of values.")
    if isinstance(result, dict) and (result.get("truncated") or result.get("shortened")):
        raise Stop(f"{place.address()} came back shortened, so I cannot say what all of it comes to.")
    return [*([[]] * _skipped(place, result)), *rows]


def _skipped(place: Range, result: Json) -> int:
    """Empty rows above what came back: a host may cut a whole column to what is used, and tells that by its address."""
    told = (result.get("address") or result.get("range")) if isinstance(result, dict) else None
    came = parse(told) if isinstance(told, str) else None
    return came.top - 1 if came is not None and place.top == 0 and came.top > 1 else 0


def _call(
    offered: Mapping[str, str], tool: str, arguments: Mapping[str, Json]
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
    place = arguments.get("range") or arguments.get("data_range")
    match call.state:
        case "denied":
            raise Stop(f"{tool} on {place} was denied, so it was not done.")
        case "failed":
            raise Stop(f"{tool} on {place} failed: {call.error or 'no reason was given'}.")
        case _ if tool == "read_range":
            raise Stop(f"{tool} on {place} did not come to its end.")
        case _:
            raise Stop(f"{tool} on {place} did not come to its end; it may have been done. Look before you repeat it.")


def _ran(call: ToolCallPart, name: str, planned: Range) -> Range:
    """Where the call ran: who approved it may have edited that."""
    place = (call.arguments or {}).get(name)
    return (parse(place) if isinstance(place, str) else None) or planned


def _result(function: str, rows: Sequence[Sequence[Json]]) -> str:
    cells = [cell for row in rows for cell in row if cell not in (None, "")]
    if function == "COUNTA":
        return f"{len(cells):,}"
    numbers = [cell for cell in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]
    if not numbers:
        return "not known: there are no numbers in it"
    value = _FUNCTIONS[function](numbers)
    return f"{value:,.10g}"


def _shown(place: Range, rows: Sequence[Sequence[Json]]) -> str:
    """The cells as code, so that nothing in them is markup."""
    cells = [cell for row in rows for cell in row]
    shown = ", ".join(
        "(empty)" if cell in (None, "") else str(cell).replace("`", "'") for cell in cells[:MAX_CELLS_SAID]
    )
    more = f" … and {len(cells) - MAX_CELLS_SAID:,} more" if len(cells) > MAX_CELLS_SAID else ""
    return f"{place.address()}: `{shown}`{more}."
