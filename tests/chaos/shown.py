"""What one watcher has been shown, and what may not happen to it (design, section 3.4).

Pure: events in, transcript and findings out. Within an epoch offsets rise by one, between snapshots too; what was shown
changes by its own events only; a snapshot of the same epoch takes nothing back, and one of another epoch takes back
only what Redis lost. Every word is held against the truth as it comes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Event = Mapping[str, object]
STATUS_OF = {"completed": "complete"}
"""Of an outcome, where the two differ."""

FINAL = frozenset({"complete", "stopped", "failed", "interrupted", "limit"})


OPEN = frozenset({"started", "waiting", "resolved"})
"""What a call is before its end."""

BEFORE = {
    "approval_needed": frozenset({"started"}),
    "approval_resolved": frozenset({"waiting"}),
    "tool_complete": OPEN,
}
"""What a call may be before each of its events."""


class Texts(Protocol):
    def text(self, message_id: str) -> str: ...


@dataclass
class ShownCall:
    state: str = "started"
    """started, waiting, resolved, or its outcome."""
    approve: bool | None = None
    """What was answered to whoever asked."""


@dataclass
class ShownMessage:
    message_id: str
    role: str
    run_id: str
    reply_to: str
    """Of an answer: whose message it answers; "" of a user's."""
    text: str
    status: str
    calls: dict[str, ShownCall] = field(default_factory=dict)
    """By call id."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


@dataclass
class Ledger:
    """All entries of one session's journal that anybody was shown, by epoch and offset: all are shown the same."""

    entries: dict[tuple[str, int], Event] = field(default_factory=dict)
    ends: dict[tuple[str, str], set[tuple[str, int]]] = field(default_factory=dict)
    """Where each run's `run_started` and `done` stand, by type and run."""
    asked_by: dict[str, str] = field(default_factory=dict)
    """The message that each run answers: Redis may forget that it was asked for it, and then another answers it too."""

    def differs(self, epoch: str, offset: int, event: Event) -> bool:
        kind = str(event["type"])
        if kind in ("run_started", "done"):
            self.ends.setdefault((kind, str(event["runId"])), set()).add((epoch, offset))
        return self.entries.setdefault((epoch, offset), event) != event


class Shown:
    """`tell` is called with what is wrong; `may_lose` says whether Redis has lost anything in this session's life."""

    def __init__(
        self,
        ledger: Ledger,
        truth: Texts,
        tell: Callable[[str], None],
        may_lose: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._truth = truth
        self._tell = tell
        self._may_lose = may_lose
        self.messages: dict[str, ShownMessage] = {}
        self.epoch = ""
        self.offset = 0
        self.past_epochs: set[str] = set()
        self.snapshots = 0
        self._open: dict[str, str] = {}  # answers' message ids by run, while runs are under way
        self._changed_by = {
            "message": self._message,
            "run_started": self._run_started,
            "text": self._text,
            "tool_start": self._tool_start,
            "approval_needed": self._tool_changed,
            "approval_resolved": self._tool_changed,
            "tool_complete": self._tool_changed,
            "done": self._done,
        }

    @property
    def position(self) -> dict[str, object] | None:
        """To follow from."""
        return {"epoch": self.epoch, "offset": self.offset} if self.epoch else None

    def users(self) -> list[ShownMessage]:
        return [message for message in self.messages.values() if message.role == "user"]

    def answers(self) -> list[ShownMessage]:
        return [message for message in self.messages.values() if message.role == "assistant"]

    def answer(self, run_id: str) -> ShownMessage | None:
        return next((message for message in self.answers() if message.run_id == run_id), None)

    @property
    def is_at_rest(self) -> bool:
        return not self._open

    def waiting(self) -> list[tuple[str, str]]:
        """The calls that wait for an approval, with their runs."""
        return [
            (run_id, call_id)
            for run_id, message_id in self._open.items()
            for call_id, call in self.messages[message_id].calls.items()
            if call.state == "waiting"
        ]

    def take(self, event: Event) -> None:
        kind, offset = str(event["type"]), event["offset"]
        assert isinstance(offset, int)
        if kind == "snapshot":
            self._snapshot(event, offset)
            return
        if offset != self.offset + 1:
            self._tell(f"{kind} has offset {offset} after {self.offset} in epoch {self.epoch or 'none'}")
        self.offset = offset
        if self._ledger.differs(self.epoch, offset, event):
            self._tell(f"entry {self.epoch}:{offset} is another to another watcher: {event}")
        change = self._changed_by.get(kind)
        if change is not None:
            change(event)

    # ------------------------------------------------------------------------------------------------- events

    def _message(self, event: Event) -> None:
        message = _message_of(event["message"])
        if message.role != "user":
            self._tell(f"a whole {message.role} message was sent: {event}")
        self.messages[message.message_id] = message
        self._ledger.asked_by[message.run_id] = message.message_id

    def _run_started(self, event: Event) -> None:
        run_id, message_id, reply_to = (str(event[name]) for name in ("runId", "messageId", "replyTo"))
        if self.answer(run_id) is not None:
            self._tell(f"run {run_id} started twice")
        if reply_to not in self.messages:
            self._tell(f"run {run_id} answers {reply_to}, which was not shown")
        self.messages[message_id] = ShownMessage(message_id, "assistant", run_id, reply_to, "", "streaming")
        self._open[run_id] = message_id
        self._ledger.asked_by[run_id] = reply_to

    def _text(self, event: Event) -> None:
        run_id, delta = str(event["runId"]), str(event["delta"])
        answer = self.messages.get(self._open.get(run_id, ""))
        if answer is None or answer.message_id != event["messageId"]:
            self._tell(f"text of run {run_id}, which is not under way: {delta!r}")
            return
        if not self._truth.text(answer.reply_to).startswith(delta, len(answer.text)):
            self._tell(f"{delta!r} does not come after {answer.text[-30:]!r}")
        answer.text += delta

    def _tool_start(self, event: Event) -> None:
        answer, call_id = self._under_way(event), str(event["callId"])
        if answer is None or call_id in answer.calls:
            self._tell(f"a call began that could not: {event}")
        else:
            answer.calls[call_id] = ShownCall()

    def _tool_changed(self, event: Event) -> None:
        answer, kind = self._under_way(event), str(event["type"])
        call = answer.calls.get(str(event["callId"])) if answer else None
        if call is None or call.state not in BEFORE[kind]:
            self._tell(f"{kind} of a call that is {call}: {event}")
        elif kind == "approval_needed":
            call.state = "waiting"
        elif kind == "approval_resolved":
            call.state, call.approve = "resolved", bool(event["approve"])
        else:
            call.state = str(event["outcome"])

    def _under_way(self, event: Event) -> ShownMessage | None:
        return self.messages.get(self._open.get(str(event["runId"]), ""))

    def _done(self, event: Event) -> None:
        run_id = str(event["runId"])
        answer = self.messages.get(self._open.pop(run_id, ""))
        if answer is None:
            self._tell(f"done of run {run_id}, which is not under way")
            return
        outcome = str(event["outcome"])
        answer.status = STATUS_OF.get(outcome, outcome)
        self._check_whole(answer)
        for call_id, call in answer.calls.items():
            if call.state in OPEN:
                self._tell(f"done of run {run_id}, and its call {call_id} is {call.state}")

    def _check_whole(self, answer: ShownMessage) -> None:
        if answer.status == "complete" and answer.text != self._truth.text(answer.reply_to):
            self._tell(f"{answer.message_id} is complete and ends with {answer.text[-30:]!r}")

    # ---------------------------------------------------------------------------------------------- snapshots

    def _snapshot(self, event: Event, offset: int) -> None:
        epoch = str(event["epoch"])
        messages, opened = messages_of(event, self._ledger)
        if epoch in self.past_epochs:
            self._tell(f"epoch {epoch} came back after {self.epoch}")
        if epoch == self.epoch and offset < self.offset:
            self._tell(f"a snapshot at {offset} came after {self.offset} in epoch {epoch}")
        if self.epoch and (epoch == self.epoch or not self._may_lose()):
            self._check_nothing_lost(messages)
        if self.epoch and epoch != self.epoch:
            self.past_epochs.add(self.epoch)
        for message in messages.values():
            if message.role == "assistant":
                check_answer(message, self._truth, self._tell)
        self.messages, self._open = messages, opened
        self.epoch, self.offset = epoch, offset
        self.snapshots += 1

    def _check_nothing_lost(self, messages: Mapping[str, ShownMessage]) -> None:
        for old in self.messages.values():
            new = messages.get(old.message_id)
            if new is None:
                self._tell(f"a snapshot took {old.role} message {old.message_id} ({old.status}) back")
            elif not new.text.startswith(old.text):
                self._tell(f"a snapshot took {old.text[len(new.text) :]!r} of {old.message_id} back")
            elif old.is_final and (old.text, old.status, old.calls) != (new.text, new.status, new.calls):
                self._tell(f"{old.message_id} was {old.status} and is {new.status}, {len(new.text)} characters")


def check_answer(answer: ShownMessage, truth: Texts, tell: Callable[[str], None]) -> None:
    """Of a snapshot or History: the beginning of what the provider said, and all of it if it is complete."""
    if not answer.reply_to and not answer.text:
        return  # of a run that nobody was shown while it went on, and that Redis has forgotten
    said = truth.text(answer.reply_to)
    if not said.startswith(answer.text):
        tell(f"{answer.message_id} says {answer.text!r}, and the provider said {said!r}")
    elif answer.status == "complete" and answer.text != said:
        tell(f"{answer.message_id} is complete and lacks {said[len(answer.text) :]!r}")


def messages_of(page: Event, ledger: Ledger) -> tuple[dict[str, ShownMessage], dict[str, str]]:
    """Of a snapshot or a page of History: the messages in order, and the open answers by run."""
    messages: dict[str, ShownMessage] = {}
    listed = page["messages"]
    assert isinstance(listed, list)
    for each in listed:
        message = _message_of(each)
        messages[message.message_id] = message
        if message.role == "user":
            ledger.asked_by[message.run_id] = message.message_id
    for message in messages.values():
        if message.role == "assistant":
            message.reply_to = ledger.asked_by.get(message.run_id, "")
    run = page.get("run")
    if not isinstance(run, Mapping):
        return messages, {}
    answer = _message_of(run["message"])
    answer.reply_to, answer.status = str(run["replyTo"]), "streaming"
    told, waiting = run["pendingApprovals"], [name for name, call in answer.calls.items() if call.state == "waiting"]
    assert isinstance(told, list)
    assert [approval["callId"] for approval in told] == waiting, run
    messages[answer.message_id] = answer
    return messages, {answer.run_id: answer.message_id}


def _message_of(value: object) -> ShownMessage:
    assert isinstance(value, Mapping)
    text = "".join(part["text"] for part in value["parts"] if part["type"] == "text")
    return ShownMessage(
        message_id=str(value["messageId"]),
        role=str(value["role"]),
        run_id=str(value.get("runId", "")),
        reply_to="",
        text=text,
        status=str(value["status"]),
        calls={part["callId"]: _call_of(part) for part in value["parts"] if part["type"] == "tool_call"},
    )


def _call_of(part: Event) -> ShownCall:
    approval = part.get("approval")
    approve = approval.get("approve") if isinstance(approval, Mapping) else None
    state = str(part["state"])
    if state in ("pending", "running"):
        state = "started" if approve is None else "resolved"
    return ShownCall("waiting" if state == "approval" else state, approve)
