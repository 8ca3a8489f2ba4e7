"""How headers and labels are said: as they are written, in the plural, months in full or short."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from hub.providers.demo.workbook.book import Book, is_empty
from hub.providers.demo.workbook.language.words import Unreadable, Word, words_of
from hub.providers.demo.workbook.orders.places import Label
from hub.providers.demo.workbook.table import Table

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)


MAX_LABELS = 5_000


def month_of(text: str) -> int:
    """From 1; 0 for what is no month's name."""
    plain = text.strip().casefold().rstrip(".")
    for at, month in enumerate(_MONTHS, start=1):
        if plain in (month, month[:3]) or (plain == "sept" and at == 9):
            return at
    return 0


@lru_cache(4_096)
def header_phrases(name: str) -> list[tuple[str, ...]]:
    """The words of a header, and those without what stands in parentheses."""
    return _words_of((name, name.partition("(")[0])) or [(name.casefold(),)]


def _words_of(names: Sequence[str]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in names:
        try:
            phrase = tuple(word.plain for word in words_of(name))
        except Unreadable:
            continue
        if phrase and phrase not in found:
            found.append(phrase)
    return found


def begins(words: Sequence[Word], at: int, phrase: tuple[str, ...]) -> bool:
    some = words[at : at + len(phrase)]
    if len(some) < len(phrase) or any(one.plain != part for one, part in zip(some[:-1], phrase[:-1], strict=True)):
        return False
    # A quoted name is the same name.
    if len(phrase) == 1 and some[0].kind == "text":
        return str(some[0].value).strip().casefold() == phrase[0]
    return same(some[-1].plain, phrase[-1])


def same(word: str, name: str) -> bool:
    """One of both may be the plural of the other."""
    return word == name or (len(name) > 2 and len(word) > 2 and (_plural(name) == word or _plural(word) == name))


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def labels_of(table: Table, book: Book) -> Iterator[Label]:
    if not table.headers:
        return
    rows = book.rows(table.columns(table.left, table.right))[:MAX_LABELS]
    for row in rows:
        for at, cell in enumerate(row):
            is_text = isinstance(cell, str) and not cell.startswith("=") and bool(cell.strip())
            is_year = at == 0 and isinstance(cell, int | float) and not isinstance(cell, bool)
            if not is_empty(cell) and (is_text or is_year):
                yield Label(table.sheet, table.left + at, cell)


@lru_cache(4_096)
def label_phrases(text: str) -> list[tuple[str, ...]]:
    month = month_of(text)
    return _words_of([text] if not month else [text, _MONTHS[month - 1], _MONTHS[month - 1][:3]])
