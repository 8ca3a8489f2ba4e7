"""Refuses messages that are too long."""

import msgspec

from hub.errors import CallError
from hub.hooks.base import InputFunction, UserMessage


def size_check(max_chars: int) -> InputFunction:
    """An input check: text and context (as JSON) may have `max_chars` characters together."""

    async def check(message: UserMessage) -> None:
        size = len(message.text)
        if message.context is not None:
            size += len(msgspec.json.encode(message.context).decode(errors="replace"))
        if size > max_chars:
            raise CallError(
                "too_large",
                f"The message has {size} characters with its context, and {max_chars} are allowed "
                "(max_message_chars). Send less of it.",
            )

    return check
