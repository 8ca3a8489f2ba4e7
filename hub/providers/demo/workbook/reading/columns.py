"""From trees about new columns and rows of totals to orders."""

from hub.providers.demo.workbook.language.notation import Tree
from hub.providers.demo.workbook.orders.orders import Choice, NewColumn, RowFormula, Term, TotalRow
from hub.providers.demo.workbook.orders.places import Header
from hub.providers.demo.workbook.orders.values import Number
from hub.providers.demo.workbook.reading.leaves import Misread, cells_in, headers, numbers, texts, whole
from hub.providers.demo.workbook.reading.places import conditions, letter_column
from hub.providers.demo.workbook.reading.values import function

_ROWS_OF = (
    "row_minus",
    "row_plus",
    "row_times",
    "row_over",
    "row_share",
    "row_of_total",
    "row_growth",
    "row_half",
    *("row_running", "row_if"),
)


MAX_CHOSEN = 200

_ROW_FORMULAS = ("row_minus", "row_plus", "row_times", "row_over")


def total_row(tree: Tree) -> TotalRow:
    named = tree.one("columns")
    chosen = tuple(headers(named)) if named is not None else ()
    if not tree.has("func"):
        return TotalRow("SUM", chosen, whole(numbers(tree)[0]) if numbers(tree) else 0)
    return TotalRow(function(tree), chosen)


def new_column(tree: Tree) -> NewColumn:
    """`fill_column` names where it goes, `new_column` what it is called."""
    defined = tree.one("defined", "row_value")
    if defined is None:
        chosen = tree.one("row_if") or Tree("row_if", (*tree.all("chosen"), *tree.all("conditions")))
        defined = Tree("row_value", (chosen,))
    inner = defined.one("row_value") if defined.rule == "defined" else defined
    assert inner is not None
    named = tree.one("named") or tree
    names = list(dict.fromkeys((*texts(named, "NAME"), *texts(tree, "NAME"))))
    if len(names) > 1:
        raise Misread
    parts = (tree, *tree.all("at_letter", "bare_letter"))
    letters = [int(one) for part in parts for one in numbers(part, "LETTER")]
    if len(set(letters)) > 1:
        raise Misread
    areas = cells_in(tree)
    letter = letters[0] if letters else 0
    for part in tree.all("at_letter"):
        found = cells_in(part)
        if found:
            if found[0].sheet is not None:
                raise Misread
            letter = found[0].left
        elif not letters:
            letter = _after(part)
    return NewColumn(
        names[0] if names else None,
        letter,
        _row_formula(next(iter(inner.all(*_ROWS_OF)), inner)),
        areas[0] if areas else None,
    )


def _after(tree: Tree) -> int:
    """ "After the Cost column" is the column right of it."""
    named = tree.one("columns")
    if named is not None:
        return headers(named)[-1].column + 1
    letters = tree.one("letter_column")
    return letter_column(letters).right + 1 if letters is not None else 0


def _row_formula(tree: Tree) -> RowFormula:
    match tree.rule:
        case "row_value":
            return RowFormula("formula", texts(tree, "FORMULA")[0])
        case "row_of_total":
            found = [*headers(tree), *(one for part in tree.all("each_row") for one in headers(part))]
            named = set(headers(tree))
            if len(named) != 1:
                raise Misread
            return RowFormula("of total", found[0], percent=True)
        case "row_if":
            return _choice(tree)
        case "row_running":
            return RowFormula("running", headers(tree)[0])
        case "row_half":
            return _part(tree)
        case _:
            pass
    terms: list[Term] = [_term(one) for one in tree.all("row_term")]
    terms += [Number(one / 100) for one in numbers(tree, "PERCENT")]
    if len(terms) != 2:
        raise Misread
    if all(isinstance(one, Number) for one in terms):
        raise Misread
    first, second = terms[::-1] if tree.has("turned") else terms
    match tree.rule:
        case "row_minus":
            return RowFormula("-", first, second)
        case "row_plus":
            return RowFormula("+", first, second)
        case "row_times":
            return RowFormula("*", first, second)
        case "row_growth":
            return RowFormula("growth", first, second, percent=True)
        case _:
            return RowFormula("/", first, second, percent=tree.rule == "row_share")


def _choice(tree: Tree) -> RowFormula:
    found = conditions(tree)
    if not isinstance(found.column, Header):
        raise Misread
    yes, no = (_chosen(one) for one in tree.all("chosen"))
    if yes == no or any(isinstance(one, str) and len(one) > MAX_CHOSEN for one in (yes, no)):
        raise Misread
    return RowFormula("if", found.column, test=Choice(found, yes, no))


def _chosen(tree: Tree) -> float | str:
    told = [*texts(tree, "TEXT"), *texts(tree, "FREE")]
    return told[0] if told else numbers(tree)[0]


def _part(tree: Tree) -> RowFormula:
    """Half of a column, twice a column, so many per cent of it."""
    (term,) = (_term(one) for one in tree.all("row_term"))
    if isinstance(term, Number):
        raise Misread
    share = numbers(tree, "PERCENT")
    if share:
        return RowFormula("*", term, Number(round(share[0] / 100, 12)))
    return RowFormula("*" if tree.has("twice") else "/", term, Number(2))


def _term(tree: Tree) -> Term:
    found = headers(tree)
    if found:
        return found[0]
    inner = tree.one("row_value")
    if inner is not None:
        return _row_formula(inner.first()) if inner.all(*_ROW_FORMULAS) else _misread()
    letters = tree.one("letter_only")
    return int(numbers(letters, "LETTER")[0]) if letters is not None else Number(numbers(tree)[0])


def _misread() -> Term:
    raise Misread
