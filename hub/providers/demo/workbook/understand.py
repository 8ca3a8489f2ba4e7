"""From a sentence to its plan. Only if every way to read it comes to the same plan is there one."""

from collections.abc import Mapping

import msgspec

from hub.chat.parts import Json
from hub.providers.demo.workbook.absent import check_columns, check_months
from hub.providers.demo.workbook.book import Book
from hub.providers.demo.workbook.column_letters import check_letters, is_column_letter
from hub.providers.demo.workbook.language.changes import CHANGES
from hub.providers.demo.workbook.language.lexicon import Lexicon
from hub.providers.demo.workbook.language.names import names_needed, new_names, sheets_in
from hub.providers.demo.workbook.language.notation import MAX_TREES, Grammar, Parse
from hub.providers.demo.workbook.language.places import PLACES
from hub.providers.demo.workbook.language.requests import REQUESTS
from hub.providers.demo.workbook.language.spelling import nearest
from hub.providers.demo.workbook.language.styles import STYLES
from hub.providers.demo.workbook.language.words import Unreadable, Word, words_of
from hub.providers.demo.workbook.orders.orders import Sentence
from hub.providers.demo.workbook.planning.desk import Act, Refusal, Step, plain
from hub.providers.demo.workbook.planning.plan import plan
from hub.providers.demo.workbook.ranges import Range, letters
from hub.providers.demo.workbook.reading.leaves import Misread
from hub.providers.demo.workbook.reading.sentences import sentence as sentence_of
from hub.providers.demo.workbook.table import Table

_GRAMMAR = Grammar(PLACES + REQUESTS + CHANGES + STYLES)
_NO_TOOL = {
    **{"border": "borders", "borders": "borders", "width": "column widths", "autofit": "column widths"},
    **{"widen": "column widths", "wider": "column widths", "underline": "underlines", "underlined": "underlines"},
    **{"merge": "merged cells", "freeze": "frozen panes", "hide": "hidden rows", "unhide": "hidden rows"},
    **{"delete": "deleting rows, columns or sheets", "remove": "deleting rows, columns or sheets"},
    **{"undo": "undoing", "pivot": "pivot tables", "wrap": "wrapped text", "protect": "protection"},
    **{"strikethrough": "struck-out text", "autofilter": "filters", "dropdown": "drop-down lists"},
    **{"sheets": "listing sheets", "worksheets": "listing sheets", "tabs": "listing sheets"},
    **{"comment": "comments", "hyperlink": "links", "gridlines": "gridlines", "swap": "swapping"},
}


class NotUnderstood(Exception):
    """The text is the piece that was not, for the user. `table` and `words`: for examples that fit."""

    def __init__(self, text: str, table: Table | None = None, words: frozenset[str] = frozenset()) -> None:
        super().__init__(text)
        self.table, self.words = table, words


def understand(sentence: str, book: Book) -> tuple[Step, ...]:
    """Raises `Unread` and `UnreadNames` for what is to be read first, then `NotUnderstood` or `Refusal`."""
    try:
        words = words_of(sentence)
    except Unreadable as problem:
        raise NotUnderstood(str(problem)) from None
    return _understood(words, book)


def _understood(words: list[Word], book: Book, *, is_spelt: bool = True) -> tuple[Step, ...]:
    named = [certainty for _, certainty in sheets_in(words, _GRAMMAR.words, set())]
    if not any(_may_be_a_header(word) for word in words) and all(one == "numbered" for one in named):
        found = _plans(words, Lexicon(_GRAMMAR.words, book, (), tuple(_numbered(words))), book)
        if isinstance(found, tuple):
            return found
    active = book.table(None)
    known = _known_words(active) | Lexicon(_GRAMMAR.words, book, [active], ()).label_words()
    sheets = [
        name
        for name, certainty in sheets_in(words, _GRAMMAR.words, known)
        if certainty == "numbered" or book.is_there(name, empty=certainty == "told")
    ]
    sheets += [word.value.sheet for word in words if isinstance(word.value, Range) and word.value.sheet is not None]
    tables = [active, *(book.table(sheet) for sheet in dict.fromkeys(sheets))]
    check_letters(words, tables)
    lexicon = Lexicon(_GRAMMAR.words, book, tables, sheets, new_names(words))
    words = [_no_word(word) if word.text in sheets and word.text[0].isupper() else word for word in words]
    result = _plans(words, lexicon, book)
    if isinstance(result, tuple):
        return result
    names_needed(words, lexicon, book)
    otherwise = _spelt_otherwise(words, lexicon, book) if is_spelt else None
    if otherwise is not None:
        return otherwise
    check_columns(words, lexicon, active)
    check_months(words, lexicon, active, book)
    raise NotUnderstood(_piece(words, lexicon, result), active, frozenset(word.plain for word in words))


def _spelt_otherwise(words: list[Word], lexicon: Lexicon, book: Book) -> tuple[Step, ...] | None:
    """The plan with misspelt words put right. Raises `Refusal` where it would write: that is asked first."""
    known = lexicon.spellings()
    right = {
        at: found
        for at, word in enumerate(words)
        if word.kind == "word" and not lexicon.knows(words, at) and (found := nearest(word.plain, known)) is not None
    }
    if not right:
        return None
    put = [Word("word", right[at], right[at]) if at in right else word for at, word in enumerate(words)]
    said = ", ".join(f"“{plain(words[at].text)}” as “{plain(one)}”" for at, one in right.items())
    try:
        steps = _understood(put, book, is_spelt=False)
    except NotUnderstood:
        return None
    except Refusal as problem:
        raise Refusal(f"I read {said}: {problem}") from None
    if any(isinstance(step, Act) for step in steps):
        raise Refusal(f"I would read {said}, and that writes: say it once more, spelt so")
    return (f"I read {said}.", *steps)


def _may_be_a_header(word: Word) -> bool:
    """ "Q1" is a cell, "B" a column, and both are what columns are called."""
    place = word.value
    if is_column_letter(word):
        return True
    return (
        isinstance(place, Range)
        and place.is_cell
        and place.sheet is None
        and (letters(place.left) in ("Q", "H", "W", "Y", "FY", "T") and place.top < 2100)
    )


def _numbered(words: list[Word]) -> list[str]:
    return [name for name, certainty in sheets_in(words, _GRAMMAR.words, set()) if certainty == "numbered"]


def _no_word(word: Word) -> Word:
    """The name of a sheet is no other word."""
    return msgspec.structs.replace(word, plain=f"⟦{word.plain}⟧")


def _known_words(table: Table) -> set[str]:
    return {part.casefold() for header in table.headers for part in header.split()}


def _plans(words: list[Word], lexicon: Lexicon, book: Book) -> tuple[Step, ...] | int:
    """The one plan, or the first word that does not fit. Raises `Refusal` for several."""
    parse = Parse(_GRAMMAR, words, lexicon.leaves(words))
    sentences: dict[Sentence, None] = {}
    trees = parse.trees("sentence")
    for tree in trees:
        try:
            sentences[sentence_of(tree)] = None
        except Misread:
            continue
    if not sentences:
        return parse.furthest
    if len(trees) >= MAX_TREES:
        raise Refusal("that can be read in too many ways: say it in shorter sentences")
    plans: dict[str, tuple[Step, ...]] = {}
    refused: Refusal | None = None
    for one in sentences:
        try:
            found = plan(one, book)
        except Misread:
            continue
        except Refusal as problem:
            refused = refused or problem
        else:
            plans[_effect(found)] = found
    if not plans and refused is None:
        return parse.furthest
    if len(plans) == 1 and refused is None:
        return next(iter(plans.values()))
    if len(plans) > 1:
        first, second = [_gist(one) for one in plans.values()][:2]
        raise Refusal(f"that can be read in two ways ({first}, or {second}): say which")
    assert refused is not None
    raise refused


def _effect(steps: tuple[Step, ...]) -> str:
    """What differs in words alone is the same."""
    acts = [step for step in steps if isinstance(step, Act)]
    return repr([(act.tool, act.place, _sorted(act.arguments)) for act in acts] if acts else steps)


def _sorted(told: Json) -> Json:
    """In whatever order they were told."""
    return {name: _sorted(told[name]) for name in sorted(told)} if isinstance(told, Mapping) else told


def _gist(steps: tuple[Step, ...]) -> str:
    act = next((step for step in steps if isinstance(step, Act)), None)
    if act is None:
        return f"“{steps[0]}”" if steps and isinstance(steps[0], str) else "an answer"
    place = act.place if isinstance(act.place, str) else act.place.address()
    told = plain(", ".join(f"{name} {value}" for name, value in act.arguments.items()))
    return f"{act.tool} on {place} with {told}"


def _piece(words: list[Word], lexicon: Lexicon, furthest: int) -> str:
    """What was not understood: a word that means nothing here, or what stands around the first that does not fit."""
    unknown = [
        word.text
        for at, word in enumerate(words)
        if word.kind == "word"
        and not lexicon.knows(words, at)
        and "column" not in {one.plain for one in words[max(0, at - 1) : at + 2]}
        and (at == 0 or words[at - 1].plain not in ("called", "named", "titled"))
    ]
    plains = {word.plain for word in words}
    missing = next((_NO_TOOL[word.plain] for word in words if word.plain in _NO_TOOL), None)
    if plains & {"add", "create", "rename", "new", "copy"} and plains & {"sheet", "worksheet", "tab"}:
        missing = "adding or renaming sheets"
    if unknown:
        told = ", ".join(f"“{plain(one)}”" for one in dict.fromkeys(unknown[:3]))
    else:
        first = max(0, min(furthest, len(words) - 1) - 3)
        told = f"“{plain(' '.join(word.text for word in words[first : furthest + 4]))}”"
    return told + (f" (the open workbook offers no tool for {missing})" if missing else "")
