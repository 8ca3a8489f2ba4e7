"""Formulas over the cells of each row of a table, and what they come to."""

from hub.providers.demo.workbook.orders.orders import Choice, RowFormula, Term
from hub.providers.demo.workbook.orders.places import Condition, Header
from hub.providers.demo.workbook.orders.values import Number
from hub.providers.demo.workbook.planning.cells import column_of, numeric_columns
from hub.providers.demo.workbook.planning.conditions import rows_where
from hub.providers.demo.workbook.planning.desk import Desk, Refusal, column_name, is_number
from hub.providers.demo.workbook.planning.formulas import check_formula
from hub.providers.demo.workbook.ranges import Range, letters
from hub.providers.demo.workbook.table import Table


def headers_of(formula: RowFormula) -> list[Header]:
    found = []
    for one in (formula.first, formula.second):
        found += [one] if isinstance(one, Header) else headers_of(one) if isinstance(one, RowFormula) else []
    return found


def formula_of(desk: Desk, formula: RowFormula, table: Table, column: int, row: int) -> str:
    if formula.sign == "formula":
        return check_formula(desk, str(formula.first))
    if formula.test is not None:
        return _if(desk, formula.test, column, row)
    first = _term(desk, formula.first, column, row)
    if formula.sign == "of total":
        assert isinstance(formula.first, Header)
        _, at = column_of(desk, formula.first)
        name = letters(at)
        return f"={first}/SUM({name}${table.first}:{name}${table.bottom})"
    if formula.sign == "running":
        assert isinstance(formula.first, Header)
        name = letters(column_of(desk, formula.first)[1])
        return f"=SUM({name}${row}:{name}{row})"
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


def simulate(desk: Desk, formula: RowFormula, table: Table, target: Range) -> None:
    """What the new cells come to, so that later orders of the sentence know it."""
    # All results first: a write makes the book look for its tables anew.
    rows = range(target.top, target.bottom + 1)
    results: list[float | str | None] = [_number(desk, formula, table, row) for row in rows]
    if formula.test is not None:
        results = [*_choices(desk, formula.test, table, rows)]
    if formula.sign == "running":
        each = [_number(desk, formula.first, table, row) or 0 for row in rows]
        results = [sum(each[: at + 1]) for at in range(len(each))]
    for row, result in zip(rows, results, strict=True):
        text = desk.book.formula(target.sheet, row, target.left)
        desk.book.write(target.sheet, row, target.left, text if result is None else result, text)


def _if(desk: Desk, test: Choice, column: int, row: int) -> str:
    told = _test(desk, test.condition, column, row)
    also = test.condition.also
    while also is not None:
        told += _test(desk, also, column, row)
        also = also.also
    whole = told[0] if len(told) == 1 else f"AND({','.join(told)})"
    return f"=IF({whole},{_constant(test.yes)},{_constant(test.no)})"


def _test(desk: Desk, condition: Condition, column: int, row: int) -> list[str]:
    """All of them hold. A number is compared only where the column has nothing else."""
    assert isinstance(condition.column, Header)
    if condition.text is not None:
        at = column_of(desk, condition.column)[1]
        if at == column:
            raise Refusal("a column cannot be made of itself")
        return [f"{letters(at)}{row}={_constant(condition.text)}"]
    cell = _term(desk, condition.column, column, row)
    if condition.sign == "between":
        return [f"{cell}>={condition.low:.15g}", f"{cell}<={condition.high:.15g}"]
    return [f"{cell}{condition.sign}{condition.low:.15g}"]


def _constant(value: float | str) -> str:
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else f"{value:.15g}"


def _choices(desk: Desk, test: Choice, table: Table, rows: range) -> list[float | str]:
    other, found = rows_where(desk, test.condition)
    if other.sheet != table.sheet:
        raise Refusal("the condition has to be on the table's sheet")
    return [test.yes if row in found else test.no for row in rows]


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
