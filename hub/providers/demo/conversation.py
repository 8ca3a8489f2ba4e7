"""What of a request matters to the demo: the user's words, the answer so far, the calls that have their outcome.

The provider keeps nothing between requests, so all of this is read from the messages each time.
"""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import FilePart, Message, TextPart, ThinkingPart, ToolCallPart

_GO_ON = frozenset(
    "continue|go on|carry on|keep going|continue please|please continue|weiter|mach weiter|bitte weiter".split("|")
)
_LARGE = 32 * 1024
"""A context is not measured, but taken to be large."""


class Stage(msgspec.Struct, frozen=True):
    """How far the answer is.

    `written` is the text since the last tool call: what a continued answer must go on from. `calls` are those of the
    last step that made any, in their order; `rounds` counts such steps. `thought`: the thinking was already shown.
    """

    written: str = ""
    calls: Sequence[ToolCallPart] = ()
    rounds: int = 0
    thought: bool = False


def text_of(message: Message) -> str:
    return "\n".join(part.text for part in message.parts if isinstance(part, TextPart))


def goes_on(message: Message) -> bool:
    """Whether the user says no more than "go on"."""
    return text_of(message).strip().rstrip(".!").lower() in _GO_ON


def size_of(message: Message) -> int:
    """In characters; what the client sent along counts as much."""
    context = message.context
    return sum(len(part.text) for part in message.parts if isinstance(part, TextPart)) + _LARGE * isinstance(
        context, dict
    )


def files_of(message: Message) -> list[FilePart]:
    return [part for part in message.parts if isinstance(part, FilePart)]


def introduced_in(messages: Sequence[Message]) -> bool:
    """Whether an answer before the user's last message said who speaks."""
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=0)
    return any(message.role == "assistant" and "demo" in text_of(message).lower() for message in messages[:last])


def split(messages: Sequence[Message]) -> tuple[list[Message], Stage]:
    """The user's messages up to the one to answer, oldest first, and how far its answer is.

    A user who says "go on" after an answer that was cut gets the rest of that answer.
    """
    users = [message for message in messages if message.role == "user"]
    if not messages or not users:
        return users, Stage()
    if messages[-1].role == "assistant":
        return users, _stage(messages[-1])
    if len(users) > 1 and goes_on(users[-1]):
        before = messages[-2]
        if before.role == "assistant" and before.status in ("stopped", "interrupted", "limit", "failed"):
            return users[:-1], _stage(before)
    return users, Stage()


def _stage(answer: Message) -> Stage:
    written: list[str] = []
    calls: list[ToolCallPart] = []
    rounds = 0
    thought = False
    for part in answer.parts:
        match part:
            case TextPart():
                written.append(part.text)
            case ThinkingPart():
                thought = True
            case ToolCallPart():
                if not calls or written or calls[-1].step != part.step:
                    calls = []
                    rounds += 1
                calls.append(part)
                written = []
                thought = False
            case FilePart():
                pass
    return Stage("".join(written), calls, rounds, thought)
