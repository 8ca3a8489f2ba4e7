"""Bytes on the wire per character of streamed text: the product's own events beside two others' for the same deltas."""

import json
import subprocess
from collections.abc import Callable, Sequence

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.bench.document import pieces
from tests.bench.peers.catalogue import WireBytes, ai_sdk_stream, socketio_stream
from tests.bench.source import Plan, write_plan
from tests.bench.table import Table
from tests.bench.wire.peer import PeerMissing
from tests.bench.wire.rows import hub_row

CHARACTERS = 8000
_PER_SECOND = 200.0
"""Slow enough that no two deltas share an event, as with the others."""
_TIMEOUT_S = 30.0


def run() -> list[Table]:
    deltas = pieces(CHARACTERS)
    table = Table(
        f"bytes on the wire per character: {CHARACTERS:,} characters of text in {len(deltas)} deltas",
        ("stream", "bytes per character", "bytes", "events", "not measured because"),
    )
    measures: Sequence[tuple[str, Callable[[], Sequence[WireBytes]]]] = (
        ("hub, Watch, JSON", lambda: [_watched(_Json)]),
        ("hub, Watch, MessagePack", lambda: [_watched(_MessagePack)]),
        ("socket.io", lambda: socketio_stream(deltas)),
        ("Vercel AI SDK", lambda: ai_sdk_stream(deltas)),
    )
    for name, measure in measures:
        try:
            for found in measure():
                per_character = f"{found.bytes / found.characters:.2f}"
                table.add(name, per_character, f"{found.bytes:,}", found.what, "")
        except (PeerMissing, AssertionError, OSError, WebSocketException, subprocess.TimeoutExpired) as failed:
            table.add(name, "-", "-", "-", str(failed) or type(failed).__name__)
    table.notes.append(
        "Of the hub: the frames from the run's first event to its last, their heads included, of text, state and usage."
    )
    return [table]


class _Json:
    name = "json"

    @staticmethod
    def write(message: Sequence[object]) -> str:
        kind, call_id, target, arguments = message
        record = {"type": kind, "invocationId": call_id, "target": target, "arguments": arguments}
        return json.dumps(record) + "\x1e"

    @staticmethod
    def read(data: str | bytes) -> Sequence[tuple[int, object]]:
        """Kind and item or result of each record."""
        assert isinstance(data, str)
        found = [json.loads(record) for record in data.split("\x1e") if record]
        return [(each.get("type", 0), each.get("item", each.get("error"))) for each in found]


class _MessagePack:
    name = "messagepack"

    @staticmethod
    def write(message: Sequence[object]) -> bytes:
        kind, call_id, target, arguments = message
        body = msgspec.msgpack.encode([kind, {}, call_id, target, arguments, []])
        return _varint(len(body)) + body

    @staticmethod
    def read(data: str | bytes) -> Sequence[tuple[int, object]]:
        if isinstance(data, str):
            return []  # the handshake's answer is text
        found = []
        while data:
            size, used = _read_varint(data)
            record = msgspec.msgpack.decode(data[used : used + size])
            found.append((record[0], record[3] if record[0] == 2 else record[-1]))
            data = data[used + size :]
        return found


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def _read_varint(data: bytes) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(data[:5]):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, place + 1
    raise AssertionError("a length without end")


def _watched(codec: type[_Json] | type[_MessagePack]) -> WireBytes:
    """One run of the chat hub, watched; raises AssertionError when the text is not what the source gave."""
    with (
        hub_row().serve() as serving,
        connect(f"ws://127.0.0.1:{serving.port}/hub", compression=None, max_queue=None) as socket,
    ):
        socket.send(json.dumps({"protocol": codec.name, "version": 1}) + "\x1e")
        socket.recv(_TIMEOUT_S)
        _call(socket, codec, 1, "open", "OpenSession", {"sessionId": "bytes"})
        _call(socket, codec, 4, "watch", "Watch", "bytes")
        _await_snapshot(socket, codec)  # else it may hold the beginning of the text
        plan = write_plan(Plan(document=CHARACTERS, per_second=_PER_SECOND))
        _call(socket, codec, 1, "send", "SendMessage", "bytes", {"messageId": "m", "content": plan})
        return _counted(socket, codec)


def _call(
    socket: ClientConnection,
    codec: type[_Json] | type[_MessagePack],
    kind: int,
    call_id: str,
    target: str,
    *rest: object,
) -> None:
    socket.send(codec.write((kind, call_id, target, list(rest))))


def _await_snapshot(socket: ClientConnection, codec: type[_Json] | type[_MessagePack]) -> None:
    while True:
        for kind, item in codec.read(socket.recv(_TIMEOUT_S)):
            assert kind != 3 or not isinstance(item, str), item
            if kind == 2 and isinstance(item, dict) and item["type"] == "snapshot":
                return


def _counted(socket: ClientConnection, codec: type[_Json] | type[_MessagePack]) -> WireBytes:
    size = characters = events = 0
    has_begun = False
    while True:
        data = socket.recv(_TIMEOUT_S)
        for kind, item in codec.read(data):
            assert kind != 3 or not isinstance(item, str), item
            if kind != 2 or not isinstance(item, dict):
                continue
            has_begun = has_begun or item["type"] == "run_started"
            if item["type"] == "text":
                characters += len(item["delta"])
                events += 1
            if item["type"] == "done":
                assert characters == CHARACTERS, f"{characters} of {CHARACTERS} characters came"
                return WireBytes(size + _on_wire(data), characters, f"{events} text events")
        size += _on_wire(data) if has_begun else 0


def _on_wire(data: str | bytes) -> int:
    length = len(data.encode() if isinstance(data, str) else data)
    return length + (2 if length < 126 else 4 if length < 65_536 else 10)
