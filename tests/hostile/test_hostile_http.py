"""Requests that no client would send: bodies, heads, and pages of elsewhere.

Which lesson of others is tested where, and which cannot apply: README.md.
"""

import gzip
import os

import pytest

from tests.hostile.attack import MIB, Link, Target
from tests.hostile.target import MAX_RECEIVE_BYTES
from tests.server.raw_http import HANDSHAKE
from tests.server.transports.frame_cases import TEXT, frame

BOUND = 16 * MAX_RECEIVE_BYTES + 6 * MIB
MAX_BODY_BYTES = 30_000_000
ELSEWHERE = "https://evil.example"


def test_a_gzip_bomb(target: Target) -> None:
    """CVE-2018-1000518, CVE-2026-27571: no body is ever decompressed. These are bytes of a record, too many of them."""
    bomb = gzip.compress(bytes(100 * MIB), 6)
    assert len(bomb) > MAX_RECEIVE_BYTES
    path = target.poller()
    with target.within(BOUND):
        assert target.ask("POST", path, HANDSHAKE)[0] == 200
        status, _, _ = target.ask("POST", path, bomb, Content_Encoding="gzip")
    assert status in (200, 404)
    polled = target.ask("GET", path)[2] + target.ask("GET", path)[2]
    assert f"{MAX_RECEIVE_BYTES}B was exceeded" in polled
    assert target.ask("POST", path, b"more")[0] == 404


def test_10_mb_of_record_separators_by_post(target: Target) -> None:
    """CVE-2026-32689, where it was found: a long-polling body."""
    path = target.poller()
    with target.within(BOUND):
        assert target.ask("POST", path, b"\x1e" * 10_000_000)[0] in (200, 404)
    assert "An unexpected error occurred during connection handshake." in target.ask("GET", path)[2]


def test_a_body_that_is_announced_too_large(target: Target) -> None:
    path = target.poller()
    with Link(target.connect()) as link:
        link.send(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode())
        status, _, text = link.answer()
    assert (status, text) == (413, f"The body is too large: the limit max_body_bytes is {MAX_BODY_BYTES}.")


@pytest.mark.parametrize("chunk", [1, 60_000])
def test_a_body_without_end(target: Target, chunk: int) -> None:
    """An upload that never ends: no more than one record of it is ever held."""
    path = target.poller()
    target.ask("POST", path, HANDSHAKE)
    with target.within(BOUND), Link(target.connect()) as link:
        link.send(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"%x\r\n%b\r\n" % (chunk, b"x" * chunk)
        pieces = piece * (60_000 // chunk)
        for _ in range(100):
            if not link.send(pieces):
                break
        status, _, _ = link.answer()
    assert status == 404
    assert f"{MAX_RECEIVE_BYTES}B was exceeded" in target.ask("GET", path)[2] + target.ask("GET", path)[2]


def test_binary_posts(target: Target) -> None:
    """CVE-2026-59725: an invalid binary POST ended the process."""
    with target.within(BOUND):
        for method, path in (
            ("POST", target.poller()),
            ("POST", "/echo/negotiate"),
            ("POST", "/echo"),
            ("GET", "/echo"),
        ):
            status, _, _ = target.ask(method, path, os.urandom(50_000), Content_Type="application/octet-stream")
            assert status in (200, 400, 404)


@pytest.mark.parametrize(
    "head",
    [
        b"Sec-WebSocket-Extensions: " + b"a," * 30_000,
        b"Sec-WebSocket-Protocol: b" + b" " * 50_000 + b"x",
        b"\r\n".join(b"X-%d: y" % number for number in range(3000)),
        b"Cookie: " + b"a=b; " * 10_000,
        b"Sec-WebSocket-Extensions: " + b'a; b="' + b"\\" * 30_000,
    ],
    ids=["extensions", "protocols", "many", "cookies", "quotes"],
)
def test_heads_that_cost_much_to_read(direct: Target, head: bytes) -> None:
    """CVE-2021-32640, CVE-2024-37890: refused before any of its headers is looked into. (In the portable path the
    server underneath says nothing to who sends one, and waits.)"""
    with direct.within(BOUND), direct.open(hello=None, headers=head.decode() + "\r\n") as link:
        assert link.response.startswith("HTTP/1.1 431 ")
        assert b"headers, of " in link.until(b"\n")


def test_a_head_without_end(direct: Target) -> None:
    with direct.within(BOUND), Link(direct.connect()) as link:
        link.send(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(256):
            if not link.send(b"a" * MAX_RECEIVE_BYTES):
                break
        assert link.until(b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_pages_of_another_origin(target: Target) -> None:
    """CVE-2020-28481: `*` by default. Nothing is let in here, and no page may read the answers."""
    for method, path in (("POST", "/echo/negotiate"), ("POST", "/hub/negotiate"), ("GET", "/echo?id=x")):
        status, head, text = target.ask(method, path, Origin=ELSEWHERE)
        assert "access-control" not in head.lower()
        assert status in (403, 404)
        assert status == 404 or "allowed_origins" in text
    with target.open("/hub", hello=None, headers=f"Origin: {ELSEWHERE}\r\n") as link:
        assert link.response.startswith("HTTP/1.1 403 ")
    with target.open(headers=f"Origin: http://127.0.0.1:{target.port}\r\n") as link:
        assert link.last == (TEXT, b"{}\x1e")


def test_another_name_for_this_machine(target: Target) -> None:
    """A page whose own name was made to point here."""
    status, _, text = target.ask("POST", "/hub/negotiate", Host="evil.example", Origin="http://evil.example")
    assert (status, "evil.example" in text) == (403, True)


def test_connections_share_no_state(target: Target) -> None:
    """CVE-2020-35681: what was kept on an instance that all connections shared."""
    call = b'{"type":1,"invocationId":"1","target":"Remember","arguments":["%b"]}\x1e'
    with target.open() as ann, target.open() as eve:
        for link, said, before in ((ann, b"secret", b"null"), (eve, b"x", b"null"), (ann, b"y", b'"secret"')):
            link.send(frame(TEXT, call % said))
            assert link.read() == (TEXT, b'{"type":3,"invocationId":"1","result":%b}\x1e' % before)
