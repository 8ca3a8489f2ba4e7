"""Typed client proxies: the interface at run time, and what mypy makes of it."""

import asyncio
import datetime
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import pytest

from hub.errors import HubError
from hub.server.clients import ClientProxy
from hub.server.hub import AnyHub, Hub, method
from hub.server.server import HubServer
from hub.server.testing import TestClient
from hub.server.typed import proxy_of
from tests.server.conftest import Serve

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Choice:
    card_name: str
    at: datetime.datetime


class Pings(Protocol):
    async def pinged(self, times: int = 1) -> None: ...


class BoardClient(Pings, Protocol):
    async def card_moved(self, card: str, to: int) -> None: ...
    @method("EXACT-name")
    async def renamed(self) -> None: ...
    async def confirm(self, question: str) -> bool: ...
    async def choose(self) -> list[Choice]: ...


class Board(Hub[BoardClient]):
    async def on_connected(self) -> None:
        await self.groups.add("board")

    async def move(self, card: str, to: int) -> None:
        await self.clients.others_in_group("board").card_moved(card, to)
        await self.clients.all.card_moved(to=to, card=card)
        await self.clients.caller.pinged()
        await self.clients.caller.renamed()

    async def ask(self) -> list[object]:
        return [await self.clients.caller.confirm("sure?"), await self.clients.caller.choose()]

    async def ask_in_time(self, seconds: float) -> bool:
        async with asyncio.timeout(seconds):
            return await self.clients.caller.confirm("quickly?")

    async def ask_everybody(self) -> bool:
        return await self.clients.group("board").confirm("all?")


class SubBoard(Board):
    """What is below has the same clients."""


@pytest.fixture(params=[Board, SubBoard])
async def server(request: pytest.FixtureRequest, serve: Serve) -> HubServer:
    return await serve(request.param)


@pytest.fixture
async def client(server: HubServer) -> AsyncIterator[TestClient]:
    async with TestClient(server, "/hub", user="ann") as client:
        yield client


async def test_sends_by_name_with_defaults(server: HubServer, client: TestClient) -> None:
    async with TestClient(server, "/hub", user="bob") as bob:
        await client.invoke("Move", "a", 3)
        assert [await bob.next("CardMoved") for _ in range(2)] == [["a", 3], ["a", 3]]
        assert await client.next("CardMoved") == ["a", 3]
        assert await client.next("Pinged") == [1]
        assert await client.next("EXACT-name") == []


async def test_answers_have_the_annotated_type(client: TestClient) -> None:
    client.on("Confirm", lambda question: question == "sure?")
    client.on("Choose", lambda: [{"CardName": "a", "at": "2026-01-02T03:04:05Z"}])
    assert await client.invoke("Ask") == [True, [{"card_name": "a", "at": "2026-01-02T03:04:05Z"}]]


@pytest.mark.parametrize("answer", ["yes", 1, None])
async def test_an_answer_of_another_type_fails_only_who_awaits_it(client: TestClient, answer: object) -> None:
    client.on("Confirm", lambda question: answer)
    with pytest.raises(HubError, match=r"The client's answer to 'Confirm' is of another type: expected true or false"):
        await client.invoke("Ask")
    client.on("Confirm", lambda question: True)
    client.on("Choose", lambda: [])
    assert await client.invoke("Ask") == [True, []]


async def test_waiting_is_bounded_by_asyncio(client: TestClient) -> None:
    client.on("Confirm", lambda question: asyncio.Event().wait())
    with pytest.raises(HubError, match="An unexpected error occurred invoking 'AskInTime'"):
        await client.invoke("AskInTime", 0.01)


async def test_only_one_client_can_be_asked(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(HubError):
        await client.invoke("AskEverybody")
    assert "Only one client can be asked for a result" in caplog.text


async def test_from_outside(serve: Serve) -> None:
    server = await serve(Board)
    board = server.clients(Board)
    async with TestClient(server, "/hub", user="ann") as client:
        await board.user("ann").card_moved("b", 1)
        assert await client.next("CardMoved") == ["b", 1]
        client.on("Confirm", lambda question: question == "from outside")
        assert await board.client(client.connection_id).confirm("from outside") is True


C = TypeVar("C")


class Generic_(Hub[C], Generic[C]):
    """A base that leaves the interface open."""


class Closed(Generic_[BoardClient], Hub[BoardClient]): ...


class Plain(Hub[ClientProxy]): ...


class Bare(Hub): ...


@pytest.mark.parametrize(("hub_class", "typed"), [(Closed, True), (Plain, False), (Bare, False)])
def test_interface_of_a_class(hub_class: type[AnyHub], typed: bool) -> None:
    assert (proxy_of(hub_class) is ClientProxy) is not typed


class NotAsync(Protocol):
    def moved(self) -> None: ...


class Rest(Protocol):
    async def moved(self, *cards: str) -> None: ...


class Unanswerable(Protocol):
    async def ask(self) -> Hub: ...


class HasNotAsync(Hub[NotAsync]): ...


class HasRest(Hub[Rest]): ...


class HasUnanswerable(Hub[Unanswerable]): ...


@pytest.mark.parametrize(
    ("hub_class", "text"),
    [
        (HasNotAsync, r"NotAsync\.moved must be an `async def`"),
        (HasRest, r"Rest\.moved: the parameter \*cards: str cannot be sent"),
        (HasUnanswerable, r"Unanswerable\.ask: a client cannot answer with"),
    ],
)
def test_interfaces_that_cannot_be_served(hub_class: type[AnyHub], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        HubServer().add("/hub", hub_class)


HEAD = """
    from typing import Protocol
    from hub import Hub, Hubline

    class BoardClient(Protocol):
        async def card_moved(self, card: str, to: int) -> None: ...
        async def ask(self, q: str) -> bool: ...

    app = Hubline(backplane="memory://")

    @app.hub("/board")
    class Board(Hub[BoardClient]):
        async def move(self, card: str, to: int) -> bool:
            {body}
            return True

    @app.hub("/free")
    class Free(Hub):
        async def move(self, card: str) -> None:
            await self.clients.all.anything("a", 3)
            await self.clients.caller.send("exactName")
            answer: int = await self.clients.caller.invoke("Ask", "q", returns=int, timeout_s=1)
"""

GOOD = [
    'await self.clients.group("x").card_moved("a", 3)',
    "await self.clients.all_except([]).card_moved(card=card, to=to)",
    'sure: bool = await self.clients.caller.ask("q")',
    'await app.clients(Board).group("x").card_moved("a", 3)',
    'await app.clients(Free).users(["ann"]).whatever(1)',
]
BAD = [
    ('await self.clients.group("x").card_moved("a", "3")', "arg-type"),
    ('await self.clients.others.card_moved("a")', "call-arg"),
    ("await self.clients.caller.card_mooved()", "attr-defined"),
    ('text: str = await self.clients.client("x").ask("q")', "assignment"),
    ("await app.clients(Board).all.card_moved(3, 1)", "arg-type"),
]


def test_mypy_without_a_plugin(tmp_path: Path) -> None:
    """One run over a good file, and one over each way to be wrong, which it must find in the line where it is."""
    source = textwrap.dedent(HEAD)
    (tmp_path / "good.py").write_text(source.replace("{body}", "\n        ".join(GOOD)))
    for number, (line, _) in enumerate(BAD):
        (tmp_path / f"bad{number}.py").write_text(source.replace("{body}", line))
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", "."],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT)}, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    found = [line for line in run.stdout.splitlines() if ": error:" in line]
    assert len(found) == len(BAD), run.stdout + run.stderr
    for number, (_, code) in enumerate(BAD):
        assert any(line.startswith(f"bad{number}.py:") and f"[{code}]" in line for line in found), run.stdout
