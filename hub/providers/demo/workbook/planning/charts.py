"""Charts: of which cells, and with which labels."""

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.orders import Chart, NameRange
from hub.providers.demo.workbook.orders.places import Columns, It, Part
from hub.providers.demo.workbook.planning.cells import column_of, joined, numeric_columns
from hub.providers.demo.workbook.planning.desk import Act, Desk, Refusal, column_name, plain
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.ranges import Range, letters


def chart(desk: Desk, order: Chart) -> None:
    place = _charted(desk, order)
    arguments: dict[str, Json] = {"chart_type": order.kind}
    if order.title is not None:
        arguments["title"] = order.title
    if order.at is not None:
        if not order.at.is_cell:
            raise Refusal("at which cell should the chart be?")
        arguments["position"] = order.at.address()
    if not order.legend:
        arguments["include_legend"] = False
    desk.act(Act("create_chart", place, arguments, f"I drew a {order.kind} chart of {{place}}.", key="data_range"))
    desk.about()


def _charted(desk: Desk, order: Chart) -> Range:
    found = order.place
    if isinstance(found, It):
        if desk.charted is None or order.by is not None:
            raise Refusal("chart which cells? Name them")
        place = desk.charted
    elif isinstance(found, Columns):
        place = _columns(desk, found, order)
    elif found is None or isinstance(found, Part):
        table = desk.table(found.sheet if isinstance(found, Part) else None)
        place = table.columns(table.left, table.right, with_header=True)
    else:
        places = ranges(desk, found, "look")
        if len(places) != 1:
            raise Refusal("a chart has to be of one range")
        place = places[0]
    return _filled(desk, place)


def _columns(desk: Desk, found: Columns, order: Chart) -> Range:
    """The labels stand left of the numbers, or else a chart does not take them for labels."""
    tables = [column_of(desk, header) for header in found.headers]
    table = tables[0][0]
    columns = sorted({column for _, column in tables})
    numeric = numeric_columns(desk, table)
    labels = [column for column in columns if column not in numeric]
    columns = [column for column in columns if column in numeric]
    if order.by is not None:
        labels.append(column_of(desk, order.by)[1])
    if not columns or len(set(labels)) > 1:
        raise Refusal("a chart is of columns of numbers, with one column of labels")
    if columns != list(range(columns[0], columns[-1] + 1)):
        raise Refusal("those columns are not side by side: name a range, such as A1:C6")
    if (
        order.kind != "scatter"
        and order.by is None
        and not labels
        and table.left == columns[0] - 1
        and table.left not in numeric
    ):
        labels = [table.left]
    if labels and labels[0] != columns[0] - 1:
        name = column_name(table, labels[0])
        whole = table.columns(table.left, table.right, with_header=True)
        raise Refusal(
            f"a chart takes its labels from the column left of the numbers, and {name} is not beside "
            f"column {letters(columns[0])}: name a range, such as {whole.address()}"
        )
    return table.columns(*columns, *labels, with_header=True)


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
