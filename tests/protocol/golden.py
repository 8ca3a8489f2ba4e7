"""Reads the golden vectors of `tests/golden/protocol`."""

import json
from pathlib import Path
from typing import Any

from hub.protocol import messages
from hub.protocol.messages import HubMessage

_FOLDER = Path(__file__).parent.parent / "golden" / "protocol"


def load(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def message(named: Any) -> HubMessage | None:
    """Of `["Invocation", {"target": …}]`; None stays None: the record is to be ignored."""
    if named is None:
        return None
    name, fields = named
    if "stream_ids" in fields:
        fields = {**fields, "stream_ids": tuple(fields["stream_ids"])}
    built: HubMessage = getattr(messages, name)(**fields)
    return built


def record(codec_name: str, written: str) -> bytes:
    """JSON is written as text, MessagePack in hex."""
    return bytes.fromhex(written) if codec_name == "messagepack" else written.encode()
