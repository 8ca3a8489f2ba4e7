"""What a sentence orders, step by step. A clause matches one of these forms from end to end, or nothing is done."""

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.masks import Masked, mask, mixes_sheets
from hub.providers.demo.workbook.ranges import Range

Where = Range | Literal["below", "beside"]


class Compute(msgspec.Struct, frozen=True):
    """A function of a range; `where` its formula goes, None if only the number is wanted."""

    function: str
    source: Range
    where: Where | None = None
    must_write: bool = False


class Compare(msgspec.Struct, frozen=True):
    """`first` minus `second`, or divided by it."""

    sign: Literal["-", "/"]
    first: Range
    second: Range
    where: Range | None = None
    must_write: bool = False


class Read(msgspec.Struct, frozen=True):
    source: Range


class Write(msgspec.Struct, frozen=True):
    """`formula`, or else `value`, into each cell of `target`."""

    target: Range
    value: str | float | int | None = None
    formula: str | None = None


class Format(msgspec.Struct, frozen=True):
    """`target` None: what was written or read last."""

    target: Range | None
    change: dict[str, Json]
    said: str


class Chart(msgspec.Struct, frozen=True):
    source: Range | None
    kind: str


class Clear(msgspec.Struct, frozen=True):
    target: Range


Step = Compute | Compare | Read | Write | Format | Chart | Clear

_R = r"(?:(?:cells?|range)\s+)?⟦r(?P<{}>\d+)⟧"
_SOURCE = (
    r"(?:(?:all\s+|every\s+)?(?:values?|numbers?|cells|figures|amounts|entries|contents|rows|items)\s*"
    r"(?:there are\s+)?)?"
    r"(?:are\s+)?(?:there\s+)?(?:(?:in|of|from|for|over|across)\s+)?" + _R.format("source")
)
_FUNCTIONS = {
    "SUM": "sum up|sum|total up|total|add up|add",
    "AVERAGE": "average|mean|avg",
    "MIN": "minimum|min|smallest|lowest",
    "MAX": "maximum|max|largest|biggest|highest|greatest",
    "COUNTA": "count|how many|number",
    "MEDIAN": "median",
}
_FUNCTION = "|".join(f"(?P<{name}>{words})" for name, words in _FUNCTIONS.items())
_ASKING = r"what is|what|what's|whats|what are|calculate|compute|show|tell|give|find|work out|get|determine"
_PUTTING = r"put|write|place|enter|insert|store|save"
_RESULT = r"(?:it|result|total|sum|average|answer|that|value)"
_WHERE = (
    r"(?:(?:in|into|to|at|inside)\s+"
    + _R.format("target")
    + r"|(?P<below>below(?:\s+it|\s+them|\s+column)?|under(?:neath)?"
    r"(?:\s+it|\s+them|\s+column)?|at\s+(?:bottom|end)(?:\s+of\s+(?:it|column))?)"
    r"|(?P<beside>(?:next\s+to|beside|right\s+of|to\s+right\s+of)\s+it))"
)
_COMPUTE = re.compile(
    rf"(?:(?P<asking>{_ASKING}|(?P<putting>{_PUTTING}))\s+)?(?:{_FUNCTION})(?:\s+value)?\s+{_SOURCE}(?:\s+{_WHERE})?",
    re.IGNORECASE,
)
_CELL = r"⟦r(?P<{}>\d+)⟧"
_COMPARE = re.compile(
    rf"(?:(?:{_ASKING}|how much is|(?P<putting>{_PUTTING}))\s+)?(?:(?:difference\s+)?"
    + _CELL.format("first")
    + r"\s+minus\s+"
    + _CELL.format("second")
    + "|subtract "
    + _CELL.format("taken")
    + " from "
    + _CELL.format("whole")
    + r"|(?:percentage|percent) of "
    + _CELL.format("base")
    + " is "
    + _CELL.format("part")
    + "|"
    + _CELL.format("share")
    + r"(?: is)? as (?:percentage|percent) of "
    + _CELL.format("all")
    + rf")(?:\s+{_WHERE})?",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"\bdifference\s+(?:between|of)\s+⟦r(\d+)⟧\s+and\s+⟦r(\d+)⟧", re.IGNORECASE)
_COMPUTE_BARE = re.compile(rf"(?:{_PUTTING})\s+{_RESULT}\s+{_WHERE}", re.IGNORECASE)
_READ = re.compile(rf"(?:{_ASKING}|read|list|display|look at)\s+(?:(?:what is|what's)\s+)?{_SOURCE}", re.IGNORECASE)
_VALUE = r"(?:⟦s(?P<text>\d+)⟧|⟦f(?P<formula>\d+)⟧|(?P<number>-?\d+(?:\.\d+)?))"
_WRITE = re.compile(
    rf"(?:(?:{_PUTTING}|type|fill|apply|use)\s+(?:(?:value|text|word|number|formula)\s+)?{_VALUE}\s+(?:in|into|to|at)\s+"
    + _R.format("target")
    + r"|(?:set|change|fill|replace)\s+"
    + _R.format("other").replace("⟦", "(?:value of )?⟦")
    + r"\s+(?:to|with)\s+"
    + re.sub(r"\?P<(\w+)>", r"?P<\1_2>", _VALUE)
    + ")",
    re.IGNORECASE,
)
_WRITE_MORE = re.compile(_VALUE + r"\s+(?:in|into|to|at)\s+" + _R.format("target"), re.IGNORECASE)
_COLOURS = {
    **{"red": "#FF0000", "green": "#008000", "blue": "#0000FF", "yellow": "#FFFF00", "orange": "#FFA500"},
    **{"purple": "#800080", "black": "#000000", "white": "#FFFFFF", "grey": "#808080", "gray": "#808080"},
    **{"pink": "#FFC0CB", "brown": "#A52A2A"},
}
_COLOUR = "|".join(_COLOURS)
_LOOK = (
    rf"(?:(?P<bold>bold(?:\s+font|\s+text)?)|(?P<italics>italics?)|(?P<font>{_COLOUR})(?P<fill>\s+background|\s+fill)?"
    r"|(?P<currency>currency|dollars?|usd)|(?P<euro>euros?)|(?P<percent>percent|percentages?|%)"
    r"|(?:(?P<decimals>\d)|(?P<two>two)|(?P<one>one)|(?P<none>no))\s+decimals?(?:\s+places?)?)(?:\s+format)?"
)
_ANY = r"(?:(?:text|font|values?|numbers?|cells)\s+)?(?:(?:in|of)\s+)?(?:" + _R.format("target") + r"|it|them|that)"
_FORMAT = re.compile(
    rf"(?:make|set|turn|format|mark|show|give|colou?r|style|display)\s+{_ANY}\s+(?:(?:to|as|in|into|with)\s+)?{_LOOK}",
    re.IGNORECASE,
)
_FORMAT_VERB = re.compile(rf"(?P<verb>bold|italici[sz]e|embolden)\s+{_ANY}", re.IGNORECASE)
_HIGHLIGHT = re.compile(
    rf"(?:highlight|(?P<verb>shade|fill))\s+{_ANY}(?:\s+(?:(?:in|with)\s+)?(?P<shade>{_COLOUR})|(?(verb)(?!)))",
    re.IGNORECASE,
)
_MORE = re.compile(_LOOK, re.IGNORECASE)
_KIND = r"column|bar|line|pie|scatter|area"
_CHART = re.compile(
    rf"(?:(?:chart|plot|graph|visuali[sz]e)\s+{_ANY}(?:\s+(?:as|in|with)\s+(?P<as>{_KIND})(?:\s+(?:chart|graph|plot))?)?"
    rf"|(?:(?:draw|make|create|add|insert|show|build|give)\s+)(?:(?P<kind>{_KIND})\s+)?(?:chart|graph|plot)\s+(?:(?:of|for|from|with)\s+)?"
    + _ANY.replace("<target>", "<other>")
    + ")",
    re.IGNORECASE,
)
_CLEAR = re.compile(
    r"(?:clear|empty|erase|(?:clear|delete|remove|erase)\s+(?:contents?|values?)\s+(?:of|in|from))\s+"
    + _R.format("target"),
    re.IGNORECASE,
)
_FILL = re.compile(
    r"\b(?:please|kindly|(?:can|could|would|will) you|i (?:want|need) you to|i'd like you to|now|just|for me|me|the|my"
    r"|an?|also)\b",
    re.IGNORECASE,
)
_BETWEEN_CLAUSES = re.compile(
    r"\s*(?:[,;\n]|\.(?=\s|$)|\b(?:and then|and|then|after that|afterwards|finally)\b)\s*", re.IGNORECASE
)


class Unclear(Exception):
    """Why nothing is done. The text is for the user."""


def steps_of(sentence: str) -> tuple[list[Step], bool]:
    """The steps, and whether the sentence names a range at all. Raises `Unclear` for one that names some, and is not
    understood whole; without any, there are just no steps."""
    masked = mask(sentence)
    if masked is None:
        raise Unclear("it has a formula without its end, or marks that I use myself")
    masked.words = _DIFFERENCE.sub(r"difference ⟦r\1⟧ minus ⟦r\2⟧", masked.words)
    words = " ".join(_FILL.sub(" ", masked.words).split()).strip(" ?!.")
    steps: list[Step] = []
    for clause in filter(None, (part.strip(" ?!.:") for part in _BETWEEN_CLAUSES.split(words))):
        if not _take(clause, masked, steps):
            if not masked.ranges:
                return [], False
            raise Unclear(f"“{_shown(clause, masked)}”")
    for step in steps:
        _check(step)
    return steps, bool(masked.ranges)


def _check(step: Step) -> None:
    if isinstance(step, Compute | Compare):
        if step.must_write and step.where is None:
            raise Unclear("where the result should go")
        if isinstance(step.where, Range):
            if not step.where.is_cell:
                raise Unclear(f"which cell of {step.where.address()} the result should go into")
            sources = [step.source] if isinstance(step, Compute) else [step.first, step.second]
            if step.where in sources:
                raise Unclear("how the result can go into a cell that it comes from")
            if mixes_sheets([*sources, step.where]):
                raise Unclear("which of the two ranges is on that sheet: name it for both, as in Sheet2!B11")


def _take(clause: str, masked: Masked, steps: list[Step]) -> bool:
    forms: list[tuple[re.Pattern[str], Callable[[re.Match[str], Masked, list[Step]], Step | None]]] = [
        *(
            (_COMPUTE, _compute),
            (_COMPARE, _compare),
            (_WRITE_MORE, _write_more),
            (_COMPUTE_BARE, _place),
            (_WRITE, _write),
            (_HIGHLIGHT, _format),
        ),
        *((_FORMAT, _format), (_FORMAT_VERB, _format), (_CHART, _chart), (_CLEAR, _clear), (_READ, _read)),
        (_MORE, _more),
    ]
    for form, make in forms:
        found = form.fullmatch(clause)
        step = None if found is None else make(found, masked, steps)
        if step is not None:
            steps.append(step)
            return True
    return False


def _shown(clause: str, masked: Masked) -> str:
    clause = re.sub(r"⟦r(\d+)⟧", lambda found: masked.ranges[int(found[1])].address(), clause)
    clause = re.sub(r"⟦f(\d+)⟧", lambda found: masked.formulas[int(found[1])], clause)
    clause = re.sub(r"⟦s(\d+)⟧", lambda found: masked.texts[int(found[1])], clause)
    return "".join(char for char in clause if char.isalnum() or char in " .,:!'$%=+-")[:80]


def _at(found: re.Match[str], masked: Masked, name: str) -> Range | None:
    place = found.groupdict().get(name)
    return None if place is None else masked.ranges[int(place)]


def _where(found: re.Match[str], masked: Masked) -> Where | None:
    target = _at(found, masked, "target")
    if target is not None:
        return target
    return "below" if found["below"] else "beside" if found["beside"] else None


def _compute(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    function = next(name for name in _FUNCTIONS if found[name])
    source = _at(found, masked, "source")
    # "Add B2 to B11" may mean many things.
    if found[function].lower() == "add" and found.re is _COMPUTE and _where(found, masked) is not None:
        return None
    return None if source is None else Compute(function, source, _where(found, masked), found["putting"] is not None)


def _compare(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    """Two single cells; where the result goes is a cell too."""
    minus = _at(found, masked, "first") or _at(found, masked, "whole")
    first = minus or _at(found, masked, "part") or _at(found, masked, "share")
    second = _at(found, masked, "second") or _at(found, masked, "taken")
    second = second or _at(found, masked, "base") or _at(found, masked, "all")
    where = _where(found, masked)
    if first is None or second is None or isinstance(where, str) or not (first.is_cell and second.is_cell):
        return None
    return Compare("/" if minus is None else "-", first, second, where, found["putting"] is not None)


def _write_more(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    """ "… , 4 in E2": one more value, after one that was written."""
    target = _at(found, masked, "target")
    if not steps or not isinstance(steps[-1], Write) or target is None or not target.is_bounded:
        return None
    return _written(found["text"], found["formula"], found["number"], target, masked)


def _place(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    """Where the result of the step before goes."""
    if not steps or not isinstance(steps[-1], Compute | Compare) or steps[-1].where is not None:
        return None
    where = _where(found, masked)
    if isinstance(steps[-1], Compare) and isinstance(where, str):
        return None
    return msgspec.structs.replace(steps.pop(), where=where)


def _write(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    target = _at(found, masked, "target") or _at(found, masked, "other")
    text, formula = found["text"] or found["text_2"], found["formula"] or found["formula_2"]
    number = found["number"] or found["number_2"]
    if target is None or not target.is_bounded:
        return None
    return _written(text, formula, number, target, masked)


def _written(text: str | None, formula: str | None, number: str | None, target: Range, masked: Masked) -> Step | None:
    if formula is not None:
        return Write(target, formula=masked.formulas[int(formula)])
    if number is not None:
        return Write(target, value=float(number) if "." in number else int(number))
    if text is None:
        return None
    said = masked.texts[int(text)]
    if said.startswith("="):
        return Write(target, formula=said)
    # A text that a sheet would take for a formula stays text.
    return Write(target, value=f"'{said}" if said.lstrip()[:1] in ("+", "-", "@", "=") else said) if said else None


def _format(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    target = _at(found, masked, "target")
    if target is None and not steps:
        return None
    change, said = _look(found)
    return Format(target, change, said)


def _more(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    """ "… and red": one more look for what was just formatted."""
    if not steps or not isinstance(steps[-1], Format):
        return None
    change, said = _look(found)
    return Format(steps[-1].target, change, said)


def _look(found: re.Match[str]) -> tuple[dict[str, Json], str]:
    named = {name: text.lower() for name, text in found.groupdict().items() if text is not None}
    verb = named.get("verb", "")
    if "bold" in named or verb in ("bold", "embolden"):
        return {"font": {"bold": True}}, "bold"
    if "italics" in named or verb.startswith("italic"):
        return {"font": {"italic": True}}, "italic"
    if found.re is _HIGHLIGHT or "fill" in named:
        colour = named.get("shade") or named.get("font") or "yellow"
        return {"fill_color": _COLOURS[colour]}, f"{colour} in the background"
    if "font" in named:
        return {"font": {"color": _COLOURS[named["font"]]}}, f"{named['font']} in its font"
    if "currency" in named:
        return {"number_format": "$#,##0.00"}, "dollars"
    if "euro" in named:
        return {"number_format": "#,##0.00 €"}, "euros"
    if "percent" in named:
        return {"number_format": "0.0%"}, "per cent"
    places = int(named.get("decimals", "2" if "two" in named else "1" if "one" in named else "0"))
    return {"number_format": "#,##0" + ("." + "0" * places if places else "")}, f"numbers with {places} decimals"


def _chart(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    source = _at(found, masked, "target") or _at(found, masked, "other")
    if source is None and not steps:
        return None
    return Chart(source, (found["as"] or found["kind"] or "column").lower())


def _clear(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    target = _at(found, masked, "target")
    return None if target is None else Clear(target)


def _read(found: re.Match[str], masked: Masked, steps: list[Step]) -> Step | None:
    source = _at(found, masked, "source")
    return None if source is None else Read(source)
