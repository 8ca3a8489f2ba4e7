"""New columns of formulas, rows of totals, renamed headers, numbers that are all changed alike."""

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.book import is_empty
from hub.providers.demo.workbook.orders.orders import NewColumn, Rename, RowFormula, Scale, Term, TotalRow
from hub.providers.demo.workbook.orders.places import Header
from hub.providers.demo.workbook.orders.values import Number
from hub.providers.demo.workbook.planning.cells import column_of, numeric_columns
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, column_name, is_number, plain
from hub.providers.demo.workbook.planning.formulas import check_formula
from hub.providers.demo.workbook.planning.looks import apply_format
from hub.providers.demo.workbook.planning.places import ranges
from hub.providers.demo.workbook.ranges import MAX_COLUMNS, Range, letters
from hub.providers.demo.workbook.table import Table

_TOTALS = {"SUM": "Total", "AVERAGE": "Average", "MIN": "Minimum", "MAX": "Maximum", "MEDIAN": "Median"}


def new_column(desk: Desk, order: NewColumn) -> None:
    """Its cells have to be free, its header too."""
    headers = _headers(order.formula)
    table = desk.table(headers[0].sheet if headers else None)
    if any(header.sheet != headers[0].sheet for header in headers):
        raise Refusal("both columns have to be on one sheet")
    if table.bottom < table.first:
        raise Refusal("the table has no rows")
    target = _target(desk, order, table)
    column = target.left
    formula = _formula(desk, order.formula, table, column, target.top)
    if not desk.book.is_clear(target):
        raise Refusal(f"{target.address()} is not empty: name a free column")
    if order.name is not None:
        _write_header(desk, order.name, table, column)
    desk.write_formula(target, formula, said="I put {formula} into {place}, each row with its own cells.")
    _simulate(desk, order.formula, table, target)
    act = desk.last_act
    if order.formula.percent:
        apply_format(desk, [target], {"number_format": "0.0%"}, "per cent")
    whole = table.columns(column, with_header=order.name is not None)
    desk.about(whole if order.name is not None else target)
    desk.last_act = None if order.name is not None else act


def _headers(formula: RowFormula) -> list[Header]:
    found = []
    for one in (formula.first, formula.second):
        found += [one] if isinstance(one, Header) else _headers(one) if isinstance(one, RowFormula) else []
    return found


def _target(desk: Desk, order: NewColumn, table: Table) -> Range:
    column = order.letter or table.right + 1
    if order.target is not None:
        place = desk.placed(order.target)
        if (place.sheet or "").casefold() != (table.sheet or "").casefold() or place.left != place.right:
            raise Refusal(f"{place.address()} is not one column of the table's sheet")
        if place.top and (place.top, place.bottom) != (table.first, table.bottom):
            raise Refusal(f"the table's rows are {table.first} to {table.bottom}, other than {place.address()}")
        column = place.left
    if column > MAX_COLUMNS:
        raise Refusal("there is no room right of the table")
    return table.columns(column)


def _write_header(desk: Desk, name: str, table: Table, column: int) -> None:
    if any(name.casefold() == header.casefold() for header in table.headers):
        raise Refusal(f"there is a column “{plain(name)}” already")
    cell = Range(column, table.top, column, table.top, table.sheet)
    if not desk.book.is_clear(cell):
        raise Refusal(f"{cell.address()} is not empty: name a free column")
    desk.write_values(cell, [[safe_text(name)]], f"I wrote {plain(name)} into {{place}}.")


def safe_text(text: str) -> str:
    """A text that a sheet would take for a formula stays text."""
    return f"'{text}" if text.lstrip()[:1] in ("+", "-", "@", "=") else text


def _formula(desk: Desk, formula: RowFormula, table: Table, column: int, row: int) -> str:
    if formula.sign == "formula":
        return check_formula(desk, str(formula.first))
    first = _term(desk, formula.first, column, row)
    if formula.sign == "of total":
        assert isinstance(formula.first, Header)
        _, at = column_of(desk, formula.first)
        name = letters(at)
        return f"={first}/SUM({name}${table.first}:{name}${table.bottom})"
    assert formula.second is not None
    second = _term(desk, formula.second, column, row)
    if formula.sign == "growth":
        return f"={second}/{first}-1"
    return f"={first}{formula.sign}{second}"


def _term(desk: Desk, term: Term | str, column: int, row: int) -> str:
    if isinstance(term, RowFormula):
        first, second = (_term(desk, one, column, row) for one in (term.first, term.second) if one is not None)
        return f"({first}{term.sign}{second})"
    if isinstance(term, Number):
        return f"{term.value:.15g}"
    if isinstance(term, Header):
        table, at = column_of(desk, term)
        if at not in numeric_columns(desk, table):
            raise Refusal(f"column {column_name(table, at)} has more than numbers")
    else:
        assert isinstance(term, int)
        at = term
        table = desk.table()
        if at not in numeric_columns(desk, table):
            raise Refusal(f"column {letters(at)} has more than numbers")
    if at == column:
        raise Refusal("a column cannot be made of itself")
    return f"{letters(at)}{row}"


def _simulate(desk: Desk, formula: RowFormula, table: Table, target: Range) -> None:
    """What the new cells come to, so that later orders of the sentence know it."""
    # All results first: a write makes the book look for its tables anew.
    rows = range(target.top, target.bottom + 1)
    results = [_number(desk, formula, table, row) for row in rows]
    for row, result in zip(rows, results, strict=True):
        text = desk.book.formula(target.sheet, row, target.left)
        desk.book.write(target.sheet, row, target.left, text if result is None else result, text)


def _number(desk: Desk, term: Term | str | None, table: Table, row: int) -> float | None:
    if isinstance(term, RowFormula):
        first, second = (_number(desk, one, table, row) for one in (term.first, term.second))
        return None if first is None or second is None else _result(term.sign, first, second)
    if isinstance(term, Number):
        return term.value
    if term is None or isinstance(term, str):
        return None
    column = column_of(desk, term)[1] if isinstance(term, Header) else term
    cell = desk.book.value(table.sheet, row, column)
    return cell if isinstance(cell, int | float) and is_number(cell) else None


def _result(sign: str, first: float, second: float) -> float | None:
    match sign:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
        case "/":
            return first / second if second else None
        case "growth":
            return second / first - 1 if first else None
        case _:
            return None


def total_row(desk: Desk, order: TotalRow) -> None:
    """Below the last row: what it is in the first column, if that has no numbers, and a formula per column."""
    table = desk.table(order.columns[0].sheet if order.columns else None)
    if table.totals:
        raise Refusal(f"row {table.totals} has totals already")
    numeric = numeric_columns(desk, table)
    chosen = [column_of(desk, header)[1] for header in order.columns] or numeric
    if not numeric or any(column not in numeric for column in chosen):
        raise Refusal("only columns of numbers have a total")
    row = table.bottom + 1
    if order.row not in (0, row):
        raise Refusal(f"the first row below the table is {row}, not {order.row}")
    desk.want_clear(Range(table.left, row, table.right, row, table.sheet))
    if table.left not in numeric:
        name = _TOTALS[order.function]
        desk.write_values(
            Range(table.left, row, table.left, row, table.sheet), [[name]], f"I wrote {name} into {{place}}."
        )
    for column in chosen:
        place = Range(column, row, column, row, table.sheet)
        formula = f"={order.function}({table.columns(column).address(with_sheet=False)})"
        desk.write_formula(place, formula)
    desk.about(Range(table.left, row, table.right, row, table.sheet))
    desk.last_act = None


def rename(desk: Desk, order: Rename) -> None:
    if isinstance(order.column, Header):
        table, column = column_of(desk, order.column)
    else:
        place = desk.placed(order.column)
        table, column = desk.table(place.sheet), place.left
        if place.left != place.right or not table.left <= column <= table.right:
            raise Refusal(f"{place.address()} is no column of the table")
    if any(order.text.casefold() == header.casefold() for header in table.headers):
        raise Refusal(f"there is a column “{plain(order.text)}” already")
    cell = Range(column, table.top, column, table.top, table.sheet)
    desk.write_values(cell, [[safe_text(order.text)]], f"I wrote {plain(order.text)} into {{place}}.")
    desk.about(cell)


def scale(desk: Desk, order: Scale) -> None:
    """Numbers are written anew; where there are formulas, nothing is."""
    for place in ranges(desk, order.place, "numbers"):
        shut = desk.book.used(place)
        while shut.top < shut.bottom and not any(is_number(cell) for cell in desk.book.rows(shut)[0]):
            shut = msgspec.structs.replace(shut, top=shut.top + 1)
        columns = range(shut.left, shut.right + 1)
        rows = [
            [_scaled(desk, order, shut, row, column) for column in columns] for row in range(shut.top, shut.bottom + 1)
        ]
        if all(cell is None for row_of in rows for cell in row_of):
            raise Refusal(f"there are no numbers in {place.address()}")
        desk.write_values(shut, rows, f"I {order.said.format('the numbers in {place}')}.")
        desk.about(shut)


def _scaled(desk: Desk, order: Scale, place: Range, row: int, column: int) -> Json:
    if desk.book.formula(place.sheet, row, column) is not None:
        raise Refusal(f"{place.address()} has formulas, which I do not change")
    cell = desk.book.value(place.sheet, row, column)
    if is_empty(cell) or not isinstance(cell, int | float) or isinstance(cell, bool):
        return None
    result = round(cell * order.number if order.sign == "*" else cell + order.number, 10)
    return int(result) if result == int(result) else result
