"""What a formula could do beyond its workbook: read token by token, with no recursion, in time linear in its length.

The reader does not have to understand a formula as a sheet does. It has to notice every function that is called or
handed over, every reference that leaves the workbook, and every place where it may have lost its way.
"""

import re
from itertools import pairwise
from typing import Protocol

import msgspec

from hub.tools.policy import harmless
from hub.tools.policy.findings import Found, Kind, excerpt
from hub.tools.policy.functions import Function, canonical, classify, first_mentioned, without_prefix
from hub.tools.policy.references import is_cell, is_column, is_file, is_pinned, leaves
from hub.tools.policy.scopes import Scopes
from hub.tools.policy.tokens import Token, readings, tokens

MAX_FORMULA_CHARACTERS = 32_767
"""As much as a cell holds; Excel's own formulas end at 8,192."""

UNLISTED = "is not among the workbook's names that were read"
"""What `Names.problem` says of a name that it does not have."""

MAX_FOUND = 20
"""How many findings of one formula are told."""

SEPARATORS = (",", ";")
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_MAY_CALL = re.compile(r"[\w.]\s*+\(|\w\s*+\|\s*+'|\]['\w]")


class Names(Protocol):
    """The workbook's names, as far as they are known."""

    def problem(self, name: str) -> str | None:
        """Why a name (in canonical form) needs approval; None if all that it stands for is harmless."""
        ...


class Reading(msgspec.Struct):
    """What came of reading a formula: its findings, and the names that it uses (in canonical form)."""

    found: list[Found]
    names: set[str]


def read_formula(text: str, *, names: Names | None = None, lenient: bool = False) -> Reading:
    """Read a formula, with or without its `=`.

    A name is a finding unless `names` knows it as harmless. `lenient` is for text that need not be a formula, such as
    a line that begins with a dash: names among other words, and what has no meaning as a formula, are then let pass;
    functions and links are not.
    """
    if len(text) > MAX_FORMULA_CHARACTERS:
        reason = f"is {len(text)} characters long, and is too long to check (the limit is {MAX_FORMULA_CHARACTERS})"
        return Reading([Found("too_long", excerpt(text), reason)], set())
    reader = _Reader(names, lenient)
    waiting = readings(text)
    # What INDIRECT is given as text is read like a formula; the list grows as it is gone through.
    for piece in waiting:
        waiting += reader.read(piece)
        if len(waiting) > MAX_FOUND:
            reader.add("indirect", text, "has too many references that are written as text")
            break
    return Reading(reader.found, reader.names)


class _Reader:
    def __init__(self, names: Names | None, lenient: bool) -> None:
        self.found: list[Found] = []
        self.names: set[str] = set()
        self._known = names
        self._lenient = lenient
        self._told: set[tuple[Kind, str]] = set()
        self._start([])

    def _start(self, found: list[Token]) -> None:
        self._tokens = found
        self._scopes = Scopes()
        self._references: list[str] = []
        self._column_ends = -1  # the second column of a span such as A:C
        # Prose that begins with a dash is no link without it: all of them say which cell, or which item.
        self._may_link = not self._lenient or any(token.text == "!" for token in found)
        self._is_prose = self._lenient and _is_prose(found)

    def add(self, kind: Kind, what: str, reason: str) -> None:
        if len(self.found) < MAX_FOUND and (kind, what[:200]) not in self._told:
            self._told.add((kind, what[:200]))
            self.found.append(Found(kind, excerpt(what), reason))

    def read(self, formula: str) -> list[str]:
        """Add what is found; returns the texts that it reads as references."""
        found = tokens(formula)
        self._start([token for token in found if token.kind != "hidden"])
        if len(self._tokens) < len(found) and not self._lenient:
            self.add("hidden", formula, "has characters in it that do not show")
        for index, token in enumerate(self._tokens):
            match token.kind:
                case "name":
                    self._name(index, token)
                case "operator":
                    self._operator(index, token)
                case "quoted":
                    self._quoted(index, token)
                case "bracket":
                    self._bracket(index, token)
                case "bad":
                    self._bad(formula, token)
                case _:
                    pass
        if self._scopes and not self._lenient:
            self.add("unreadable", formula, "cannot be read: a parenthesis or brace is not closed")
        return self._references

    # Looking around

    def _text(self, index: int) -> str:
        return self._tokens[index].text if 0 <= index < len(self._tokens) else ""

    def _kind(self, index: int) -> str:
        return self._tokens[index].kind if 0 <= index < len(self._tokens) else ""

    def _is_adjacent(self, index: int) -> bool:
        return 0 <= index < len(self._tokens) and self._tokens[index].adjacent

    def _around(self, index: int) -> str:
        return "".join(token.text for token in self._tokens[max(0, index - 2) : index + 3])

    # Names and functions

    def _name(self, index: int, token: Token) -> None:
        following = self._text(index + 1)
        if following == "(":
            self._call(index, token.text)
        elif following == "!":
            if is_file(token.text):
                self.add("external", token.text, "points to another file")
        elif is_cell(token.text) or self._is_column(index, token.text) or self._binds(index, token.text):
            return
        elif self._kind(index + 1) == "bracket" and self._is_adjacent(index + 1):
            # A table, whose bracket is looked at next; with a dot before the bracket, a field of a value.
            if token.text.endswith(".") and not is_cell(token.text[:-1]):
                self._value(index, token.text[:-1])
        else:
            self._value(index, token.text)

    def _is_column(self, index: int, text: str) -> bool:
        """One of the two columns of `A:C`."""
        if index == self._column_ends:
            return True
        span = is_column(text) and self._text(index + 1) == ":" and is_column(self._text(index + 2))
        if not span or self._text(index - 1) == ":" or self._text(index + 3) in ("(", "!"):
            return False
        self._column_ends = index + 2
        return True

    def _binds(self, index: int, text: str) -> bool:
        """Whether this is where LET or LAMBDA names one of its own; it is then known until its parenthesis closes."""
        owner = self._scopes.owner
        if owner not in ("LET", "LAMBDA") or (owner == "LET" and self._scopes.argument % 2):
            return False
        if self._text(index + 1) not in SEPARATORS or self._text(index - 1) not in ("(", *SEPARATORS):
            return False
        name = without_prefix(canonical(text))
        if classify(name).harm is not None:
            return False
        # A value that is called all the same may be someone's function of that name.
        is_function = owner == "LET" and without_prefix(canonical(self._text(index + 2))) == "LAMBDA"
        self._scopes.bind(name, is_function=is_function)
        return True

    def _call(self, index: int, written: str) -> None:
        function = classify(written)
        name = without_prefix(canonical(written))
        if function.harm is not None:
            self.add(function.harm, written, f"{excerpt(written)} {function.reason}")
        elif self._text(index - 1) == "!":
            self.add("unknown_function", written, f"{excerpt(written)} is a function of a sheet or of another workbook")
        elif name in harmless.INDIRECTIONS:
            self._indirect(index)
        elif not self._scopes.may_call(name):
            self._other_call(name, written, function)

    def _other_call(self, name: str, written: str, function: Function) -> None:
        """Of a function that is harmless or not known; the workbook may have its own under either name."""
        problem = UNLISTED if self._known is None else self._known.problem(name)
        if function.kind != "harmless":
            self.names.add(name)
        if problem is not None and (problem != UNLISTED or function.kind != "harmless"):
            reason = function.reason if problem == UNLISTED else problem
            self.add("unknown_function", written, f"{excerpt(written)} {reason}")

    def _value(self, index: int, written: str) -> None:
        """A name that stands for a value: its own, a function handed over, or what the workbook means by it."""
        name = without_prefix(canonical(written))
        function = classify(written)
        if function.harm is not None:
            # Where it is handed over, to be called: MAP(A1:A9, WEBSERVICE).
            if self._scopes or not self._is_prose:
                self.add(function.harm, written, f"{excerpt(written)} {function.reason}")
        elif name not in harmless.BOOLEANS and not self._scopes.has(name):
            # What has a meaning of its own is none of the workbook's names where these are known.
            has_meaning = name in harmless.LOCAL_BOOLEANS or self._is_handed_over(index, name) or self._is_sheet(index)
            if not has_meaning:
                self.names.add(name)
            self._name_problem(name, written, may_be_unlisted=has_meaning or self._lenient)

    def _is_handed_over(self, index: int, name: str) -> bool:
        """`BYROW(A1:B9, SUM)`."""
        return (
            name in harmless.PASSED_AS_VALUES
            and self._scopes.owner in harmless.TAKE_FUNCTIONS
            and self._text(index - 1) in SEPARATORS
            and self._text(index + 1) in (")", *SEPARATORS)
        )

    def _is_sheet(self, index: int) -> bool:
        """`Jan:Dec!A1`: the first of the two sheets."""
        return self._text(index + 1) == ":" and self._kind(index + 2) == "name" and self._text(index + 3) == "!"

    def _name_problem(self, name: str, written: str, *, may_be_unlisted: bool) -> None:
        if self._known is None:
            if not self._is_prose:
                self.add("name", written, f"what the name {excerpt(written)} stands for in the workbook is not known")
        elif (problem := self._known.problem(name)) is not None and not (may_be_unlisted and problem == UNLISTED):
            self.add("name", written, f"the name {excerpt(written)} {problem}")

    def _indirect(self, index: int) -> None:
        """A reference written as text is read too; one that is computed can point anywhere."""
        first = self._text(index + 2)
        after = self._text(index + 3)
        if self._kind(index + 2) == "string":
            reference = first[1:-1].replace('""', '"')
            if after in (")", *SEPARATORS):
                self._references.append(reference)
                return
            if after == "&" and is_pinned(reference):
                return
        self.add("indirect", self._around(index), "its reference is computed, so where it points cannot be seen")

    # References and operators

    def _operator(self, index: int, token: Token) -> None:
        match token.text:
            case "(":
                owner = self._text(index - 1) if self._kind(index - 1) == "name" else ""
                self._scopes.open(without_prefix(canonical(owner)))
                if self._kind(index - 1) in ("quoted", "string"):
                    self.add("unknown_function", self._text(index - 1), "a quoted name is called as a function")
            case "{":
                self._scopes.open("{")
            case ")" | "}":
                if not self._scopes.close(token.text) and not self._lenient:
                    self.add("unreadable", token.text, f"cannot be read: there is a {token.text} too many")
            case "," | ";":
                self._scopes.next_argument()
            case "|":
                if self._may_link and not self._separates_constants(index):
                    self.add("dde", self._around(index), "links to another program, or starts one (DDE)")
            case "\\":
                if self._may_link and not self._separates_constants(index):
                    self.add("external", self._around(index), "has a path in it, which points to another file")
            case "/":
                if self._text(index - 1) == "/" and self._may_link:
                    self.add("external", self._around(index), "has an address in it")
            case "#":
                if self._is_adjacent(index + 1) and self._kind(index + 1) in ("name", "quoted") and self._may_link:
                    self.add("external", self._around(index), "points into another file")
            case _:
                pass

    def _separates_constants(self, index: int) -> bool:
        """`{1\\2|3\\4}`: as some languages write what is `{1,2;3,4}` in English."""
        return self._scopes.owner == "{" and self._kind(index - 1) not in ("name", "quoted")

    def _quoted(self, index: int, token: Token) -> None:
        content = token.text[1:-1].replace("''", "'")
        following = self._text(index + 1)
        if following == "!" and not leaves(content):
            return
        if self._text(index - 1) == "|" and self._may_link:
            return  # the topic of a DDE link, which was told at its |
        if (following in ("!", "#") or leaves(content)) and self._may_link:
            self.add("external", token.text, "points to another file or address")
        elif following != "!" and not self._lenient:
            self.add("unreadable", token.text, "cannot be read: a name in single quotes has no sheet's ! after it")

    def _bracket(self, index: int, token: Token) -> None:
        content = token.text[1:-1]
        has_table = self._kind(index - 1) == "name" and token.adjacent
        following = self._kind(index + 1)
        is_prefix = following in ("name", "quoted", "number", "cell", "error") or self._text(index + 1) == "!"
        if self._binds_optional(index, content):
            return
        if "'" in content and "(" in content:
            # Where an apostrophe has no such meaning the bracket ends elsewhere.
            self.add("unreadable", token.text, "cannot be read the same way by every sheet")
        elif is_prefix and (self._is_adjacent(index + 1) or not (has_table or self._lenient)):
            self.add("external", f"{token.text}{self._text(index + 1)}", "points to another workbook")
        elif "://" in content or "\\" in content or (not has_table and is_file(content)):
            self.add("external", token.text, "points to another file or address")

    def _binds_optional(self, index: int, content: str) -> bool:
        """`LAMBDA([x], …)`: a parameter that may be left out."""
        return _PLAIN_NAME.fullmatch(content.removeprefix("_xlpm.")) is not None and self._binds(index, content)

    def _bad(self, formula: str, token: Token) -> None:
        mentioned = first_mentioned(token.text)
        if mentioned is not None:
            reason = f"{excerpt(mentioned.name)} {mentioned.reason}; the formula around it cannot be read"
            self.add("unreadable", mentioned.name, reason)
        elif not self._lenient or _MAY_CALL.search(token.text):
            self.add("unreadable", formula, "cannot be read as a formula, so what a sheet makes of it is not known")


_OPERANDS = ("string", "quoted", "bracket", "error", "number", "cell", "name", "bad")
_ENDS = (")", "}", "%", "#")
_BETWEEN = (">", "<", ">=", "<=", "<>", "*", "/", "^", "&", ")")
"""Operators that no formula begins with. `==Rate` is not among them: Excel mends it."""


def _is_prose(found: list[Token]) -> bool:
    """Whether a text that begins like a formula is likely none: words beside words, a sign apart, a sign at its end.

    Names are all that this lets pass. A sheet would take some of it for a formula still (`-Rate Rate`), which is known
    only where the workbook's names are.
    """
    if len(found) < 2 or found[0].text not in ("=", "+", "-", "@") or not found[1].adjacent:
        return True
    last = found[-1]
    if found[1].text in _BETWEEN or (last.kind == "operator" and last.text not in _ENDS):
        return True
    return any(
        one.kind in _OPERANDS and other.kind in _OPERANDS and other.kind != "bracket" for one, other in pairwise(found)
    )
