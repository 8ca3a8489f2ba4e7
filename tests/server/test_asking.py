"""Client results (C3)."""

import asyncio

import pytest

from hub.errors import HubError
from hub.protocol.messages import Completion, Invocation
from hub.server.hub import Hub
from hub.server.server import HubServer
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import Wire, until


class Asks(Hub):
    async def ask(self, connection_id: str | None = None) -> object:
        client = self.clients.client(connection_id) if connection_id else self.clients.caller
        return await client.invoke("Name", 1)

    async def ask_in_a_task(self) -> object:
        return await asyncio.create_task(self.ask())

    async def ask_kindly(self, connection_id: str) -> str:
        try:
            return f"{await self.ask(connection_id)}"
        except HubError as error:
            return f"failed: {error}"

    async def ask_for_a_number(self, connection_id: str, timeout_s: float | None = None) -> int:
        return await self.clients.client(connection_id).invoke("Name", returns=int, timeout_s=timeout_s)

    async def ask_everybody(self) -> object:
        return await self.clients.all.invoke("Name")

    async def other(self) -> str:
        return "other"


class AsksAtOnce(Hub):
    async def on_connected(self) -> None:
        await self.clients.caller.invoke("Name")


@pytest.fixture
async def server(serve: Serve) -> HubServer:
    return await serve(Asks)


async def test_answer_reaches_the_method(server: HubServer) -> None:
    async with TestClient(server, "/hub") as client:
        client.on("Name", lambda number: f"ann {number}")
        assert await client.invoke("Ask") == "ann 1"


async def test_client_without_a_handler(server: HubServer) -> None:
    async with TestClient(server, "/hub") as client:
        with pytest.raises(HubError, match=r"HubException: Client didn't provide a result\.$"):
            await client.invoke("Ask")
        assert await client.invoke("Other") == "other"


async def test_ids_begin_with_s_and_the_slot_is_free_meanwhile(server: HubServer) -> None:
    for target in ("Ask", "AskInATask"):
        wire = Wire(server).open()
        wire.invoke(target, id="1")
        assert await wire.read() == Invocation("Name", [1], "s1")
        wire.invoke("Other", id="2")
        assert await wire.read() == Completion("2", result="other", has_result=True)
        wire.write(Completion("s1", result="ann", has_result=True), Completion("s1", result="b", has_result=True))
        assert await wire.read() == Completion("1", result="ann", has_result=True)
        wire.invoke("Other", id="3")
        assert await wire.read() == Completion("3", result="other", has_result=True)


async def test_completion_without_a_result_is_no_answer(server: HubServer) -> None:
    wire = Wire(server).open()
    wire.invoke("Ask", id="1")
    assert await wire.read() == Invocation("Name", [1], "s1")
    wire.write(Completion("s1"))
    completion = await wire.read()
    assert isinstance(completion, Completion) and str(completion.error).endswith("Client didn't provide a result.")


async def test_connection_that_does_not_exist_or_goes(server: HubServer) -> None:
    async with TestClient(server, "/hub") as ann:
        assert await ann.invoke("AskKindly", "nobody") == "failed: Connection 'nobody' does not exist."
        bob = Wire(server).open()
        asked = asyncio.create_task(ann.invoke("AskKindly", bob.connection.connection_id))
        assert await bob.read() == Invocation("Name", [1], "s1")
        bob.connection.lost(ConnectionError("gone"))
        assert await asked == "failed: The connection was lost before the client answered."


async def test_not_inside_on_connected(serve: Serve) -> None:
    wire = Wire(await serve(AsksAtOnce)).open()
    await until(lambda: wire.connection.is_closed)
    assert wire.raw[-1] == (
        b'{"type":7,"error":"Connection closed with an error. HubException: Client results inside OnConnectedAsync '
        b'Hub methods are not allowed."}\x1e'
    )


async def test_an_answer_of_another_type_fails_only_who_awaits_it(server: HubServer) -> None:
    async with TestClient(server, "/hub") as ann, TestClient(server, "/hub") as bob:
        bob.on("Name", lambda *_: "bob")
        with pytest.raises(
            HubError, match=r"The client's answer to 'Name' is of another type: expected a whole number"
        ):
            await ann.invoke("AskForANumber", bob.connection_id)
        assert await bob.invoke("Other") == await ann.invoke("Other") == "other"


async def test_waiting_is_bounded_by_a_time(server: HubServer) -> None:
    async with TestClient(server, "/hub") as client:
        asked = Wire(server).open()
        with pytest.raises(HubError, match=r"The client has not answered 'Name' within 0\.01 s \(timeout_s\)"):
            await client.invoke("AskForANumber", asked.connection.connection_id, 0.01)
        assert asked.connection.asking._open == {}
        asked.write(Completion("s1", result=1, has_result=True))  # nobody waits for it any more
        asked.invoke("Other", id="2")
        assert await asked.read() == Invocation("Name", [], "s1")
        assert await asked.read() == Completion("2", result="other", has_result=True)


async def test_cancelling_the_caller_stops_waiting(server: HubServer) -> None:
    async with TestClient(server, "/hub") as client:
        asked = Wire(server).open()
        call = asyncio.create_task(client.invoke("AskKindly", asked.connection.connection_id))
        assert await asked.read() == Invocation("Name", [1], "s1")
        call.cancel()
        await until(lambda: asked.connection.asking._open == {})


async def test_only_one_client_can_be_asked(server: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    async with TestClient(server, "/hub") as client:
        with pytest.raises(HubError, match="An unexpected error occurred invoking 'AskEverybody'"):
            await client.invoke("AskEverybody")
    assert "TypeError: Only one client can be asked for a result" in caplog.text


async def test_from_outside_a_hub(server: HubServer) -> None:
    clients = server.clients(Asks)
    async with TestClient(server, "/hub") as client:
        client.on("Name", lambda number: number + 1)
        assert await clients.client(client.connection_id).invoke("Name", 2) == 3
        assert await clients.client(client.connection_id).invoke("Name", 2, returns=int, timeout_s=5) == 3
    with pytest.raises(HubError, match="does not exist"):
        await clients.client(client.connection_id).invoke("Name", 2)
    with pytest.raises(TypeError):
        await clients.user("ann").invoke("Name")
