"""Dependency injection: who gets what, how long it lives, and what is refused when a hub is added."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Self

import pytest

from hub.errors import HubError
from hub.protocol.codec import CodecName
from hub.server.auth import User
from hub.server.filters import HubCall, HubFilter, InvokeNext
from hub.server.hub import AnyHub, Hub, HubContext
from hub.server.inject import Factory, Lifetime
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.streams import PushStream, StreamInfo, StreamSink
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import until

TRACE: list[str] = []


@pytest.fixture(autouse=True)
def no_trace() -> None:
    TRACE.clear()


class Thing:
    """An async context manager that says what happens to it."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.name = f"{type(self).__name__} {type(self).made}"

    async def __aenter__(self) -> Self:
        TRACE.append(f"{self.name} opened")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        TRACE.append(f"{self.name} closed" + (f" after {kind.__name__}" if kind else ""))


class Database(Thing): ...


class Visit(Thing): ...


class Work(Thing): ...


class Plain:
    """Nothing to open or close."""

    def __init__(self, database: Database, size: int = 3) -> None:
        self.database, self.size = database, size


class Who:
    def __init__(self, text: str) -> None:
        self.text = text


async def make_who(user: User, context: HubContext, visit: Visit) -> Who:
    return Who(f"{user.id} of {len(context.connection_id)} in {visit.name}")


async def make_work() -> AsyncGenerator[Work, None]:
    async with Work() as work:
        try:
            yield work
        except ValueError:
            TRACE.append("rolled back")
            raise


def provisions() -> list[tuple[type, Factory, Lifetime]]:
    for kind in (Database, Visit, Work):
        kind.made = 0
    return [
        (Database, Database, "app"),
        (Plain, Plain, "app"),
        (Visit, Visit, "connection"),
        (Who, make_who, "connection"),
        (Work, make_work, "call"),
    ]


class Push(PushStream):
    def __init__(self, text: str) -> None:
        self.text = text

    async def run(self, sink: StreamSink) -> None:
        sink.send(self.text)
        TRACE.append("pushed")


class Needy(Hub):
    def __init__(self, database: Database, visit: Visit) -> None:
        self.names = [database.name, visit.name]

    async def on_disconnected(self, error: Exception | None) -> None:
        TRACE.append("disconnected")

    async def mixed(self, database: Database, a: int, visit: Visit, b: int = 2, *, work: Work) -> list[object]:
        return [*self.names, database.name, visit.name, work.name, a, b]

    async def plain(self, plain: Plain) -> list[object]:
        return [plain.database.name, plain.size]

    async def who(self, who: Who, user: User) -> list[str]:
        return [who.text, user.id]

    async def fail(self, work: Work) -> None:
        raise ValueError("broken")

    async def hold(self, work: Work) -> None:
        await asyncio.Event().wait()

    async def items(self, work: Work, to: int, stream: StreamInfo) -> AsyncIterator[str]:
        for number in range(to):
            yield f"{work.name} {number}"

    async def endless(self, work: Work) -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async def broken(self, work: Work) -> AsyncIterator[int]:
        yield 1
        raise ValueError("broken")

    async def push(self, work: Work) -> Push:
        return Push(work.name)

    async def total(self, work: Work, numbers: AsyncIterator[int], factor: int) -> int:
        return factor * sum([number async for number in numbers])


async def start(serve: Serve, hub_class: type[AnyHub] = Needy) -> HubServer:
    return await serve(hub_class, provide=provisions())


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
async def test_who_gets_what_and_when_it_is_closed(serve: Serve, encoding: CodecName) -> None:
    server = await start(serve)
    assert TRACE == ["Database 1 opened"]
    async with TestClient(server, "/hub", protocol=encoding) as one:
        assert await one.invoke("Mixed", 1) == ["Database 1", "Visit 1", "Database 1", "Visit 1", "Work 1", 1, 2]
        assert await one.invoke("Mixed", 1, 5) == ["Database 1", "Visit 1", "Database 1", "Visit 1", "Work 2", 1, 5]
        assert await one.invoke("Plain") == ["Database 1", 3]
        async with TestClient(server, "/hub", user="bob") as two:
            assert await two.invoke("Who") == ["bob of 22 in Visit 2", "bob"]
    await server.close()
    assert TRACE == [
        *("Database 1 opened", "Visit 1 opened"),
        *("Work 1 opened", "Work 1 closed", "Work 2 opened", "Work 2 closed"),
        *("Visit 2 opened", "disconnected", "Visit 2 closed", "disconnected", "Visit 1 closed", "Database 1 closed"),
    ]


async def test_what_is_filled_in_is_no_argument(serve: Serve) -> None:
    async with TestClient(await start(serve), "/hub") as client:
        with pytest.raises(HubError, match="Failed to invoke 'Plain'"):
            await client.invoke("Plain", {"size": 1})
        with pytest.raises(HubError, match="Failed to invoke 'Mixed'"):
            await client.invoke("Mixed")


async def test_how_a_call_ends_reaches_what_it_used(serve: Serve) -> None:
    async with TestClient(await start(serve), "/hub") as client:
        del TRACE[:]
        with pytest.raises(HubError):
            await client.invoke("Fail")
        assert TRACE == ["Work 1 opened", "rolled back", "Work 1 closed after ValueError"]
        call = asyncio.create_task(client.invoke("Hold"))
        await until(lambda: "Work 2 opened" in TRACE)
        call.cancel()
        await until(lambda: "Work 2 closed after CancelledError" in TRACE)


async def test_streams_keep_it_until_they_end(serve: Serve) -> None:
    async with TestClient(await start(serve), "/hub") as client:
        del TRACE[:]
        assert [item async for item in client.stream("Items", 2)] == ["Work 1 0", "Work 1 1"]
        endless = client.stream("Endless")
        assert await anext(endless) == 1
        assert TRACE[-1] == "Work 2 opened"
        await endless.aclose()
        await until(lambda: "Work 2 closed after CancelledError" in TRACE)
        with pytest.raises(HubError):
            _ = [item async for item in client.stream("Broken")]
        assert [item async for item in client.stream("Push")] == ["Work 4"]
        assert TRACE == [
            *("Work 1 opened", "Work 1 closed", "Work 2 opened", "Work 2 closed after CancelledError"),
            *("Work 3 opened", "rolled back", "Work 3 closed after ValueError"),
            *("Work 4 opened", "pushed", "Work 4 closed"),
        ]


async def test_uploads_beside_it(serve: Serve) -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(20):
            yield number

    async with TestClient(await start(serve), "/hub") as client:
        assert await client.invoke("Total", numbers(), 2) == 380


class Wishes(HubFilter):
    async def invoke(self, call: HubCall, go_on: InvokeNext) -> object:
        return [*call.arguments, await go_on(call)]


async def test_filters_do_not_see_it(serve: Serve) -> None:
    server = await serve(Needy, provide=provisions(), filters=[Wishes()])
    async with TestClient(server, "/hub") as client:
        assert await client.invoke("Plain") == [["Database 1", 3]]


class Slow:
    made = 0


async def make_slowly() -> Slow:
    Slow.made += 1
    await asyncio.sleep(0)
    return Slow()


class Sharing(Hub):
    async def same(self, slow: Slow) -> int:
        return id(slow)


async def test_calls_that_run_at_once_share_what_the_connection_has(serve: Serve) -> None:
    options = HubOptions(max_parallel_invocations=8)
    server = await serve(Sharing, options, provide=[(Slow, make_slowly, "connection")])
    async with TestClient(server, "/hub") as client:
        same = await asyncio.gather(*[client.invoke("Same") for _ in range(8)])
        assert len(set(same)) == 1 and Slow.made == 1


async def fail_to_make() -> Slow:
    raise RuntimeError("cannot be made")


class NeedsSlow(Hub):
    def __init__(self, slow: Slow) -> None: ...


async def test_factories_that_fail(serve: Serve) -> None:
    server = await serve(Sharing, HubOptions(detailed_errors=True), provide=[(Slow, fail_to_make, "call")])
    async with TestClient(server, "/hub") as client:
        for _ in range(2):
            with pytest.raises(HubError, match="RuntimeError: cannot be made"):
                await client.invoke("Same")
    server = await serve(NeedsSlow, HubOptions(detailed_errors=True), provide=[(Slow, fail_to_make, "connection")])
    async with TestClient(server, "/hub") as client:
        await client.closed.wait()
        assert client.closed_with is not None
        assert client.closed_with.error == "Connection closed with an error. RuntimeError: cannot be made"
    server = HubServer()
    server.provide(Database, Database)
    server.provide(Slow, fail_to_make)
    del TRACE[:]
    with pytest.raises(RuntimeError):
        await server.start()
    assert [line.split()[-1] for line in TRACE] == ["opened", "closed"]


class TakesUser(Hub):
    async def take(self, user: User) -> str:
        return user.id


async def test_without_implicit_injection_all_parameters_come_from_the_client(serve: Serve) -> None:
    async with TestClient(await serve(TakesUser, HubOptions(implicit_injection=False)), "/hub", user="ann") as client:
        assert await client.invoke("Take", {"id": "eve"}) == "eve"
    async with TestClient(await serve(TakesUser), "/hub", user="ann") as client:
        assert await client.invoke("Take") == "ann"


class NeedsNothing(Hub):
    async def add(self, a: int, b: int) -> int:
        return a + b


async def test_a_hub_that_needs_nothing_pays_nothing(serve: Serve) -> None:
    served = (await start(serve, NeedsNothing)).served("/hub")
    assert served.methods["add"].function is NeedsNothing.add
    assert served.life.is_immediate


class NeedsUnknown(Hub):
    async def take(self, plain: Plain) -> None: ...


class BuiltWithUnknown(Hub):
    def __init__(self, plain: Plain) -> None: ...


class BuiltWithDefault(Hub):
    def __init__(self, plain: Plain | None = None) -> None: ...


def test_what_nothing_provides_is_named_when_the_hub_is_added() -> None:
    server = HubServer()
    text = (
        r"NeedsUnknown\.take: the parameter plain: .*Plain is of a type that clients cannot send.*provide\(Plain, …\)"
    )
    with pytest.raises(TypeError, match=text):
        server.add("/hub", NeedsUnknown)
    text = r"Nothing provides the parameter plain: .*Plain of BuiltWithUnknown: call provide\(Plain, …\) before"
    with pytest.raises(TypeError, match=text):
        server.add("/hub", BuiltWithUnknown)
    with pytest.raises(TypeError, match=r"Nothing provides the parameter database: .* of the factory of Plain"):
        server.provide(Plain, Plain)
    with pytest.raises(TypeError, match=r"The Who, of lifetime 'app', cannot use user, of lifetime 'connection'"):
        server.provide(Visit, Visit, lifetime="connection")
        server.provide(Who, make_who)
    server.add("/default", BuiltWithDefault)
    server.add("/made", BuiltWithUnknown, make=lambda: BuiltWithUnknown(Plain(Database())))
