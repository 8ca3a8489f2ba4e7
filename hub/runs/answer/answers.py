"""The answers that came for a session's open calls (approvals, claims, tool results): put by its driver, awaited by
its run."""

import asyncio
from collections.abc import Mapping


class Answers:
    """First answers by key, of one session, while one node drives it.

    The inbox has decided which answer to a key is the first; here nothing is decided any more. An answer may come
    before anybody waits for it. `forget` is called between runs: an answer is of use to its own run only.
    """

    def __init__(self) -> None:
        self._given: dict[str, bytes] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    def put(self, answers: Mapping[str, bytes]) -> None:
        for key, body in answers.items():
            self._given.setdefault(key, body)
            if (waiting := self._waiting.get(key)) is not None:
                waiting.set()

    async def wait(self, key: str) -> bytes:
        """The answer to `key`, as soon as it is there. Awaited by one task for each key."""
        if key not in self._given:
            waiting = self._waiting[key] = asyncio.Event()
            try:
                await waiting.wait()
            finally:
                del self._waiting[key]
        return self._given[key]

    def forget(self) -> None:
        self._given.clear()
