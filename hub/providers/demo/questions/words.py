"""A sentence as items: columns, values, numbers, dates, words with a meaning, and words that are not known.

The longest reading wins, in this order: a column or value by its exact name, a phrase of the vocabulary, and only for
words that mean nothing else a column or value that is similar.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from hub.providers.demo.questions.names import MAX_NAME_WORDS, Names, Value
from hub.providers.demo.questions.vocabulary import (
    CRITICAL_BEFORE,
    LONGEST_PHRASE,
    MEANINGS,
    NUMBER_WORDS,
    ROW_WORDS,
    STOPWORDS,
)
from hub.tables.cells import read_date, read_number
from hub.tables.table import Table

ItemKind = Literal["column", "value", "number", "date", "meaning", "unknown", "stop", "comma", "filler"]

_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})"
    r"|(?P<number>(?:[€$£]\s?)?-?\d(?:[\d.,]*\d)?(?=\s?k\b|%|€|[^\w]|$|_))(?P<scale>\s?(?:k|%|€)(?![^\W_]))?"
    r"|(?P<operator>>=|<=|<>|!=|==|[<>=≥≤≠&])"
    r"|(?P<word>[^\W_]+(?:['\u2019](?!s\b)[^\W_]+|-[^\W\d_]+)*)(?P<genitive>['\u2019]s\b)?"
    r"|(?P<stop>[.?!;\n]+)|(?P<comma>,)|(?P<other>.)",
    re.IGNORECASE,
)


class Item(msgspec.Struct, frozen=True):
    """One thing in a sentence. `critical`: a word that is not known, where it names what is asked about."""

    kind: ItemKind
    text: str
    meaning: str = ""
    column: int = -1
    number: float = 0.0
    critical: bool = False
    weak: bool = False
    """A column that is only meant if no other is named."""
    texts: Sequence[str] = ()
    """Of a value: all of them, if there are several to choose from ("Mon or Tue")."""


class _Token(msgspec.Struct, frozen=True):
    kind: Literal["word", "number", "date", "stop", "comma"]
    text: str
    number: float = 0.0


def items_of(text: str, names: Names, table: Table) -> list[Item]:
    """The sentence, read with this table in mind."""
    tokens = list(_tokens(text, table))
    items: list[Item] = []
    place = 0
    while place < len(tokens):
        item, used = _exact(tokens, place, names)
        if item is None:
            item, used = _single(tokens, place, names), 1
        if item.kind != "filler":
            items.append(item)
        place += used
    return items


def _tokens(text: str, table: Table) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "date":
                date = read_date(found[0], table.day_order if "/" in found[0] else "dmy")
                yield _Token("word", found[0]) if date is None else _Token("date", f"{date:%Y-%m-%d}")
            case "number" | "scale":
                written = found["number"].strip("€$£ ")
                number = read_number(written.rstrip(".,"), table.mark)
                if number is None:
                    yield _Token("word", written)
                else:
                    scale = 1000 if (found["scale"] or "").strip().lower() == "k" else 1
                    yield _Token("number", written.rstrip(".,"), float(number.value) * scale)
            case "operator":
                yield _Token("word", found[0])
            case "word" | "genitive":
                yield _Token("word", found["word"].replace("\u2019", "'"))
            case "stop":
                yield _Token("stop", found[0])
            case "comma":
                yield _Token("comma", ",")
            case _:
                pass


def _exact(tokens: Sequence[_Token], place: int, names: Names) -> tuple[Item | None, int]:
    """The longest exact reading from here on, and how many tokens it takes."""
    run: list[str] = []
    for token in tokens[place : place + max(MAX_NAME_WORDS, LONGEST_PHRASE)]:
        if token.kind in ("stop", "comma", "date"):
            break
        run.append(token.text)
    for size in range(len(run), 0, -1):
        words = [part for word in run[:size] for part in word.split("-")] if size > 1 else [run[0]]
        meaning = MEANINGS.get(" ".join(run[:size]).lower())
        column = names.exact_column(words) if tokens[place].kind == "word" or size == 1 else None
        if column is not None and (meaning is None or _names_column(tokens, place, size)):
            return Item("column", " ".join(run[:size]), column=column), size
        if meaning is not None:
            return Item("meaning", " ".join(run[:size]), meaning), size
        value = names.exact_value(words)
        if value is not None and (tokens[place].kind == "word" or size > 1):
            return _value(value), size
    return None, 1


def _names_column(tokens: Sequence[_Token], place: int, size: int) -> bool:
    """A column may be called "Total" or "Count": the word is its name where another word already says what to do."""
    others = [*tokens[:place], *tokens[place + size :]]
    return any(
        token.kind == "word" and MEANINGS.get(token.text.lower(), "").startswith(("measure", "top", "bottom", "sort"))
        for token in others
    )


def _single(tokens: Sequence[_Token], place: int, names: Names) -> Item:
    token = tokens[place]
    word = token.text.lower()
    match token.kind:
        case "stop" | "comma":
            return Item(token.kind, token.text)
        case "date":
            return Item("date", token.text)
        case "number":
            return Item("number", token.text, number=token.number)
        case "word":
            pass
    if word in NUMBER_WORDS and not _is_pronoun(tokens, place):
        return Item("number", token.text, number=float(NUMBER_WORDS[word]))
    if word in STOPWORDS:
        return _stopword(token, names)
    # German puts it in one word: "Gesamtbestand".
    column = names.similar_column(word.removeprefix("gesamt") if len(word) > 9 else word)
    if column is not None:
        return Item("column", token.text, column=column[0], weak=column[1])
    value = names.similar_value(word)
    if value is not None:
        return _value(value)
    if word in ROW_WORDS:
        return Item("filler", token.text)
    before = tokens[place - 1].text.lower() if place else ""
    return Item("unknown", token.text, critical=before in CRITICAL_BEFORE)


def _is_pronoun(tokens: Sequence[_Token], place: int) -> bool:
    """ "the cheapest one" names a row, "top one" says how many."""
    if tokens[place].text.lower() != "one" or not place:
        return False
    before = tokens[place - 1].text.lower()
    if before in ("which", "the", "this", "that", "each", "every"):
        return True
    phrases = (before, " ".join(token.text.lower() for token in tokens[max(0, place - 2) : place]))
    meanings = [MEANINGS.get(phrase, "") for phrase in phrases]
    return before not in ("top", "bottom") and any(meaning.startswith(("top", "bottom")) for meaning in meanings)


def _stopword(token: _Token, names: Names) -> Item:
    """Everyday words are left out, but some name a column by their meaning ("who earns", "amount")."""
    word = token.text.lower()
    if word in ("amount", "verdient", "verdienen", "value", "number", "items", "item", "list"):
        column = names.similar_column(word)
        if column is not None:
            return Item("column", token.text, column=column[0], weak=True)
    return Item("filler", token.text)


def _value(value: Value) -> Item:
    return Item("value", value.text, column=value.column)
