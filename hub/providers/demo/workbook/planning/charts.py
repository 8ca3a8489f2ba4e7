"""Charts: of which cells, and with which labels."""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.orders import Chart, NameRange
from hub.providers.demo.workbook.orders.places import Columns, It, Part
from hub.providers.demo.workbook.planning.cells import cells_of, column_of, joined, numeric_columns
from hub.providers.demo.workbook.planning.desk import Act, Desk, Refusal, column_name, plain
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, Range, letters
from hub.providers.demo.workbook.table import Table

TAKES_MORE = ("line", "bar", "column", "area")
"""Kinds that can show further columns of numbers beside those that were named."""


def chart(desk: Desk, order: Chart) -> None:
    place, more = _charted(desk, order)
    arguments: dict[str, Json] = {"chart_type": order.kind}
    if order.title is not None:
        arguments["title"] = order.title
    if order.at is not None:
        if not order.at.is_cell:
            raise Refusal("at which cell should the chart be?")
        arguments["position"] = order.at.address()
    if not order.legend:
        arguments["include_legend"] = False
    desk.act(
        Act("create_chart", place, arguments, f"I drew a {order.kind} chart of {{place}}{more}.", key="data_range")
    )
    desk.about()


def _charted(desk: Desk, order: Chart) -> tuple[Range, str]:
    """The range, and what is told of it beyond its address."""
    found, more = order.place, ""
    if isinstance(found, It):
        if desk.charted is None or order.by is not None:
            raise Refusal("chart which cells? Name them")
        place, more = _with_labels(desk, desk.charted, order)
    elif isinstance(found, Columns):
        place, more = _columns(desk, [column_of(desk, header) for header in found.headers], order)
    elif found is None or isinstance(found, Part):
        table = desk.table(found.sheet if isinstance(found, Part) else None)
        place = table.columns(table.left, table.right, with_header=True)
    else:
        places = ranges(desk, found, "look")
        if len(places) != 1:
            raise Refusal("a chart has to be of one range")
        place = places[0]
        if not place.top:
            place, more = _with_labels(desk, place, order)
    return _filled(desk, place), more


def _with_labels(desk: Desk, place: Range, order: Chart) -> tuple[Range, str]:
    """Whole columns of a table, told by letter or as "it", as if they were told by their headers."""
    if desk.is_shifted or place.left == 0:
        return place, ""
    table = desk.block(place.sheet)
    is_whole = (place.top in (0, table.top, table.first)) and place.bottom in (0, table.bottom)
    columns = list(range(place.left, place.right + 1))
    if not is_whole or not table.headers or set(columns) - set(numeric_columns(desk, table)):
        return place, ""
    if not _texts(desk, table):
        return place, ""
    return _columns(desk, [(table, column) for column in columns], order)


def _texts(desk: Desk, table: Table) -> list[int]:
    """The columns that may hold labels."""
    numeric = numeric_columns(desk, table)
    rest = [column for column in range(table.left, table.right + 1) if column not in numeric]
    return [column for column in rest if cells_of(desk, [table.columns(column)])]


def _columns(desk: Desk, named: Sequence[tuple[Table, int]], order: Chart) -> tuple[Range, str]:
    """The labels stand left of the numbers, or else a chart does not take them for labels."""
    table = named[0][0]
    numeric = numeric_columns(desk, table)
    labels = [column for _, column in named if column not in numeric]
    columns = sorted({column for _, column in named if column in numeric})
    if order.by is not None:
        labels.append(column_of(desk, order.by)[1])
    if not columns or len(set(labels)) > 1:
        raise Refusal("a chart is of columns of numbers, with one column of labels")
    if columns != list(range(columns[0], columns[-1] + 1)):
        raise Refusal("those columns are not side by side: name a range, such as A1:C6")
    texts = _texts(desk, table)
    if order.kind != "scatter" and not labels and texts:
        labels = [max((one for one in texts if one < columns[0]), default=texts[0])]
    if not labels:
        return table.columns(*columns, with_header=True), ""
    place = table.columns(*columns, labels[0], with_header=True)
    more = f", with the labels in {column_name(table, labels[0])}" if len(texts) > 1 and order.by is None else ""
    between = range(labels[0] + 1, columns[0])
    if labels[0] > columns[0] or (between and order.kind not in TAKES_MORE) or set(between) - set(numeric):
        raise Refusal(_apart(desk, table, labels[0], columns, order.kind))
    if between:
        others = " and ".join(column_name(table, column) for column in between)
        more = f": {others} too, because its labels are in {column_name(table, labels[0])} and it takes one range"
    return place, more


def _apart(desk: Desk, table: Table, label: int, columns: Sequence[int], kind: str) -> str:
    """Why there is no chart, and what to say to get one."""
    problem = (
        f"a {kind} chart takes its labels from the column left of the numbers, and {column_name(table, label)} is not "
        f"beside {column_name(table, columns[0])}"
    )
    free = table.right + 2
    goal = Range(free, table.top, free + 1, table.bottom)
    if (
        len(columns) > 1
        or free >= MAX_COLUMNS
        or not desk.book.is_clear(msgspec.structs.replace(goal, sheet=table.sheet))
    ):
        return f"{problem}: put them side by side, and name that range"
    first, second = (table.columns(one, with_header=True).address(with_sheet=False) for one in (label, columns[0]))
    corners = [f"{letters(column)}{table.top}" for column in (free, free + 1)]
    sheet = f"On {plain(table.sheet)}, copy" if table.sheet is not None else "Copy"
    return (
        f"{problem}. This would work: *{sheet} {first} to {corners[0]}, copy {second} to {corners[1]}, and make a "
        f"{kind} chart of {goal.address()}*"
    )


def _filled(desk: Desk, place: Range) -> Range:
    """Only rows that have something."""
    if place.is_bounded:
        return place
    shut = desk.book.used(place)
    rows = desk.book.rows(shut)
    while shut.bottom > shut.top and all(is_empty(cell) for cell in rows[shut.bottom - shut.top]):
        shut = Range(shut.left, shut.top, shut.right, shut.bottom - 1, shut.sheet)
    return shut


def name_range(desk: Desk, order: NameRange) -> None:
    found = joined(ranges(desk, order.place, "numbers"))
    if len(found) != 1:
        raise Refusal("a name stands for one range")
    name = order.name.replace(" ", "_")
    if not name.replace("_", "").replace(".", "").isalnum() or name[0].isdigit():
        raise Refusal(f"“{plain(order.name)}” cannot be a name")
    desk.act(Act("create_named_range", found[0], {"name": name}, f"I named {{place}} {plain(name)}."))
    desk.about(found[0])
