"""Messages and their parts, as clients see them (design, section 3.4).

The JSON is written by msgspec: fields camelCase, in the order below, absent where they equal their default. New fields
come last; readers ignore those that they do not know.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Literal

import msgspec

from hub.errors import RunErrorCode

Json = Any
"""A JSON value. msgspec cannot decode into a recursive alias, so the type checker is told no more than this."""

Role = Literal["user", "assistant"]
Access = Literal["read", "write"]
Autonomy = Literal["ask", "agent-default", "agent-yolo"]
ToolOutcome = Literal["success", "failed", "denied", "interrupted", "timed_out"]
ToolState = Literal["pending", "approval", "running", "success", "failed", "denied", "interrupted", "timed_out"]
MessageStatus = Literal["queued", "streaming", "complete", "stopped", "failed", "interrupted", "limit", "superseded"]
ApprovalScope = Literal["call", "run", "session"]
RunOutcome = Literal["completed", "stopped", "failed", "interrupted", "limit"]


class WireStruct(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The base of all that goes over the wire."""


class Citation(WireStruct, frozen=True, kw_only=True):
    """What a passage of an answer rests on: a document that a user has sent along (`file_id`), or a web page (`url`).

    `start` and `end` say which passage of the part's text, counted as JavaScript does (UTF-16 code units); without
    them it is all of it. `quote` is the source's own words, `page` and `end_page` (both inclusive, from 1) where they
    stand in a PDF.
    """

    source: Literal["document", "web"]
    title: str | None = None
    url: str | None = None
    file_id: str | None = None
    quote: str | None = None
    page: int | None = None
    end_page: int | None = None
    start: int | None = None
    end: int | None = None


class TextPart(WireStruct, frozen=True, tag_field="type", tag="text"):
    """Text in Markdown. `step` is the model request that it came from, here and in the other parts."""

    text: str
    step: int = 0
    citations: Sequence[Citation] = ()


class ThinkingPart(WireStruct, frozen=True, tag_field="type", tag="thinking"):
    """What the model thought. `signature` and `redacted` are the provider's own, returned to it unchanged."""

    text: str
    step: int = 0
    signature: str | None = None
    redacted: str | None = None


class Progress(WireStruct, frozen=True):
    """How far a tool call is: `fraction` from 0 to 1, `note` in a few words, `output` what it has put out so far."""

    fraction: float | None = None
    note: str | None = None
    output: str | None = None


class Approval(WireStruct, frozen=True, kw_only=True):
    """That a call was asked about, and the answer. Without one (`approve` is absent) it waits, or never ran.

    `attempt` counts from 1: a call is asked about again if its edited arguments need that.
    """

    attempt: int = 1
    approve: bool | None = None
    by: str | None = None
    scope: ApprovalScope | None = None


class ToolCallPart(WireStruct, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """A tool call and what came of it. `arguments` are absent until they are whole. `cut`: the result is longer than
    what stands here (a snapshot's), `History` has it whole. `approval` is there if somebody was asked for one. The
    `result` of a call without success is what it had put out until then. `host_name` is what the client of `host` calls
    itself."""

    call_id: str
    name: str
    title: str | None = None
    arguments: Mapping[str, Json] | None = None
    state: ToolState
    progress: Progress | None = None
    result: Json = None
    error: str | None = None
    access: Access
    host: str
    duration_ms: int | None = None
    cut: bool = False
    step: int = 0
    approval: Approval | None = None
    host_name: str | None = None


class FilePart(WireStruct, frozen=True, tag_field="type", tag="file"):
    """A file in the message; its bytes are fetched by `file_id`."""

    file_id: str
    name: str
    media_type: str
    size: int
    step: int = 0


Part = TextPart | ThinkingPart | ToolCallPart | FilePart


class Usage(WireStruct, frozen=True, kw_only=True):
    """Tokens of one run, or of a session. `estimated`: the provider could not tell all of them. `cost` in dollars."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    estimated: bool
    cost: float | None = None

    def plus(self, other: "Usage") -> "Usage":
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            estimated=self.estimated or other.estimated,
            cost=sum(costs) if costs else None,
        )


NO_USAGE = Usage(input_tokens=0, output_tokens=0, cache_read_tokens=0, cache_write_tokens=0, estimated=False)


def sum_of(usages: Iterable[Usage]) -> Usage:
    """All of them together."""
    return reduce(Usage.plus, usages, NO_USAGE)


class Timing(WireStruct, frozen=True, kw_only=True):
    """When things happened in a run. `first_delta_ms` counts from its start; absent if nothing ever came."""

    queued_ms: int
    first_delta_ms: int | None = None
    total_ms: int
    tokens_per_second: float | None = None


class RunError(WireStruct, frozen=True, kw_only=True):
    """Why a run failed."""

    code: RunErrorCode
    message: str
    retryable: bool
    retry_after_s: float | None = None


class Rating(WireStruct, frozen=True):
    """What a user thought of an answer: -1, 0 (taken back) or 1."""

    score: int
    comment: str | None = None


class Flag(WireStruct, frozen=True):
    """A mark on a user's message, by an input check: `text` is for the users, `advice` for the model."""

    code: str
    text: str
    advice: str = ""


class Message(WireStruct, frozen=True, kw_only=True):
    """What was said, once. `author` is the user's id, or the model of an answer.

    `provider` stands on answers, since a thinking part's signature is only good for who made it. `context` is what
    the client sent along for the model to see (the selection, the sheet). `edited` names the message that this one
    replaced; `rating` is the last one given; `flags` are what input checks have marked it with. `usage`, `timing` and
    `error` stand on answers that are done, as their `done` told them.
    """

    message_id: str
    role: Role
    author: str
    parts: Sequence[Part]
    status: MessageStatus
    run_id: str | None = None
    created_at: int
    provider: str | None = None
    context: Json = None
    edited: str | None = None
    rating: Rating | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    error: RunError | None = None
    flags: Sequence[Flag] = ()


class Participant(WireStruct, frozen=True):
    """A user in a session, and what they may do in it."""

    user: str
    role: Literal["owner", "editor", "viewer"]


class Session(WireStruct, frozen=True, kw_only=True):
    """A durable chat as clients see it. `usage_by_user` has the part of each user who has asked for answers."""

    session_id: str
    title: str
    owner: str
    participants: Sequence[Participant]
    provider: str
    model: str
    system: str
    autonomy: Autonomy
    tags: Sequence[str]
    created_at: int
    updated_at: int
    running: bool
    usage: Usage
    usage_by_user: Mapping[str, Usage] = {}
