"""A grammar written down as text, and all trees that a row of words has in it.

A line is `rule = what it is`: bare words stand for themselves, `<rule>` for another rule, `<CAPITALS>` for a leaf that
the lexicon finds, `[x]` for x or nothing, `(x | y)` for either, `x*` for none or more. Rules must not begin with
themselves. A tree keeps its rules and leaves; the bare words are gone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hub.providers.demo.workbook.language.words import Word

MAX_TREES = 200
MAX_STEPS = 20_000
"""Of one row of words; what people say takes one or two thousand."""

_SYMBOL = re.compile(r"<\w+>|\[|\]|\(|\)|\||\*|[^\s\[\]()|*<>]+|[<>]=?")


class Leaf(msgspec.Struct, frozen=True):
    """What the lexicon takes some words for."""

    kind: str
    value: object


class Tree(msgspec.Struct, frozen=True):
    """A rule, and what it found, in the order of the words."""

    rule: str
    parts: tuple["Tree | Leaf", ...] = ()

    def all(self, *rules: str) -> list["Tree"]:
        return [part for part in self.parts if isinstance(part, Tree) and part.rule in rules]

    def one(self, *rules: str) -> "Tree | None":
        return next(iter(self.all(*rules)), None)

    def has(self, *rules: str) -> bool:
        return self.one(*rules) is not None

    def leaves(self, kind: str) -> list[object]:
        return [part.value for part in self.parts if isinstance(part, Leaf) and part.kind == kind]

    def first(self) -> "Tree":
        return next(part for part in self.parts if isinstance(part, Tree))


class _Bare(msgspec.Struct, frozen=True):
    word: str


class _Rule(msgspec.Struct, frozen=True):
    name: str


class _Row(msgspec.Struct, frozen=True):
    items: tuple["_Expression", ...]


class _Either(msgspec.Struct, frozen=True):
    options: tuple["_Expression", ...]


class _Many(msgspec.Struct, frozen=True):
    item: "_Expression"


_Expression = _Bare | _Rule | _Row | _Either | _Many
_Parts = tuple[Tree | Leaf, ...]
_Found = tuple[_Parts, int]


class Grammar:
    """The rules by name. `words`: every bare word in them."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, _Expression] = {}
        self.words: set[str] = set()
        for line in re.sub(r"\n[ \t]+", " ", text).strip().splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, body = line.partition(" =")
                symbols = _SYMBOL.findall(body)
                self.rules[name.strip()] = self._either(symbols)
                assert not symbols, f"{name} goes on: {symbols}"
        self._begins: dict[_Expression, tuple[frozenset[str], bool]] = {}
        self.begins = {name: self.begin(rule) for name, rule in self.rules.items()}

    def begin(self, wanted: _Expression) -> tuple[frozenset[str], bool]:
        """The words and leaves that it can begin with, and whether it may be nothing."""
        found = self._begins.get(wanted)
        if found is None:
            found = self._begins[wanted] = self._begin(wanted)
        return found

    def _begin(self, wanted: _Expression) -> tuple[frozenset[str], bool]:
        match wanted:
            case _Bare(word):
                return frozenset({word}), False
            case _Rule(name):
                return (frozenset({name}), False) if name.isupper() else self.begin(self.rules[name])
            case _Either(options):
                begins = [self.begin(option) for option in options]
                return frozenset().union(*(one for one, _ in begins)), any(empty for _, empty in begins)
            case _Many(item):
                return self.begin(item)[0], True
            case _Row(items):
                some: frozenset[str] = frozenset()
                for item in items:
                    words, is_empty = self.begin(item)
                    some |= words
                    if not is_empty:
                        return some, False
                return some, True

    def _either(self, symbols: list[str]) -> _Expression:
        options = [self._row(symbols)]
        while symbols and symbols[0] == "|":
            symbols.pop(0)
            options.append(self._row(symbols))
        return options[0] if len(options) == 1 else _Either(tuple(options))

    def _row(self, symbols: list[str]) -> _Expression:
        items: list[_Expression] = []
        while symbols and symbols[0] not in "|])":
            items.append(self._item(symbols))
        return items[0] if len(items) == 1 else _Row(tuple(items))

    def _item(self, symbols: list[str]) -> _Expression:
        symbol = symbols.pop(0)
        item: _Expression
        if symbol in "[(":
            item = self._either(symbols)
            symbols.pop(0)
            if symbol == "[":
                item = _Either((item, _Row(())))
        elif symbol.startswith("<") and symbol.endswith(">") and len(symbol) > 2:
            item = _Rule(symbol[1:-1])
        else:
            self.words.add(symbol)
            item = _Bare(symbol)
        if symbols and symbols[0] == "*":
            symbols.pop(0)
            item = _Many(item)
        return item


class TooManyWays(Exception):
    """The words can be read in more ways than are looked at."""


class Parse:
    """One row of words against one grammar. `furthest` is the first word that nothing could be made of."""

    def __init__(
        self, grammar: Grammar, words: Sequence[Word], leaves: Mapping[int, Sequence[tuple[Leaf, int]]]
    ) -> None:
        self._grammar, self._words, self._leaves = grammar, words, leaves
        self._known: dict[tuple[str, int], list[_Found]] = {}
        self._nexts = [{word.plain, *(leaf.kind for leaf, _ in leaves.get(at, ()))} for at, word in enumerate(words)]
        self._nexts.append(set())
        self.furthest = 0
        self.steps = 0  # ways looked at

    def trees(self, rule: str) -> list[Tree]:
        """Those that take all words; at most `MAX_TREES`. Raises `TooManyWays`."""
        whole: list[Tree] = []
        for parts, end in self._rule(rule, 0):
            if end == len(self._words):
                whole += [part for part in parts if isinstance(part, Tree)]
            if len(whole) >= MAX_TREES:
                break
        return whole

    def _rule(self, name: str, at: int) -> list[_Found]:
        found = self._known.get((name, at))
        if found is None:
            if name.isupper():
                found = [((leaf,), end) for leaf, end in self._leaves.get(at, ()) if leaf.kind == name]
                self.furthest = max(self.furthest, at, *(end for _, end in found))
            else:
                # The same tree may be found by two ways.
                ways = dict.fromkeys(self._expression(self._grammar.rules[name], at))
                found = [((Tree(name, parts),), end) for parts, end in ways]
            self._known[name, at] = found
        return found

    def _expression(self, wanted: _Expression, at: int) -> Iterator[_Found]:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooManyWays
        begins, is_empty = self._grammar.begin(wanted)
        if not is_empty and begins.isdisjoint(self._nexts[at]):
            return
        match wanted:
            case _Bare(word):
                if at < len(self._words) and self._words[at].plain == word:
                    self.furthest = max(self.furthest, at + 1)
                    yield (), at + 1
            case _Rule(name):
                yield from self._rule(name, at)
            case _Row(items):
                yield from self._row(items, at)
            case _Either(options):
                for option in options:
                    yield from self._expression(option, at)
            case _Many(item):
                yield (), at
                for parts, end in self._expression(item, at):
                    if end > at:
                        for more, last in self._expression(wanted, end):
                            yield parts + more, last

    def _row(self, items: tuple[_Expression, ...], at: int) -> Iterator[_Found]:
        if not items:
            yield (), at
            return
        for parts, end in self._expression(items[0], at):
            for more, last in self._row(items[1:], end):
                yield parts + more, last
