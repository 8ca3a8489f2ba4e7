"""The contract's objects and events (design, section 3.4), one example each, byte for byte.

The files of `tests/golden/contract` are what clients receive, one line of JSON each; clients in other languages read
them too.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from hub.chat import events, parts
from hub.chat.events import Event, Snapshot
from hub.chat.parts import Message, Session, WireStruct

FOLDER = Path(__file__).parent.parent / "golden" / "contract"
EVENTS = sorted(path.stem.removeprefix("event_") for path in FOLDER.glob("event_*.json"))
MESSAGES = sorted(path.stem for path in FOLDER.glob("message_*.json"))

# Section 3.4's table, as it is printed there: the fields that an event must have, then those that it may have.
FIELDS: dict[str, tuple[str, str]] = {
    "snapshot": ("epoch session messages hasMore", "run"),
    "message": ("message", ""),
    "message_queued": ("messageId runId place", ""),
    "run_started": ("runId messageId replyTo provider model epoch", ""),
    "step": ("runId index", ""),
    "text": ("runId messageId part delta", "citations"),
    "thinking": ("runId messageId part delta", "signature redacted"),
    "tool_start": ("runId messageId part callId name access host", "title hostName"),
    "tool_input": ("runId callId", "delta arguments"),
    "approval_needed": ("runId callId arguments reason expiresAt", "preview attempt hostName"),
    "approval_resolved": ("runId callId approve arguments by scope", ""),
    "tool_progress": ("runId callId", "fraction note output"),
    "tool_complete": ("runId callId outcome durationMs", "result error"),
    "file": ("runId messageId part fileId name mediaType size", ""),
    "notice": ("code text", "runId provider model"),
    "custom": ("name value", "runId"),
    "done": ("runId messageId outcome usage timing", "finishReason error stoppedBy provider model"),
    "session": ("session", ""),
}
STATUSES = get_args(parts.MessageStatus)


def line(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes().removesuffix(b"\n")


def read(payload: bytes) -> Event | None:
    if msgspec.json.decode(payload, type=dict)["type"] == "snapshot":
        return msgspec.json.decode(payload, type=Snapshot)
    return events.decode(payload)


def without_offset(wire: bytes) -> tuple[bytes, int]:
    """What the journal stores of what a client gets, and the offset. The offset is the last field."""
    payload, _, offset = wire.rpartition(b',"offset":')
    return payload + b"}", int(offset.removesuffix(b"}"))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read_and_written_byte_for_byte(name: str) -> None:
    wire = line(f"event_{name}")
    payload, offset = without_offset(wire)
    event = read(payload)
    assert event is not None
    assert events.encode(event) == payload
    assert events.with_offset(events.encode(event), offset) == wire
    assert events.offset_of(wire) == offset
    assert events.epoch_of(wire) == (event.epoch if isinstance(event, Snapshot) else None)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_its_type_first_and_time_and_offset_last(name: str) -> None:
    fields = list(json.loads(line(f"event_{name}")))
    kind = json.loads(line(f"event_{name}"))["type"]
    must, may = (set(words.split()) for words in FIELDS[kind])
    assert name == kind or name.startswith(f"{kind}_")
    assert (fields[0], fields[-2:]) == ("type", ["time", "offset"])
    assert must <= set(fields[1:-2]) <= must | may


def test_there_is_an_example_of_each_event_with_all_its_fields() -> None:
    seen: dict[str, set[str]] = {}
    for name in EVENTS:
        example = json.loads(line(f"event_{name}"))
        seen.setdefault(example["type"], set()).update(example)
    assert seen == {
        kind: {"type", "time", "offset", *must.split(), *may.split()} for kind, (must, may) in FIELDS.items()
    }
    stored = {str(kind.__struct_config__.tag) for kind in get_args(events.Stored)}
    assert stored == set(FIELDS) - {"snapshot"}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_read_and_written_byte_for_byte(name: str) -> None:
    assert msgspec.json.encode(msgspec.json.decode(line(name), type=Message)) == line(name)


@pytest.mark.parametrize("status", STATUSES)
def test_there_is_an_example_of_each_status(status: str) -> None:
    assert json.loads(line(f"message_{status}"))["status"] == status


def test_there_is_an_example_of_each_part_and_state() -> None:
    found = [part for name in MESSAGES for part in json.loads(line(name))["parts"]]
    assert {part["type"] for part in found} == {"text", "thinking", "tool_call", "file"}
    assert {part["state"] for part in found if part["type"] == "tool_call"} == set(get_args(parts.ToolState))


def test_there_is_an_example_of_each_way_that_an_approval_stands() -> None:
    found = [part["approval"] for name in MESSAGES for part in json.loads(line(name))["parts"] if "approval" in part]
    assert {approval.get("approve") for approval in found} == {None, False, True}


def test_a_session_is_read_and_written_byte_for_byte() -> None:
    assert msgspec.json.encode(msgspec.json.decode(line("session"), type=Session)) == line("session")
    printed = "sessionId title owner participants provider model system autonomy tags createdAt updatedAt running usage"
    assert list(json.loads(line("session"))) == [*printed.split(), "usageByUser"]


@pytest.mark.parametrize("name", ["session", *MESSAGES, *(f"event_{name}" for name in EVENTS)])
def test_no_field_is_null(name: str) -> None:
    def nulls(value: object, path: Sequence[str]) -> list[str]:
        match value:
            case dict():
                return [found for key, inner in value.items() for found in nulls(inner, [*path, str(key)])]
            case list():
                return [found for inner in value for found in nulls(inner, path)]
            case None:
                return [".".join(path)]
        return []

    assert nulls(json.loads(line(name)), []) == []


def test_an_event_of_a_newer_version_is_passed_over() -> None:
    assert events.decode(b'{"type":"from_the_future","wisdom":1,"time":1}') is None


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert events.decode(b'{"type":"step","runId":"r","index":1,"mood":"good","time":1}') == events.Step("r", 1, time=1)


def test_an_event_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        events.decode(b'{"type":"step","runId":"r","time":1}')


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        events.decode(b'{"type":')


def test_every_wire_struct_is_camel_case_and_leaves_out_defaults() -> None:
    structs = [kind for kind in vars(parts).values() if isinstance(kind, type) and issubclass(kind, WireStruct)]
    for kind in [*structs, *get_args(events.Stored), Snapshot, events.ActiveRun]:
        assert kind.__struct_config__.omit_defaults
        assert not any("_" in name for name in kind.__struct_encode_fields__)
