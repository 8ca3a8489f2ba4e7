"""Answers that were given before, word for word the same question: off unless a setting turns it on.

An answer is kept if its one step ended by itself, with text and without a tool call; so an answer that was stopped, cut
off or failed never is. It is found again by all that made it: who may see it, the provider and model, the system
prompt, the tools on offer and every message that was sent, with its context. What lives shorter than the cache (the
provider's address, key and settings) is the same for all of a node's life, and the cache lives in its memory.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hub.chat.parts import Message
from hub.providers.base import Cited, Delta, Request, StepEnd, TextDelta, ThinkingDelta, ThinkingEnd

ENTRY_BYTES = 512
"""What an answer takes besides its text."""


@dataclass(frozen=True)
class _Kept:
    deltas: Sequence[Delta]
    bytes: int
    since_ms: int


class ResponseCache:
    """Bounded in entries and bytes, the longest unused going first; no answer is given that is older than `max_age_s`.

    Times are milliseconds, from any beginning."""

    def __init__(self, *, max_entries: int, max_bytes: int = 64 << 20, max_age_s: float = 3600.0) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._max_age_ms = max_age_s * 1000
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # the longest unused first
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes, now_ms: int) -> Sequence[Delta] | None:
        """The deltas of the answer; None if there is none, or it is too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now_ms - kept.since_ms > self._max_age_ms:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.deltas

    def put(self, key: bytes, deltas: Sequence[Delta], now_ms: int) -> None:
        """Keep an answer, in the place of the one that was there; one longer than the cache is not kept."""
        self._drop(key)
        size = ENTRY_BYTES + sum(map(_size, deltas))
        if size > self._max_bytes:
            return
        self._kept[key] = _Kept(deltas, size, now_ms)
        self.bytes += size
        while len(self._kept) > self._max_entries or self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes -= kept.bytes


def answer_of(deltas: Sequence[Delta]) -> Sequence[Delta] | None:
    """What may be kept of a step that has ended, given all its deltas, joined; None if it is not an answer to keep."""
    *said, end = deltas
    if not isinstance(end, StepEnd) or end.reason != "stop" or not any(isinstance(one, TextDelta) for one in said):
        return None
    return said if all(isinstance(one, TextDelta | Cited | ThinkingDelta | ThinkingEnd) for one in said) else None


def key_of(user: str, provider: str, request: Request) -> bytes:
    """By what an answer is found: nothing of it tells one session, run or moment from another.

    `user` is a user's key: those of an organisation share answers, others share none.
    """
    organisation, slash, _ = user.partition("/")
    scope = ("organisation", organisation) if slash and organisation else ("user", user)
    said = [_said(message) for message in request.messages]
    content = (scope, provider, request.model, request.system, request.tools, request.client_errors, said)
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).digest()


def _said(message: Message) -> Sequence[object]:
    by = message.author if message.role == "assistant" else ""
    return message.role, by, message.provider, message.parts, message.context


def _size(delta: Delta) -> int:
    match delta:
        case TextDelta() | ThinkingDelta():
            return len(delta.text.encode(errors="surrogatepass"))
        case Cited():
            return len(msgspec.json.encode(delta.citations))
        case ThinkingEnd():
            return len(delta.signature or "") + len(delta.redacted or "")
    return 0
