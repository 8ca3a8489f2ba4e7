"""What a draft asks: the decisions, most specific first."""

from collections.abc import Sequence

from hub.providers.demo.questions.draft import Draft
from hub.providers.demo.questions.names import Names, first_named
from hub.providers.demo.questions.question import (
    MAX_LISTED,
    Describe,
    Group,
    Measure,
    Question,
    Rows,
    Stats,
    Top,
)
from hub.providers.demo.questions.vocabulary import HINTS, IDENTIFIERS, QUANTITIES, SINGLES, USUAL_AMOUNTS

DEFAULT_TOP = 5
MAX_N = 200


def questions_of(draft: Draft, names: Names) -> list[Question]:
    """Empty if it cannot be told what is asked."""
    numbers = [index for index in draft.columns if names.columns[index].kind == "number"]
    others = [index for index in draft.columns if names.columns[index].kind != "number"]
    if not numbers:
        compared = [int(flag.partition(":")[2]) for flag in draft.flags if flag.startswith("compared:")]
        numbers = [index for index in compared if _is_measured(draft) and names.columns[index].kind == "number"]
    if "describe" in draft.flags and not draft.columns and not draft.group:
        return [Describe()]
    if draft.direction:
        return _extreme(draft, names, numbers, others)
    if draft.group:
        return _grouped(draft, names, numbers)
    if "sort" in draft.flags:
        return _sorted(draft, numbers or others, names)
    if "distinct" in draft.flags and others:
        return [Group(_name(names, others[0]), None, "count", where=draft.where)]
    if draft.measures:
        return _measured(draft, names, numbers, others)
    return _asked_plainly(draft, names, numbers, others)


def _is_measured(draft: Draft) -> bool:
    return any(measure != "count" for measure in draft.measures)


def _name(names: Names, index: int) -> str:
    return names.columns[index].name


def _extreme(draft: Draft, names: Names, numbers: Sequence[int], others: Sequence[int]) -> list[Question]:
    direction, _, hint = draft.direction.partition(":")
    ascending = direction in ("bottom", "least")
    hinted = _hinted(names, hint, others)
    by = hinted if hint and hinted is not None else numbers[0] if numbers else hinted
    if hint and hinted is None and not numbers:
        return []
    if hint == "age" and by is not None and names.columns[by].kind == "date":
        # What is old has an early date.
        ascending = not ascending
    if draft.group and by is not None and names.columns[by].kind == "number":
        # "the highest price per category": the extreme is the measure.
        measure: Measure = "min" if ascending else "max"
        return [Group(_name(names, draft.group[0]), _name(names, by), measure, where=draft.where)]
    entity = next((i for i in others if names.columns[i].kind == "text" and i != by), None)
    repeats = entity is not None and names.distinct[entity] < _filled(names, entity)
    wanted = min(MAX_N, draft.n or (DEFAULT_TOP if "several" in draft.flags else 1))
    if entity is not None and (repeats or "count" in draft.measures):
        if by is None and direction in ("most", "least"):
            return [Group(_name(names, entity), None, "count", ascending, wanted, draft.where)]
        by = _usual_amount(names) if by is None else by
        if by is not None and names.columns[by].kind == "number":
            single = hint or "single" in draft.flags or first_named([(by, names.columns[by])], SINGLES) is not None
            usual: Measure = "sum" if not single else "min" if ascending else "max"
            group_measure: Measure = next((each for each in draft.measures if each != "count"), usual)
            return [Group(_name(names, entity), _name(names, by), group_measure, ascending, wanted, draft.where)]
    if by is None:
        by = _usual_amount(names)
    if by is None or (entity is None and others and by not in others and names.columns[by].kind == "text"):
        return []
    return [Top(_name(names, by), wanted, ascending, draft.where)]


def _hinted(names: Names, hint: str, others: Sequence[int]) -> int | None:
    columns = list(enumerate(names.columns))
    if hint == "date":
        named = [index for index in others if names.columns[index].kind == "date"]
        return next(iter(named), next((index for index, column in columns if column.kind == "date"), None))
    if hint == "age":
        named = [index for index in others if names.columns[index].kind == "date"]
        ages = first_named([(i, column) for i, column in columns if column.kind == "number"], HINTS[hint])
        dates = [index for index, column in columns if column.kind == "date"]
        return next(iter(named), ages if ages is not None else next(iter(dates), None))
    if hint:
        return first_named([(i, column) for i, column in columns if column.kind == "number"], HINTS[hint])
    dates = [index for index in others if names.columns[index].kind == "date"]
    return dates[0] if dates else None


def _filled(names: Names, index: int) -> int:
    return sum(cell is not None for cell in names.columns[index].cells)


def _usual_amount(names: Names) -> int | None:
    numbers = [(i, column) for i, column in enumerate(names.columns) if column.kind == "number"]
    for word in USUAL_AMOUNTS:
        found = first_named(numbers, frozenset((word,)))
        if found is not None:
            return found
    amounts = _amounts(names)
    return amounts[-1] if amounts else None


def _amounts(names: Names) -> list[int]:
    """Columns of numbers that can be summed up: not numbers that only name something."""
    numbers = [(i, column) for i, column in enumerate(names.columns) if column.kind == "number"]
    amounts = [i for i, column in numbers if first_named([(i, column)], IDENTIFIERS) is None]
    return amounts or [i for i, _ in numbers]


def _grouped(draft: Draft, names: Names, numbers: Sequence[int]) -> list[Question]:
    measures: Sequence[Measure] = draft.measures or (("sum",) if numbers or _amounts(names) else ("count",))
    if "count" in measures and not numbers:
        return [Group(_name(names, by), None, "count", where=draft.where) for by in draft.group]
    columns = list(numbers) or _amounts(names)[:3]
    return [
        Group(_name(names, by), _name(names, column), "sum" if measure == "count" else measure, where=draft.where)
        for by in draft.group
        for measure in measures
        for column in columns
        if column != by
    ]


def _sorted(draft: Draft, columns: Sequence[int], names: Names) -> list[Question]:
    if not columns:
        return []
    n = min(MAX_N, draft.n or MAX_LISTED)
    return [Top(_name(names, columns[0]), n, "descending" not in draft.flags, draft.where)]


def _measured(draft: Draft, names: Names, numbers: Sequence[int], others: Sequence[int]) -> list[Question]:
    dates = [index for index in others if names.columns[index].kind == "date"]
    if "count" in draft.measures:
        return _counted(draft, names, numbers, others)
    if not numbers and dates and set(draft.measures) <= {"min", "max"}:
        return [Stats([_name(names, index) for index in dates], draft.measures, draft.where)]
    if not numbers and (others or draft.unknown) and not draft.where:
        # The sum of something that is not a column of numbers.
        return []
    columns = numbers or (_amounts(names) if not draft.unknown else [])
    if not columns:
        return []
    return [Stats([_name(names, index) for index in columns], draft.measures, draft.where)]


def _counted(draft: Draft, names: Names, numbers: Sequence[int], others: Sequence[int]) -> list[Question]:
    if draft.unknown:
        # "How many elephants are there?" must not count rows.
        return []
    if numbers and draft.weak.issuperset(numbers):
        # "How many bolts did we sell?" asks for pieces, not for revenue.
        pieces = first_named([(i, each) for i, each in enumerate(names.columns) if each.kind == "number"], QUANTITIES)
        numbers = [] if pieces is None else [pieces]
    if numbers:
        measures = [each for each in draft.measures if each != "count"] or ["sum"]
        return [Stats([_name(names, index) for index in numbers], measures, draft.where)]
    texts = [index for index in others if names.columns[index].kind == "text"]
    counted = next((index for index in texts if names.distinct[index] < _filled(names, index)), None)
    where_columns = {where.column for where in draft.where}
    if counted is not None and _name(names, counted) not in where_columns:
        return [Group(_name(names, counted), None, "count", where=draft.where)]
    return [Rows(draft.where, 0)]


def _asked_plainly(draft: Draft, names: Names, numbers: Sequence[int], others: Sequence[int]) -> list[Question]:
    """No measure was named: "the revenue of north", "rows where price > 10", "Ann's salary", "list the regions"."""
    listing = bool(draft.flags & {"list", "which"})
    if draft.where:
        picks_one = any(
            (where.operator == "=" and _is_key(names, where.column)) or where.operator == "contains"
            for where in draft.where
        )
        compares = any(where.operator != "=" for where in draft.where)
        if numbers and not others and not picks_one and not (compares and "list" in draft.flags):
            return [Stats([_name(names, index) for index in numbers], ["sum"], draft.where)]
        return [Rows(draft.where, min(MAX_LISTED, draft.n or MAX_LISTED))] if not draft.unknown or listing else []
    if draft.unknown and not (numbers and listing):
        return []
    if "first" in draft.flags and draft.n is not None:
        return [Rows((), min(MAX_LISTED, draft.n))]
    if numbers:
        return (
            [Stats([_name(names, i) for i in numbers], ["sum", "average", "min", "max"])] if not draft.unknown else []
        )
    if others and names.columns[others[0]].kind == "text":
        return [Group(_name(names, others[0]), None, "count")]
    if "list" in draft.flags and not others:
        return [Rows((), min(MAX_LISTED, draft.n or MAX_LISTED))]
    return []


def _is_key(names: Names, column: str) -> bool:
    """No value of the column stands in two rows."""
    index = next(i for i, each in enumerate(names.columns) if each.name == column)
    return names.columns[index].kind == "text" and names.distinct[index] == _filled(names, index)
