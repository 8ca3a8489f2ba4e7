"""Names in a sentence that no grammar knows: of sheets, of new columns, of ranges."""

from collections.abc import Iterator, Sequence
from typing import Literal

from hub.providers.demo.workbook.book import Book, UnreadNames
from hub.providers.demo.workbook.language.lexicon import Lexicon
from hub.providers.demo.workbook.language.words import Word

_NO_SHEET = frozenset(
    "this that same active current other another each every all new next total place order it them case general".split()
)


def new_names(words: Sequence[Word]) -> dict[str, int]:
    """Columns of one word that the sentence adds, and where it names them first. Later they are columns."""
    found: dict[str, int] = {}
    plain = [word.plain for word in words]
    if not {"add", "create", "insert", "make", "append"} & set(plain):
        return found
    for at, word in enumerate(plain):
        if word == "column":
            after = at + 2 if plain[at + 1 : at + 2] in (["called"], ["named"], ["titled"]) else at + 1
            for place in (at - 1, after):
                if 0 < place < len(words) and words[place].kind in ("word", "text"):
                    found.setdefault(str(words[place].value or plain[place]).casefold(), place)
    return found


Certainty = Literal["numbered", "told", "guessed"]


def sheets_in(words: Sequence[Word], vocabulary: set[str], known: set[str]) -> Iterator[tuple[str, Certainty]]:
    """Names that sheets may have: "Sheet2", told by "sheet" beside them, or guessed from "in" before them."""
    for at, word in enumerate(words):
        if word.plain in ("sheet", "worksheet", "tab"):
            for name in _beside(words, at, vocabulary):
                yield name, "told"
        if word.kind != "word" or word.plain in _NO_SHEET:
            continue
        before = words[at - 1].plain if at else ""
        is_range_next = at + 1 < len(words) and words[at + 1].kind == "range"
        if word.plain.startswith("sheet") and word.plain[5:].isdigit():
            yield word.text, "numbered"
        elif (
            word.text[0].isupper()
            and word.plain not in known
            and (before in ("in", "on", "from", "of") or (is_range_next and word.plain not in vocabulary))
        ):
            yield word.text, "guessed"


def _beside(words: Sequence[Word], at: int, vocabulary: set[str]) -> Iterator[str]:
    """Of "the Q1 Sales sheet" all words in capitals, of "sheet data" the one behind."""
    first = at
    while first > 0 and words[first - 1].kind in ("word", "range") and words[first - 1].text[0].isupper():
        first -= 1
    # The first word of a sentence is in capitals anyway.
    first += 1 if first == 0 and words[0].plain in vocabulary else 0
    name = " ".join(word.text for word in words[first:at])
    if first < at and words[at - 1].kind == "word" and words[at - 1].plain not in _NO_SHEET:
        yield name
    elif at > 0 and words[at - 1].kind in ("word", "text"):
        yield from _named(words[at - 1], vocabulary)
    behind = at + 1
    while behind < len(words) and words[behind].plain in ("called", "named"):
        behind += 1
    if behind < len(words) and words[behind].kind in ("word", "text"):
        yield from _named(words[behind], vocabulary)


def _named(word: Word, vocabulary: set[str]) -> Iterator[str]:
    text = str(word.value) if word.kind == "text" else word.text
    is_name = word.kind == "text" or (word.text[0].isupper() or word.plain not in vocabulary)
    if text and is_name and word.plain not in _NO_SHEET:
        yield text


def names_needed(words: Sequence[Word], lexicon: Lexicon, book: Book) -> None:
    """Raises `UnreadNames` where a word that nothing else explains may be a name of the workbook."""
    if book.names is None and any(
        word.kind == "word" and not lexicon.knows(words, at) for at, word in enumerate(words)
    ):
        raise UnreadNames
