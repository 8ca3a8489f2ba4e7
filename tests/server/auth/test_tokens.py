"""Tokens: what is taken, and what every known trick is answered with."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from starlette.requests import HTTPConnection

from hub.server.auth import Refused, User
from hub.server.auth.keys import OneKey, pem_key, secret_key
from hub.server.auth.tokens import JwtAuthenticator, TokenIssuer, TokenRules, firebase_rules
from tests.server.auth.signing import SECRET, claims, ec_key, hs256, jwk, pem, rsa_key, signed


def by_secret(**rules: object) -> JwtAuthenticator:
    return JwtAuthenticator(TokenIssuer(OneKey(secret_key(SECRET)), TokenRules(**rules)))  # type: ignore[arg-type]  # by name


def by_public_key(key: bytes) -> JwtAuthenticator:
    return JwtAuthenticator(TokenIssuer(OneKey(pem_key(key))))


async def refusal(authenticator: JwtAuthenticator, token: str) -> str:
    with pytest.raises(Refused) as caught:
        await authenticator.user(token)
    assert caught.value.status == 401
    assert caught.value.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    for part in token.split("."):
        assert len(part) < 8 or part not in caught.value.reason, "a refusal holds nothing of the token"
    assert str(caught.value) == "Unauthorized"
    return caught.value.reason


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(header: dict[str, object], body: dict[str, object], secret: bytes = b"") -> str:
    """Signed as HS256 whatever the header says, or not at all."""
    text = f"{part(header)}.{part(body)}"
    if not secret:
        return f"{text}."
    signature = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
    return f"{text}.{signature}"


async def test_a_good_token_says_who_it_is() -> None:
    token = hs256(org="acme", roles=["admin", "lead"], name="Ann")
    user = await by_secret(leeway_s=0).user(token)
    expires_at = user.expires_at
    assert user == User(
        id="ann", organisation="acme", roles=frozenset({"admin", "lead"}), name="Ann", expires_at=expires_at
    )
    assert expires_at is not None
    assert 0 < expires_at - time.time() * 1000 <= 60_000


@pytest.mark.parametrize("key", [rsa_key(), ec_key()], ids=["RS256", "ES256"])
async def test_public_keys(key: object) -> None:
    assert (await by_public_key(pem(key)).user(signed(key, "any"))).id == "ann"  # type: ignore[arg-type]  # one of the two
    other = signed(rsa_key("other") if key is rsa_key() else ec_key("other"))
    assert "signature is wrong" in await refusal(by_public_key(pem(key)), other)  # type: ignore[arg-type]  # one of the two


async def test_claims_by_other_names_and_paths() -> None:
    rules = {
        "user_claim": "email",
        "organisation_claim": "tenant.id",
        "roles_claim": "realm_access.roles",
        "name_claim": "https://app.example/name",
    }
    token = hs256(
        email="ann@acme.example",
        tenant={"id": "acme"},
        realm_access={"roles": ["a", 7, "b"]},
        **{"https://app.example/name": "Ann"},
    )
    user = await by_secret(**rules).user(token)
    assert (user.id, user.organisation, user.roles, user.name) == ("ann@acme.example", "acme", frozenset("ab"), "Ann")
    assert (await by_secret(roles_claim="scope").user(hs256(scope="read write"))).roles == {"read", "write"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"exp": int(time.time()) - 31}, "has expired"),
        ({"exp": None}, "lacks the claim exp"),
        ({"exp": True}, "has expired"),
        ({"exp": "tomorrow"}, "no token"),
        ({"exp": [1]}, "no token"),
        ({"exp": 1 << 60}, "claim exp is no time"),
        ({"exp": "99999999999"}, "claim exp is no time"),
        ({"exp": float("inf")}, "no token"),
        ({"nbf": int(time.time()) + 86_400}, "not valid yet"),
        ({"iat": int(time.time()) + 86_400}, "not valid yet"),
        ({"aud": "hub"}, "not for this server"),
        ({"sub": None}, "names no user"),
        ({"sub": ""}, "is no name"),
        ({"sub": 7}, "is no name"),
        ({"sub": {"$ne": None}}, "is no name"),
        ({"sub": "a" * 257}, "is no name"),
        ({"sub": "ann\n"}, "is no name"),
        ({"sub": "ann\x00"}, "is no name"),
        ({"sub": "ann\u202e"}, "is no name"),
        ({"org": 5}, "is no name"),
        ({"org": ""}, "is no name"),
        ({"roles": ["r"] * 201}, "more than 200 roles"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",  # no times in names
)
async def test_claims_that_are_refused(more: dict[str, object], says: str) -> None:
    assert says in await refusal(by_secret(), hs256(**more))


async def test_leeway_is_part_of_what_is_taken() -> None:
    user = await by_secret(leeway_s=30).user(hs256(exp=int(time.time()) - 10))
    assert user.expires_at is not None
    assert user.expires_at > time.time() * 1000, "whoever is let in is not at once put out"
    assert "expired" in await refusal(by_secret(leeway_s=5), hs256(exp=int(time.time()) - 10))


async def test_audience_and_issuer() -> None:
    ours = by_secret(audience=("hub", "hub-2"), issuer="https://id.example")
    assert (await ours.user(hs256(aud=["x", "hub"], iss="https://id.example"))).id == "ann"
    assert "not for this server" in await refusal(ours, hs256(aud="other", iss="https://id.example"))
    assert "not for this server" in await refusal(ours, hs256(aud="hubs", iss="https://id.example"))
    assert "claim aud" in await refusal(ours, hs256(iss="https://id.example"))
    assert "another issuer" in await refusal(ours, hs256(aud="hub", iss="https://id.example.evil"))
    assert "another issuer" in await refusal(ours, hs256(aud="hub", iss="https://id.example/"))
    assert "claim iss" in await refusal(ours, hs256(aud="hub"))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None, 7, ["HS256"], "HS512", "hs256", "EdDSA"])
async def test_no_algorithm_but_the_configured_one(name: object) -> None:
    header = {"typ": "JWT", "alg": name}
    for secret in (b"", SECRET.encode()):
        assert await refusal(by_secret(), forged(header, claims(), secret))
    assert await refusal(by_secret(), forged({"typ": "JWT"}, claims(), SECRET.encode()))


@pytest.mark.parametrize("key", [rsa_key(), ec_key()], ids=["RS256", "ES256"])
@pytest.mark.parametrize("claimed", ["HS256", "RS256", "ES256"])
async def test_a_public_key_is_no_secret(key: object, claimed: str) -> None:
    """Algorithm confusion: an HMAC with the text of the public key, which everybody knows."""
    public = pem(key)  # type: ignore[arg-type]  # one of the two
    for secret in (public, public.strip(), public.replace(b"\n", b"")):
        assert await refusal(by_public_key(public), forged({"alg": claimed}, claims(), secret))
    with pytest.raises(ValueError, match="jwt-public-key"):
        secret_key(public.decode())


@pytest.mark.parametrize(
    "key_id",
    [
        "",
        "../../../../dev/null",
        "' UNION SELECT 'a' --",
        "|id",
        "http://evil.example/key",
        "k" * 257,
        7,
        None,
        ["a"],
        {},
    ],
    ids=str,
)
async def test_a_key_id_leads_nowhere(key_id: object) -> None:
    for secret in (b"", b"a", b"AA==", SECRET.encode()[:-1]):
        assert await refusal(by_secret(), forged({"alg": "HS256", "kid": key_id}, claims(), secret))


async def test_keys_and_addresses_in_a_header_are_not_looked_at() -> None:
    own = rsa_key("attacker")
    headers: tuple[dict[str, object], ...] = (
        {"jwk": jwk(own, "mine")},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/chain"},
        {"x5c": ["AAAA"]},
    )
    for header in headers:
        assert "signature is wrong" in await refusal(by_public_key(pem(rsa_key())), signed(own, "mine", header))
        assert (await by_public_key(pem(rsa_key())).user(signed(rsa_key(), "mine", header))).id == "ann"


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": True}])
async def test_extensions_are_refused(header: dict[str, object]) -> None:
    token = forged({"alg": "HS256", **header}, claims(), SECRET.encode())
    assert await refusal(by_secret(), token)


async def test_what_is_no_token() -> None:
    good = hs256()
    head, body, signature = good.split(".")
    deep = base64.urlsafe_b64encode(b'{"a":' * 1800 + b"1" + b"}" * 1800).rstrip(b"=").decode()
    for token in (
        ".",
        "..",
        "a.b",
        "a.b.c",
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}.{body}.{signature[:-4]}",
        f"{head}.{part({'sub': 'bob', 'exp': 1 << 33})}.{signature}",
        f"{part([])}.{body}.{signature}",
        f"{part('x')}.{body}.{signature}",
        f"{deep}.{body}.{signature}",
        f" {good}",
        f"{good}\n",
        good.replace(".", "\x00", 1),
        "é.é.é",
        "\ud800.a.b",
    ):
        await refusal(by_secret(), token)
    assert "more than 16384" in await refusal(by_secret(), "a" * 16_385)
    text = f"{part({'alg': 'HS256'})}.{base64.urlsafe_b64encode(b'[' * 4000).rstrip(b'=').decode()}"
    signed_text = base64.urlsafe_b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha256")).rstrip(b"=").decode()
    await refusal(by_secret(), f"{text}.{signed_text}")


@pytest.mark.parametrize("secret", ["", "short", "a" * 31, "a" * 64, "ab" * 40])
def test_a_weak_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="must"):
        secret_key(secret)


def test_weak_and_wrong_key_files() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    with pytest.raises(ValueError, match="private key"):
        pem_key(private)
    with pytest.raises(ValueError, match="2048 bits"):
        pem_key(pem(rsa_key("weak", 1024)))
    with pytest.raises(ValueError, match="P-256"):
        pem_key(pem(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(ValueError, match="RSA key"):
        pem_key(edwards.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for text in (
        b"",
        b"hello",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        b"-----BEGIN CERTIFICATE-----",
    ):
        with pytest.raises(ValueError, match="no public key"):
            pem_key(text)


class TestFirebase:
    """ID tokens of a project, by what Firebase says to check."""

    def authenticator(self) -> JwtAuthenticator:
        return JwtAuthenticator(TokenIssuer(OneKey(pem_key(pem(rsa_key()))), firebase_rules("demo-1")))

    def token(self, key_id: str | None = "k", /, **more: object) -> str:
        said = {"iss": "https://securetoken.google.com/demo-1", "aud": "demo-1", "auth_time": int(time.time()) - 5}
        return signed(rsa_key(), key_id, **{**said, **more})

    async def test_a_good_one(self) -> None:
        user = await self.authenticator().user(self.token(firebase={"tenant": "acme"}))
        assert (user.id, user.organisation) == ("ann", "acme")
        assert (await self.authenticator().user(self.token())).organisation is None

    @pytest.mark.parametrize(
        "more",
        [
            {"iss": "https://securetoken.google.com/demo-2"},
            {"aud": "demo-2"},
            {"sub": ""},
            {"auth_time": None},
            {"auth_time": int(time.time()) + 86_400},
            {"auth_time": "now"},
            {"iat": None},
            {"exp": int(time.time()) - 100},
        ],
        ids=lambda more: next(iter(more)),
    )
    async def test_a_bad_one(self, more: dict[str, object]) -> None:
        await refusal(self.authenticator(), self.token(**more))

    async def test_one_that_names_no_key(self) -> None:
        assert "names no key" in await refusal(self.authenticator(), self.token(None))


class TestSeveralIssuers:
    def authenticator(self) -> JwtAuthenticator:
        return JwtAuthenticator(
            TokenIssuer(OneKey(pem_key(pem(rsa_key("a")))), TokenRules(issuer="https://a.example")),
            TokenIssuer(OneKey(pem_key(pem(rsa_key("b")))), TokenRules(issuer="https://b.example")),
        )

    async def test_each_is_held_to_its_own_keys(self) -> None:
        both = self.authenticator()
        assert (await both.user(signed(rsa_key("a"), "k", iss="https://a.example"))).id == "ann"
        assert (await both.user(signed(rsa_key("b"), "k", iss="https://b.example"))).id == "ann"
        assert "signature" in await refusal(both, signed(rsa_key("b"), "k", iss="https://a.example"))
        for issuer in ("https://evil.example", None):
            assert "not known" in await refusal(both, signed(rsa_key("a"), "k", iss=issuer))
        assert "no token" in await refusal(both, "a.b.c")

    def test_they_need_names(self) -> None:
        key = OneKey(secret_key(SECRET))
        with pytest.raises(ValueError, match="several issuers"):
            JwtAuthenticator(TokenIssuer(key), TokenIssuer(key, TokenRules(issuer="a")))
        with pytest.raises(ValueError, match="several issuers"):
            JwtAuthenticator()


async def test_the_token_of_a_request() -> None:
    def request(query: str = "", **headers: str) -> HTTPConnection:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        return HTTPConnection({"type": "http", "headers": raw, "query_string": query.encode(), "path": "/hub"})

    plain, baked = by_secret(), JwtAuthenticator(TokenIssuer(OneKey(secret_key(SECRET))), cookie="hub")
    good = hs256()
    for asked in (request(authorization=f"Bearer {good}"), request(f"access_token={good}")):
        user = await plain(asked)
        assert user is not None
        assert user.id == "ann"
    assert await plain(request()) is None
    assert await plain(request(cookie=f"hub={good}")) is None
    assert await baked(request(cookie=f"hub={good}; other=1")) is not None
    with pytest.raises(Refused):
        await baked(request(cookie=f"hub={good}", authorization="Bearer bad"))
