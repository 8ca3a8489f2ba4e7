"""Finding the table's columns and values among the user's words: exactly, by a part, by meaning, nearly."""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from hub.providers.demo.questions.vocabulary import MEANINGS, STOPWORDS, SYNONYMS, plain, stems
from hub.tables.table import Column, Table, letters

MAX_NAME_WORDS = 5
MAX_VALUES = 2_000
"""Of a column: one with more different values is not searched for values."""

MAX_COMPARISONS = 30_000
"""Of words with names that may be misspelt, for one question: each takes some microseconds of everybody's time."""

MIN_COLUMN_LIKENESS, MIN_VALUE_LIKENESS = 0.78, 0.82
MIN_FUZZY_CHARACTERS = 4
MIN_PART_CHARACTERS = 3

_PIECE = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")
_UNIT = re.compile(r"\([^)]*\)|\[[^\]]*\]")


class Value(msgspec.Struct, frozen=True):
    """A value of a column, as written in the table."""

    column: int
    text: str


class Names:
    """The names that a table knows. Made once per question; words are given without punctuation."""

    def __init__(self, table: Table) -> None:
        self.columns: Sequence[Column] = table.columns
        self._pieces = [pieces(column.name) for column in table.columns]
        self._full: dict[tuple[str, ...], int] = {}
        for index, found in enumerate(self._pieces):
            self._full.setdefault(tuple(plain(piece) for piece in found), index)
        self._values: dict[tuple[str, ...], Value] = {}
        self._comparisons_left = MAX_COMPARISONS
        self.distinct: list[int] = []
        for index, column in enumerate(table.columns):
            texts = {cell for cell in column.cells if isinstance(cell, str)} if column.kind == "text" else set()
            self.distinct.append(len({text.casefold() for text in texts}))
            if len(texts) <= MAX_VALUES:
                for text in sorted(texts):
                    key = tuple(plain(word) for word in _words(text)[:MAX_NAME_WORDS])
                    if key:
                        self._values.setdefault(key, Value(index, text))
        self._singles = {key[0]: value for key, value in self._values.items() if len(key) == 1}
        self._holders: dict[str, list[Value]] = {}  # the values with a word
        for key, value in self._values.items():
            for word in set(key):
                self._holders.setdefault(word, []).append(value)

    def exact_column(self, words: Sequence[str]) -> int | None:
        """The column called exactly so, but for plural, letter case and accents."""
        key = tuple(plain(word) for word in words)
        if key in self._full:
            return self._full[key]
        if len(words) == 2 and plain(words[0]) in ("column", "spalte"):
            return self._by_letter(words[1])
        for names, index in self._full.items():
            if len(names) == len(words) and all(
                stems(mine) & stems(theirs) for mine, theirs in zip(words, names, strict=True)
            ):
                return index
        return None

    def exact_value(self, words: Sequence[str]) -> Value | None:
        """The value that is written so. A value that is also an everyday word ("IT") needs its own letter case."""
        found = self._values.get(tuple(plain(word) for word in words))
        if found is None or len(words) > 1:
            return found
        everyday = words[0].lower() in STOPWORDS or words[0].lower() in MEANINGS
        return found if not everyday or words[0] == found.text else None

    def similar_column(self, word: str) -> tuple[int, bool] | None:
        """The column that has this word in its name, or a word that means the same, or one nearly the same.

        With it: whether it was only by its meaning ("sold" may be Revenue or Units).
        """
        for search in (self._by_part, self._by_meaning, self._nearly):
            found = search(word)
            if found is not None:
                return found, search == self._by_meaning
        return None

    def similar_value(self, word: str) -> Value | None:
        """The value nearly written so, if only one is."""
        if len(word) > MIN_FUZZY_CHARACTERS:
            found = self._closest(word, self._singles, MIN_VALUE_LIKENESS)
            if found is not None:
                return self._singles[found]
        # One word of a value of several ("Anna" for "Anna Schmidt"), if it is in no other.
        holders = self._holders.get(plain(word), [])
        return holders[0] if len(holders) == 1 and len(word) >= MIN_PART_CHARACTERS else None

    def _by_letter(self, word: str) -> int | None:
        for index in range(len(self.columns)):
            if word.upper() == letters(index) or word == str(index + 1):
                return index
        return None

    def _by_part(self, word: str) -> int | None:
        wanted = stems(word)
        holders = [index for index, found in enumerate(self._pieces) if any(wanted & stems(piece) for piece in found)]
        return self._choose(holders)

    def _by_meaning(self, word: str) -> int | None:
        wanted = plain(word)
        for group in SYNONYMS:
            folded = {plain(each) for each in group}
            if wanted not in folded:
                continue
            holders = [
                index for index, found in enumerate(self._pieces) if any(folded & stems(piece) for piece in found)
            ]
            chosen = self._choose(holders)
            if chosen is not None:
                return chosen
        return None

    def _nearly(self, word: str) -> int | None:
        if len(word) < MIN_FUZZY_CHARACTERS:
            return None
        known: dict[str, int] = {}
        for index, found in enumerate(self._pieces):
            for piece in [*found, "".join(found)]:
                if len(piece) >= MIN_FUZZY_CHARACTERS - 1:
                    known.setdefault(plain(piece), index)
        near = self._closest(word, known, MIN_COLUMN_LIKENESS)
        return None if near is None else known[near]

    def _closest(self, word: str, known: Collection[str], cutoff: float) -> str | None:
        """The name most like the word, if one is and enough comparisons are left."""
        if len(known) > self._comparisons_left:
            return None
        self._comparisons_left -= len(known)
        return next(iter(difflib.get_close_matches(plain(word), known, n=1, cutoff=cutoff)), None)

    def _choose(self, holders: Sequence[int]) -> int | None:
        """Of several columns with the word, the first of numbers: what one computes with."""
        for index in holders:
            if self.columns[index].kind == "number":
                return index
        return holders[0] if holders else None


def pieces(name: str) -> list[str]:
    """The words in a column's name: "unitPrice (€)" has "unit" and "price"."""
    found = _PIECE.findall(_UNIT.sub(" ", name)) or _PIECE.findall(name)
    return [piece for piece in found if piece]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def first_named(columns: Iterable[tuple[int, Column]], wanted: frozenset[str]) -> int | None:
    """The first column with one of these words in its name."""
    for index, column in columns:
        if any(stems(piece) & wanted for piece in pieces(column.name)):
            return index
    return None
