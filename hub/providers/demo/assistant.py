"""From a request to what the demo will say and call in this step. No pace, no deltas: those are the provider's."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.chat.parts import Json
from hub.providers.base import Request
from hub.providers.demo import replies, wishes
from hub.providers.demo.conversation import files_of, split, text_of
from hub.providers.demo.long_text import write
from hub.providers.demo.phrases import Language

MAX_WORDS_READ = 2_000
"""Of an instruction; what a person asks in their own words is shorter."""


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
    instruction = text_of(users[-1])[: MAX_WORDS_READ * 10]
    language = wishes.language_of(instruction)
    thinking = None
    if wishes.wants_thinking(instruction) and not stage.thought and not stage.calls:
        thinking = replies.thinking(language, wishes.plain(instruction))
    return Reply(
        text=_words(instruction, language, bool(files_of(users[-1]))),
        thinking=thinking,
        written=stage.written,
        instruction=instruction,
    )


def _words(instruction: str, language: Language, has_files: bool) -> Iterable[str]:
    """The answer to what needs no table."""
    order = wishes.long_text_of(instruction)
    if order is not None:
        return write(order)
    if has_files:
        return [replies.file_unread(language)]
    if wishes.is_greeting(instruction) or wishes.wants_help(instruction):
        return [replies.greeting(language)]
    if wishes.is_thanks(instruction):
        return [replies.thanks(language)]
    return [replies.unknown(language)]
