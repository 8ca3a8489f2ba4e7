"""What the provider says to each message: the truth that every transcript is held against."""

import random
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tests.provider_server.script import Answer, Pace, Refuse, Say, Script

MIN_PIECES, MAX_PIECES = 8, 40
_ENDS = (" ", " ", " ", "\n", " é ", " 😀 ", " 漢 ", ' "\\ ', "\n\n")
_ASKED = re.compile(r"Say (\S+)")


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

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """As the provider server's `default`."""
        content = body["messages"][-1]["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        asked = _ASKED.fullmatch(blocks[-1].get("text", ""))
        if asked is None:
            return Refuse(400, message="this is none of our messages")
        return Script(Pace(self._pause_s), Say(*self.pieces(asked[1])))
