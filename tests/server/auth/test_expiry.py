"""The end of a token on an open connection: the warning, the close, and how both are put off."""

import time
from collections.abc import AsyncIterator

import pytest
from starlette.requests import HTTPConnection

from hub.errors import HubError
from hub.server.auth import Refused, User, bearer_token
from hub.server.auth.authorize import authorize
from hub.server.auth.expiry import Expiry
from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from hub.server.testing import TestClient


def now_ms() -> int:
    return int(time.time() * 1000)


def ann(expires_in_ms: int | None, *roles: str) -> User:
    return User(
        id="ann", roles=frozenset(roles), expires_at=None if expires_in_ms is None else now_ms() + expires_in_ms
    )


class Desk(Hub):
    async def renew(self, token: str) -> int | None:
        return await self.context.refresh(token)

    async def roles(self) -> list[str]:
        return sorted(self.context.user.roles)


@authorize(roles={"admin"})
class Closed(Desk):
    pass


def authenticate(request: HTTPConnection) -> User | None:
    match bearer_token(request):
        case "longer":
            return ann(60_000, "admin", "new")
        case "shorter":
            return ann(60)
        case "other":
            return User(id="bob")
        case _:
            raise Refused(401, "The token has expired.")


@pytest.fixture
async def server() -> AsyncIterator[HubServer]:
    made = HubServer(authenticate=authenticate, limits=ServerLimits(tick_s=0.01))
    made.add("/desk", Desk, HubOptions(token_warning_s=30))
    made.add("/late", Desk, HubOptions(token_warning_s=0))
    made.add("/lasting", Desk, HubOptions(close_on_expiry=False))
    made.add("/closed", Closed, HubOptions(token_warning_s=0))
    await made.start()
    yield made
    await made.close()


def test_warn_once_then_end_and_again_after_a_renewal() -> None:
    expiry = Expiry(User(id="a", expires_at=100_000), 60)
    assert [expiry.due(at) for at in (0, 39_999, 40_000, 40_001, 99_999, 100_000, 200_000)] == [
        *("nothing", "nothing", "warn", "nothing", "nothing", "end", "end")
    ]
    expiry.renew(User(id="a", expires_at=200_000))
    assert [expiry.due(at) for at in (100_000, 140_000, 150_000, 200_000)] == ["nothing", "warn", "nothing", "end"]
    expiry.renew(User(id="a"))
    assert expiry.due(1 << 60) == "nothing"


async def test_a_warning_comes_and_then_the_end(server: HubServer) -> None:
    user = ann(200)
    async with TestClient(server, "/desk", user=user) as client:
        assert await client.next("TokenExpiring") == [{"expiresAt": user.expires_at}]
        await client.closed.wait()
        assert user.expires_at is not None
        assert now_ms() >= user.expires_at
        assert client.closed_with is not None
        assert client.closed_with.error is not None
        assert client.closed_with.error.startswith("[token_expired] ")
        assert client.closed_with.allow_reconnect
    assert server.metrics.tokens_expired == 1


async def test_a_new_token_puts_it_off(server: HubServer) -> None:
    async with TestClient(server, "/desk", user=ann(400)) as client:
        await client.next("TokenExpiring")
        expires_at = await client.invoke("Renew", "longer")
        assert isinstance(expires_at, int)
        assert expires_at > now_ms() + 50_000
        assert await client.invoke("Roles") == ["admin", "new"], "roles are those of the new token"
        assert client.connection.user.expires_at == expires_at
        await client.invoke("Renew", "shorter")
        await client.closed.wait()  # the last token counts, also when it is good for less


async def test_other_tokens_change_nothing(server: HubServer) -> None:
    user = ann(60_000, "old")
    async with TestClient(server, "/late", user=user) as client:
        for token, code in (("other", "[forbidden]"), ("bad", "[token_expired]"), ("", "[token_expired]")):
            with pytest.raises(HubError) as caught:
                await client.invoke("Renew", token)
            assert str(caught.value).startswith(code)
        assert client.connection.user is user
        assert await client.invoke("Roles") == ["old"]


async def test_a_new_token_without_the_hubs_role_is_refused(server: HubServer) -> None:
    async with TestClient(server, "/closed", user=ann(60_000, "admin")) as client:
        with pytest.raises(HubError, match="forbidden"):
            await client.invoke("Renew", "shorter")
        assert await client.invoke("Roles") == ["admin"]


async def test_a_connection_that_is_come_to_again_goes_on_with_the_later_token(server: HubServer) -> None:
    """Polls and re-attached WebSockets bring tokens, too, and perhaps old ones."""
    first, later = ann(60_000, "admin"), ann(120_000, "admin", "new")
    async with TestClient(server, "/closed", user=first) as client:
        for user, kept in ((ann(1000, "admin"), first), (later, later), (first, later), (ann(None, "admin"), None)):
            client.connection.come_again(user)
            assert client.connection.user is (kept or user)
        with pytest.raises(Refused):
            client.connection.come_again(ann(180_000))


async def test_it_can_be_switched_off(server: HubServer) -> None:
    async with (
        TestClient(server, "/lasting", user=ann(-1000)) as client,
        TestClient(server, "/late", user=ann(-1)) as late,
    ):
        await late.closed.wait()  # the same ticks have passed for both
        assert await client.invoke("Roles") == []
        assert client.closed_with is None
