"""A sentence as words: ranges, numbers, quoted texts and formulas each are one, and courtesies are left out."""

import re
from typing import Literal

import msgspec

from hub.providers.demo.workbook.ranges import Range, parse

Kind = Literal["word", "mark", "number", "percent", "text", "formula", "range"]
MAX_WORDS = 80


class Word(msgspec.Struct, frozen=True):
    """`text` as it was written, `plain` in small letters. `value` is the number, text, formula or range."""

    kind: Kind
    text: str
    plain: str
    value: float | int | str | Range | None = None


MAX_NUMBER = 10**15


class Unreadable(Exception):
    """A formula without its end, or a sentence too long. The text is for the user."""


_SHEET_NAME = r"(?:'(?:[^']|'')+'|[^\W\d][\w.]*)"
_A1 = r"\$?[A-Z]{1,3}\$?[1-9]\d{0,6}"
_SPAN = rf"(?:{_A1}(?::{_A1})?|\$?[A-Z]{{1,3}}:\$?[A-Z]{{1,3}}|\$?[1-9]\d{{0,6}}:\$?[1-9]\d{{0,6}})"
_TOKEN = re.compile(
    rf"""(?P<range>(?<![\w.])(?:{_SHEET_NAME}!)?{_SPAN}(?![\w!(]|:\w|\.\w))
    |(?P<text>"[^"]*"|(?<!\w)'[^']*'(?!\w))
    |(?P<formula>(?<![\w<>=)\]])=(?=[^\s=]))
    |(?P<number>(?:(?<![\w)])[-\u2212])?[$€£]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?![\d,]*\w)(?:\s?%)?)
    |(?P<ordinal>\d+(?:st|nd|rd|th)\b)
    |(?P<possessive>'s?(?!\w))
    |(?P<word>[^\W\d_]\w*)
    |(?P<mark><=|>=|\n|\S)""",
    re.IGNORECASE | re.VERBOSE,
)
_PHRASES = (
    "i would like to know|i 'd like to know|i want to know|please|kindly|can you|could you|would you|will "
    "you|can you please|could you please|would you please|i want you to|i need you to|i would like you "
    "to|i 'd like you to|i would like to|i 'd like to|i want to|i need to|i want|i need|i would like|i 'd "
    "like|for me|me|the|a|an|my|our|also|now|just|thanks|thank you|can i get|can we|let us|go ahead "
    "and|would you mind"
).split("|")
_COURTESIES: dict[str, list[tuple[str, ...]]] = {}
for _phrase in sorted(_PHRASES, key=len, reverse=True):
    _COURTESIES.setdefault(_phrase.split()[0], []).append(tuple(_phrase.split()))
_CONTRACTIONS = {
    **{f"{one}'s": f"{one} is" for one in ("what", "who", "where", "it", "that", "which", "how", "there", "here")},
    **{f"{one}n't": f"{one} not" for one in ("do", "does", "did", "is", "are", "was", "has", "had", "should", "would")},
    **{"can't": "can not", "won't": "will not", "whats": "what is", "dont": "do not", "what're": "what are"},
    **{"they're": "they are", "we're": "we are"},
    **{"let's": "let us", "cannot": "can not"},
}
_CONTRACTED = re.compile(r"(?<![\w'])(?:" + "|".join(_CONTRACTIONS) + r")(?![\w'])", re.IGNORECASE)
_MARKS = {"?": ".", "!": ".", "\n": ";", "(": "⟨", ")": "⟩", "*": "times", "\u00d7": "times"}
_COLUMN = ("column", "columns", "col")
_GREETINGS = frozenset({"hi", "hello", "hey", "ok", "okay", "so", "well"})


def words_of(sentence: str) -> list[Word]:
    """Raises `Unreadable`."""
    sentence = sentence.translate({0x201C: '"', 0x201D: '"', 0x2019: "'", 0x2018: "'", 0x2212: "-", 0x2013: "-"})
    sentence = _CONTRACTED.sub(lambda found: _CONTRACTIONS[found[0].lower()], sentence)
    words: list[Word] = []
    at = 0
    while (found := _TOKEN.search(sentence, at)) is not None:
        at = found.end()
        if found.lastgroup == "formula":
            end = _formula_end(sentence, found.start())
            formula = sentence[found.start() : end].rstrip(".,;!?")
            at = found.start() + len(formula)
            words.append(Word("formula", formula, formula, formula))
        elif not _joins_words(sentence, found):
            words.append(_word(found))
        if len(words) > MAX_WORDS:
            raise Unreadable("it has too many words")
    while len(words) > 1 and (words[0].plain in _GREETINGS or words[0].plain in (",", "!")):
        words.pop(0)
    while words and words[-1].kind == "mark" and words[-1].plain in ".,;:!?\n":
        words.pop()
    words = plain(words)
    while words and words[-1].kind == "mark" and words[-1].plain in ".,;:":
        words.pop()
    return words


def plain(words: list[Word]) -> list[Word]:
    """Without courtesies."""
    kept: list[Word] = []
    at = 0
    while at < len(words):
        length = _courtesy(words, at, kept)
        if not length:
            kept.append(words[at])
        at += length or 1
    return [word for place, word in enumerate(kept) if place or word.plain != ","]


def _courtesy(words: list[Word], at: int, kept: list[Word]) -> int:
    """How many words of it begin here."""
    for phrase in _COURTESIES.get(words[at].plain, ()):
        if tuple(word.plain for word in words[at : at + len(phrase)]) == phrase:
            # "Column A" and "between A and B" are about a column, "a column" is not.
            after = words[at + 1].plain if at + 1 < len(words) else ""
            is_letter = words[at].text == "A" or after == "to" or (kept and kept[-1].plain in _COLUMN)
            if phrase != ("a",) or not kept or not is_letter:
                return len(phrase)
    return 0


def _joins_words(sentence: str, found: re.Match[str]) -> bool:
    """The hyphen of "right-align": as a blank."""
    around = sentence[max(0, found.start() - 1) : found.start()] + sentence[found.end() : found.end() + 1]
    return found[0] == "-" and len(around) == 2 and around.isalpha()


def _word(found: re.Match[str]) -> Word:
    text = found[0]
    lower = text.lower()
    match found.lastgroup:
        case "range":
            place = parse(text)
            is_word = place is None or (place.is_cell and "!" not in text and _looks_like_a_word(text))
            return Word("word", text, lower) if is_word else Word("range", text, lower, place)
        case "text":
            return Word("text", text, lower, text[1:-1])
        case "number":
            digits = text.translate({ord(char): None for char in ",$€£% "})
            number = float(digits) if "." in digits else int(digits)
            if abs(number) > MAX_NUMBER:
                raise Unreadable("it has a number of more than 15 digits, which sheets do not keep")
            return Word("percent" if "%" in text else "number", text, lower, number)
        case "possessive":
            return Word("mark", text, "'s")
        case "ordinal" | "word":
            return Word("word", text, lower)
        case _:
            return Word(
                "mark",
                text,
                _MARKS.get(lower, lower),
            )


def _looks_like_a_word(text: str) -> bool:
    """ "Top10" and "may24" are words; "AB12" and "b2" are cells."""
    letters = "".join(char for char in text if char.isalpha())
    return len(letters) > 1 and not letters.isupper()


def _formula_end(sentence: str, start: int) -> int:
    """The first blank outside its parentheses and quotes."""
    depth, quoted, at = 0, "", start
    while at < len(sentence) and (depth > 0 or quoted or not sentence[at].isspace()):
        char = sentence[at]
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "\"'":
            quoted = char
        else:
            depth += {"(": 1, ")": -1}.get(char, 0)
        at += 1
    if depth != 0 or quoted:
        raise Unreadable("it has a formula without its end")
    return at
