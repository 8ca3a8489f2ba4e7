"""Tokens by settings: what a start refuses, what is served, and the commands `token` and `chat`."""

import asyncio
import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import jwt
import pytest

from hub import authentication, config
from hub.errors import SettingsError
from hub.server.auth.origins import Origins
from hub.server.auth.tokens import FIREBASE_JWKS
from tests.running import HUBLINE, clean_environment, running
from tests.server.auth.signing import ec_key, jwk, jwks_server, pem, rsa_key, signed

SECRET = "a secret of the tests, 0123456789 and longer"


def hubline(
    *arguments: str, folder: Path, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HUBLINE, *arguments],
        cwd=folder,
        env=clean_environment(folder, environment),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in config.Settings.model_fields:
        monkeypatch.delenv(f"HUBLINE_{name.upper()}", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)


@pytest.fixture
def key_files(tmp_path: Path) -> Path:
    (tmp_path / "rsa.pem").write_bytes(pem(rsa_key()))
    (tmp_path / "ec.pem").write_bytes(pem(ec_key()))
    (tmp_path / "text").write_text("no key")
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"jwt_secret": ""}, "HUBLINE_JWT_SECRET must have 32 bytes"),
        ({"jwt_secret": "short"}, "HUBLINE_JWT_SECRET must have 32 bytes"),
        ({"jwt_secret": "a" * 64}, "must be random"),
        ({"jwt_secret": "-----BEGIN PUBLIC KEY-----\n" + SECRET}, "--jwt-public-key"),
        ({"jwt_public_key": "missing"}, "cannot be read"),
        ({"jwt_public_key": "text"}, "is no public key (PEM)"),
        ({"jwt_jwks_url": "http://id.example/keys"}, "https://"),
        ({"jwt_jwks_url": "ftp://id.example/keys"}, "https://"),
        ({"jwt_jwks_url": "https://user@id.example/keys"}, "https://"),
        ({"jwt_jwks_url": "http://localhost.evil.example/keys"}, "https://"),
        ({"jwt_jwks_url": "https:///keys"}, "https://"),
        ({"firebase_project": "a/../b"}, "--firebase-project"),
        ({"firebase_project": "demo-1", "jwt_audience": "x"}, "--jwt-audience"),
        ({"jwt_secret": SECRET, "jwt_public_key": "rsa.pem"}, "leave one out"),
        ({"jwt_issuer": "https://id.example"}, "--jwt-issuer (HUBLINE_JWT_ISSUER) needs"),
        ({"jwt_cookie": "hub"}, "--jwt-cookie (HUBLINE_JWT_COOKIE) needs"),
        ({"jwt_secret": SECRET, "jwt_cookie": "a b"}, "--jwt-cookie"),
        ({"jwt_secret": SECRET, "jwt_cookie": "hub", "allowed_origins": "*"}, "list the origins"),
        ({"jwt_secret": SECRET, "jwt_leeway_s": "-1"}, "--jwt-leeway-s"),
        ({"allowed_origins": "https://user@a.example"}, "--allowed-origins"),
        ({"allowed_origins": "https://a.example:99999"}, "--allowed-origins"),
        ({"allowed_origins": "https://a.*.example"}, "--allowed-origins"),
    ],
    ids=str,
)
def test_settings_that_are_refused(
    key_files: Path, flags: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(key_files)
    with pytest.raises(SettingsError) as caught:
        authentication.from_settings(config.load(flags))
    text = str(caught.value)
    assert says in text
    assert text.endswith(".")
    assert SECRET not in text


async def test_each_way_to_prove_a_user(key_files: Path) -> None:
    assert authentication.from_settings(config.load()) is None
    for file, key in (("rsa.pem", rsa_key()), ("ec.pem", ec_key())):
        made = authentication.from_settings(config.load({"jwt_public_key": str(key_files / file)}))
        assert made is not None
        assert (await made.user(signed(key))).id == "ann"
    async with jwks_server() as issuer:
        issuer.serve(jwk(rsa_key(), "k"))
        flags = {"jwt_jwks_url": issuer.url, "jwt_issuer": "https://id.example", "jwt_audience": "hub, api"}
        made = authentication.from_settings(config.load(flags))
        assert made is not None
        assert (await made.user(signed(rsa_key(), "k", iss="https://id.example", aud="api"))).id == "ann"


@pytest.mark.parametrize("origin", ["*", "https://A.example:8443", "https://*.a.example", "http://[::1]:80", "app://x"])
def test_what_the_settings_take_as_an_origin_the_gate_takes(origin: str) -> None:
    Origins(config.load({"allowed_origins": origin}).allowed_origins)


def test_firebase_is_a_preset() -> None:
    settings = config.load({"firebase_project": "demo-1"})
    rules = authentication._rules(settings)
    assert (rules.issuer, rules.audience) == ("https://securetoken.google.com/demo-1", ("demo-1",))
    assert (rules.is_firebase, rules.organisation_claim) == (True, "firebase.tenant")
    assert FIREBASE_JWKS.startswith("https://www.googleapis.com/")
    assert settings.has_authentication


def test_the_secret_has_no_flag_and_is_not_shown(tmp_path: Path) -> None:
    assert config.flag_of("jwt_secret") is None
    assert SECRET not in repr(config.load({"jwt_secret": SECRET}))
    assert "--jwt-secret" not in hubline("serve", "--help", folder=tmp_path).stdout


class TestToken:
    """`hubline token`."""

    def test_it_is_what_a_server_takes(self, tmp_path: Path) -> None:
        environment = {
            "HUBLINE_JWT_SECRET": SECRET,
            "HUBLINE_JWT_ISSUER": "us",
            "HUBLINE_JWT_AUDIENCE": "hub",
            "HUBLINE_JWT_ROLES_CLAIM": "realm.roles",
        }
        flags = ("--user", "ann", "--role", "admin", "--role", "lead", "--org", "acme", "--name", "Ann", "--ttl", "30m")
        answer = hubline("token", *flags, folder=tmp_path, environment=environment)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout.count("\n") == 1
        settings = {"jwt_secret": SECRET, "jwt_issuer": "us", "jwt_audience": "hub", "jwt_roles_claim": "realm.roles"}
        made = authentication.from_settings(config.load(settings))
        assert made is not None
        user = asyncio.run(made.user(answer.stdout.strip()))
        assert (user.id, user.organisation, user.roles, user.name) == ("ann", "acme", {"admin", "lead"}, "Ann")  # type: ignore[comparison-overlap]  # a frozenset equals a set
        claims = jwt.decode(answer.stdout.strip(), SECRET, algorithms=["HS256"], audience="hub")
        assert 1700 < claims["exp"] - time.time() <= 1800

    @pytest.mark.parametrize(
        ("flags", "environment", "says"),
        [
            (["--user", "ann"], {}, "HUBLINE_JWT_SECRET"),
            (["--user", "ann"], {"HUBLINE_JWT_SECRET": "short"}, "32 bytes"),
            (["--user", "ann", "--ttl", "soon"], {"HUBLINE_JWT_SECRET": SECRET}, "--ttl"),
            (["--user", "ann", "--ttl", "0"], {"HUBLINE_JWT_SECRET": SECRET}, "--ttl"),
        ],
        ids=["none", "short", "words", "nothing"],
    )
    def test_what_it_needs(self, tmp_path: Path, flags: list[str], environment: dict[str, str], says: str) -> None:
        answer = hubline("token", *flags, folder=tmp_path, environment=environment)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert says in answer.stderr
        assert answer.stderr.count("\n") == 1


def negotiate(url: str, **headers: str) -> tuple[int, str | None, bytes]:
    request = urllib.request.Request(f"{url}/hub/negotiate?negotiateVersion=1", b"", headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, None, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["www-authenticate"], error.read()


def test_it_serves_others_once_there_are_tokens(tmp_path: Path) -> None:
    environment = {"HUBLINE_JWT_SECRET": SECRET}
    token = hubline("token", "--user", "ann", folder=tmp_path, environment=environment).stdout.strip()
    with running(tmp_path, "--host", "0.0.0.0", "--demo-pace", "0", environment=environment) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert negotiate(url) == (401, "Bearer", b"Unauthorized")
        status, challenge, body = negotiate(url, Authorization="Bearer nonsense")
        assert (status, body) == (401, b"Unauthorized")
        assert challenge is not None
        assert challenge.startswith('Bearer error="invalid_token"')
        status, _, body = negotiate(url, Authorization=f"Bearer {token}")
        assert status == 200
        assert json.loads(body)["connectionToken"]
        good = {"HUBLINE_TOKEN": token}
        answer = hubline("chat", "--url", url, folder=tmp_path, stdin="Hello", environment=good)
        assert (answer.returncode, answer.stdout.strip() != "") == (0, True), answer.stderr
        answer = hubline("chat", "--url", url, "--token", token, folder=tmp_path, stdin="Hello")
        assert answer.returncode == 0, answer.stderr
        for given in ({}, {"HUBLINE_TOKEN": "nonsense"}):
            answer = hubline("chat", "--url", url, folder=tmp_path, stdin="Hello", environment=given)
            assert answer.returncode == 1
            assert "HTTP 401" in answer.stderr
            assert "HUBLINE_TOKEN" in answer.stderr
        answer = hubline("chat", "--url", url, "--token", "a\nb", folder=tmp_path, stdin="Hello")
        assert answer.returncode == 2
        server.end()
    for text in ("".join(server.log), server.banner):
        assert token not in text
        assert SECRET not in text
    assert "hubline token --user" in server.banner
