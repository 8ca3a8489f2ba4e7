"""What to say about a tool's result: the number, or a Markdown table. Nothing is computed here.

Names and cells are the user's text, so they are written as text, whatever markup they hold.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

from hub.chat.parts import Json, ToolCallPart
from hub.providers.demo.phrases import Language
from hub.providers.demo.questions.question import Describe, Group, Measure, Question, Rows, Stats, Top, Where

MAX_SHOWN = 50
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~&!])")
_WIDE = Context(prec=400)
"""Room for every float's digits."""

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

_MEASURES: Mapping[Language, Mapping[Measure, str]] = {
    "en": {"sum": "total", "average": "average", "median": "median", "min": "minimum", "max": "maximum",
           "count": "count"},
    "de": {"sum": "Summe", "average": "Durchschnitt", "median": "Median", "min": "Minimum", "max": "Maximum",
           "count": "Anzahl"},
}  # fmt: skip

_ORDERS = {"number": ("highest", "lowest"), "date": ("latest", "earliest")}

_SINGLES: Mapping[Language, str] = {
    "en": "; single rows compared, not totals",
    "de": "; einzelne Zeilen verglichen, nicht Summen",
}

_FAILED = {
    "failed": {"en": "The tool {tool} failed: {error}", "de": "Das Werkzeug {tool} ist gescheitert: {error}"},
    "denied": {"en": "The call of {tool} was not allowed, so I have no result for it.",
               "de": "Der Aufruf von {tool} wurde nicht erlaubt, also habe ich dafür kein Ergebnis."},
    "timed_out": {"en": "The tool {tool} took too long, so I have no result for it.",
                  "de": "Das Werkzeug {tool} hat zu lange gebraucht, also habe ich dafür kein Ergebnis."},
    "interrupted": {"en": "The call of {tool} was interrupted, so I have no result for it.",
                    "de": "Der Aufruf von {tool} wurde unterbrochen, also habe ich dafür kein Ergebnis."},
}  # fmt: skip


def answer(question: Question, call: ToolCallPart, language: Language) -> str:
    """One paragraph or table, ending without a line break."""
    if call.state != "success" or not isinstance(call.result, dict):
        state = call.state if call.state in _FAILED else "interrupted"
        return _FAILED[state][language].format(tool=call.name, error=escape(call.error or "?"))
    result: Mapping[str, Json] = call.result
    try:
        text = _answer(question, result, language)
    except (KeyError, TypeError, ValueError, IndexError):
        # A tool of the same name that is not ours may answer in its own shape.
        return _FAILED["failed"][language].format(tool=call.name, error="its result has another shape than expected")
    return text + _left_out(result, language)


def escape(text: str) -> str:
    """The text as text in Markdown and in a table's cell."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def number(value: Json, language: Language, *, unit: str = "", decimals: int = 0) -> str:
    """As people write it: "1,234.50 €", in German "1.234,50 €". `decimals` places, two where that is less than it
    has, and more for what is close to zero; halves are rounded away from zero."""
    if not isinstance(value, int | float):
        return "–" if value is None else escape(str(value))  # noqa: RUF001  # a dash for nothing
    exact = Decimal(repr(value))
    written = -int(exact.normalize().as_tuple().exponent)
    places = decimals if written <= decimals else max(2, decimals) if abs(value) >= 0.01 else min(written, 8)
    text = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE):,f}"
    if language == "de":
        text = text.translate(str.maketrans(",.", ".,"))
    symbol = _SYMBOLS.get(unit, unit)
    if not symbol:
        return text
    if symbol in "$£¥" and language == "en":
        return f"-{symbol}{text[1:]}" if text.startswith("-") else f"{symbol}{text}"
    return f"{text} {symbol}"


def _answer(question: Question, result: Mapping[str, Json], language: Language) -> str:
    match question:
        case Describe():
            return _description(result, language)
        case Stats():
            return _stats(question, result, language)
        case Top():
            return _top(question, result, language)
        case Group():
            return _groups(question, result, language)
        case Rows():
            return _rows(question, result, language)


def _stats(question: Stats, result: Mapping[str, Json], language: Language) -> str:
    columns = result["columns"]
    rows = result["rows"]
    where = _where(question.where, language)
    if len(columns) == 1:
        column = columns[0]
        if not column["count"]:
            return _nothing(where, language)
        said = [f"{_MEASURES[language][each]} **{_measured(column, each, language)}**" for each in question.measures]
        basis = _values(column["count"], language)
        odd = _oddities(column, language)
        return f"{escape(column['name'])}{where}: {', '.join(said)} ({basis}{odd})."
    names = ("Column", "values") if language == "en" else ("Spalte", "Werte")
    header = [names[0], *(_MEASURES[language][each] for each in question.measures), names[1]]
    lines = [
        [
            escape(column["name"]),
            *(_measured(column, each, language) for each in question.measures),
            str(column["count"]),
        ]
        for column in columns
    ]
    about = f"{rows} rows" if language == "en" else f"{rows} Zeilen"
    return f"{about}{where}:\n\n" + markdown(header, lines, [False, *[True] * (len(header) - 1)])


def _values(count: int, language: Language) -> str:
    if count == 1:
        return "1 value" if language == "en" else "1 Wert"
    return f"{count} values" if language == "en" else f"{count} Werte"


def _measured(column: Mapping[str, Json], measure: Measure, language: Language) -> str:
    return number(column.get(measure), language, unit=column["unit"], decimals=min(column["decimals"], 6))


def _oddities(column: Mapping[str, Json], language: Language) -> str:
    parts = []
    missing = column["missing"] - column["unreadable"]
    if missing > 0:
        parts.append(f", {missing} missing" if language == "en" else f", {missing} fehlen")
    if column["unreadable"]:
        count = column["unreadable"]
        parts.append(f", {count} not readable" if language == "en" else f", {count} nicht lesbar")
    return "".join(parts)


def _top(question: Top, result: Mapping[str, Json], language: Language) -> str:
    rows = result["rows"]
    where = _where(question.where, language)
    if not rows:
        return _nothing(where, language)
    name = escape(result["column"])
    first = number(result["values"][0], language, unit=result["unit"], decimals=min(result["decimals"], 6))
    if language == "en":
        order = _ORDERS["date" if _is_date(result) else "number"][question.ascending]
        lead = f"The {order} {name}{where} is **{first}**"
        if len(rows) > 1:
            lead = f"{len(rows)} rows, {order} {name} first{where}"
    else:
        order = "niedrigste" if question.ascending else "höchste"
        lead = f"{name}, der {order} Wert{where}: **{first}**"
        if len(rows) > 1:
            lead = f"{len(rows)} Zeilen, {order} Werte in {name} zuerst{where}"
    return f"{lead}{_tied(result, language)}:\n\n" + _cells_table(result, question.shown)


def _tied(result: Mapping[str, Json], language: Language) -> str:
    """Rows that are left out although they are as large as the last shown."""
    count = result.get("tied", 0)
    if not count:
        return ""
    if language == "en":
        return f" ({count} more {'row has' if count == 1 else 'rows have'} the same value)"
    return f" ({count} weitere {'Zeile hat' if count == 1 else 'Zeilen haben'} denselben Wert)"


def _groups(question: Group, result: Mapping[str, Json], language: Language) -> str:
    groups: Sequence[Mapping[str, Json]] = result["groups"]
    where = _where(question.where, language)
    if not groups:
        return _nothing(where, language)
    by = escape(result["by"])
    label = _MEASURES[language][question.measure]
    rows_word = "rows" if language == "en" else "Zeilen"
    what = rows_word if result["column"] is None else f"{label}: {escape(result['column'])}"
    decimals = min(result["decimals"], 6)
    values = [number(group["result"], language, unit=result["unit"], decimals=decimals) for group in groups]
    if question.limit == 1:
        order = ("lowest", "niedrigster Wert") if question.ascending else ("highest", "höchster Wert")
        said = order[0] if language == "en" else order[1]
        # The order of the groups says nothing about those that are equal.
        first = [f"**{escape(group['value'])}**" for group in groups if group["result"] == groups[0]["result"]]
        note = _SINGLES[language] if question.measure in ("min", "max") else ""
        return f"{', '.join(first[:MAX_SHOWN])} ({by}{where}; {said}, {what}{note}): **{values[0]}**."
    shown = min(question.limit or MAX_SHOWN, len(groups), MAX_SHOWN)
    header = [by, what] if result["column"] is None else [by, what, rows_word]
    lines = [
        [escape(group["value"]), value, str(group["rows"])][: len(header)]
        for group, value in zip(groups[:shown], values[:shown], strict=True)
    ]
    lead = _groups_lead(question, result, what, where, language)
    return f"{lead}:\n\n" + markdown(header, lines, [False, True, True][: len(header)])


def _groups_lead(question: Group, result: Mapping[str, Json], what: str, where: str, language: Language) -> str:
    by, count = escape(result["by"]), result["groupCount"]
    if result["column"] is None:
        return (
            f"**{count}** different in {by}{where}" if language == "en" else f"**{count}** verschiedene in {by}{where}"
        )
    per, of = ("per", "of") if language == "en" else ("je", "von")
    some = f"{min(question.limit, count)} {of} {count}" if question.limit else f"{count}"
    return f"{what[:1].upper()}{what[1:]}, {per} {by} ({some}){where}"


def _is_date(result: Mapping[str, Json]) -> bool:
    return bool(result["kinds"][result["columns"].index(result["column"])] == "date")


def _rows(question: Rows, result: Mapping[str, Json], language: Language) -> str:
    matched, total = result["matched"], result["of"]
    where = _where(question.where, language)
    if language == "en":
        lead = f"**{matched}** of {total} rows{where}" if question.where else f"The table has **{total}** rows"
    else:
        lead = f"**{matched}** von {total} Zeilen{where}" if question.where else f"Die Tabelle hat **{total}** Zeilen"
    rows = result["rows"]
    if not rows:
        return lead + "."
    if len(rows) < matched:
        lead += f"; the first {len(rows)}" if language == "en" else f"; die ersten {len(rows)}"
    return f"{lead}:\n\n" + _cells_table(result, question.shown)


def _description(result: Mapping[str, Json], language: Language) -> str:
    columns = result["columns"]
    if language == "en":
        header = ["Column", "kind", "values", "total", "average", "min", "max", "most common"]
        lead = f"The table has **{result['rows']}** rows and {len(columns)} columns"
    else:
        header = ["Spalte", "Art", "Werte", "Summe", "Durchschnitt", "Min", "Max", "am häufigsten"]
        lead = f"Die Tabelle hat **{result['rows']}** Zeilen und {len(columns)} Spalten"
    lines = [_described(column, language) for column in columns[:MAX_SHOWN]]
    return f"{lead}:\n\n" + markdown(header, lines, [False, False, *[True] * 5, False])


def _described(column: Mapping[str, Json], language: Language) -> list[str]:
    measures: Sequence[Measure] = ("sum", "average", "min", "max")
    said = [_measured(column, each, language) if each in column else "" for each in measures]
    common = ", ".join(f"{escape(str(each['value'])[:40])} ({each['rows']})" for each in column.get("common", []))
    return [escape(column["name"]), column["kind"], f"{column['count']}{_oddities(column, language)}", *said, common]


def _cells_table(result: Mapping[str, Json], shown: Sequence[str]) -> str:
    names = result["columns"]
    chosen = [index for index, name in enumerate(names) if not shown or name in shown]
    rows = [[escape(row[index]) for index in chosen] for row in result["rows"][:MAX_SHOWN]]
    return markdown([escape(names[i]) for i in chosen], rows, [result["kinds"][i] == "number" for i in chosen])


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table of cells that are escaped already."""
    rule = ["---:" if each else "---" for each in right]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *rows])


def _where(where: Sequence[Where], language: Language) -> str:
    if not where:
        return ""
    said = [f"{escape(each.column)} {_sign(each)} {_operand(each.value, language)}" for each in where]
    joined = (" and " if language == "en" else " und ").join(said)
    return f" ({joined})".replace("(", "(where " if language == "en" else "(mit ", 1)


def _sign(where: Where) -> str:
    return "=" if where.operator == "in" else where.operator


def _operand(value: str | float | Sequence[str], language: Language) -> str:
    if not isinstance(value, str | float):
        return (" or " if language == "en" else " oder ").join(escape(each) for each in value)
    return escape(value).removesuffix("T23:59:59") if isinstance(value, str) else number(value, language)


def _nothing(where: str, language: Language) -> str:
    return f"There are no values{where}." if language == "en" else f"Dafür gibt es keine Werte{where}."


def _left_out(result: Mapping[str, Json], language: Language) -> str:
    labels = result.get("leftOut")
    if not labels:
        return ""
    shown = ", ".join(f"“{escape(label)}”" for label in labels[:3])
    return f"\n\n(Without {shown}.)" if language == "en" else f"\n\n(Ohne {shown}.)"
