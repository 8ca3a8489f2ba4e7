"""From the items of a message to the questions in it.

A message is cut into clauses (at "and", commas and full stops); each gives a `Draft` of what it says. A clause that
says only half ("… and the median") takes the rest from its neighbour. Then each draft becomes questions, or the reason
why it is not understood.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from hub.providers.demo.questions.choose import questions_of
from hub.providers.demo.questions.draft import Draft, draft_of
from hub.providers.demo.questions.names import Names
from hub.providers.demo.questions.orders import ordered, unused
from hub.providers.demo.questions.question import Describe, Question, Rows, Stats, Top
from hub.providers.demo.questions.readings import together
from hub.providers.demo.questions.words import Item, items_of
from hub.tables.table import Table

MAX_QUESTIONS = 8


class Understood(msgspec.Struct, frozen=True):
    """The questions in a message. `unknown` are words for which a part of it was not understood; `unused` are words
    in the parts that were, which the answers do not take up."""

    questions: Sequence[Question]
    unknown: Sequence[str] = ()
    unused: Sequence[str] = ()


def understand(text: str, table: Table) -> Understood:
    """The questions about this table. No words at all ask for a description."""
    names = Names(table)
    items = together(items_of(text, names, table))
    if not text.strip():
        return Understood([Describe()])
    clauses = [draft_of(clause, names, sentence, after_or=after) for sentence, clause, after in _clauses(items)]
    alternatives = any(draft.after_or and draft.where and before.where for before, draft in pairwise(clauses))
    if alternatives:
        return Understood([], [each.text for each in items if each.meaning == "or"][:1])
    drafts = _joined(clauses)
    questions: list[Question] = []
    unknown: list[str] = []
    ignored: list[str] = []
    for draft in drafts:
        refused = draft.critical or draft.unsupported
        found = [] if refused else ordered(_showing(questions_of(draft, names), draft, names), draft, names)
        if found:
            ignored += unused(draft, found, names)
        else:
            unknown += draft.unsupported or draft.critical or draft.unknown or draft.superlatives or [draft.text]
        questions += [question for question in found if question not in questions]
    return Understood(_merged(questions)[:MAX_QUESTIONS], list(dict.fromkeys(unknown)), list(dict.fromkeys(ignored)))


def _showing(questions: Sequence[Question], draft: Draft, names: Names) -> list[Question]:
    """With only the columns that are to be shown."""
    shown = [names.columns[index].name for index in draft.shown]
    return [
        msgspec.structs.replace(each, shown=shown) if shown and isinstance(each, Top | Rows) else each
        for each in questions
    ]


def _clauses(items: Sequence[Item]) -> list[tuple[int, list[Item], bool]]:
    """With the number of the sentence that each is in, and whether an "or" stands before it."""
    clauses: list[tuple[int, list[Item], bool]] = [(0, [], False)]
    between = 0
    for item in items:
        if item.meaning == "op:between":
            between = 2
        elif item.kind in ("number", "date") and between:
            between -= 1
        if item.meaning in ("and", "or") and between == 1:
            continue
        if item.kind in ("stop", "comma") or item.meaning in ("and", "or"):
            clauses.append((clauses[-1][0] + (item.kind == "stop"), [], item.meaning == "or"))
        else:
            clauses[-1][1].append(item)
    return [(sentence, clause, after) for sentence, clause, after in clauses if clause]


def _joined(drafts: Sequence[Draft]) -> list[Draft]:
    """Complete half clauses by their neighbours."""
    joined: list[Draft] = []
    waiting: list[Draft] = []
    for draft in drafts:
        before = joined[-1] if joined else None
        if draft.is_empty:
            continue
        if before is not None and draft.only_order:
            joined[-1] = _in_order(before, draft)
        elif before is not None and draft.only_columns and draft.columns and _shows(before, draft):
            joined[-1] = msgspec.structs.replace(
                before, shown=[*before.shown, *draft.columns], unknown=[*before.unknown, *draft.unknown]
            )
        elif before is not None and draft.only_where:
            joined.append(_with_where(before, draft, joined))
        elif draft.only_where:
            waiting.append(draft)
        elif before is not None and draft.only_columns and before.asks:
            joined.append(_with_columns(before, draft, joined))
        else:
            joined += [_instead(draft, other) for other in waiting]
            waiting = []
            joined.append(draft)
    joined += waiting
    return _filled(joined)


def _in_order(before: Draft, draft: Draft) -> Draft:
    return msgspec.structs.replace(
        before,
        order=draft.order or ("top" if before.order == "top" else "bottom"),
        order_columns=draft.columns,
        said=[*before.said, *draft.said],
        unknown=[*before.unknown, *draft.unknown],
    )


def _shows(before: Draft, draft: Draft) -> bool:
    """Whether the columns are those to be shown: "just names", or names after "the bottom 3 by age"."""
    lists = bool((before.direction and before.columns) or before.where or before.flags & {"list", "sort"})
    return lists and not before.measures and (draft.only or set(draft.columns) <= draft.text_columns)


def _with_where(before: Draft, draft: Draft, joined: list[Draft]) -> Draft:
    """Another condition narrows the question before; another value of the same column asks it again."""
    columns = {where.column for where in draft.where if where.operator == "="}
    if columns & {where.column for where in before.where if where.operator == "="}:
        return _instead(before, draft)
    joined.pop()
    return msgspec.structs.replace(
        before, where=[*before.where, *draft.where], unknown=[*before.unknown, *draft.unknown]
    )


def _instead(draft: Draft, other: Draft) -> Draft:
    """The same asked of other values: of the south instead of the north."""
    columns = {where.column for where in other.where}
    kept = [where for where in draft.where if where.column not in columns]
    return msgspec.structs.replace(draft, where=[*kept, *other.where], unknown=[*draft.unknown, *other.unknown])


def _with_columns(before: Draft, draft: Draft, joined: list[Draft]) -> Draft:
    """More columns for the question before ("average price and quantity"), or the ones that it lacked."""
    where = [*before.where, *(each for each in draft.where if each not in before.where)]
    before = msgspec.structs.replace(before, unknown=[*before.unknown, *draft.unknown])
    if not before.group and not before.direction:
        # One question about more columns; what is said at its end ("… for the east") holds for all of them.
        joined.pop()
        return msgspec.structs.replace(before, columns=[*before.columns, *draft.columns], where=where)
    if not before.columns and not before.group:
        joined.pop()
    if before.group and any(index in before.text_columns for index in draft.columns):
        return msgspec.structs.replace(before, group=list(draft.columns), where=where)
    return msgspec.structs.replace(before, columns=draft.columns, where=where)


def _filled(drafts: Sequence[Draft]) -> list[Draft]:
    """A measure without a column takes the next clause's, or else that of the one before."""
    filled = list(drafts)
    for index in reversed(range(len(filled) - 1)):
        draft, after = filled[index], filled[index + 1]
        if draft.lacks_columns and after.columns and not after.lacks_columns and not after.direction:
            filled[index] = msgspec.structs.replace(
                draft, columns=after.columns, group=draft.group or after.group, where=[*draft.where, *after.where]
            )
    for index in range(1, len(filled)):
        draft, before = filled[index], filled[index - 1]
        if draft.lacks_columns and not draft.group and before.columns:
            filled[index] = msgspec.structs.replace(
                draft,
                columns=before.columns,
                group=before.group if draft.measures else draft.group,
                where=draft.where or before.where,
            )
    return _narrowed(filled)


def _narrowed(drafts: list[Draft]) -> list[Draft]:
    """A condition at the end of a sentence of measures holds for all of them: "total X and average Y for the south"."""
    for index in reversed(range(len(drafts) - 1)):
        draft, after = drafts[index], drafts[index + 1]
        if draft.sentence == after.sentence and not draft.where and draft.only_measures and after.only_measures:
            drafts[index] = msgspec.structs.replace(draft, where=after.where)
    return drafts


def _merged(questions: Sequence[Question]) -> list[Question]:
    """One call for measures of the same rows."""
    merged: list[Question] = []
    for question in questions:
        if (
            isinstance(question, Stats)
            and merged
            and isinstance(merged[-1], Stats)
            and merged[-1].where == question.where
        ):
            before = merged[-1]
            if before.columns == question.columns:
                measures = [*before.measures, *(each for each in question.measures if each not in before.measures)]
                merged[-1] = Stats(before.columns, measures, before.where)
                continue
            if before.measures == question.measures:
                columns = [*before.columns, *(each for each in question.columns if each not in before.columns)]
                merged[-1] = Stats(columns, before.measures, before.where)
                continue
        merged.append(question)
    return merged
