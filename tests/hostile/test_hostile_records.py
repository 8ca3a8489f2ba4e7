"""Records of the hub protocol that no client would send, over WebSockets."""

import contextlib

import pytest

from tests.hostile.attack import MIB, Honest, Target, until
from tests.hostile.target import MAX_RECEIVE_BYTES
from tests.server.raw_http import call, record, records
from tests.server.transports.frame_cases import BINARY, TEXT, frame

BOUND = 64 * MAX_RECEIVE_BYTES + 4 * MIB
"""Decoded JSON takes up to some forty times its text (a list of empty lists)."""

MESSAGEPACK = b'{"protocol":"messagepack","version":1}\x1e'
BROKEN = "Connection closed with an error."


def prefixed(record: bytes) -> bytes:
    """A MessagePack record with its length."""
    length, prefix = len(record), b""
    while length >= 0x80:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return prefix + bytes([length]) + record


INVOCATION = b"\x96\x01\x80\xa11\xa4Echo"  # [1, {}, "1", "Echo", …: the arguments and the ids of streams are missing


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "objects"])
def test_json_nested_10_000_deep(target: Target, opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    deep = opening * 10_000 + b"1" + closing * 10_000
    if len(deep) > MAX_RECEIVE_BYTES:
        deep = opening * 9_000 + b"1" + closing * 9_000
    with target.within(BOUND), target.open() as link:
        link.send(frame(TEXT, b'{"type":1,"invocationId":"1","target":"Echo","arguments":[%b]}\x1e' % deep))
        outcome = link.outcome()
    assert (outcome.code, outcome.close) == (1000, BROKEN)


@pytest.mark.parametrize(
    "claim",
    [
        b"\xdd\x80\x00\x00\x00",  # 2^31 arguments
        b"\xdd\xff\xff\xff\xff",
        b"\x91\xdf\x7f\xff\xff\xff",  # a map
        b"\x91\xdb\x80\x00\x00\x00abc",  # a string
        b"\x91\xc6\xff\xff\xff\xffabc",  # bytes
        b"\x91" * 10_000 + b"\x01",  # as deep as it is long
        b"\x91\xc9\x80\x00\x00\x00\x05a",  # an extension
    ],
    ids=["array", "longest array", "map", "string", "bytes", "deep", "extension"],
)
def test_messagepack_that_claims_more_than_it_has(target: Target, claim: bytes) -> None:
    with target.within(BOUND), target.open(hello=frame(TEXT, MESSAGEPACK)) as link:
        link.send(frame(BINARY, prefixed(INVOCATION + claim)))
        outcome = link.outcome()
    assert outcome.code == 1000
    assert BROKEN.encode() in outcome.received


def test_a_record_of_messagepack_that_claims_2_gb(target: Target) -> None:
    with target.within(BOUND), target.open(hello=frame(TEXT, MESSAGEPACK)) as link:
        link.send(frame(BINARY, b"\xff\xff\xff\xff\x07abc"))
        outcome = link.outcome()
    assert b"%dB was exceeded" % MAX_RECEIVE_BYTES in outcome.received
    assert b"max_receive_bytes" in outcome.received


def test_a_record_over_the_limit(target: Target) -> None:
    with target.within(BOUND), target.open() as link:
        link.send(frame(TEXT, call("Echo", "x" * MAX_RECEIVE_BYTES)))
        outcome = link.outcome()
    assert f"{MAX_RECEIVE_BYTES}B was exceeded" in outcome.close
    assert "max_receive_bytes" in outcome.close


@pytest.mark.parametrize("hello", [True, False], ids=["after the handshake", "instead of it"])
def test_10_mb_of_record_separators(target: Target, hello: bool) -> None:
    """CVE-2026-32689: eight megabytes of line breaks, a list item each. The first empty record is the last here."""
    with target.within(BOUND), target.open() if hello else target.open(hello=None) as link:
        piece = frame(TEXT, b"\x1e" * MAX_RECEIVE_BYTES)
        for _ in range(10_000_000 // MAX_RECEIVE_BYTES + 1):
            if not link.send(piece):
                break
        outcome = link.outcome()
    assert outcome.code == 1000
    assert outcome.close.startswith(BROKEN if hello else "An unexpected error occurred during connection handshake.")


def test_many_arguments(target: Target) -> None:
    with target.within(BOUND), target.open() as link:
        link.send(frame(TEXT, call("Echo", *[[]] * 10_000)))
        link.read()
    assert b"Failed to invoke 'Echo' due to an error on the server." in link.last[1]


def test_one_call_with_5_000_uploads(target: Target) -> None:
    """CVE-2026-33151, CVE-2026-48804: placeholders of what is to come, that pile up. The nearest here are the ids of
    uploads: none is kept unless all fit the method."""
    ids = [str(number) for number in range(5_000)]
    with target.within(BOUND), target.open() as link:
        for method in ("Count", "Echo", "Nowhere"):
            link.send(frame(TEXT, record(type=1, invocationId="1", target=method, arguments=[], streamIds=ids)))
            link.read()
            assert b'"error":' in link.last[1]


def test_a_million_streams(target: Target) -> None:
    """The first hundred run, the others are refused; who reads none of the refusals is cut. (In the portable path the
    server underneath keeps the socket for what it could not send: it reads no more, and the writing times out.)"""
    with target.within(BOUND), target.open() as link:
        link.socket.settimeout(3)
        number = 0
        with contextlib.suppress(TimeoutError):
            while number < 1_000_000:
                ids = range(number, number + 500)
                calls = (record(type=4, invocationId=str(n), target="Forever", arguments=[]) for n in ids)
                number += 500
                if not link.send(frame(TEXT, b"".join(calls))):
                    break
        outcome = link.outcome()
    refused = records(outcome.received[: outcome.received.rindex(b"\x1e") + 1])
    assert refused[0] == {
        "type": 3,
        "invocationId": "100",
        "error": "This connection has 100 streams already, which is the limit (max_streams).",
    }
    assert number < 1_000_000
    until(lambda: any("slow consumer cut" in line and "outbox_max_bytes" in line for line in target.log))


def test_an_upload_that_never_ends_and_is_never_read(target: Target) -> None:
    """Its buffer fills, and then nothing is read from this connection any more."""
    with target.within(BOUND), target.open() as link:
        link.send(frame(TEXT, record(type=1, invocationId="1", target="Hoard", arguments=[], streamIds=["u"])))
        items = frame(TEXT, record(type=2, invocationId="u", item="x" * 1000) * 100)
        link.socket.settimeout(2)  # of one write: the kernel takes no more
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 1000 * MIB:
                link.socket.sendall(items)
                sent += len(items)
        assert sent < 32 * MIB, "the server read on"
        assert Honest(target).leaves_answered()


def test_an_upload_that_never_ends_and_is_read(target: Target) -> None:
    with target.within(BOUND), target.open() as link:
        link.send(frame(TEXT, record(type=1, invocationId="1", target="Count", arguments=[], streamIds=["u"])))
        items = frame(TEXT, record(type=2, invocationId="u", item="x" * 1000) * 100)
        for _ in range(100):
            assert link.send(items)
        link.send(frame(TEXT, record(type=3, invocationId="u")))
        while b'"type":3' not in link.read()[1]:
            pass
        assert records(link.last[1])[-1] == {"type": 3, "invocationId": "1", "result": 10_000}


CRAFTED = [
    b"null", b"0", b'"', b"[]", b"{}", b'{"type":null}', b'{"type":1e400}', b'{"type":-1}', b'{"type":true}',
    b'{"type":1}', b'{"type":1,"target":{},"arguments":[]}', b'{"type":1,"target":"Echo","arguments":{}}',
    b'{"type":1,"target":"__init__","arguments":[],"invocationId":"1"}', b'{"type":1,"target":"","arguments":[]}',
    b'{"type":1,"target":"Echo","arguments":[1],"invocationId":{"a":1}}',
    b'{"type":1,"target":"Echo","arguments":null}',
    b'{"type":1,"target":"Echo","arguments":[1],"streamIds":"abc"}', b'{"type":2}', b'{"type":2,"invocationId":"x"}',
    b'{"type":3}', b'{"type":3,"invocationId":"1","result":1,"error":"e"}', b'{"type":3,"invocationId":"1"}',
    b'{"type":4,"target":"Forever","arguments":[]}', b'{"type":5}', b'{"type":5,"invocationId":"nobody"}',
    b'{"type":7,"error":{}}', b'{"type":8}', b'{"type":8,"sequenceId":-1}',
    b'{"type":9,"sequenceId":9223372036854775808}',
    b'{"type":99}', b'{"type":1,"headers":5,"target":"Echo","arguments":[]}', b"\x00", b"\xef\xbb\xbf{}",
    b'{"type":1,"target":"\\ud800","arguments":["\\udfff"],"invocationId":"1"}', b'{"type":6,"type":7}',
]  # fmt: skip


def test_crafted_records(target: Target) -> None:
    """CVE-2024-38355, CVE-2023-32695, CVE-2022-2421, CVE-2022-41940, CVE-2022-21676: one record, and the process is
    down. Here it is one connection at most. That no traceback is logged is seen at the end of all tests."""
    with target.within(BOUND):
        for crafted in CRAFTED:
            with target.open() as link:
                link.send(frame(TEXT, crafted + b"\x1e" + record(type=7)))
                assert link.outcome().code == 1000, crafted
    assert Honest(target).leaves_answered()
