"""Keys from an address: rotation, outages, hostile answers, and what invented key ids cost."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from hub.server.auth import Refused
from hub.server.auth.jwks import MAX_BYTES, JwksKeys, read_jwks
from hub.server.auth.keys import KeysAway, KeyUnknown
from hub.server.auth.tokens import JwtAuthenticator, TokenIssuer, TokenRules
from tests.server.auth.signing import JwksServer, ec_key, jwk, jwks_server, rsa_key, signed


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[JwksServer]:
    async with jwks_server() as server:
        yield server


def keys_of(issuer: JwksServer, clock: Clock | None = None, timeout_s: float = 5.0) -> JwksKeys:
    return JwksKeys(issuer.url, clock=clock or Clock(), timeout_s=timeout_s, refresh_s=600, keep_s=3600, retry_s=10)


async def test_both_kinds_of_keys_by_their_ids(issuer: JwksServer) -> None:
    issuer.serve(jwk(rsa_key(), "r"), jwk(ec_key(), "e", alg="ES256", use="sig"))
    authenticator = JwtAuthenticator(TokenIssuer(keys_of(issuer)))
    assert (await authenticator.user(signed(rsa_key(), "r"))).id == "ann"
    assert (await authenticator.user(signed(ec_key(), "e"))).id == "ann"
    assert (await authenticator.user(signed(ec_key()))).id == "ann", "there is one key that it can be"
    assert issuer.requests == 1
    for token in (signed(rsa_key(), "e"), signed(ec_key(), "r"), signed(rsa_key("other"), "r")):
        with pytest.raises(Refused) as caught:
            await authenticator.user(token)
        assert caught.value.status == 401


async def test_many_at_once_fetch_once(issuer: JwksServer) -> None:
    issuer.serve(jwk(rsa_key(), "r"))
    keys = keys_of(issuer)
    found = await asyncio.gather(*(keys.find("RS256", "r") for _ in range(50)))
    assert len({id(key) for key in found}) == 1
    assert issuer.requests == 1


async def test_rotation(issuer: JwksServer) -> None:
    clock = Clock()
    keys = keys_of(issuer, clock)
    issuer.serve(jwk(rsa_key(), "old"))
    old = await keys.find("RS256", "old")
    issuer.serve(jwk(rsa_key("two"), "new"))
    with pytest.raises(KeyUnknown):
        await keys.find("RS256", "new")  # too soon after the last fetch
    clock.now += 11
    new = await keys.find("RS256", "new")
    assert new != old
    with pytest.raises(KeyUnknown):
        await keys.find("RS256", "old")
    assert issuer.requests == 2


async def test_a_key_that_was_withdrawn_ends_with_the_next_fetch(issuer: JwksServer) -> None:
    clock = Clock()
    keys = keys_of(issuer, clock)
    issuer.serve(jwk(rsa_key(), "old"))
    await keys.find("RS256", "old")
    issuer.serve()
    clock.now += 601
    with pytest.raises(KeyUnknown):
        await keys.find("RS256", "old")


async def test_invented_key_ids_cost_the_issuer_little(issuer: JwksServer) -> None:
    clock = Clock()
    keys = keys_of(issuer, clock)
    issuer.serve(jwk(rsa_key(), "r"))
    for number in range(500):
        with pytest.raises(KeyUnknown):
            await keys.find("RS256", f"invented-{number}")
        clock.now += 0.1
    assert issuer.requests <= 1 + 50 / 10
    assert len(keys._keys) == 1


async def test_known_keys_outlast_an_outage_for_a_while(issuer: JwksServer) -> None:
    clock = Clock()
    keys = keys_of(issuer, clock)
    issuer.serve(jwk(rsa_key(), "r"))
    known = await keys.find("RS256", "r")
    issuer.say(500, b"")
    clock.now += 3000
    assert await keys.find("RS256", "r") == known
    clock.now += 3000
    with pytest.raises(KeysAway):
        await keys.find("RS256", "r")
    issuer.serve(jwk(rsa_key(), "r"))
    clock.now += 11
    assert await keys.find("RS256", "r") == known


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, b"", ()),
        (404, b'{"keys": []}', ()),
        (200, b"", ()),
        (200, b"<html>", ()),
        (200, b"[]", ()),
        (200, b'{"keys": 7}', ()),
        (200, b'{"keys": ' + b"[" * 100_000, ()),
        (200, b"\xff\xfe", ()),
        (200, json.dumps({"keys": [{}] * 101}).encode(), ()),
        (200, b" " * (MAX_BYTES + 1), ()),
        (200, gzip.compress(b'{"keys": []}'), ("content-encoding: gzip",)),
        (302, b"", ("location: http://127.0.0.1:1/",)),
        (301, b"", ("location: /keys",)),
    ],
    ids=["500", "404", "empty", "html", "list", "number", "deep", "bytes", "many", "huge", "gzip", "away", "back"],
)
async def test_an_answer_that_is_none(issuer: JwksServer, status: int, body: bytes, headers: tuple[str, ...]) -> None:
    issuer.say(status, body, *headers)
    authenticator = JwtAuthenticator(TokenIssuer(keys_of(issuer)))
    with pytest.raises(Refused) as caught:
        await authenticator.user(signed(rsa_key(), "r"))
    assert caught.value.status == 503
    assert issuer.requests == 1


async def test_an_answer_without_end_is_cut(issuer: JwksServer) -> None:
    sent = 0

    async def drip(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()
            sent += 65_536

    issuer.answer = drip
    with pytest.raises(KeysAway):
        await keys_of(issuer).find("RS256", "r")
    assert sent < 100 * MAX_BYTES


async def test_an_answer_that_never_comes_is_given_up(issuer: JwksServer) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    issuer.answer = trickle
    with pytest.raises(KeysAway):
        await keys_of(issuer, timeout_s=0.2).find("RS256", "r")


async def test_nobody_there() -> None:
    with pytest.raises(KeysAway):
        await JwksKeys("http://127.0.0.1:1/keys").find("RS256", "r")


async def test_the_same_key_id_of_two_issuers(issuer: JwksServer) -> None:
    """CVE-2026-49998: one issuer's key must not pass for the other's because it has the same name."""
    async with jwks_server() as other:
        issuer.serve(jwk(rsa_key("a"), "shared"))
        other.serve(jwk(rsa_key("b"), "shared"))
        both = JwtAuthenticator(
            TokenIssuer(keys_of(issuer), TokenRules(issuer="https://a.example")),
            TokenIssuer(keys_of(other), TokenRules(issuer="https://b.example")),
        )
        assert (await both.user(signed(rsa_key("a"), "shared", iss="https://a.example"))).id == "ann"
        assert (await both.user(signed(rsa_key("b"), "shared", iss="https://b.example"))).id == "ann"
        for key, claimed in (("a", "https://b.example"), ("b", "https://a.example")):
            with pytest.raises(Refused):
                await both.user(signed(rsa_key(key), "shared", iss=claimed))


async def test_an_issuer_does_not_choose_the_address(issuer: JwksServer) -> None:
    """CVE-2026-32301: no claim and no header of a token leads anywhere."""
    issuer.serve(jwk(rsa_key(), "r"))
    async with jwks_server() as evil:
        evil.serve(jwk(rsa_key("evil"), "r"))
        authenticator = JwtAuthenticator(TokenIssuer(keys_of(issuer)))
        header: dict[str, object] = {"jku": evil.url, "x5u": evil.url, "kid": evil.url}
        with pytest.raises(Refused):
            await authenticator.user(signed(rsa_key("evil"), None, header, iss=evil.url, tenant=evil.url))
        assert evil.requests == 0


def test_keys_that_are_passed_over() -> None:
    good = jwk(rsa_key(), "good")
    entries: list[object] = [
        good,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
        {**good, "kid": "other-alg", "alg": "RS512"},
        {**good, "kid": "for-encryption", "use": "enc"},
        {**good, "kid": "broken", "n": "!!"},
        {**good, "kid": "missing", "n": None},
        jwk(rsa_key("weak", 1024), "weak"),
        {**jwk(ec_key(), "curve"), "crv": "P-521"},
        {**jwk(ec_key(), "off-curve"), "x": "AA"},
        {"kty": ["RSA"]},
        "text",
        None,
    ]
    assert set(read_jwks(json.dumps({"keys": entries}).encode())) == {"good"}
