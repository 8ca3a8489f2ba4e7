"""The events of a session's journal (design, section 3.4), and their JSON.

An event's JSON has `type` first, then its fields, then `time`. Its offset is not part of it: the journal gives it, and
`with_offset` splices it in at the end, so that a stored payload goes to clients without being decoded. Clients ignore
types and fields that they do not know; so does `decode`.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hub.chat.parts import (
    Access,
    ApprovalScope,
    Citation,
    Json,
    Message,
    RunError,
    RunOutcome,
    Session,
    Timing,
    ToolCallPart,
    ToolOutcome,
    Usage,
    WireStruct,
)


class Event(WireStruct, frozen=True, kw_only=True, tag_field="type"):
    """The base of all events. `time` is milliseconds since 1970 and comes last (fields of subclasses come first)."""

    time: int


class MessageChanged(Event, frozen=True, tag="message"):
    """A user's message was added, or a message changed outside a run."""

    message: Message


class MessageQueued(Event, frozen=True, tag="message_queued"):
    """The message waits for the run before it; `place` 1 is next."""

    message_id: str
    run_id: str
    place: int


class RunStarted(Event, frozen=True, tag="run_started"):
    """An answer begins; `message_id` is the answer's."""

    run_id: str
    message_id: str
    reply_to: str
    provider: str
    model: str
    epoch: str


class Step(Event, frozen=True, tag="step"):
    """A new model request begins."""

    run_id: str
    index: int


class Text(Event, frozen=True, tag="text"):
    """More text of a part; `part` is its index in the message's parts. `citations` are more of that part's: the
    passages that they are for end with this delta, which may be empty, or before."""

    run_id: str
    message_id: str
    part: int
    delta: str
    citations: Sequence[Citation] = ()


class Thinking(Event, frozen=True, tag="thinking"):
    """More thinking of a part. `signature` or `redacted` come once, at its end, with an empty delta."""

    run_id: str
    message_id: str
    part: int
    delta: str
    signature: str | None = None
    redacted: str | None = None


class ToolStart(Event, frozen=True, tag="tool_start"):
    """The model began a tool call. `host` is "server", or the id of the client that executes it, which calls itself
    `host_name`."""

    run_id: str
    message_id: str
    part: int
    call_id: str
    name: str
    access: Access
    host: str
    title: str | None = None
    host_name: str | None = None


class ToolInput(Event, frozen=True, tag="tool_input"):
    """The call's arguments: a piece of their JSON as it is generated (`delta`), then all of them (`arguments`)."""

    run_id: str
    call_id: str
    delta: str | None = None
    arguments: Mapping[str, Json] | None = None


class ApprovalNeeded(Event, frozen=True, tag="approval_needed"):
    """The call waits for somebody to allow it, until `expires_at`.

    It comes again, with a higher `attempt`, if the arguments were edited to some that need an approval of their own,
    or to some that do not fit. `host_name` is whose tool it is, if it is a client's.
    """

    run_id: str
    call_id: str
    arguments: Mapping[str, Json]
    reason: str
    expires_at: int
    preview: Json = None
    attempt: int = 1
    host_name: str | None = None


class ApprovalResolved(Event, frozen=True, tag="approval_resolved"):
    """The answer that settled an approval; `arguments` are those that the call runs with, if it was allowed."""

    run_id: str
    call_id: str
    approve: bool
    arguments: Mapping[str, Json]
    by: str
    scope: ApprovalScope


class ToolProgress(Event, frozen=True, tag="tool_progress"):
    """How far a call is: a fraction from 0 to 1, a few words, and what it has put out so far (its end, if that is
    long). The newest replaces all before."""

    run_id: str
    call_id: str
    fraction: float | None = None
    note: str | None = None
    output: str | None = None


class ToolComplete(Event, frozen=True, tag="tool_complete"):
    """The call's end; exactly one for each `tool_start`, before its run's `done`. Without success, `result` is what
    the call had put out until then, if it did."""

    run_id: str
    call_id: str
    outcome: ToolOutcome
    duration_ms: int
    result: Json = None
    error: str | None = None


class FileAdded(Event, frozen=True, tag="file"):
    """A file generated in the answer."""

    run_id: str
    message_id: str
    part: int
    file_id: str
    name: str
    media_type: str
    size: int


class Notice(Event, frozen=True, tag="notice"):
    """What the user should know. `fallback_provider` names who answers instead."""

    code: str
    text: str
    run_id: str | None = None
    provider: str | None = None
    model: str | None = None


class Custom(Event, frozen=True, tag="custom"):
    """Defined by the application, and bounded by it."""

    name: str
    value: Json
    run_id: str | None = None


class Done(Event, frozen=True, tag="done"):
    """The run's end; exactly one for each `run_started`. Sets the answer's final status.

    `provider` and `model` are there if another has answered than the one that `run_started` named.
    """

    run_id: str
    message_id: str
    outcome: RunOutcome
    usage: Usage
    timing: Timing
    finish_reason: str | None = None
    error: RunError | None = None
    stopped_by: str | None = None
    provider: str | None = None
    model: str | None = None


class SessionChanged(Event, frozen=True, tag="session"):
    """What changed of the session's title, settings or participants."""

    session: Mapping[str, Json]


class ActiveRun(WireStruct, frozen=True, kw_only=True):
    """The run under way, as a snapshot shows it."""

    run_id: str
    message_id: str
    reply_to: str
    provider: str
    model: str
    started_at: int
    message: Message
    open_calls: Sequence[ToolCallPart]
    pending_approvals: Sequence[ApprovalNeeded]


class Snapshot(Event, frozen=True, tag="snapshot"):
    """The folded session at a position. Replaces all that a watcher knew; never stored in the journal."""

    epoch: str
    session: Session
    messages: Sequence[Message]
    has_more: bool
    run: ActiveRun | None = None


Stored = (
    MessageChanged
    | MessageQueued
    | RunStarted
    | Step
    | Text
    | Thinking
    | ToolStart
    | ToolInput
    | ApprovalNeeded
    | ApprovalResolved
    | ToolProgress
    | ToolComplete
    | FileAdded
    | Notice
    | Custom
    | Done
    | SessionChanged
)
"""What a journal holds."""


class _Tag(msgspec.Struct):
    type: str


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Stored] = msgspec.json.Decoder(Stored)
_tag_decoder = msgspec.json.Decoder(_Tag)
_KNOWN = frozenset(str(kind.__struct_config__.tag) for kind in Stored.__args__)


def encode(event: Event) -> bytes:
    """The event's JSON, without its offset."""
    return _encoder.encode(event)


def decode(payload: bytes) -> Stored | None:
    """The event of a stored payload; None if its type is one that this version does not know.

    Raises `msgspec.DecodeError` if the payload is not what `encode` writes.
    """
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError:
        if _tag_decoder.decode(payload).type in _KNOWN:
            raise
        return None


def with_offset(payload: bytes, offset: int) -> bytes:
    """A stored payload as it goes to clients: with its offset as the last field."""
    return b'%b,"offset":%d}' % (payload[:-1], offset)


class _Snapshot(msgspec.Struct, tag_field="type", tag="snapshot"):
    epoch: str


_snapshot_decoder = msgspec.json.Decoder(_Snapshot)


def offset_of(sent: bytes) -> int:
    """The offset that `with_offset` has given to what goes to clients."""
    return int(sent[sent.rindex(b":") + 1 : -1])


def epoch_of(sent: bytes) -> str | None:
    """The epoch that begins with what goes to clients, if that is a snapshot; None for all others."""
    return _snapshot_decoder.decode(sent).epoch if sent.startswith(b'{"type":"snapshot",') else None
