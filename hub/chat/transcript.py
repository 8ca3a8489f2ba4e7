"""A session folded from its events: what was said, and the run under way.

Folding is deterministic: whoever applies the same events in order, from the journal's begin or from a fold stored on
the way, has the same transcript. The driver of a session folds what it writes; a node folds what it follows, to make
snapshots; clients fold what they receive.
"""

import re
from collections.abc import Iterable
from typing import assert_never

import msgspec

from hub.chat import events
from hub.chat.draft import Draft
from hub.chat.parts import Message, Part, ThinkingPart, ToolCallPart

MAX_CLIENT_ERRORS = 10
"""How many reported errors wait for the next request; older ones are dropped."""

SNAPSHOT_MESSAGES = 50
SNAPSHOT_BYTES = 256 * 1024
CUT_RESULT_BYTES = 4 * 1024
"""A tool result whose JSON is longer is cut to this in snapshots."""


class _State(msgspec.Struct, omit_defaults=True):
    """All of a fold but its messages, as it is stored: JSON. New fields come last, with a default."""

    last_place: int = 0
    client_errors: list[str] = []


class _Seat(msgspec.Struct):
    """A message and its place in the session's order."""

    place: int
    message: Message


_CALL_ID = re.compile(r"[!-~]{1,120}")  # what is added to make it unique has its place within 128

_message_decoder = msgspec.json.Decoder(Message)


class Transcript:
    """The fold. `state` and `rows` are those of a stored fold, or nothing for a session from its begin.

    `rows` may be only the newest messages; then `has_older` is true, and changes of messages below them are left to
    the stored rows.
    """

    def __init__(
        self, state: bytes | None = None, rows: Iterable[tuple[int, bytes]] = (), *, has_older: bool = False
    ) -> None:
        self._state = msgspec.json.decode(state, type=_State) if state is not None else _State()
        self.has_older = has_older
        self.runs: dict[str, Draft] = {}  # by run id: started and not done, in the order of their start
        self._seats: dict[str, _Seat] = {}  # by message id, in the order of places
        self._changed: set[str] = set()  # message ids, since the last `stored`
        self._call_ids: set[str] | None = None  # of all tool calls; collected when first asked for
        for place, body in rows:
            message = _message_decoder.decode(body)
            self._seats[message.message_id] = _Seat(place, message)

    # ------------------------------------------------------------------------------------------------- folding

    def apply(self, event: events.Stored) -> None:
        match event:
            case events.Text() | events.Thinking():  # first: nearly all events are one of these
                draft = self.runs.get(event.run_id)
                if draft is not None:
                    draft.prose(event)
            case events.MessageChanged():
                self._put(event.message)
            case events.RunStarted():
                self.runs[event.run_id] = Draft(event)
                self._take_seat(event.message_id)
            case events.Done():
                draft = self.runs.pop(event.run_id, None)
                if draft is not None:
                    self._put(draft.finished(event))
            case events.Notice(code="client_error"):
                self._state.client_errors = [*self._state.client_errors, event.text][-MAX_CLIENT_ERRORS:]
            case events.Notice(code="fallback_provider", run_id=str(run_id), provider=str(provider), model=str(model)):
                draft = self.runs.get(run_id)
                if draft is not None:
                    draft.answered_by(provider, model)
            case events.Step():
                self._begin_step(event)
            case events.MessageQueued() | events.Notice() | events.Custom() | events.SessionChanged():
                pass
            case _:
                draft = self.runs.get(event.run_id)
                if draft is not None:
                    _apply_to_draft(draft, event)
                if self._call_ids is not None and isinstance(event, events.ToolStart):
                    self._call_ids.add(event.call_id)

    def _begin_step(self, step: events.Step) -> None:
        """What the client has reported goes into this request, and into no other."""
        draft = self.runs.get(step.run_id)
        if draft is not None:
            draft.begin_step(step, self._state.client_errors)
            self._state.client_errors = []

    def _put(self, message: Message) -> None:
        seat = self._seats.get(message.message_id)
        if seat is None:
            if self.has_older and self._is_older(message):
                return
            self._take_seat(message.message_id)
            seat = self._seats[message.message_id]
        seat.message = message
        self._changed.add(message.message_id)

    def _take_seat(self, message_id: str) -> None:
        self._state.last_place += 1
        self._seats[message_id] = _Seat(self._state.last_place, _NOBODY)

    def _is_older(self, message: Message) -> bool:
        """Whether a message without a seat is a change of one below those that are loaded, and not a new one.

        New ones are users' (an answer comes with its `done`), stand as they were sent, and are younger than the oldest.
        """
        if message.role == "assistant" or message.status == "superseded" or message.rating is not None:
            return True
        oldest = next((seat.message for seat in self._seats.values() if seat.message is not _NOBODY), None)
        return oldest is not None and message.created_at < oldest.created_at

    # ------------------------------------------------------------------------------------------------- reading

    def messages(self) -> list[Message]:
        """All messages that are whole, oldest first; the answers of open runs are not among them."""
        return [seat.message for seat in self._seats.values() if seat.message is not _NOBODY]

    def message(self, message_id: str) -> Message | None:
        seat = self._seats.get(message_id)
        return None if seat is None or seat.message is _NOBODY else seat.message

    def has_ended(self, run_id: str) -> bool:
        """Whether the run's answer is whole (as far as messages are loaded)."""
        return run_id not in self.runs and any(
            seat.message.run_id == run_id and seat.message.role == "assistant" for seat in self._seats.values()
        )

    def free_call_id(self, wanted: str) -> str:
        """An id for a new tool call that none of the session's has: `wanted`, if it is one that clients can send back.

        Some providers begin to count anew with each request. All messages have to be loaded.
        """
        if self._call_ids is None:
            parts = [part for message in self.messages() for part in message.parts]
            parts += [part for draft in self.runs.values() for part in draft.message().parts]
            self._call_ids = {part.call_id for part in parts if isinstance(part, ToolCallPart)}
        wanted = wanted if _CALL_ID.fullmatch(wanted) else "call"
        free, number = wanted, 1
        while free in self._call_ids:
            number += 1
            free = f"{wanted}_{number}"
        return free

    def call(self, call_id: str) -> ToolCallPart | None:
        """A tool call, as far as messages are loaded."""
        drafts = (draft.message() for draft in self.runs.values())
        for message in (*drafts, *reversed(self.messages())):
            for part in message.parts:
                if isinstance(part, ToolCallPart) and part.call_id == call_id:
                    return part
        return None

    def latest(self, *, limit: int = SNAPSHOT_MESSAGES, max_bytes: int = SNAPSHOT_BYTES) -> tuple[list[Message], bool]:
        """The newest messages, oldest first, and whether there are more below them.

        At most `limit` and `max_bytes` of JSON; the newest one is always there, whatever its size.
        """
        found: list[Message] = []
        left = max_bytes
        for message in reversed(self.messages()):
            cut = cut_results(message)
            left -= len(msgspec.json.encode(cut))
            if len(found) == limit or (found and left < 0):
                return found[::-1], True
            found.append(cut)
        return found[::-1], self.has_older

    def active(self) -> events.ActiveRun | None:
        """The run under way as a snapshot shows it: the first that started and is not done."""
        for draft in self.runs.values():
            started = draft.started
            return events.ActiveRun(
                run_id=started.run_id,
                message_id=started.message_id,
                reply_to=started.reply_to,
                provider=started.provider,
                model=started.model,
                started_at=started.time,
                message=cut_results(draft.message()),
                open_calls=draft.open_calls(),
                pending_approvals=list(draft.approvals.values()),
            )
        return None

    # ------------------------------------------------------------------------------------------------- storing

    def state(self) -> bytes:
        return msgspec.json.encode(self._state)

    def changed(self) -> list[tuple[int, Message]]:
        """The messages changed since `stored` was called last, with their places."""
        return [
            (seat.place, seat.message)
            for message_id, seat in self._seats.items()
            if message_id in self._changed and seat.message is not _NOBODY
        ]

    def stored(self) -> None:
        self._changed.clear()


_NOBODY = Message(message_id="", role="assistant", author="", parts=[], status="streaming", created_at=0)
"""Keeps the seat of an answer that is still being written."""


def _apply_to_draft(
    draft: Draft,
    event: events.ToolStart
    | events.ToolInput
    | events.ApprovalNeeded
    | events.ApprovalResolved
    | events.ToolProgress
    | events.ToolComplete
    | events.FileAdded,
) -> None:
    match event:
        case events.ToolStart():
            draft.tool_start(event)
        case events.ToolInput():
            draft.tool_input(event)
        case events.ApprovalNeeded():
            draft.approval_needed(event)
        case events.ApprovalResolved():
            draft.approval_resolved(event)
        case events.ToolProgress():
            draft.tool_progress(event)
        case events.ToolComplete():
            draft.tool_complete(event)
        case events.FileAdded():
            draft.file(event)
        case _:  # pragma: no cover  # the cases are all there are, as the type checker knows
            assert_never(event)


def cut_results(message: Message) -> Message:
    """The message with its long tool results cut to a text of `CUT_RESULT_BYTES` and marked so, and without the
    signatures of its thinking: only the provider reads them, and some hold all that was thought."""
    parts = [_cut(part) for part in message.parts]
    if all(new is old for new, old in zip(parts, message.parts, strict=True)):
        return message
    return msgspec.structs.replace(message, parts=parts)


def _cut(part: Part) -> Part:
    if isinstance(part, ThinkingPart) and part.signature is not None:
        return msgspec.structs.replace(part, signature=None)
    if not isinstance(part, ToolCallPart):
        return part
    text = msgspec.json.encode(part.result)
    if len(text) <= CUT_RESULT_BYTES:
        return part
    head = text[:CUT_RESULT_BYTES].decode(errors="ignore")
    return msgspec.structs.replace(part, result=head, cut=True)
