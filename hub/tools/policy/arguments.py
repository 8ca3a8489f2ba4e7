"""The arguments of a tool call, and all in them that a spreadsheet may evaluate.

What Excel does with a text that is written to a cell (`Range.values`, `Range.formulas`): one that begins with `=`, `+`,
`-` or `@`, blanks before it or not, becomes a formula. One that begins with an apostrophe is text: the apostrophe is
kept as the cell's quote prefix, and is lost when the cell's formula is read, so text that is read and written back may
come without it, and is then flagged here as what it has become.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal, assert_never

from hub.chat.parts import Access, Json
from hub.tools.policy.findings import Finding, Found, Kind, excerpt
from hub.tools.policy.formula import Names, read_formula
from hub.tools.policy.functions import first_mentioned
from hub.tools.policy.tokens import BLANK, plain

MAX_CHECKED_CHARACTERS = 400_000
"""Of all texts in one call's arguments that are read as formulas, together."""
MAX_FINDINGS = 20

MAX_DEPTH = 64

How = Literal["cell", "formula", "formula_key", "refers_to", "reference", "format", "name", "text"]
"""How a tool takes a text: into a cell; as a formula even without `=`; as one by the look of its key; as what a name
refers to; as an address; as a number format; as the name of a range; or unknown, so that it may be any of these, or
many cells in one text."""

KNOWN_TOOLS: Mapping[str, Mapping[str, How]] = {
    "read_range": {"range": "reference"},
    "write_range": {"range": "reference", "values": "cell"},
    "apply_formula": {"range": "reference", "formula": "formula"},
    "format_range": {"range": "reference", "number_format": "format", "fill_color": "cell", "font": "cell"},
    "clear_range": {"range": "reference"},
    "insert_rows_columns": {"position": "reference"},
    "create_chart": {"data_range": "reference", "position": "reference", "title": "cell", "chart_title": "cell"},
    "get_named_ranges": {},
    "create_named_range": {"name": "name", "range": "refers_to", "range_address": "refers_to"},
}

_FORMULA_KEY = re.compile(r"formula|refers_?to", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[^\W\d]\w{0,79}")
_SPAN = r"\$?[A-Z]{0,3}\$?\d{0,7}(?::\$?[A-Z]{0,3}\$?\d{0,7})?"
# Models leave out the quotes that a sheet's name needs. What a name refers to is a formula if it has more in it.
_ADDRESS = re.compile(rf"(?:[\w .&()+-]+!)?{_SPAN}", re.IGNORECASE)
_REFERRED_TO = re.compile(rf"(?:[\w .]+!)?{_SPAN}", re.IGNORECASE)
_OPENS_EXPRESSION = re.compile(r"\s*[-+@=><*/^&)]")
# Where a cell may begin within a text of many: after a separator or a quote, a formula's first character.
_EMBEDDED = re.compile(r"[,;\t\"'`\[({:>|]\s*+[=+@-]")
_LINE_ENDS = re.compile(r"[\r\n\t\x0b\x0c\x85\u2028\u2029]+")
_AUTO = re.compile(r"(?:_xlnm\.)?auto_(?:open|close|activate|deactivate|exec)", re.IGNORECASE)


def check_arguments(
    tool_name: str,
    arguments: Mapping[str, Json],
    *,
    access: Access = "write",
    names: Names | None = None,
) -> list[Finding]:
    """All in a call's arguments that needs approval in every mode; at most `MAX_FINDINGS`, in their order.

    Call it with the arguments that would run: again after someone has edited them. `tool_name` is the host's own,
    without a prefix that tells two hosts apart; of an unknown tool that writes, every text is read as whatever it might
    be, of one that reads, none is. `names` are the workbook's, where they were read: without them every name is a
    finding.
    """
    known = KNOWN_TOOLS.get(tool_name)
    if known is None and access == "read":
        return []
    checker = _Checker(names)
    for path, how, text in _texts(arguments, known or {}):
        checker.check(path, how, text)
        if checker.is_done:
            break
    return checker.findings


def _texts(arguments: Mapping[str, Json], known: Mapping[str, How]) -> Iterator[tuple[str, How, str | None]]:
    """Every text with its path and how it is taken, in order; None for what is nested too deep to look at."""
    waiting: list[tuple[str, How, int, Json]] = [
        (_step("$", key), _top(key, value, known), 1, value) for key, value in reversed(list(arguments.items()))
    ]
    yield from ((_step("$", key), "text", key) for key in arguments if key not in known)
    while waiting:
        path, how, depth, value = waiting.pop()
        if isinstance(value, str):
            table = _parsed(value) if how == "text" else None
            if table is None:
                yield path, how, value
            else:
                waiting.append((path, how, depth + 1, table))
        elif not isinstance(value, list | tuple | Mapping):
            continue
        elif depth > MAX_DEPTH:
            yield path, how, None
        elif isinstance(value, Mapping):
            yield from ((_step(path, key), how, key) for key in value if how in ("cell", "text"))
            waiting += [(_step(path, key), _under(how, key), depth + 1, value[key]) for key in reversed(list(value))]
        else:
            held = range(len(value) - 1, -1, -1)
            # Numbers are most of what is written, and need no path.
            waiting += [
                (f"{path}[{at}]", how, depth + 1, value[at])
                for at in held
                if isinstance(value[at], str | list | tuple | Mapping)
            ]


def _parsed(text: str) -> Json:
    """The array or object that a text is in JSON, as hosts read `values` that come as one text; None for others."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
    except RecursionError:
        deep: list[Json] = []
        for _ in range(MAX_DEPTH):
            deep = [deep]
        return deep


def _top(key: str, value: Json, known: Mapping[str, How]) -> How:
    how = known.get(key)
    if how is None:
        return _under("text", key)
    # Cells come as lists; one text in their place may be a table of them.
    return "text" if how == "cell" and isinstance(value, str) and key == "values" else how


def _under(how: How, key: str) -> How:
    return "formula_key" if how in ("cell", "text") and _FORMULA_KEY.search(key) else how


def _step(path: str, key: str) -> str:
    return f"{path}.{key}" if _IDENTIFIER.fullmatch(key) else f"{path}[{json.dumps(excerpt(key), ensure_ascii=False)}]"


def _lead(text: str) -> tuple[int, bool] | None:
    """Where a formula begins in a cell's text, and whether it has to be one; None for text that stays text."""
    start = _skip(text)
    first = plain(text[start : start + 1])
    if first == "{":
        start = _skip(text, start + 1)
        return (start, True) if plain(text[start : start + 1]) == "=" else None
    if first == "=":
        # No formula goes on with an operator; `==SUM(A1)` is still mended by Excel.
        return start, _OPENS_EXPRESSION.match(plain(text[start + 1 : start + 40])) is None or _signed(text, start)
    return (start, False) if first in ("+", "-", "@") else None


def _signed(text: str, start: int) -> bool:
    """`=-1`, `=+A1`, `=@A1`: signs that do begin a formula."""
    rest = plain(text[start + 1 : start + 40]).strip()
    return rest[:1] in ("-", "+", "@") and rest[:2] not in ("--", "->", "-=", "+=")


def _skip(text: str, start: int = 0) -> int:
    blank = BLANK.match(text, start)
    return start if blank is None else blank.end()


class _Checker:
    def __init__(self, names: Names | None) -> None:
        self.findings: list[Finding] = []
        self.is_done = False
        self._names = names
        self._characters = 0
        self._seen: dict[tuple[str, bool], list[Found]] = {}  # formulas that were read already

    def check(self, path: str, how: How, text: str | None) -> None:
        if text is None:
            self._add(path, Found("too_long", "…", f"is nested deeper than {MAX_DEPTH} levels: too deep to check"))
            return
        match how:
            case "cell":
                self._cell(path, text)
            case "formula":
                self._formula(path, text)
            case "formula_key":
                self._formula(path, text, lenient=_lead(text) is None)
            case "refers_to":
                if _REFERRED_TO.fullmatch(text) is None:
                    self._formula(path, text)
            case "reference":
                if _ADDRESS.fullmatch(text) is None:
                    self._formula(path, text, lenient=True)
            case "format":
                if _lead(text) == (0, True) or first_mentioned(text) is not None:
                    self._formula(path, text)
            case "name":
                if _AUTO.match(text.strip()):
                    self._add(
                        path, Found("code", excerpt(text), "is a name that Excel runs when it opens the workbook")
                    )
                self._cell(path, text)
            case "text":
                self._many(path, text)
            case _:
                assert_never(how)

    def _cell(self, path: str, text: str) -> None:
        lead = _lead(text)
        if lead is not None:
            start, is_formula = lead
            self._formula(path, text[start:], lenient=not is_formula)

    def _many(self, path: str, text: str) -> None:
        """A text of an unknown tool: one cell, or lines of them, or a table or a program with formulas in it."""
        self._cell(path, text)
        lines = _LINE_ENDS.split(text)
        for line in lines:
            if self.is_done:
                return
            if len(lines) > 1:
                self._cell(path, line)
            embedded = _EMBEDDED.search(line)
            if embedded is not None:
                rest = line[embedded.end() - 1 :]
                self._formula(path, rest, only=_CERTAIN)
                if (called := first_mentioned(rest, with_everyday_words=False)) is not None:
                    name = excerpt(called.name)
                    self._add(
                        path, Found("unreadable", name, f"{name} {called.reason}; the text around it is no formula")
                    )

    def _formula(self, path: str, text: str, *, lenient: bool = False, only: frozenset[Kind] | None = None) -> None:
        found = self._seen.get((text, lenient))
        if found is None:
            self._characters += len(text)
            if self._characters > MAX_CHECKED_CHARACTERS:
                reason = f"has over {MAX_CHECKED_CHARACTERS} characters of formulas before it: too long to check"
                self._add(path, Found("too_long", excerpt(text), reason))
                self.is_done = True
                return
            found = read_formula(text, names=self._names, lenient=lenient).found
            self._seen[text, lenient] = found
        for each in found:
            if only is None or each.kind in only:
                self._add(path, each)

    def _add(self, path: str, found: Found) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(found.at(path))
        self.is_done = len(self.findings) >= MAX_FINDINGS


_CERTAIN: frozenset[Kind] = frozenset(("network", "code", "link", "dde", "external", "unknown_function", "too_long"))
"""What is a finding even where a formula is only a part of a text."""
