"""A question about a table, as understood, and the tool call that answers it."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from hub.chat.parts import Json

Measure = Literal["sum", "average", "median", "min", "max", "count"]
Operator = Literal["=", "!=", ">", ">=", "<", "<=", "contains", "in"]

MAX_LISTED = 50
"""Rows that an answer shows at most."""


class Where(msgspec.Struct, frozen=True):
    """A condition on a column, by its name."""

    column: str
    operator: Operator
    value: str | float | Sequence[str]


class Describe(msgspec.Struct, frozen=True):
    """What is in the table."""


class Stats(msgspec.Struct, frozen=True):
    """Some measures of some columns."""

    columns: Sequence[str]
    measures: Sequence[Measure]
    where: Sequence[Where] = ()


class Top(msgspec.Struct, frozen=True):
    """The rows with the largest or smallest values. `shown` are the columns to show, none is all."""

    column: str
    n: int
    ascending: bool
    where: Sequence[Where] = ()
    shown: Sequence[str] = ()


class Group(msgspec.Struct, frozen=True):
    """A measure per value of `by`; `limit` is how many groups were asked for, 0 is all."""

    by: str
    column: str | None
    measure: Measure
    ascending: bool = False
    limit: int = 0
    where: Sequence[Where] = ()


class Rows(msgspec.Struct, frozen=True):
    """The rows that meet the conditions; `limit` 0 only counts them."""

    where: Sequence[Where]
    limit: int = MAX_LISTED
    shown: Sequence[str] = ()


Question = Describe | Stats | Top | Group | Rows


def tool_call(question: Question, text: str) -> tuple[str, Mapping[str, Json]]:
    """The name and the arguments of the tool that answers the question about the table in `text`."""
    match question:
        case Describe():
            return "table_stats", {"text": text}
        case Stats(columns=columns, where=where):
            return "table_stats", {"text": text, "columns": list(columns), **_where(where)}
        case Top(column=column, n=n, ascending=ascending, where=where):
            return "top_rows", {"text": text, "column": column, "n": n, "ascending": ascending, **_where(where)}
        case Group():
            arguments: dict[str, Json] = {"text": text, "by": question.by}
            if question.column is not None:
                arguments["column"] = question.column
            arguments |= {"measure": question.measure, "ascending": question.ascending, **_where(question.where)}
            return "group_rows", arguments
        case Rows(where=where, limit=limit):
            return "filter_rows", {"text": text, "where": _where(where).get("where", []), "limit": limit}


def _where(where: Sequence[Where]) -> dict[str, Json]:
    if not where:
        return {}
    return {"where": [{"column": each.column, "operator": each.operator, "value": _json(each.value)} for each in where]}


def _json(value: str | float | Sequence[str]) -> Json:
    return value if isinstance(value, str | float) else list(value)
