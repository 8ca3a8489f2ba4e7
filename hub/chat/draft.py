"""An answer under way: the parts that a run's events have built so far."""

from collections.abc import Mapping, Sequence

import msgspec

from hub.chat import events
from hub.chat.parts import (
    Approval,
    Citation,
    FilePart,
    Json,
    Message,
    MessageStatus,
    Progress,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)

STATUS_OF_OUTCOME: Mapping[str, MessageStatus] = {
    "completed": "complete",
    "stopped": "stopped",
    "failed": "failed",
    "interrupted": "interrupted",
    "limit": "limit",
}


class _Prose:
    """A text or thinking part that grows. The pieces are joined when somebody looks."""

    __slots__ = ("citations", "kind", "pieces", "redacted", "signature", "step")

    def __init__(self, kind: type[TextPart] | type[ThinkingPart], step: int) -> None:
        self.kind = kind
        self.step = step
        self.pieces: list[str] = []
        self.signature: str | None = None
        self.redacted: str | None = None
        self.citations: Sequence[Citation] = ()

    def part(self) -> TextPart | ThinkingPart:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        text = self.pieces[0] if self.pieces else ""
        if self.kind is TextPart:
            return TextPart(text, step=self.step, citations=self.citations)
        return ThinkingPart(text, step=self.step, signature=self.signature, redacted=self.redacted)


class Draft:
    """One run that has started and is not done, with its answer so far."""

    def __init__(self, event: events.RunStarted) -> None:
        self.started = event
        self.step = 0
        self.client_errors: Sequence[str] = ()  # reported since the request before this step's
        self.approvals: dict[str, events.ApprovalNeeded] = {}  # by call id, while pending
        self._parts: list[_Prose | ToolCallPart | FilePart] = []
        self._place_of_call: dict[str, int] = {}

    @property
    def part_count(self) -> int:
        return len(self._parts)

    def message(self, status: MessageStatus = "streaming") -> Message:
        return Message(
            message_id=self.started.message_id,
            role="assistant",
            author=self.started.model,
            parts=[part.part() if isinstance(part, _Prose) else part for part in self._parts],
            status=status,
            run_id=self.started.run_id,
            created_at=self.started.time,
            provider=self.started.provider,
        )

    def finished(self, done: events.Done) -> Message:
        """The whole answer, as its `done` leaves it."""
        return msgspec.structs.replace(
            self.message(STATUS_OF_OUTCOME[done.outcome]), usage=done.usage, timing=done.timing, error=done.error
        )

    def open_calls(self) -> list[ToolCallPart]:
        """The calls that have no outcome yet, in order."""
        return [
            part
            for part in self._parts
            if isinstance(part, ToolCallPart) and part.state in ("pending", "approval", "running")
        ]

    # -- what each event changes. An event about a part or call that is not there changes nothing: it can only come
    #    from a newer version's journal.

    def answered_by(self, provider: str, model: str) -> None:
        self.started = msgspec.structs.replace(self.started, provider=provider, model=model)

    def begin_step(self, event: events.Step, client_errors: Sequence[str]) -> None:
        self.step = event.index
        self.client_errors = client_errors

    def prose(self, event: events.Text | events.Thinking) -> None:
        if event.part == len(self._parts):
            kind = TextPart if isinstance(event, events.Text) else ThinkingPart
            self._parts.append(_Prose(kind, self.step))
        part = self._parts[event.part] if event.part < len(self._parts) else None
        if not isinstance(part, _Prose):
            return
        part.pieces.append(event.delta)
        if isinstance(event, events.Thinking):
            part.signature = event.signature or part.signature
            part.redacted = event.redacted or part.redacted
        elif event.citations:
            part.citations = (*part.citations, *event.citations)

    def tool_start(self, event: events.ToolStart) -> None:
        self._place_of_call[event.call_id] = len(self._parts)
        self._parts.append(
            ToolCallPart(
                call_id=event.call_id,
                name=event.name,
                title=event.title,
                state="pending",
                access=event.access,
                host=event.host,
                host_name=event.host_name,
                step=self.step,
            )
        )

    def tool_input(self, event: events.ToolInput) -> None:
        if event.arguments is not None:
            self._change(event.call_id, arguments=event.arguments, state="running")

    def approval_needed(self, event: events.ApprovalNeeded) -> None:
        self.approvals[event.call_id] = event
        waits = Approval(attempt=event.attempt)
        self._change(event.call_id, arguments=event.arguments, state="approval", approval=waits)

    def approval_resolved(self, event: events.ApprovalResolved) -> None:
        needed = self.approvals.pop(event.call_id, None)
        answer = Approval(
            attempt=1 if needed is None else needed.attempt, approve=event.approve, by=event.by, scope=event.scope
        )
        state = "running" if event.approve else "pending"
        self._change(event.call_id, arguments=event.arguments, state=state, approval=answer)

    def tool_progress(self, event: events.ToolProgress) -> None:
        self._change(event.call_id, progress=Progress(event.fraction, event.note, event.output))

    def tool_complete(self, event: events.ToolComplete) -> None:
        self.approvals.pop(event.call_id, None)
        self._change(
            event.call_id,
            state=event.outcome,
            result=event.result,
            error=event.error,
            duration_ms=event.duration_ms,
            progress=None,
        )

    def file(self, event: events.FileAdded) -> None:
        self._parts.append(FilePart(event.file_id, event.name, event.media_type, event.size, step=self.step))

    def _change(self, call_id: str, **changes: Json) -> None:
        place = self._place_of_call.get(call_id)
        if place is None:
            return
        call = self._parts[place]
        assert isinstance(call, ToolCallPart)
        self._parts[place] = msgspec.structs.replace(call, **changes)
