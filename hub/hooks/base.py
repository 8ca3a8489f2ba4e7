"""What hooks are given and what they give back.

An input check runs before a message is accepted, a context hook before an answer's first step, an output hook beside
the answer. `hub.hooks.registry` says how each is called, bounded and survived.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from hub.chat.parts import Flag, Json, Message
from hub.hooks.output import Output


class UserMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a user wants answered, before anything of it is stored. `context` is what the client sent along.

    `user` is the user's key: `organisation/id` where there are organisations."""

    session_id: str
    user: str
    text: str
    context: Json = None
    provider: str
    model: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What an input check found: the text or the context as it shall be instead, and marks on the message."""

    text: str | None = None
    context: Json | UnsetType = UNSET
    flags: Sequence[Flag] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is made to. `messages` are all that the model is about to see, the user's last."""

    session_id: str
    run_id: str
    user: str
    text: str
    context: Json = None
    messages: Sequence[Message] = ()
    provider: str
    model: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of context: `text` goes to the model, `title` and `url` to the watchers too."""

    text: str
    title: str
    url: str | None = None


Verdict = str | Flag | Checked | None
"""Of an input check: the text as it shall be instead, a mark, both, or (None) nothing. To refuse, raise `CallError`."""

InputFunction = Callable[[UserMessage], Verdict | Awaitable[Verdict]]
ContextFunction = Callable[[Question], Sequence[Found] | Awaitable[Sequence[Found]]]
OutputFunction = Callable[[Output], Awaitable[None]]

SOURCES = "sources"
"""The name of the `custom` event that shows what was added: a list of `{title, url?}`."""


def shown(found: Sequence[Found]) -> list[Mapping[str, Json]]:
    """What watchers see of it."""
    return [{"title": one.title} if one.url is None else {"title": one.title, "url": one.url} for one in found]
