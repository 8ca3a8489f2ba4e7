"""What words stand for beyond the grammar: ranges, numbers, texts, colours, sheets, and the headers and labels that the
sheet's table has. A word may stand for several; the grammar says which of them fit."""

from collections.abc import Iterator, Mapping, Sequence

from hub.providers.demo.workbook.book import Book
from hub.providers.demo.workbook.language.notation import Leaf
from hub.providers.demo.workbook.language.phrases import begins, header_phrases, label_phrases, labels_of, same
from hub.providers.demo.workbook.language.words import Word
from hub.providers.demo.workbook.orders.places import Header, Label
from hub.providers.demo.workbook.ranges import Range, column_number
from hub.providers.demo.workbook.table import Table

COLOURS: Mapping[str, str] = {
    **{"red": "#FF0000", "green": "#008000", "blue": "#0000FF", "yellow": "#FFFF00", "orange": "#FFA500"},
    **{"purple": "#800080", "black": "#000000", "white": "#FFFFFF", "grey": "#808080", "gray": "#808080"},
    **{"pink": "#FFC0CB", "brown": "#A52A2A", "turquoise": "#40E0D0", "cyan": "#00FFFF", "magenta": "#FF00FF"},
    **{"navy": "#000080", "gold": "#FFD700", "violet": "#EE82EE", "teal": "#008080", "beige": "#F5F5DC"},
    **{"light blue": "#ADD8E6", "light green": "#90EE90", "light yellow": "#FFFFE0", "light red": "#FF9999"},
    **{"light grey": "#D3D3D3", "light gray": "#D3D3D3", "light orange": "#FFD8A8", "light purple": "#D8BFD8"},
    **{"light pink": "#FFB6C1", "pale blue": "#D6EAF8", "pale green": "#98FB98", "pale yellow": "#FFFFE0"},
    **{"dark blue": "#00008B", "dark green": "#006400", "dark red": "#8B0000", "dark grey": "#404040"},
    **{"dark gray": "#404040", "sky blue": "#87CEEB", "navy blue": "#000080", "bright yellow": "#FFFF00"},
    **{"bright red": "#FF0000", "bright green": "#00FF00", "lime": "#00FF00", "dark orange": "#FF8C00"},
}


_NUMBERS = {"zero": 0, "zeros": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_NUMBERS |= {"seven": 7, "eight": 8, "nine": 9, "eleven": 11, "twelve": 12}


# Words that stand for something else than themselves where a text is expected.
_NO_TEXT = frozenset(
    "today tomorrow yesterday now zero nothing none null blank empty half double twice true false previous next"
    " current default bold italic it this that not no if unless except only but or never instead without until almost"
    " maybe perhaps else otherwise rather other another same as like negative".split()
)


Leaves = dict[int, list[tuple[Leaf, int]]]


class Lexicon:
    """`tables` are those of the sheets that the sentence may be about; without any, only what needs none is found.

    `vocabulary` are the grammar's own words.
    """

    def __init__(
        self,
        vocabulary: set[str],
        book: Book,
        tables: Sequence[Table],
        sheets: Sequence[str],
        new_names: Mapping[str, int] | None = None,
    ) -> None:
        self._new_names = new_names or {}
        self._vocabulary, self._book, self._tables = vocabulary, book, tables
        self._sheets = {tuple(sheet.casefold().split()): sheet for sheet in sheets}
        self._headers = [
            (header, header_phrases(header.name))
            for table in tables
            for header in (Header(table.sheet, table.left + at, name) for at, name in enumerate(table.headers) if name)
        ]
        self._labels: dict[tuple[str, ...], list[Label]] = {}
        for table in tables:
            for label in labels_of(table, book):
                for phrase in label_phrases(str(label.value)):
                    found = self._labels.setdefault(phrase, [])
                    if label not in found:
                        found.append(label)

    def leaves(self, words: Sequence[Word]) -> Leaves:
        return {at: list(dict.fromkeys(self._at(words, at))) for at in range(len(words))}

    def spellings(self) -> set[str]:
        """All words that a misspelt one may stand for."""
        headers = {part for _, phrases in self._headers for phrase in phrases for part in phrase}
        return self._vocabulary | headers | self.label_words()

    def label_words(self) -> set[str]:
        return {part for phrase in self._labels for part in phrase}

    def knows(self, words: Sequence[Word], at: int) -> bool:
        """Whether a word means anything at all."""
        return words[at].plain in self._vocabulary or any(
            leaf.kind not in ("FREE", "NAME") for leaf, _ in self._at(words, at)
        )

    def _at(self, words: Sequence[Word], at: int) -> Iterator[tuple[Leaf, int]]:
        word = words[at]
        match word.kind:
            case "range":
                assert isinstance(word.value, Range)
                yield from self._sheet(words, at)
                yield Leaf("CELL" if word.value.is_cell else "AREA", word.value), at + 1
            case "number":
                yield Leaf("NUMBER", word.value), at + 1
            case "percent":
                yield Leaf("PERCENT", word.value), at + 1
            case "formula":
                yield Leaf("FORMULA", word.value), at + 1
            case "text":
                yield Leaf("TEXT", word.value), at + 1
                yield Leaf("NAME", word.value), at + 1
                yield from self._sheet(words, at)
            case "word":
                yield from self._word(words, at)
            case "mark":
                pass
        yield from self._columns(words, at)
        for length in range(1, 5):
            phrase = tuple(word.plain for word in words[at : at + length])
            for label in self._labels.get(phrase, ()) if len(phrase) == length else ():
                yield Leaf("LABEL", label), at + length

    def _word(self, words: Sequence[Word], at: int) -> Iterator[tuple[Leaf, int]]:
        word = words[at]
        if word.plain in _NUMBERS:
            yield Leaf("NUMBER", _NUMBERS[word.plain]), at + 1
        for length in (1, 2):
            colour = " ".join(one.plain for one in words[at : at + length])
            if colour in COLOURS and len(words) >= at + length:
                yield Leaf("COLOUR", colour), at + length
        if len(word.text) <= 3 and word.text.isascii() and word.text.isalpha():
            if len(word.text) == 1 or (
                word.text.isupper() and word.plain not in self._vocabulary and not self._is_header(word.plain)
            ):
                yield Leaf("LETTER", column_number(word.text)), at + 1
            if len(word.text) == 1 and word.text.isupper():
                yield Leaf("CAPITAL", column_number(word.text)), at + 1
        yield from self._sheet(words, at)
        if self._book.names is not None:
            for name, place in self._book.names.items():
                if name.casefold() == word.plain:
                    yield Leaf("NAMED", place), at + 1
        if self._tables:
            yield from self._free(words, at)

    def _free(self, words: Sequence[Word], at: int) -> Iterator[tuple[Leaf, int]]:
        """Texts without quotes: words in capitals, which are no header. A new name may be in small letters too."""
        for length in range(1, 4):
            some = words[at : at + length]
            if (
                len(some) < length
                or any(one.kind not in ("word", "number") for one in some)
                or some[-1].plain in _NO_TEXT
            ):
                return
            text = " ".join(one.text for one in some)
            capital = (
                at > 0 and all(one.text[0].isupper() or one.kind == "number" for one in some) and some[0].kind == "word"
            )
            known = any(self._column_at(words, place) for place in range(at, at + length))
            if capital and not known:
                yield Leaf("FREE", text), at + length
            if length == 1 or capital:
                if not (some[0].plain in self._vocabulary and not some[0].text[0].isupper()):
                    yield Leaf("NAME", self._cased(text)), at + length

    def _cased(self, text: str) -> str:
        """As the headers are: with a capital, if they all have one."""
        names = [header.name for header, _ in self._headers]
        return text[0].upper() + text[1:] if names and all(name[0].isupper() for name in names) else text

    def _sheet(self, words: Sequence[Word], at: int) -> Iterator[tuple[Leaf, int]]:
        for parts, sheet in self._sheets.items():
            some = words[at : at + len(parts)]
            if words[at].kind == "text" and str(words[at].value).casefold() == sheet.casefold():
                yield Leaf("SHEET", sheet), at + 1
            elif tuple(word.text.casefold() for word in some) == parts:
                yield Leaf("SHEET", sheet), at + len(parts)

    def _is_header(self, plain: str) -> bool:
        return any((plain,) in phrases for _, phrases in self._headers)

    def _column_at(self, words: Sequence[Word], at: int) -> bool:
        return next(self._columns(words, at), None) is not None

    def _columns(self, words: Sequence[Word], at: int) -> Iterator[tuple[Leaf, int]]:
        """Whole names first; a part of one only where no name is the whole, and the grammar has no such word."""
        if at > self._new_names.get(words[at].plain, at):
            yield Leaf("COLUMN", Header(None, 0, words[at].plain)), at + 1
        whole = False
        for header, phrases in self._headers:
            for phrase in phrases:
                if begins(words, at, phrase):
                    whole = True
                    yield Leaf("COLUMN", header), at + len(phrase)
        if whole or words[at].kind != "word" or words[at].plain in self._vocabulary or len(words[at].plain) < 3:
            return
        for header, phrases in self._headers:
            name = phrases[0]
            if len(name) > 1 and any(same(words[at].plain, one) for one in name):
                yield Leaf("COLUMN", header), at + 1
