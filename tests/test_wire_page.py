"""docs/wire.md names all that travels beyond the design's contract, and nothing that does not."""

import re
from pathlib import Path
from typing import get_args

import pytest

from hub import Hubline
from hub.chat import events, parts
from hub.chat.parts import WireStruct
from hub.chat_hub import FEATURES
from hub.chat_requests import ApprovalRequest, FilePartRequest
from hub.hooks.injection import FLAGGED
from hub.hooks.registry import HOOK_FAILED
from hub.runs.answer.hooked import CACHED
from hub.runs.sessions import SessionRow

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
ROWS: list[tuple[str, str, str]] = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)

# What section 3 of the design prints, of objects that have more.
CONTRACT: dict[type[WireStruct], str] = {
    events.Text: "runId messageId part delta",
    events.Thinking: "runId messageId part delta",
    events.ApprovalNeeded: "runId callId arguments preview reason expiresAt",
    events.ToolProgress: "runId callId fraction note",
    events.Notice: "code text runId",
    events.Done: "runId messageId outcome finishReason error usage timing stoppedBy",
    parts.TextPart: "text",
    parts.ThinkingPart: "text",
    parts.ToolCallPart: "callId name title arguments state progress result error",
    parts.FilePart: "fileId name mediaType size",
    parts.Progress: "fraction note",
    parts.Message: "messageId role author parts status runId createdAt",
    parts.Session: "sessionId title owner participants provider model system autonomy tags createdAt updatedAt "
    "running usage",
    SessionRow: "sessionId title running updatedAt unread",
}


def named(place: str, column: int = 0) -> set[str]:
    """The code words of a column of the rows whose second column names `place`; of all rows if it is empty."""
    return {word for row in ROWS if place in row[1] for word in re.findall(r"`([^`]+)`", row[column])}


@pytest.mark.parametrize(
    ("struct", "place"),
    [
        (events.Text, "`text`"),
        (events.Thinking, "`thinking`"),
        (events.ApprovalNeeded, "`approval_needed`"),
        (events.ToolProgress, "`tool_progress`"),
        (events.Notice, "`notice`"),
        (events.Done, "`done`"),
        (parts.Progress, "`tool_call.progress`"),
        (parts.Message, "message"),
        (parts.Session, "session"),
        (SessionRow, "`WatchSessions`"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_each_added_field_has_its_row_and_each_row_its_field(struct: type[WireStruct], place: str) -> None:
    added = set(struct.__struct_encode_fields__) - set(CONTRACT[struct].split()) - {"time"}
    assert added <= named(place)
    if not place.startswith("`"):
        assert named(place) <= set(struct.__struct_encode_fields__)


def test_the_parts_have_their_rows() -> None:
    for part in get_args(parts.Part):
        added = set(part.__struct_encode_fields__) - set(CONTRACT[part].split())
        assert added <= named("all parts") | named(f"`{part.__struct_config__.tag}`")


def test_what_clients_write_beyond_the_contract_is_named() -> None:
    assert "attempt" in ApprovalRequest.model_fields
    assert "attempt" in named("`ResolveApproval`")
    assert set(get_args(FilePartRequest.model_fields["type"].annotation)) < named("`SendMessage`")


async def test_limits_and_features_are_those_of_the_hub() -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client() as client:
        opened = await client.invoke("OpenSession")
    assert isinstance(opened, dict)
    (limits,) = (row[2] for row in ROWS if row[0] == "`limits`")
    (features,) = (row[2] for row in ROWS if row[0] == "`features`")
    assert re.findall(r"`(\w+)`", limits) == list(opened["limits"])
    assert re.findall(r"`(\w+)`", features) == sorted(opened["features"]) == sorted(FEATURES)


def test_the_codes_of_notices_are_those_of_the_code() -> None:
    _, _, after = PAGE.partition("| `notice` | when |")
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]+) \|", after.partition("| `custom`")[0], re.M))))
    written = {FLAGGED, HOOK_FAILED, CACHED, "redacted"}
    for path in (ROOT / "hub" / "runs").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        written |= set(re.findall(r'(?:events\.Notice|self\._notice)\(\s*"(\w+)"', text))
    assert told == written
