"""What an ask for a run says: the body that is stored in the inbox with it.

Written and read only by hub nodes, as JSON; new fields come last, with a default.
"""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Autonomy, Flag, Json, Part


class RunAsk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to make.

    `parts` is the user's message; None when no message is added: an answer is made anew (`reply_to` is the message to
    answer), or a stopped one is gone on with (`continues` is its run). `author` asked for it. `replaces` is the user
    message that this one takes the place of. `session_created_at` tells the session apart from a later one with its id.
    `flags` are what input checks have marked the message with.
    """

    message_id: str
    answer_id: str
    author: str
    organisation: str | None = None
    parts: Sequence[Part] | None = None
    context: Json = None
    reply_to: str | None = None
    replaces: str | None = None
    continues: str | None = None
    provider: str
    model: str
    autonomy: Autonomy | None = None
    max_steps: int | None = None
    session_created_at: int | None = None
    flags: Sequence[Flag] = ()

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


_decoder = msgspec.json.Decoder(RunAsk)


def decode(body: bytes) -> RunAsk:
    return _decoder.decode(body)
