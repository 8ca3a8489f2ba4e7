"""What the test client promises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.errors import HubError
from hub.protocol.codec import CodecName
from hub.server.auth import User
from hub.server.hub import Hub, immediate
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import turns, until


class Lab(Hub):
    async def whoami(self) -> list[object]:
        context = self.context
        return [context.user.id, context.http.headers.get("x"), context.http.query.get("q"), context.http.path]

    async def hold(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.context.items["held"] = "cancelled"

    async def fail(self) -> None:
        raise HubError("no")

    async def fail_stream(self) -> AsyncIterator[int]:
        yield 1
        raise HubError("no")

    async def add_all(self, start: int, numbers: AsyncIterator[int]) -> int:
        return start + sum([number async for number in numbers])

    async def ask(self, target: str) -> object:
        return await self.clients.caller.invoke(target, 2)

    async def later(self) -> None:
        await self.clients.caller.done("a")

    @immediate
    async def bye(self) -> None:
        self.context.abort()


@pytest.fixture
async def server(serve: Serve) -> HubServer:
    return await serve(Lab)


@pytest.fixture(params=["json", "messagepack"])
async def client(request: pytest.FixtureRequest, server: HubServer) -> AsyncIterator[TestClient]:
    protocol: CodecName = request.param
    ann = User(id="ann")
    async with TestClient(server, "/hub", user=ann, protocol=protocol, headers={"x": "1"}, query={"q": "2"}) as client:
        yield client


async def test_who_the_client_is(client: TestClient) -> None:
    assert await client.invoke("Whoami") == ["ann", "1", "2", "/hub"]


async def test_errors_carry_the_servers_text(client: TestClient) -> None:
    with pytest.raises(
        HubError, match=r"^An unexpected error occurred invoking 'Fail' on the server\. HubException: no$"
    ):
        await client.invoke("Fail")
    got = []
    with pytest.raises(HubError, match=r"while streaming results\. HubException: no$"):
        async for item in client.stream("FailStream"):
            got.append(item)  # noqa: PERF401  # the items before the error are the point
    assert got == [1]


async def test_cancelling_an_invoke_cancels_the_call(client: TestClient) -> None:
    call = asyncio.create_task(client.invoke("Hold"))
    await turns()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: client.connection.items.get("held") == "cancelled")


async def test_uploads(client: TestClient) -> None:
    async def numbers(breaks: bool) -> AsyncIterator[int]:
        for number in range(40):
            yield number
        if breaks:
            raise ValueError("no more ink")

    assert await client.invoke("AddAll", 1, numbers(False)) == 781
    with pytest.raises(HubError, match=r"HubException: no more ink$"):
        await client.invoke("AddAll", 1, numbers(True))


async def test_handlers_answer_the_server(client: TestClient) -> None:
    async def double(number: int) -> int:
        return 2 * number

    def break_it(number: int) -> None:
        raise ValueError("broken")

    client.on("Double", double)
    client.on("Break", break_it)
    assert await client.invoke("Ask", "double") == 4
    with pytest.raises(HubError, match=r"HubException: broken$"):
        await client.invoke("Ask", "Break")


async def test_next_waits_for_what_has_not_come(client: TestClient) -> None:
    waiting = asyncio.create_task(client.next("Done"))
    await turns()
    await client.send("Later")
    assert await waiting == ["a"]


async def test_after_the_end(client: TestClient) -> None:
    hold = asyncio.create_task(client.invoke("Hold"))
    stream = asyncio.create_task(anext(client.stream("AddNothing")))
    with pytest.raises(HubError, match="Unknown hub method 'AddNothing'"):
        await stream
    with pytest.raises(HubError, match="The connection has ended"):
        await client.invoke("Bye")
    with pytest.raises(HubError, match="The connection has ended"):
        await hold
    await client.closed.wait()
    assert client.closed_with is not None and not client.closed_with.allow_reconnect
    with pytest.raises(HubError, match="The connection has ended"):
        await client.invoke("Whoami")


async def test_client_that_stops_reading_and_reads_on(client: TestClient, server: HubServer) -> None:
    client.stop_reading()
    await server.clients(Lab).all.news(1)
    await turns()
    assert client.connection.outbox.waiting_bytes > 0
    client.read_on()
    assert await client.next("News") == [1]
    client.stop_reading()
    await client.drop()


async def test_refused_handshake_raises(serve: Serve) -> None:
    server = await serve(Lab, HubOptions(protocols=("json",)))
    with pytest.raises(HubError, match="The protocol 'messagepack' is not supported"):
        async with TestClient(server, "/hub", protocol="messagepack"):
            pass
