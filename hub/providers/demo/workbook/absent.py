"""What a sentence names as if it were in the table, and is not."""

from collections.abc import Sequence

from hub.providers.demo.workbook.book import Book
from hub.providers.demo.workbook.language.lexicon import Lexicon
from hub.providers.demo.workbook.language.phrases import labels_of, month_of
from hub.providers.demo.workbook.language.words import Word
from hub.providers.demo.workbook.planning.desk import Refusal, column_name, plain
from hub.providers.demo.workbook.table import Table

_MAKING = frozenset("add create insert make append include new rename call called named titled name".split())
_VERBS = ("may", "march")
_MAX_TOLD = 12


def check_columns(words: list[Word], lexicon: Lexicon, table: Table) -> None:
    """ "The Tax column", where there is none and none is to be made."""
    plains = [word.plain for word in words]
    if not table.headers or _MAKING & set(plains):
        return
    for at, word in enumerate(words):
        beside = plains[max(0, at - 1) : at] + plains[at + 1 : at + 2]
        if word.kind in ("word", "text") and "column" in beside and not lexicon.knows(words, at):
            *rest, last = [plain(header) for header in table.headers]
            are = f"the columns are {', '.join(rest)} and {last}" if rest else f"the only one is {last}"
            raise Refusal(f"there is no column “{plain(str(word.value or word.text))}”: {are}")


def check_months(words: Sequence[Word], lexicon: Lexicon, table: Table, book: Book) -> None:
    """ "June", where a column has other months."""
    labels = list(labels_of(table, book))
    months = [label for label in labels if month_of(str(label.value))]
    # A column of names may have a person called May.
    if not months or any(one.column == months[0].column and one not in months for one in labels):
        return
    for at, word in enumerate(words):
        if word.kind != "word" or not month_of(word.text) or lexicon.knows(words, at) or word.text in _VERBS:
            continue
        column = months[0].column
        has = [plain(str(label.value)) for label in months if label.column == column]
        told = ", ".join(has[:_MAX_TOLD])
        raise Refusal(f"{plain(word.text)} is not in the table: {column_name(table, column)} has {told}")
