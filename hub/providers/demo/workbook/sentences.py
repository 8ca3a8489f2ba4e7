"""From a request to the next call on a workbook, or the sentence at the end; None where it is about no workbook."""

import re
from collections.abc import Mapping, Sequence

from hub.chat.parts import Message, TextPart, ToolCallPart
from hub.providers.base import ToolSpec
from hub.providers.demo.conversation import goes_on, text_of
from hub.providers.demo.workbook.calls import Call, next_of
from hub.providers.demo.workbook.gate import is_about_a_sheet, names_a_range

TOOLS = (
    *("read_range", "write_range", "apply_formula", "format_range", "clear_range", "insert_rows_columns"),
    *("create_chart", "get_named_ranges", "create_named_range"),
)
MAX_CHARACTERS = 1_000

_HOST = re.compile(r"\(In (?P<name>.+)\.\)\Z", re.DOTALL)


def reply_of(
    messages: Sequence[Message], tools: Sequence[ToolSpec], *, is_elsewhere: bool = False
) -> Call | str | None:
    """Derived from the history alone: the same request gets the same reply. None: it is about no workbook.

    `is_elsewhere`: something else in the session may be meant, so that a sentence has to name a range.
    """
    books = _books(tools)
    if not books:
        return None
    sentence, made = _asked(messages)
    if len(sentence) > MAX_CHARACTERS:
        return None
    chosen, sentence = _choose(books, sentence)
    if not (names_a_range(sentence) if is_elsewhere else is_about_a_sheet(sentence)):
        return None
    if chosen is None:
        names = ", ".join(f"“{name}”" for name in books)
        return f"Several workbooks are open: {names}. Say which one, as in “… in {next(iter(books))}”. I did nothing.\n"
    return next_of(sentence, made, books[chosen])


def is_open(tools: Sequence[ToolSpec]) -> bool:
    """Whether any workbook's tools are offered."""
    return bool(_books(tools))


def _books(tools: Sequence[ToolSpec]) -> dict[str, dict[str, str]]:
    """Each workbook's tools: from their own names to those under which they are offered."""
    books: dict[str, dict[str, str]] = {}
    for spec in tools:
        own = next((name for name in TOOLS if spec.name == name or spec.name.endswith(f"_{name}")), None)
        if own is not None:
            host = _HOST.search(spec.description)
            book = host["name"] if host is not None else spec.name.removesuffix(own).strip("_") or "the workbook"
            books.setdefault(book, {})[own] = spec.name
    return books


def _choose(books: Mapping[str, Mapping[str, str]], sentence: str) -> tuple[str | None, str]:
    """The workbook that the sentence names, and the sentence without that; the only one needs no name."""
    named: list[tuple[str, str]] = []
    for book in books:
        stem = re.escape(book.rsplit(".", 1)[0]) + r"(?:\.\w{3,4})?"
        name = re.compile(
            rf"(?:\s*,)?\s*\b(?:in|of|from|on)\s+(?:the\s+)?[\"“]?{stem}[\"”]?(?:\s+(?:workbook|file))?(?![\w!.]\w|\w|!)",
            re.IGNORECASE,
        )
        if name.search(sentence) is not None:
            named.append((book, name.sub("", sentence).lstrip(" ,")))
    if len(named) == 1:
        return named[0]
    return (next(iter(books)) if len(books) == 1 else None), sentence


def _asked(messages: Sequence[Message]) -> tuple[str, list[ToolCallPart]]:
    """The last sentence that is more than "go on", and all calls that were made for it."""
    made: list[ToolCallPart] = []
    for message in reversed(messages):
        if message.role == "assistant":
            made[:0] = [part for part in message.parts if isinstance(part, ToolCallPart)]
        elif not goes_on(message):
            return text_of(message), made
    return "", made


def written_in(messages: Sequence[Message]) -> str:
    """The text since the last call of the answer under way."""
    written = ""
    if messages and messages[-1].role == "assistant":
        for part in messages[-1].parts:
            written = (
                "" if isinstance(part, ToolCallPart) else written + (part.text if isinstance(part, TextPart) else "")
            )
    return written
