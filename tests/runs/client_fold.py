"""A client as the contract's section 3.4 describes it, and nothing else: plain JSON, no code of the hub's.

It folds what it receives, and checks what every client may rely on.
"""

import json
from collections.abc import Iterable
from typing import Any

Json = Any
_STATUS = {"completed": "complete"}
_OPEN_STATES = ("pending", "approval", "running")


class ClientFold:
    """Feed it what a `Watch` sends. `is_partial`: a `Chat`'s stream, whose offsets may have holes."""

    def __init__(self, *, is_partial: bool = False) -> None:
        self.epoch: str | None = None
        self.offset: int | None = None
        self.messages: dict[str, Json] = {}
        self.answers: dict[str, Json] = {}  # by run id: the answers under way
        self.placed_by_snapshot: set[str] = set()  # answers that a snapshot showed under way: their place is not told
        self.has_more = False
        self.snapshots = 0
        self.ended_runs: set[str] = set()
        self._is_partial = is_partial

    def feed(self, wires: Iterable[bytes]) -> "ClientFold":
        for wire in wires:
            self.take(json.loads(wire))
        return self

    def take(self, event: Json) -> None:
        if event["type"] == "snapshot":
            self._replace(event)
        else:
            self._check_offset(event["offset"])
            getattr(self, f"_on_{event['type']}", lambda _: None)(event)

    def _check_offset(self, offset: int) -> None:
        if self.offset is not None and self._is_partial:
            assert offset > self.offset, f"{offset} after {self.offset}"
        elif self.offset is not None:
            assert offset == self.offset + 1, f"{offset} after {self.offset}"
        self.offset = offset

    def _replace(self, snapshot: Json) -> None:
        self.snapshots += 1
        self.epoch, self.offset, self.has_more = snapshot["epoch"], snapshot["offset"], snapshot["hasMore"]
        self.messages = {message["messageId"]: message for message in snapshot["messages"]}
        assert len(self.messages) == len(snapshot["messages"]) <= 50
        self.answers = {}
        run = snapshot.get("run")
        if run is not None:
            message = run["message"]
            assert message["messageId"] not in self.messages
            assert message["messageId"] == run["messageId"]
            open_calls = [part for part in message["parts"] if part.get("state") in _OPEN_STATES]
            assert open_calls == run["openCalls"]
            self.placed_by_snapshot.add(message["messageId"])
            self.answers[run["runId"]] = self.messages[message["messageId"]] = message

    # ------------------------------------------------------------------------------------------------- events

    def _on_message(self, event: Json) -> None:
        message = event["message"]
        is_new = message["role"] == "user" and message["status"] in ("queued", "complete", "stopped")
        if message["messageId"] in self.messages or is_new or not self.has_more:
            self.messages[message["messageId"]] = message

    def _on_run_started(self, event: Json) -> None:
        self.answers[event["runId"]] = self.messages[event["messageId"]] = {
            "messageId": event["messageId"],
            "role": "assistant",
            "author": event["model"],
            "parts": [],
            "status": "streaming",
            "runId": event["runId"],
            "createdAt": event["time"],
        }

    def _on_notice(self, event: Json) -> None:
        if "model" in event and event.get("runId") in self.answers:
            self.answers[event["runId"]]["author"] = event["model"]

    def _on_text(self, event: Json) -> None:
        self._grow(event, "text")

    def _on_thinking(self, event: Json) -> None:
        self._grow(event, "thinking")

    def _grow(self, event: Json, kind: str) -> None:
        parts = self.answers[event["runId"]]["parts"]
        if event["part"] == len(parts):
            parts.append({"type": kind, "text": ""})
        part = parts[event["part"]]
        assert part["type"] == kind
        part["text"] += event["delta"]
        if "citations" in event:
            part["citations"] = [*part.get("citations", ()), *event["citations"]]

    def _on_tool_start(self, event: Json) -> None:
        parts = self.answers[event["runId"]]["parts"]
        assert event["part"] == len(parts)
        kept = {key: event[key] for key in ("callId", "name", "title") if key in event}
        parts.append({"type": "tool_call", **kept, "state": "pending"})

    def _on_tool_input(self, event: Json) -> None:
        if "arguments" in event:
            self._call(event).update(arguments=event["arguments"], state="running")

    def _on_tool_progress(self, event: Json) -> None:
        self._call(event)["progress"] = {key: event[key] for key in ("fraction", "note", "output") if key in event}

    def _on_tool_complete(self, event: Json) -> None:
        call = self._call(event)
        assert call["state"] in _OPEN_STATES
        call.update({key: event[key] for key in ("result", "error") if key in event}, state=event["outcome"])

    def _call(self, event: Json) -> Json:
        parts = self.answers[event["runId"]]["parts"]
        return next(part for part in reversed(parts) if part.get("callId") == event["callId"])

    def _on_done(self, event: Json) -> None:
        answer = self.answers.pop(event["runId"], None)
        assert answer is not None or self._is_partial
        if answer is not None:
            assert not [part for part in answer["parts"] if part.get("state") in _OPEN_STATES]
            answer["status"] = _STATUS.get(event["outcome"], event["outcome"])
        self.ended_runs.add(event["runId"])

    # ------------------------------------------------------------------------------------------------ comparing

    def view(self) -> dict[str, Json]:
        """What it shows, by message id, in no order."""
        return {message_id: seen(message) for message_id, message in self.messages.items()}

    def order(self, without: set[str]) -> list[str]:
        return [message_id for message_id in self.messages if message_id not in without]


def assert_same(watcher: ClientFold, whole: ClientFold) -> None:
    """The watcher shows what one that never left shows, as far back as it was told."""
    shown, expected = watcher.view(), whole.view()
    if watcher.has_more:
        expected = {message_id: expected[message_id] for message_id in shown}
    assert shown == expected
    unplaced = watcher.placed_by_snapshot
    assert watcher.order(unplaced) == [one for one in whole.order(unplaced) if one in shown]


def seen(message: Json) -> Json:
    """A message by the fields that section 3.4 names."""
    fields = ("messageId", "role", "author", "status", "runId", "createdAt")
    return {**{key: message.get(key) for key in fields}, "parts": [_part(part) for part in message["parts"]]}


def _part(part: Json) -> Json:
    fields = ["type", "text", "callId", "name", "title", "arguments", "state", "result", "error", "fileId"]
    if part.get("state") in _OPEN_STATES:
        fields.append("progress")
    return {key: part[key] for key in fields if part.get(key) is not None}
