"""The part of SignalR's JSON hub protocol that the plain WebSocket servers speak."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

END = "\x1e"
HANDSHAKE_ANSWER = "{}" + END


class Invocation(NamedTuple):
    target: str
    # Whatever JSON the client sends: the load sends what fits.
    arguments: list[Any]
    invocation_id: str | None


def read(text: str) -> Iterator[Invocation | None]:
    """The records of one WebSocket message, without pings; None is the handshake, to be answered."""
    for record in text.split(END):
        if not record:
            continue
        message = orjson.loads(record)
        if "protocol" in message:
            yield None
        elif message["type"] == 1:
            yield Invocation(message["target"], message["arguments"], message.get("invocationId"))


def completion(invocation_id: str, result: object) -> str:
    return orjson.dumps({"type": 3, "invocationId": invocation_id, "result": result}).decode() + END


def event(payload: object) -> str:
    return orjson.dumps({"type": 1, "target": "Event", "arguments": [payload]}).decode() + END
