"""What the provider says to each message: the truth that every transcript is held against."""

import random
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tests.provider_server.script import Answer, CallTool, Pace, Refuse, Say, Script

MIN_PIECES, MAX_PIECES = 8, 40
_ENDS = (" ", " ", " ", "\n", " é ", " 😀 ", " 漢 ", ' "\\ ', "\n\n")
_ASKED = re.compile(r"Say (\S+)")
CALLING = 0.25
"""The share of answers that call a tool in the middle."""


class Truth:
    """Each word of an answer says whose it is and which, so that one that is lost, doubled or moved is seen."""

    def __init__(self, seed: int, pieces_per_s: float) -> None:
        self._seed = seed
        self._pause_s = 1 / pieces_per_s

    def question(self, message_id: str) -> str:
        return f"Say {message_id}"

    def text(self, message_id: str) -> str:
        return "".join(self.pieces(message_id))

    @lru_cache(maxsize=4096)  # noqa: B019  # it lives as long as the run
    def pieces(self, message_id: str) -> tuple[str, ...]:
        chosen = random.Random(f"{self._seed} {message_id}")
        count = chosen.randint(MIN_PIECES, MAX_PIECES)
        return tuple(f"{message_id}:{number}{chosen.choice(_ENDS)}" for number in range(count))

    def calls(self, message_id: str) -> bool:
        """Whether the answer calls a tool after its first half; what comes of the call changes no word."""
        return random.Random(f"{self._seed} calls {message_id}").random() < CALLING

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """As the provider server's `default`."""
        last = _blocks(body["messages"][-1])[-1]
        if last["type"] == "tool_result":
            message_id = _asked_last(body["messages"])
            return Script(Pace(self._pause_s), Say(*_halves(self.pieces(message_id))[1]))
        asked = _ASKED.fullmatch(last.get("text", ""))
        if asked is None:
            return Refuse(400, message="this is none of our messages")
        message_id = asked[1]
        if self.calls(message_id):
            call = CallTool("read_table", {"text": "a,b\n1,2"}, call_id=f"toolu_{message_id}")
            return Script(Pace(self._pause_s), Say(*_halves(self.pieces(message_id))[0]), call)
        return Script(Pace(self._pause_s), Say(*self.pieces(message_id)))


def _halves(pieces: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    half = len(pieces) // 2
    return pieces[:half], pieces[half:]


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _asked_last(messages: Sequence[Mapping[str, Any]]) -> str:
    for message in reversed(messages):
        for block in reversed(_blocks(message)):
            asked = _ASKED.fullmatch(block.get("text", "")) if message["role"] == "user" else None
            if asked is not None:
                return asked[1]
    raise AssertionError("a result, and nothing was asked")
