"""Whether a sentence may be about the open workbook at all, before anything is read."""

from hub.providers.demo.workbook.language.lexicon import COLOURS
from hub.providers.demo.workbook.language.spelling import nearest
from hub.providers.demo.workbook.language.words import Unreadable, words_of

_ABOUT_SHEETS = frozenset(
    "sum total add average mean min minimum lowest smallest max maximum highest largest median count many much"
    " column columns row rows cell cells sheet worksheet table header headers chart plot graph range bold italic"
    " highlight format colour color fill clear sort insert delete rename replace multiply increase decrease"
    " difference percent percentage share growth grow copy move formula currency decimals set change put value"
    " values erase which what show list filter double halve name spreadsheet workbook minus plus times"
    " divided ratio background shade centre center align paint rename order arrange filter empty wipe merge border undo"
    " totals averages columns".split()
)
_RAISING = frozenset("raise lower reduce boost bump cut grow higher bigger larger up".split())


def is_about_a_sheet(sentence: str) -> bool:
    """Whether it has a word that makes it worth a look at the open sheet."""
    try:
        about = _ABOUT_SHEETS | COLOURS.keys()
        words = words_of(sentence)
        # "Raise all costs by 10%": without the number it may be anything.
        if any(word.plain in _RAISING for word in words) and any(one.kind in ("number", "percent") for one in words):
            return True
        if any(word.plain in about or word.kind == "range" for word in words):
            return True
        # One word that is a letter away from such a one may be any other.
        return sum(nearest(word.plain, _ABOUT_SHEETS) is not None for word in words if word.kind == "word") > 1
    except Unreadable:
        return True


def names_a_range(sentence: str) -> bool:
    try:
        return any(word.kind == "range" for word in words_of(sentence))
    except Unreadable:
        return True
