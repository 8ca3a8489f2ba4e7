"""From a request to what the demo will say and call in this step. No pace, no deltas: those are the provider's.

A message is tried as, in this order: a tool that is named, a long text to write, a question about the latest table in
the session, a greeting; else it is not understood. With a file in the message, only a table in it counts, and no open
workbook: the question is about the file, which the demo cannot read.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.chat.parts import Json, ToolCallPart
from hub.providers.base import Request
from hub.providers.demo import replies, wishes
from hub.providers.demo.conversation import Stage, files_of, introduced_in, size_of, split
from hub.providers.demo.long_text import write
from hub.providers.demo.named_tools import named_call, told
from hub.providers.demo.phrases import Language
from hub.providers.demo.questions.answers import answer, escape
from hub.providers.demo.questions.question import Question, tool_call
from hub.providers.demo.questions.understand import Understood, understand
from hub.providers.demo.questions.vocabulary import MEANINGS
from hub.providers.demo.source import Source, table_sources
from hub.providers.demo.workbook.calls import Call
from hub.providers.demo.workbook.refusals import CAN_DO
from hub.providers.demo.workbook.sentences import is_open, reply_of, written_in
from hub.tables.table import Table, TableError, build, check_size

MAX_CHARACTERS_READ = 4_000
"""Of an instruction; what a person asks in their own words is shorter."""


MAX_CHARACTERS_AT_ONCE = 32 * 1024
"""Of messages searched for a table without giving way; that is some milliseconds."""


class PlannedCall(msgspec.Struct, frozen=True):
    """A tool to call."""

    tool: str
    arguments: Mapping[str, Json]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `text` is whole, also when a part of it (`written`) is there already."""

    text: Iterable[str]
    calls: Sequence[PlannedCall] = ()
    thinking: str | None = None
    written: str = ""
    instruction: str = ""


async def compose(request: Request) -> Reply:
    """What to say and call, derived from the request alone: the same request gets the same reply."""
    users, stage = split(request.messages)
    if not users:
        return Reply(text=[replies.greeting("en")])
    # Large messages are searched beside the loop; the session's other messages matter too.
    files = files_of(users[-1])
    searched = users[-1:] if files else users
    if sum(map(size_of, searched)) > MAX_CHARACTERS_AT_ONCE:
        source, instruction = await asyncio.to_thread(table_sources, searched)
    else:
        source, instruction = table_sources(searched)
    named = named_call(instruction, request.tools)
    if named is not None:
        if stage.calls:
            return Reply(text=[told(stage.calls[0])], written=stage.written)
        return Reply(text=[], calls=[PlannedCall(*named)])
    # A workbook is worked on only where the whole sentence is understood.
    is_elsewhere = (
        source is not None
        or _is_small_talk(instruction)
        or wishes.long_text_of(instruction[:MAX_CHARACTERS_READ]) is not None
    )
    on_workbook = None
    if not files:
        on_workbook = await asyncio.to_thread(reply_of, request.messages, request.tools, is_elsewhere=is_elsewhere)
    if isinstance(on_workbook, Call):
        return Reply(text=[], calls=[PlannedCall(on_workbook.tool, on_workbook.arguments)])
    if on_workbook is not None:
        return Reply(text=[on_workbook], written=written_in(request.messages))
    too_long = len(instruction) > MAX_CHARACTERS_READ
    instruction = instruction[:MAX_CHARACTERS_READ]
    language = wishes.language_of(instruction)
    introduced = introduced_in(request.messages)
    thinking = None
    if wishes.wants_thinking(instruction) and not stage.thought and not stage.calls:
        thinking = replies.thinking(language, wishes.plain(instruction))
    text: Iterable[str]
    calls: Sequence[PlannedCall] = ()
    order = wishes.long_text_of(instruction)
    if too_long:
        text = [replies.too_large(language, f"{MAX_CHARACTERS_READ:,} characters without a table")]
    elif order is not None:
        text = write(order)
    elif source is not None and not _is_small_talk(instruction):
        text, calls = await _about_table(source, instruction, language, request, stage)
    elif files and not _is_small_talk(instruction):
        are_images = all(file.media_type.startswith("image/") for file in files)
        text = [replies.file_unread(language, are_images=are_images, introduced=introduced)]
    else:
        text = [_small_talk(instruction, language, introduced)]
        if is_open(request.tools):
            text = [*text, "\n" + CAN_DO]
    return Reply(text=text, calls=calls, thinking=thinking, written=stage.written, instruction=instruction)


def _is_small_talk(text: str) -> bool:
    return wishes.is_greeting(text) or wishes.is_thanks(text) or wishes.wants_help(text)


def _small_talk(text: str, language: Language, introduced: bool) -> str:
    if wishes.is_thanks(text):
        return replies.thanks(language)
    if _is_small_talk(text):
        return replies.greeting(language)
    return replies.unknown(language, introduced=introduced)


async def _about_table(
    source: Source, instruction: str, language: Language, request: Request, stage: Stage
) -> tuple[Iterable[str], Sequence[PlannedCall]]:
    """First the calls, and once they have their outcome, the answer."""
    try:
        check_size(source.text)
        table = await _build(source)
    except TableError as problem:
        return [replies.too_large(language, str(problem))], ()
    # Beside the loop: many words that no column is called cost many comparisons.
    understood = await asyncio.to_thread(understand, instruction, table)
    names = [escape(column.name) for column in table.columns]
    if not understood.questions:
        unknown = [escape(word) for word in understood.unknown]
        introduced = introduced_in(request.messages)
        return [replies.not_in_table(language, unknown, _absent(unknown), names, introduced=introduced)], ()
    if stage.calls and not _were_cut_off(stage, request):
        return [_answers(understood, stage.calls, language)], ()
    calls = [PlannedCall(*tool_call(question, source.text)) for question in understood.questions]
    offered = {tool.name for tool in request.tools}
    absent = list(dict.fromkeys(call.tool for call in calls if call.tool not in offered))
    if absent:
        return [replies.no_tools(language, absent)], ()
    # Who it is was said before: straight to the point.
    lead = [] if introduced_in(request.messages) else [replies.table_read(language, len(table.rows), names)]
    return lead, calls


def _absent(words: Sequence[str]) -> list[str]:
    """Those that are not known at all, in contrast to known words that it cannot do."""
    return [word for word in words if word.isalpha() and word.lower() not in MEANINGS]


async def _build(source: Source) -> Table:
    """Typing the cells of a large table takes a while; others get their turn."""
    steps = build(source.grid)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            table: Table = end.value
            return table
        await asyncio.sleep(0)


def _were_cut_off(stage: Stage, request: Request) -> bool:
    """A run that continues an answer whose calls were stopped makes them again; all table tools only read."""
    return request.step == 0 and not stage.written and any(call.state == "interrupted" for call in stage.calls)


def _answers(understood: Understood, calls: Sequence[ToolCallPart], language: Language) -> str:
    pairs: list[tuple[Question, ToolCallPart]] = list(zip(understood.questions, calls, strict=False))
    answers = [answer(question, call, language) for question, call in pairs]
    if understood.unknown:
        unknown = [escape(word) for word in understood.unknown]
        answers.append(replies.partly_unknown(language, unknown, _absent(unknown)))
    if understood.unused:
        answers.append(replies.unused(language, [escape(word) for word in understood.unused]))
    return "\n\n".join(answers) + "\n"
