"""WebSocket frames that no client would send. (Their grammar in full: tests/server/transports/frame_cases.py.)"""

import pytest

from tests.hostile.attack import MIB, Honest, Target
from tests.hostile.target import MAX_MESSAGE_BYTES
from tests.server.raw_http import HANDSHAKE
from tests.server.transports.frame_cases import BINARY, CONTINUATION, PING, TEXT, frame

BOUND = 8 * MAX_MESSAGE_BYTES + 4 * MIB
"""One message, held a few times while it is read and decoded, and the slack of an allocator."""


def test_a_frame_of_16_mib(target: Target) -> None:
    with target.within(BOUND), target.open() as link:
        link.send(frame(BINARY, bytes(16 * MIB)))
        outcome = link.outcome()
    assert outcome.code == 1009
    assert str(MAX_MESSAGE_BYTES) in outcome.reason


def test_a_million_tiny_fragments(target: Target) -> None:
    """CVE-2026-48779: each fragment costs an object. Ours count 64 bytes at least; the portable path's library counts
    them as they are, so that its bound is what so many objects take."""
    bound = BOUND if target.way == "direct" else 128 * MAX_MESSAGE_BYTES
    with target.within(bound), target.open() as link:
        link.send(frame(TEXT, b"x", fin=False))
        thousand = frame(CONTINUATION, b"x", fin=False) * 1000
        for _ in range(1000):
            if not link.send(thousand):
                break
        outcome = link.outcome()
    assert outcome.code == 1009


def test_a_million_empty_fragments(direct: Target) -> None:
    with direct.within(BOUND), direct.open() as link:
        link.send(frame(TEXT, b"x", fin=False))
        thousand = frame(CONTINUATION, fin=False) * 1000
        for _ in range(1000):
            if not link.send(thousand):
                break
        outcome = link.outcome()
    assert (outcome.code, str(MAX_MESSAGE_BYTES) in outcome.reason) == (1009, True)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x05hello", 1002),  # not masked
        (frame(TEXT, b"hi", reserved=4), 1002),  # compressed, and that was not agreed on
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(TEXT, b"\xed\xa0\x80\x1e"), 1007),  # a lone surrogate
        (b"\x82\xff" + (1 << 63).to_bytes(8) + b"mask", 1002),  # CVE-2026-27889: a length that overflows
        (b"\x82\xff" + ((1 << 63) - 1).to_bytes(8) + b"mask", 1009),
        (b"\x82\xff" + (1 << 31).to_bytes(8) + b"mask", 1009),
        (b"\x89\xfe\x01\x00mask" + bytes(256), 1002),  # a ping of 256 bytes
    ],
    ids=["not masked", "compressed", "no UTF-8", "surrogate", "2^63", "2^63-1", "2^31", "long ping"],
)
def test_broken_frames(target: Target, sent: bytes, code: int) -> None:
    with target.within(BOUND), target.open() as link:
        link.send(sent)
        found = link.outcome().code
    # A length of 2^63 breaks the protocol and every limit: which is said first is not ours in the portable path.
    assert found == code or (sent[2:10] == (1 << 63).to_bytes(8) and found in (1002, 1009))


def test_a_length_that_is_not_kept(target: Target) -> None:
    """More was announced than comes: nothing waits for it but this connection, and what it holds is what came."""
    with target.within(BOUND), target.open() as link:
        link.send(frame(BINARY, bytes(MAX_MESSAGE_BYTES))[:100])
        assert Honest(target).leaves_answered()


def test_pings_before_the_handshake(target: Target) -> None:
    """CVE-2026-48802: nothing is begun for a ping, and one pong at most comes of it. CVE-2026-45736: it holds the
    ping's own bytes and nothing else of the memory."""
    with target.within(BOUND), target.open(hello=None) as link:
        link.send(frame(PING, b"0123") * 10_000)
        link.send(frame(TEXT, HANDSHAKE))
        pongs = 0
        while link.read()[0] == 0xA:
            assert link.last[1] == b"0123"
            pongs += 1
        assert link.last == (TEXT, b"{}\x1e")
    assert 0 < pongs <= 10_000


def test_compression_is_not_agreed_on(target: Target) -> None:
    """CVE-2018-1000518, CVE-2026-27571: what is not decompressed is no bomb."""
    with target.open(headers="Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n") as link:
        assert "sec-websocket-extensions" not in link.response.lower()
        link.send(frame(TEXT, b"\x4a\x04\x00", reserved=4))
        assert link.outcome().code == 1002


def test_a_handshake_that_never_comes(target: Target) -> None:
    with target.open("/hasty", hello=None) as link:
        outcome = link.outcome()
    assert outcome.close == "Handshake was canceled."
    assert outcome.code == 1000


def test_a_handshake_that_comes_for_ever(target: Target) -> None:
    with target.within(BOUND), target.open(hello=None) as link:
        link.send(frame(TEXT, b'{"protocol":"' + b"x" * 40_000))
        assert link.outcome().close == "Handshake was canceled."
