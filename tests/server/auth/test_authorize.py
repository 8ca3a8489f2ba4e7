"""Who may use a hub and invoke its methods, over the protocol."""

from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from hub.errors import HubError
from hub.server.auth import ANONYMOUS, Refused, User
from hub.server.auth.authorize import Asked, authorize
from hub.server.hub import Hub
from hub.server.server import HubServer
from hub.server.testing import TestClient


class Serve(Protocol):
    async def __call__(self, hub_class: type[Hub]) -> HubServer: ...


ADMIN = User(id="ann", roles=frozenset({"admin"}))
BOB = User(id="bob", roles=frozenset({"guest"}))


def owns(asked: Asked) -> bool:
    return asked.arguments[0] == asked.user.id


class Board(Hub):
    ran: list[str] = []  # noqa: RUF012  # of one test at a time, cleared by its fixture

    async def on_connected(self) -> None:
        self.context.items["level"] = 3

    async def open(self) -> str:
        return "open"

    @authorize()
    async def known(self) -> str:
        return self.context.user.id

    @authorize(roles={"admin", "lead"})
    async def clear(self) -> str:
        self.ran.append("clear")
        return "cleared"

    @authorize(roles={"admin"})
    async def ticks(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    @authorize(check=owns)
    async def rename(self, user: str, name: str = "x") -> str:
        return f"{user}={name}"

    @authorize(check=lambda asked: asked.items["level"] == asked.arguments[0])
    async def level(self, n: int) -> int:
        return n

    @authorize(check=lambda asked: bool(1 / 0))
    async def broken(self) -> None:
        self.ran.append("broken")

    @authorize(roles={"admin"})
    @authorize(check=lambda asked: asked.method == "both")
    async def both(self) -> str:
        return "both"


class Loose(Board):
    async def clear(self) -> str:
        return "overridden"


@authorize(roles={"admin"})
class Closed(Hub):
    async def hello(self) -> str:
        return "hello"


class Inner(Closed):
    """What its base asks for holds here, too."""


def unauthorized(target: str) -> str:
    return f"Failed to invoke '{target}' because user is unauthorized"


async def refused(client: TestClient, target: str, *arguments: object) -> str:
    with pytest.raises(HubError) as caught:
        await client.invoke(target, *arguments)
    return str(caught.value)


async def test_methods_by_role(serve: Serve) -> None:
    Board.ran.clear()
    server = await serve(Board)
    async with TestClient(server, "/hub", user=ADMIN) as admin, TestClient(server, "/hub", user=BOB) as bob:
        assert await admin.invoke("Clear") == "cleared"
        assert await bob.invoke("Open") == "open"
        assert await bob.invoke("Known") == "bob"
        assert await refused(bob, "Clear") == unauthorized("Clear")
        assert await refused(bob, "cLEAR", "too", "many") == unauthorized("cLEAR"), "arguments are not looked at"
        assert [item async for item in admin.stream("Ticks", 2)] == [0, 1]
        with pytest.raises(HubError, match="because user is unauthorized"):
            _ = [item async for item in bob.stream("Ticks", 2)]
        assert await bob.invoke("Open") == "open", "the connection goes on"
    assert Board.ran == ["clear"]


async def test_methods_by_check(serve: Serve) -> None:
    Board.ran.clear()
    server = await serve(Board)
    async with TestClient(server, "/hub", user=BOB) as bob, TestClient(server, "/hub", user=ADMIN) as admin:
        assert await bob.invoke("Rename", "bob") == "bob=x"
        assert await refused(bob, "Rename", "ann") == unauthorized("Rename")
        assert await bob.invoke("Level", 3) == 3
        assert await refused(bob, "Level", 4) == unauthorized("Level")
        assert await refused(bob, "Broken") == unauthorized("Broken")
        assert await admin.invoke("Both") == "both"
        assert await refused(bob, "Both") == unauthorized("Both")
    assert Board.ran == []


async def test_anonymous_users_are_nobody(serve: Serve) -> None:
    server = await serve(Board)
    async with TestClient(server, "/hub", user=ANONYMOUS) as anyone:
        assert await anyone.invoke("Open") == "open"
        for target, arguments in (("Known", ()), ("Clear", ()), ("Rename", ("anonymous",))):
            assert await refused(anyone, target, *arguments) == unauthorized(target)


async def test_overriding_a_method_does_not_open_it(serve: Serve) -> None:
    server = await serve(Loose)
    async with TestClient(server, "/hub", user=BOB) as bob, TestClient(server, "/hub", user=ADMIN) as admin:
        assert await refused(bob, "Clear") == unauthorized("Clear")
        assert await admin.invoke("Clear") == "overridden"


@pytest.mark.parametrize("hub_class", [Closed, Inner])
async def test_a_hub_by_role(serve: Serve, hub_class: type[Hub]) -> None:
    server = await serve(hub_class)
    async with TestClient(server, "/hub", user=ADMIN) as admin:
        assert await admin.invoke("Hello") == "hello"
    for user in (BOB, ANONYMOUS):
        with pytest.raises(Refused) as caught:
            await TestClient(server, "/hub", user=user).__aenter__()
        assert caught.value.status == 403


def test_a_role_is_given_in_a_set() -> None:
    with pytest.raises(TypeError, match="set of roles"):
        authorize(roles="admin")
