"""Servers that ask who comes, and connections that nobody else can read."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.backplane.redis import RedisBackplane
from hub.errors import SettingsError
from tests.backplane.redis.clusters import Watched
from tests.backplane.redis.conftest import Open
from tests.backplane.redis_server import ALLOWED, RedisServer, free_port
from tests.backplane.steps import accept, take, write, written
from tests.certificate import write_certificate


async def use(backplane: RedisBackplane) -> None:
    """A step of each kind: scripts, streams, publishing and what is subscribed to."""
    await accept(backplane, "a")
    lease = await take(backplane)
    await write(backplane, lease.fence, "hello")
    assert await written(backplane) == [(1, "hello")]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RedisServer]:
    """Nobody may do anything without a login; `hub` has no more than it needs, and any other user's password is
    `hidden`."""
    users = tmp_path / "users.acl"
    users.write_text(f"user default off\nuser hub on >of:hub {ALLOWED}\n")
    server = RedisServer(tmp_path / "redis", "--aclfile", str(users))
    server.start()
    yield server
    server.kill()


async def test_a_user_with_no_more_than_it_needs(guarded: RedisServer, open_redis: Open) -> None:
    await use(await open_redis(f"redis://hub:of%3Ahub@127.0.0.1:{guarded.port}"))


@pytest.mark.parametrize("login", ["", ":hidden@", "hub:hidden@", "eve:hidden@"])
async def test_a_login_that_is_refused_is_a_setting_that_is_wrong(guarded: RedisServer, login: str) -> None:
    with pytest.raises(SettingsError) as caught:
        await RedisBackplane(f"redis://{login}127.0.0.1:{guarded.port}").start()
    assert "HUBLINE_BACKPLANE" in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("sentinel_password", ["", "secret"])
async def test_a_password_that_sentinels_ask_for_too_or_do_not(
    tmp_path: Path, open_redis: Open, sentinel_password: str
) -> None:
    watched = Watched(tmp_path, password="secret", sentinel_password=sentinel_password)
    try:
        await watched.start()
        await use(await open_redis(watched.url.replace("//", "//:secret@")))
    finally:
        watched.close()


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Its port, and the certificate."""
    certificate, key = write_certificate(tmp_path)
    port = free_port()
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    server = RedisServer(tmp_path / "redis", "--tls-port", str(port), "--tls-auth-clients", "no", *files)
    server.start()
    yield port, certificate
    server.kill()


async def test_tls_with_a_certificate_that_is_trusted(
    encrypted: tuple[int, Path], open_redis: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, certificate = encrypted
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate))
    await use(await open_redis(f"rediss://127.0.0.1:{port}"))


async def test_a_certificate_of_who_knows_whom_is_refused_at_once(encrypted: tuple[int, Path]) -> None:
    port, _ = encrypted
    with pytest.raises(SettingsError, match=r"certificate of Redis .* does not hold .*SSL_CERT_FILE"):
        await RedisBackplane(f"rediss://127.0.0.1:{port}").start()


def test_the_docs_give_what_a_user_needs() -> None:
    page = Path(__file__).parents[3] / "deploy/README.md"
    assert ALLOWED in page.read_text(encoding="utf-8")
