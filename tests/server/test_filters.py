"""Hub filters: in which order, around what, and what they may do."""

from collections.abc import AsyncIterator

import pytest

from hub.errors import CallError, HubError
from hub.server.filters import ConnectNext, DisconnectNext, HubCall, HubFilter, InvokeNext
from hub.server.hub import AnyHub, Hub
from hub.server.streams import PushStream, StreamInfo, StreamSink
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import Wire, until


class Two(PushStream):
    async def run(self, sink: StreamSink) -> None:
        sink.send_many([1, 2])


class Calls(Hub):
    async def on_connected(self) -> None:
        trace(self).append("hub connected")

    async def on_disconnected(self, error: Exception | None) -> None:
        trace(self).append(f"hub disconnected {error!r}")

    async def double(self, number: int) -> int:
        trace(self).append(f"double {number}")
        return 2 * number

    async def count(self, to: int, *, stream: StreamInfo) -> AsyncIterator[int]:
        trace(self).append(f"count {to} {type(stream).__name__}")
        for number in range(to):
            yield number

    async def push(self) -> Two:
        return Two()

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    async def fail(self) -> None:
        raise ZeroDivisionError("secret")


def trace(hub: AnyHub) -> list[str]:
    found = hub.context.items.setdefault("trace", [])
    assert isinstance(found, list)
    return found


class Tracing(HubFilter):
    def __init__(self, name: str) -> None:
        self.name = name

    async def invoke(self, call: HubCall, go_on: InvokeNext) -> object:
        lines = trace(call.hub)
        lines.append(f"{self.name} before {call.method}")
        try:
            return await go_on(call)
        finally:
            lines.append(f"{self.name} after {call.method}")

    async def connect(self, hub: AnyHub, go_on: ConnectNext) -> None:
        trace(hub).append(f"{self.name} connect")
        await go_on(hub)

    async def disconnect(self, hub: AnyHub, error: Exception | None, go_on: DisconnectNext) -> None:
        trace(hub).append(f"{self.name} disconnect")
        await go_on(hub, error)


async def test_the_servers_are_around_the_hubs_in_order(serve: Serve) -> None:
    server = await serve(Calls, filters=[Tracing("a"), Tracing("b")], own_filters=[Tracing("c")])
    async with TestClient(server, "/hub") as client:
        lines = client.connection.items["trace"]
        assert await client.invoke("Double", 2) == 4
    assert lines == [
        *("a connect", "b connect", "c connect", "hub connected"),
        *("a before double", "b before double", "c before double", "double 2"),
        *("c after double", "b after double", "a after double"),
        *("a disconnect", "b disconnect", "c disconnect", "hub disconnected None"),
    ]


async def test_a_hubs_filters_are_its_own(serve: Serve) -> None:
    server = await serve(Calls)
    async with TestClient(server, "/hub") as client:
        assert await client.invoke("Double", 2) == 4
        assert client.connection.items["trace"] == ["hub connected", "double 2"]


class Changing(HubFilter):
    """Adds one to numbers, ten to results, and takes streams times ten."""

    async def invoke(self, call: HubCall, go_on: InvokeNext) -> object:
        if call.arguments and isinstance(call.arguments[0], int):
            call.arguments[0] += 1
        result = await go_on(call)
        if isinstance(result, int):
            return result + 10
        return self._times_ten(result) if isinstance(result, AsyncIterator) else result

    async def _times_ten(self, items: AsyncIterator[int]) -> AsyncIterator[int]:
        async for item in items:
            yield item * 10


async def numbers() -> AsyncIterator[int]:
    yield 1
    yield 2


async def test_arguments_and_results_may_be_changed(serve: Serve) -> None:
    server = await serve(Calls, filters=[Changing()])
    async with TestClient(server, "/hub") as client:
        assert await client.invoke("Double", 2) == 16
        assert [item async for item in client.stream("Count", 2)] == [0, 10, 20]
        assert [item async for item in client.stream("Push")] == [1, 2]
        assert await client.invoke("Total", numbers()) == 13
        assert client.connection.items["trace"] == ["hub connected", "double 3", "count 3 StreamSink"]


class Refusing(HubFilter):
    async def invoke(self, call: HubCall, go_on: InvokeNext) -> object:
        assert call.context.user.id == "test"
        assert call.function is vars(Calls)[call.method]
        if call.method == "double":
            raise CallError("forbidden", "Not you.")
        if call.method == "count":
            raise HubError("no streams")
        if call.method == "total":
            return "not called"
        try:
            return await go_on(call)
        except ZeroDivisionError as error:
            raise HubError("handled") from error


async def test_filters_may_refuse_answer_and_handle_errors(serve: Serve) -> None:
    server = await serve(Calls, filters=[Refusing()])
    async with TestClient(server, "/hub") as client:
        with pytest.raises(HubError, match=r"^\[forbidden\] Not you\.$"):
            await client.invoke("Double", 2)
        with pytest.raises(
            HubError, match=r"^An unexpected error occurred invoking 'Count' on the server. HubException: no streams$"
        ):
            await anext(client.stream("Count", 2))
        assert await client.invoke("Total", numbers()) == "not called"
        with pytest.raises(HubError, match=r"HubException: handled$"):
            await client.invoke("Fail")


async def test_a_filter_does_not_see_what_cannot_be_called(serve: Serve) -> None:
    server = await serve(Calls, filters=[Tracing("a")])
    async with TestClient(server, "/hub") as client:
        for arguments in (("x",), ()):
            with pytest.raises(HubError):
                await client.invoke("Double", *arguments)
        assert "a before double" not in trace(client.connection._hub or Calls())


class Closed(HubFilter):
    async def connect(self, hub: AnyHub, go_on: ConnectNext) -> None:
        raise CallError("forbidden", "Closed today.")


class Quiet(Hub):
    """Without hooks of its own."""

    async def one(self) -> int:
        return 1


@pytest.mark.parametrize("hub_class", [Calls, Quiet])
async def test_refusing_a_connection(serve: Serve, hub_class: type[AnyHub]) -> None:
    wire = Wire(await serve(hub_class, filters=[Closed()])).open()
    await until(lambda: wire.connection.is_closed)
    assert b"[forbidden] Closed today." in wire.raw[-1]
    assert b'"allowReconnect":true' not in wire.raw[-1]
    await wire.connection.finished
    assert wire.connection.items.get("trace", []) == []  # and on_disconnected does not run


async def test_without_filters_methods_are_called_as_they_are(serve: Serve) -> None:
    for filters in ([], [HubFilter(), Closed()]):
        server = await serve(Calls, filters=filters)
        for name, method in server.served("/hub").methods.items():
            assert method.function is Calls.hub_methods()[name].function
    life = (await serve(Quiet)).served("/hub").life
    assert life.is_immediate
