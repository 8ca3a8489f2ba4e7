"""Orders ("highest first") put on questions, and the words of a draft that its questions do not use."""

from collections.abc import Sequence

import msgspec

from hub.providers.demo.questions.draft import Draft
from hub.providers.demo.questions.names import Names, first_named
from hub.providers.demo.questions.question import Group, Question, Rows, Stats, Top, Where
from hub.providers.demo.questions.vocabulary import HINTS


def ordered(questions: Sequence[Question], draft: Draft, names: Names) -> list[Question]:
    """The questions in the order that the draft wants; those that cannot be ordered so stay as they are."""
    if not draft.order:
        return list(questions)
    return [_in_order(question, draft, names) for question in questions]


def unused(draft: Draft, questions: Sequence[Question], names: Names) -> list[str]:
    """What the draft says and no question takes up, in words: to be told, so that nothing is ignored quietly."""
    words = list(draft.unknown)
    words += [_condition(where) for where in draft.where if not all(where in _wheres(each) for each in questions)]
    for kind, text in draft.said:
        if not any(_uses(question, kind, draft, names) for question in questions):
            words.append(text)
    for index in draft.columns:
        if names.columns[index].kind == "number" and index not in draft.weak:
            name = names.columns[index].name
            if not any(_shows(question, name) for question in questions):
                words.append(name)
    numbers = [
        each.n if isinstance(each, Top) else each.limit for each in questions if isinstance(each, Top | Group | Rows)
    ]
    if draft.n is not None and draft.n not in numbers and min(numbers, default=0) < min(draft.n, 200):
        words.append(str(draft.n))
    return list(dict.fromkeys(words))


def _in_order(question: Question, draft: Draft, names: Names) -> Question:
    column = _order_column(question, draft, names)
    ascending = _ascending(draft, names, column)
    match question:
        case Rows(where=where, limit=limit) if limit and column is not None:
            return Top(names.columns[column].name, limit, ascending, where, question.shown)
        case Top() if column is not None and question.column == names.columns[column].name:
            return question if question.n == 1 else msgspec.structs.replace(question, ascending=ascending)
        case Group() if not question.limit and (column is None or question.column == names.columns[column].name):
            return msgspec.structs.replace(question, ascending=ascending)
        case _:
            return question


def _order_column(question: Question, draft: Draft, names: Names) -> int | None:
    hint = draft.order.partition(":")[2]
    every = list(enumerate(names.columns))
    numbers = [(index, column) for index, column in every if column.kind == "number"]
    dates = [index for index, column in every if column.kind == "date"]
    if draft.order_columns:
        return draft.order_columns[0]
    if hint == "date":
        return next(iter(dates), None)
    if hint:
        found = first_named(numbers, HINTS[hint])
        return next(iter(dates), None) if found is None and hint == "age" else found
    if isinstance(question, Top | Group):
        return next((index for index, column in every if column.name == question.column), None)
    compared = [index for index, column in numbers if any(where.column == column.name for where in draft.where)]
    return compared[0] if compared else numbers[0][0] if len(numbers) == 1 else None


def _ascending(draft: Draft, names: Names, column: int | None) -> bool:
    direction, _, hint = draft.order.partition(":")
    by_date = column is not None and names.columns[column].kind == "date"
    return (direction in ("bottom", "least")) != (hint == "age" and by_date)


def _is_ordered(question: Top | Group, draft: Draft, names: Names) -> bool:
    if not draft.order:
        wanted = draft.order_columns or draft.columns[-1:]
        return question.column in [names.columns[index].name for index in wanted]
    column = _order_column(question, draft, names)
    wanted_name = None if column is None else names.columns[column].name
    return question.column == wanted_name and question.ascending == _ascending(draft, names, column)


def _wheres(question: Question) -> Sequence[Where]:
    return question.where if isinstance(question, Stats | Top | Group | Rows) else ()


def _shows(question: Question, name: str) -> bool:
    match question:
        case Stats(columns=columns):
            return name in columns
        case Group(by=by, column=column):
            return name in (by, column)
        case _:
            return True


def _condition(where: Where) -> str:
    value = where.value if isinstance(where.value, str | float) else " / ".join(where.value)
    return f"{where.column} {where.operator} {value}"


def _uses(question: Question, kind: str, draft: Draft, names: Names) -> bool:
    match kind:
        case "order":
            return isinstance(question, Top | Group) and _is_ordered(question, draft, names)
        case "direction":
            return isinstance(question, Top) or (
                isinstance(question, Group) and (question.limit > 0 or question.measure in ("min", "max"))
            )
        case "group":
            return isinstance(question, Group)
        case "distinct":
            return isinstance(question, Group) and question.measure == "count"
        case "count":
            return not isinstance(question, Top)
        case "first":
            return isinstance(question, Rows) and draft.n is not None
        case _:
            measures = (
                question.measures
                if isinstance(question, Stats)
                else [question.measure]
                if isinstance(question, Group)
                else []
            )
            return kind in measures
