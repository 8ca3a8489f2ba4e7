"""Fuzz targets of hub/protocol. Each takes hostile bytes and ends in what is documented, or its failure is a finding.

python -m tests.fuzz.protocol_targets [seconds per target] [seed]
"""

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from hub.errors import HandshakeError, ProtocolError, RecordTooLarge
from hub.protocol import handshake, negotiate
from hub.protocol.client import ClientProtocol
from hub.protocol.codec import CODECS, CodecName
from hub.protocol.framing import write_varint
from hub.protocol.messages import Close, Message
from hub.protocol.server import ServerProtocol
from hub.protocol.values import load_json
from tests.fuzz.mutate import mutated, pieces
from tests.protocol import golden

MAX_BYTES = 4096


class Target(NamedTuple):
    seeds: Sequence[bytes]
    run: Callable[[bytes, random.Random], None]


def decoder(name: CodecName) -> Callable[[bytes, random.Random], None]:
    codec = CODECS[name]

    def run(data: bytes, source: random.Random) -> None:
        try:
            message = codec.decode(data)
        except ProtocolError:
            return
        if message is None:
            return
        assert isinstance(message, Message)
        try:
            frame = codec.encode(message)
        except TypeError:  # nested deeper than can be sent
            return
        splitter = codec.splitter(None)
        splitter.feed(frame)
        record = splitter.next_record()
        assert record is not None
        again = codec.decode(record)
        # By their bytes, since a NaN is not equal to itself.
        assert type(again) is type(message)
        assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(message)

    return run


def framing(name: CodecName) -> Callable[[bytes, random.Random], None]:
    def records(parts: Sequence[bytes]) -> list[bytes | str]:
        splitter = CODECS[name].splitter(MAX_BYTES)
        out: list[bytes | str] = []
        try:
            for part in parts:
                splitter.feed(part)
                out += iter(splitter.next_record, None)
        except ProtocolError as error:
            return [*out, str(error)]
        assert len(splitter.take_rest()) <= MAX_BYTES + 5
        return out

    def run(data: bytes, source: random.Random) -> None:
        whole = records([data])
        assert records(pieces(source, data)) == whole
        assert all(len(record) <= MAX_BYTES for record in whole if isinstance(record, bytes))

    return run


def request(data: bytes, source: random.Random) -> None:
    try:
        asked = handshake.parse_request(data, detailed_errors=bool(source.randrange(2)))
        codec = handshake.choose_codec(asked, protocols=("json", "messagepack"), transfer_formats=("Text",))
    except HandshakeError as error:
        assert load_json(handshake.reply(str(error))[:-1]) == {"error": str(error)}
    else:
        assert codec.name == "json"


def reply(data: bytes, source: random.Random) -> None:
    try:
        handshake.parse_reply(data)
    except HandshakeError as error:
        assert str(error)


def negotiation(data: bytes, source: random.Random) -> None:
    query = data.decode("utf-8", "surrogateescape")
    try:
        version = negotiate.read_version(query, minimum=source.randrange(2))
    except ProtocolError as error:
        assert b"client requested" in negotiate.error_body(str(error))
        return
    assert version in (0, 1)
    negotiate.uses_stateful_reconnect(query, is_allowed=True, transports=["WebSockets"])
    written = load_json(negotiate.redirect_body(query, query))
    assert isinstance(written, dict)


def server(data: bytes, source: random.Random) -> None:
    def outcome(parts: Sequence[bytes]) -> tuple[list[object], str | None, bytes]:
        protocol = ServerProtocol(max_receive_bytes=MAX_BYTES, detailed_errors=True)
        out: list[object] = []
        for part in parts:
            try:
                out += protocol.receive_data(part)
            except ProtocolError as raised:
                assert protocol.error is raised
        if (error := protocol.error) is not None:
            assert not protocol.is_open
            assert not protocol.has_partial
            assert isinstance(error, HandshakeError) == (not out)
            if isinstance(error, HandshakeError):
                assert load_json(protocol.handshake_reply[:-1]) == {"error": str(error)}
            else:
                assert protocol.handshake_reply == b"{}\x1e"
                assert str(error) in str(_decoded(protocol, protocol.close_for(error)).error)
        return out, None if error is None else type(error).__name__, protocol.handshake_reply

    whole, error, answer = outcome([data])
    parted, parted_error, parted_answer = outcome(pieces(source, data))
    assert list(map(repr, parted)) == list(map(repr, whole))
    assert (parted_error, parted_answer) == (error, answer)


def _decoded(protocol: ServerProtocol, frame: bytes) -> Close:
    splitter = protocol.codec.splitter(None)
    splitter.feed(frame)
    record = splitter.next_record()
    assert record is not None
    closing = protocol.codec.decode(record)
    assert isinstance(closing, Close)
    return closing


def client(data: bytes, source: random.Random) -> None:
    protocol = ClientProtocol(source.choice(("json", "messagepack")), max_receive_bytes=MAX_BYTES)
    for part in pieces(source, data):
        try:
            protocol.receive_data(part)
        except (HandshakeError, RecordTooLarge, ProtocolError) as error:
            assert protocol.error is error


def _records(name: CodecName) -> list[bytes]:
    written: list[Any] = [case[name] for case in golden.load("messages")]
    for file in ("accepted", "refused"):
        written += [case["record"] for case in golden.load(file)[name]]
    return [golden.record(name, text) for text in written]


def _stream(name: CodecName, records: Sequence[bytes]) -> bytes:
    return b"".join(record + b"\x1e" if name == "json" else write_varint(len(record)) + record for record in records)


def _targets() -> Mapping[str, Target]:
    targets: dict[str, Target] = {}
    sessions: list[bytes] = []
    answers: list[bytes] = []
    for name in CODECS:
        records = _records(name)
        good = [golden.record(name, case[name]) for case in golden.load("messages")]
        targets[f"{name} decoder"] = Target(records, decoder(name))
        streams = [_stream(name, good[start : start + 4]) for start in range(0, len(good), 4)]
        targets[f"{name} framing"] = Target(streams, framing(name))
        sessions += [handshake.request(name, 1 + index % 2) + stream for index, stream in enumerate(streams)]
        answers += [handshake.reply() + stream for stream in streams]
    requests = [
        case["record"].encode() for group in ("accepted", "refused") for case in golden.load("handshake")[group]
    ]
    targets["handshake request"] = Target(requests, request)
    targets["handshake reply"] = Target([b"{}", b'{"error":"no"}', b'{"type":7}'], reply)
    targets["negotiate"] = Target([b"0", b"1", b"-1", b"2147483647", b"true"], negotiation)
    targets["server"] = Target([*sessions, *requests], server)
    targets["client"] = Target([*answers, handshake.reply("no")], client)
    return targets


TARGETS = _targets()


def run(name: str, seed: int, rounds: range) -> None:
    """Each round is known by the seed and its number; a failure says both."""
    target = TARGETS[name]
    for number in rounds:
        source = random.Random(f"{seed} {number}")
        data = mutated(source, target.seeds)
        try:
            target.run(data, source)
        except Exception as error:
            error.add_note(f"target {name!r}, seed {seed}, round {number}: {data!r}")
            raise


def main(seconds: float = 60, seed: int = 0) -> None:
    for name in TARGETS:
        end, done = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            run(name, seed, range(done, done + 1000))
            done += 1000
        print(f"{name}: {done} rounds")


if __name__ == "__main__":
    main(*(float(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else map(float, sys.argv[1:2]))
