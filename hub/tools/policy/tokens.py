"""A formula cut into tokens, as Excel, LibreOffice and Google Sheets would cut it where they agree.

Where they may not agree, or nothing is meant by it anywhere, the rest is one `bad` token: the reader then says that
the formula cannot be read, and does not guess.
"""

import re
from typing import Literal, NamedTuple

TokenKind = Literal[
    "space", "hidden", "string", "quoted", "bracket", "error", "number", "cell", "name", "operator", "bad"
]

# What takes no room on the screen, or looks like a blank without being one (format characters, controls, fillers).
_HIDDEN_RANGES = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff"
)
HIDDEN = re.compile(f"[{_HIDDEN_RANGES}]+")
BLANK = re.compile(rf"[\s{_HIDDEN_RANGES}]*+")

# Excel takes full-width forms of what stands on a keyboard for the plain ones.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: ord("-"), 0xFE66: ord("="), 0xFE62: ord("+")}

_TOKEN = re.compile(
    rf"""
    (?P<space>\s++)
  | (?P<hidden>[{_HIDDEN_RANGES}]++)
  | (?P<string>"[^"]*+(?:""[^"]*+)*+")
  | (?P<quoted>'[^']*+(?:''[^']*+)*+')
  | (?P<error>\#(?:N/A|DIV/0!|GETTING_DATA|[^\W\d]\w*+[!?]))
  | (?P<number>(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+)
  | (?P<cell>(?:R(?:\d++|\[[+-]?\d++\])?+C(?:\d++|\[[+-]?\d++\])?+|[RC]\[[+-]?\d++\])(?![\w.\[(!$?]))
  | (?P<name>(?:[^\W\d]|\$|[^\x00-\x7f\s{_HIDDEN_RANGES}])(?:[\w.$?]|[^\x00-\x7f\s{_HIDDEN_RANGES}])*+)
  | (?P<operator><=|>=|<>|[-+*/^&=<>%@:,;!(){{}}|\\~\#])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BRACKET = re.compile(r"'.|[\[\]\"]", re.DOTALL)


class Token(NamedTuple):
    kind: TokenKind
    text: str
    adjacent: bool
    """Whether it follows the token before it without a space."""


_WIDE_MARKS = re.compile("[\uff02\uff07\uff3b\uff3d]")
_WIDE_WITHOUT_MARKS = {wide: narrow for wide, narrow in _WIDE.items() if chr(narrow) not in "\"'[]"}


def plain(text: str) -> str:
    """The text with full-width forms as plain ones; its length does not change."""
    return text if text.isascii() else text.translate(_WIDE)


def readings(formula: str) -> list[str]:
    """The formula as sheets may take it, one to four ways: what is hidden in one shows in another.

    Some read full-width quotes and brackets as such, some do not; some skip the characters that do not show, so that
    they join what they part (`IMAG` and `E`, both harmless).
    """
    taken = [plain(formula)]
    if not formula.isascii() and _WIDE_MARKS.search(formula) is not None:
        taken.append(formula.translate(_WIDE_WITHOUT_MARKS))
    if HIDDEN.search(formula) is not None:
        taken += [HIDDEN.sub("", each) for each in taken]
    return taken


def tokens(formula: str) -> list[Token]:
    """The tokens without the spaces between them. Time and memory are linear in the formula's length."""
    found: list[Token] = []
    adjacent = False
    position = 0
    end = len(formula)
    while position < end:
        if formula[position] == "[":
            stop = _bracket_end(formula, position)
            if stop is None:
                found.append(Token("bad", formula[position:], adjacent))
                break
            kind: TokenKind = "bracket"
        else:
            match = _TOKEN.match(formula, position)
            if match is None:
                found.append(Token("bad", formula[position:], adjacent))
                break
            stop = match.end()
            kind = _KINDS[match.lastgroup or ""]
        if kind != "space":
            found.append(Token(kind, formula[position:stop], adjacent))
        adjacent = kind != "space"
        position = stop
    return found


_KINDS: dict[str, TokenKind] = {
    "space": "space",
    "hidden": "hidden",
    "string": "string",
    "quoted": "quoted",
    "error": "error",
    "number": "number",
    "cell": "cell",
    "name": "name",
    "operator": "operator",
}


def _bracket_end(formula: str, start: int) -> int | None:
    """Where a bracket ends, brackets within it included; within one, an apostrophe takes the next character's meaning.

    None where it does not end, or has a double quote in it: not every sheet takes that for a plain character.
    """
    depth = 0
    for mark in _BRACKET.finditer(formula, start):
        match mark[0]:
            case "[":
                depth += 1
            case "]":
                depth -= 1
                if depth == 0:
                    return mark.end()
            case '"':
                return None
            case _:
                continue
    return None
