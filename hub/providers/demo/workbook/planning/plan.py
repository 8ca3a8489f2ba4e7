"""The plan of a sentence: what it writes and tells, step by step.

Raises `Refusal`, `Misread` for orders that make no sense after each other, and `Unread` for what to read first.
"""

from typing import assert_never

import msgspec

from hub.providers.demo.workbook.book import Book
from hub.providers.demo.workbook.orders.orders import (
    AddRow,
    Chart,
    Clear,
    Copy,
    FillDown,
    Format,
    Insert,
    List,
    NameRange,
    NewColumn,
    Order,
    Rename,
    Replace,
    Scale,
    Sentence,
    Show,
    Sort,
    TotalRow,
    Which,
    Write,
)
from hub.providers.demo.workbook.orders.places import Columns
from hub.providers.demo.workbook.orders.values import Aggregate, Compare, Compute, PutResult, WhichIt
from hub.providers.demo.workbook.planning.charts import chart, name_range
from hub.providers.demo.workbook.planning.columns import new_column, rename, scale, total_row
from hub.providers.demo.workbook.planning.compute import compare, compute
from hub.providers.demo.workbook.planning.desk import Act, Desk, Refusal, Step
from hub.providers.demo.workbook.planning.looks import clear_formats, format_places
from hub.providers.demo.workbook.planning.questions import list_rows, show, which
from hub.providers.demo.workbook.planning.rows import add_row, insert, sort
from hub.providers.demo.workbook.planning.writes import clear, copy, fill_down, replace, write
from hub.providers.demo.workbook.reading.leaves import Misread


def plan(sentence: Sentence, book: Book) -> tuple[Step, ...]:
    book.forget_writes()
    desk = Desk(book, sentence.sheet)
    for order in _with_targets(sentence.orders):
        _take(desk, order)
    if sentence.only_tells and any(isinstance(step, Act) for step in desk.steps):
        raise Refusal("that would change the sheet, and nothing may change")
    return tuple(desk.steps)


def _with_targets(orders: tuple[Order, ...]) -> list[Order]:
    """ "Sum B2:B10. Put the result in D4" is one order."""
    found: list[Order] = []
    for order in orders:
        if isinstance(order, Format) and order.more and not (found and isinstance(found[-1], Format)):
            raise Misread
        if isinstance(order, Format) and order.shown and not _is_written(found[-1]):
            raise Misread
        if isinstance(order, WhichIt):
            order = _which_it(found[-1] if found else None, order)
        if isinstance(order, PutResult):
            before = found.pop() if found else None
            if not isinstance(before, Compute) or before.into is not None:
                raise Misread
            order = msgspec.structs.replace(before, into=order.into, here=order.here)
        found.append(order)
    return found


def _is_written(order: Order) -> bool:
    """What can be shown in some look: what the order before has put into cells."""
    return isinstance(order, NewColumn | Write | TotalRow) or (isinstance(order, Compute) and order.into is not None)


def _which_it(before: Order | None, order: WhichIt) -> Which:
    """ "What is the lowest cost, and in which month?" """
    value = before.value if isinstance(before, Compute) else None
    if not isinstance(value, Aggregate) or value.function not in ("MIN", "MAX") or value.labels or value.where:
        raise Misread
    if not isinstance(value.place, Columns) or len(value.place.headers) != 1:
        raise Misread
    return Which(order.label, value.function, value.place.headers[0])


def _take(desk: Desk, order: Order) -> None:
    match order:
        case Compute():
            compute(desk, order)
        case Compare():
            compare(desk, order)
        case PutResult() | WhichIt():
            raise Misread
        case NewColumn():
            new_column(desk, order)
        case TotalRow():
            total_row(desk, order)
        case Format():
            format_places(desk, order)
        case Write():
            write(desk, order)
        case Rename():
            rename(desk, order)
        case Replace():
            replace(desk, order)
        case Copy():
            copy(desk, order)
        case FillDown():
            fill_down(desk, order)
        case Insert():
            insert(desk, order)
        case AddRow():
            add_row(desk, order)
        case Clear():
            clear_formats(desk, order) if order.formats else clear(desk, order)
        case Sort():
            sort(desk, order)
        case Scale():
            scale(desk, order)
        case Chart():
            chart(desk, order)
        case NameRange():
            name_range(desk, order)
        case Show():
            show(desk, order)
        case Which():
            which(desk, order)
        case List():
            list_rows(desk, order)
        case _:
            assert_never(order)
