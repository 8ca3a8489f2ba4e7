"""What a terminal shows of a session: events in, pieces of text out. Pure, so that it is tested without a terminal.

A terminal cannot take back what it printed. So this keeps, for each part of each message, how much was printed, and a
snapshot (which replaces everything, at any time) prints only what is not there yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hub.terminal.approval import Approval
from hub.terminal.output import CallOutput

Kind = Literal["answer", "user", "status", "error"]

# Statuses of an answer under way; every other is final.
_UNDER_WAY = ("queued", "streaming")
_MARKS = {"success": "✓", "failed": "✗", "denied": "✗", "interrupted": "✗", "timed_out": "✗"}

_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}
# What a terminal would obey: escape becomes visible, the rest goes; so do marks that reorder the text around them.
_NEUTRAL: dict[int, str | None] = {
    **_CONTROLS,
    0x1B: "␛",
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
}


def clean(text: str) -> str:
    """The text with nothing in it that a terminal obeys, but line breaks and tabs. Safe to apply to each delta."""
    return text.translate(_NEUTRAL)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to print. `answer` continues where the last answer ended; all others are lines of their own."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, and what there is to say about it."""

    outcome: str
    text: str


@dataclass(slots=True)
class View:
    """The session so far. `own` holds the message ids that were typed here, and need no echo."""

    own: set[str] = field(default_factory=set)
    epoch: str | None = None
    offset: int = 0
    active_run: str | None = None
    own_runs: set[str] = field(default_factory=set)  # that answer own messages
    user: str | None = None  # who is typing here, once the hub has said whose the own messages are
    ended: dict[str, Ended] = field(default_factory=dict)  # by run id, the latest 100
    approvals: dict[str, Approval] = field(default_factory=dict)  # by call id, while they wait for an answer
    _printed: dict[tuple[str, int], int] = field(default_factory=dict)  # characters of a text part
    _sources: dict[str, dict[str, None]] = field(default_factory=dict)  # of answers under way: each once, in order
    _seen: set[str] = field(default_factory=set)  # message ids
    _calls: dict[str, str] = field(default_factory=dict)  # open tool calls: what they are called
    _outputs: dict[str, CallOutput] = field(default_factory=dict)  # of open calls that have told of something
    _thinking: tuple[str, int] | None = None  # the thinking part that was announced last

    @property
    def position(self) -> Mapping[str, object] | None:
        """Where to go on after a lost connection; None before the first snapshot."""
        return None if self.epoch is None else {"epoch": self.epoch, "offset": self.offset}

    def apply(self, event: Mapping[str, object]) -> list[Piece]:
        """What the event adds to the terminal. Unknown events add nothing (design, section 3.4)."""
        if isinstance(offset := event.get("offset"), int):
            self.offset = offset
        if isinstance(epoch := event.get("epoch"), str):
            self.epoch = epoch
        match event.get("type"):
            case "snapshot":
                return self._snapshot(event)
            case "message":
                return self._message(_mapping(event, "message"))
            case "message_queued":
                return [Piece("status", f"waits, at place {event.get('place')}")]
            case "run_started":
                self._run_began(event)
                self._seen.add(_text(event, "messageId"))
                return []
            case "text":
                return self._text(event)
            case "thinking":
                return self._think(event)
            case "done":
                return self._done(event)
            case "notice":
                return [Piece("status", _text(event, "text"))]
            case "file":
                return [Piece("status", f"file: {_text(event, 'name')} ({event.get('size')} bytes)")]
            case "approval_needed":
                return self._approval(event)
            case "approval_resolved":
                self.approvals.pop(_text(event, "callId"), None)
                verdict = "approved" if event.get("approve") else "denied"
                return [Piece("status", f"{self._call(event)} was {verdict} by {_text(event, 'by')}")]
            case "tool_start" | "tool_progress" | "tool_complete":
                return self._tool(event)
            case _:
                return []

    def _run_began(self, run: Mapping[str, object]) -> None:
        """Of a snapshot it may be none."""
        self.active_run = _text(run, "runId") or None
        if self.active_run and _text(run, "replyTo") in self.own:
            self.own_runs.add(self.active_run)

    def _text(self, event: Mapping[str, object]) -> list[Piece]:
        key = (_text(event, "messageId"), _number(event, "part"))
        delta = _text(event, "delta")
        pieces = [Piece("answer", "\n\n")] if key not in self._printed and self._began(key[0]) else []
        self._printed[key] = self._printed.get(key, 0) + len(delta)
        self._cite(key[0], event)
        return [*pieces, Piece("answer", delta)]

    def _cite(self, message_id: str, cited: Mapping[str, object]) -> None:
        for citation in _sequence(cited, "citations"):
            if isinstance(citation, Mapping):
                self._sources.setdefault(message_id, {})[_source(citation)] = None

    def _began(self, message_id: str) -> bool:
        return any(message == message_id for message, _ in self._printed)

    def _think(self, event: Mapping[str, object]) -> list[Piece]:
        key = (_text(event, "messageId"), _number(event, "part"))
        if key == self._thinking:
            return []
        self._thinking = key
        return [Piece("status", "thinking …")]

    def _tool(self, event: Mapping[str, object]) -> list[Piece]:
        call_id = _text(event, "callId")
        if event["type"] == "tool_start":
            self._calls[call_id] = _call_name(event)
            return [Piece("status", f"▸ {self._calls[call_id]}")]
        if event["type"] == "tool_progress":
            return self._progress(self._outputs.setdefault(call_id, CallOutput()), event)
        outcome = _text(event, "outcome")
        self.approvals.pop(call_id, None)
        name = self._calls.pop(call_id, "tool")
        rest = _put_out(self._outputs.pop(call_id, CallOutput()).rest())
        if outcome == "success":
            return [*rest, Piece("status", f"✓ {name} ({_number(event, 'durationMs')} ms)")]
        why = _text(event, "error") or outcome
        return [*rest, Piece("status", f"{_MARKS.get(outcome, '✗')} {name}: {why}")]

    def _progress(self, output: CallOutput, event: Mapping[str, object]) -> list[Piece]:
        fraction = event.get("fraction")
        share = f"{fraction:4.0%} " if isinstance(fraction, int | float) else ""
        told = f"{share}{_text(event, 'note')}".rstrip()
        pieces = [Piece("status", f"  {told}")] if output.progress(told) else []
        report = _text(event, "output")
        return [*pieces, *_put_out(output.lines(report))] if report else pieces

    def _approval(self, event: Mapping[str, object]) -> list[Piece]:
        call_id, attempt = _text(event, "callId"), _number(event, "attempt") or 1
        reason, arguments = _text(event, "reason"), _mapping(event, "arguments")
        run_id = _text(event, "runId") or self.active_run or ""
        approval = Approval(call_id, attempt, self._call(event), reason, arguments, run_id)
        self.approvals[call_id] = approval
        return [Piece("status", approval.text), Piece("status", f"  {approval.arguments_text}")]

    def _call(self, event: Mapping[str, object]) -> str:
        return self._calls.get(_text(event, "callId"), "tool")

    def _done(self, event: Mapping[str, object]) -> list[Piece]:
        outcome = _text(event, "outcome")
        said = [outcome]
        if outcome == "stopped" and (by := _text(event, "stoppedBy")) and by != self.user:
            said = [f"stopped by {by}"]
        rate = _mapping(event, "timing").get("tokensPerSecond")
        if isinstance(rate, int | float) and rate > 0:
            said.append(f"{rate:.0f} tokens/s")
        error = _text(_mapping(event, "error"), "message")
        ended = Ended(outcome, error)
        self._end(_text(event, "runId"), ended)
        self._calls.clear()
        self._outputs.clear()
        self.approvals.clear()
        sources = list(self._sources.pop(_text(event, "messageId"), ()))
        pieces = [Piece("status", f"source {number}: {text}") for number, text in enumerate(sources, 1)]
        pieces += [Piece("error", error)] if error else []
        return [*pieces, Piece("status", " · ".join(said))]

    def _end(self, run_id: str, ended: Ended) -> None:
        if self.active_run == run_id:
            self.active_run = None
        self.ended[run_id] = ended
        while len(self.ended) > 100:
            del self.ended[next(iter(self.ended))]

    def _message(self, message: Mapping[str, object]) -> list[Piece]:
        message_id = _text(message, "messageId")
        if message_id in self.own:
            self.user = _text(message, "author") or self.user
        if message_id in self._seen or message_id in self.own:
            return []
        self._seen.add(message_id)
        if message.get("status") == "superseded":
            return []
        if message.get("role") == "user":
            said = "".join(_text(part, "text") for part in _parts(message) if part.get("type") == "text")
            return [Piece("user", said)] if said else []
        return self._answer(message)

    def _answer(self, message: Mapping[str, object]) -> list[Piece]:
        """What of an answer's text is not printed yet."""
        message_id = _text(message, "messageId")
        pieces: list[Piece] = []
        for index, part in enumerate(_parts(message)):
            text = _text(part, "text") if part.get("type") == "text" else ""
            key = (message_id, index)
            if _text(message, "status") in _UNDER_WAY:
                self._cite(message_id, part)
            there = self._printed.get(key, 0)
            if len(text) > there:
                if not there and self._began(message_id):
                    pieces.append(Piece("answer", "\n\n"))
                pieces.append(Piece("answer", text[there:]))
                self._printed[key] = len(text)
        return pieces

    def _snapshot(self, event: Mapping[str, object]) -> list[Piece]:
        pieces: list[Piece] = []
        run = _mapping(event, "run")
        messages = [entry for entry in _sequence(event, "messages") if isinstance(entry, Mapping)]
        if partial := _mapping(run, "message"):
            messages = [*(entry for entry in messages if entry.get("messageId") != partial.get("messageId")), partial]
        before = self.active_run
        self._run_began(run)
        for message in messages:
            message_id, status = _text(message, "messageId"), _text(message, "status")
            if message.get("role") == "assistant" and message_id in self._seen and status != "superseded":
                pieces += self._answer(message)
            else:
                pieces += self._message(message)
            run_id = _text(message, "runId")
            if message.get("role") == "assistant" and run_id and status not in _UNDER_WAY and run_id != self.active_run:
                outcome = "completed" if status == "complete" else status
                if run_id not in self.ended:
                    self._end(run_id, Ended(outcome, ""))
                    # Its `done` was lost with what the snapshot replaced; whoever saw it begin sees it end.
                    pieces += [Piece("status", outcome)] if run_id == before else []
        self._calls = {
            _text(call, "callId"): _call_name(call) for call in _sequence(run, "openCalls") if isinstance(call, Mapping)
        }
        asked, self.approvals = self.approvals, {}
        for needed in _sequence(run, "pendingApprovals"):
            if isinstance(needed, Mapping):
                shown = self._approval(needed)
                call_id = _text(needed, "callId")
                pieces += shown if asked.get(call_id) != self.approvals[call_id] else []
        return pieces


def _call_name(call: Mapping[str, object]) -> str:
    """A client's tools are called after it, too: two workbooks may have the same."""
    name, host = _text(call, "title") or _text(call, "name"), _text(call, "hostName")
    return f"{name} in {host}" if host else name


def _put_out(lines: Sequence[str]) -> list[Piece]:
    return [Piece("status", f"  │ {line}") for line in lines]


def _source(citation: Mapping[str, object]) -> str:
    """In a line: what it is called, where it is, and its own words."""
    title, url = _text(citation, "title"), _text(citation, "url")
    page, end = _number(citation, "page"), _number(citation, "endPage")
    where = f", page {page}" if page else ""
    if end > page > 0:
        where = f", pages {page}-{end}"
    address = f" <{url}>" if title and url else ""
    quote = " ".join(_text(citation, "quote").split())
    return f"{title or url or 'a document'}{where}{address}" + (f": “{quote}”" if quote else "")


# Events come from another program: what is missing or of another type reads as empty.


def _text(source: Mapping[str, object], name: str) -> str:
    value = source.get(name)
    return value if isinstance(value, str) else ""


def _number(source: Mapping[str, object], name: str) -> int:
    value = source.get(name)
    return value if isinstance(value, int) else 0


def _mapping(source: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = source.get(name)
    return value if isinstance(value, Mapping) else {}


def _sequence(source: Mapping[str, object], name: str) -> Sequence[object]:
    value = source.get(name)
    return value if isinstance(value, list) else ()


def _parts(message: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [part for part in _sequence(message, "parts") if isinstance(part, Mapping)]
