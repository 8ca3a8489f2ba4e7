"""The table of signalr.md 1.3, line by line, and the order in which calls run (C1), in both encodings."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.errors import CallError, HubError
from hub.protocol.codec import CodecName
from hub.protocol.messages import (
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    StreamInvocation,
    StreamItem,
)
from hub.server.hub import Hub, immediate, method
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.streams import StreamInfo
from tests.server.conftest import Serve
from tests.server.wire import Wire, turns, until


class Trace:
    """What the methods of one test's hub did."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.go = asyncio.Event()


class Calls(Hub):
    trace = Trace()

    async def on_connected(self) -> None:
        self.trace = self.context.items.setdefault("trace", Trace())  # type: ignore[assignment]  # ours alone

    async def add(self, a: int, b: int) -> int:
        return a + b

    async def nothing(self) -> None:
        pass

    async def break_it(self) -> None:
        raise ZeroDivisionError("secret")

    async def refuse(self) -> None:
        raise HubError("not today")

    async def refuse_by_contract(self) -> None:
        raise CallError("busy", "Wait for the run to end.")

    async def unsendable(self) -> object:
        return object()

    async def hold(self, name: str) -> str:
        self.trace.lines.append(f"{name} began")
        await self.trace.go.wait()
        self.trace.lines.append(f"{name} ended")
        return name

    async def swallow(self) -> str:
        try:
            await self.trace.go.wait()
        except asyncio.CancelledError:
            return "kept on"
        return "let go"

    @immediate
    async def release(self) -> str:
        self.trace.go.set()
        return "released"

    @method("Alias", "OtherAlias")
    async def named(self) -> str:
        return "named"

    async def count(self, to: int) -> AsyncIterator[int]:
        for i in range(to):
            yield i

    async def endless(self, *, stream: StreamInfo) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.trace.lines.append(f"ended, cancelled by client: {stream.cancelled_by_client}")

    async def break_stream(self, after: int) -> AsyncIterator[int]:
        for i in range(after):
            yield i
        raise ZeroDivisionError("secret")

    async def refuse_stream(self, after: int) -> AsyncIterator[int]:
        for i in range(after):
            yield i
        raise CallError("forbidden", "Ask the owner.")

    async def refuse_stream_plainly(self) -> AsyncIterator[int]:
        for i in range(0):
            yield i
        raise HubError("not today")

    async def stream_by_coroutine(self, fails: bool) -> AsyncIterator[int]:
        if fails:
            raise HubError("not today")
        return self.count(2)


ENCODINGS: list[CodecName] = ["json", "messagepack"]
DETAILED = HubOptions(detailed_errors=True)


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> CodecName:
    name: CodecName = request.param
    return name


@pytest.fixture
async def server(serve: Serve) -> HubServer:
    return await serve(Calls)


@pytest.fixture
async def wire(server: HubServer, encoding: CodecName) -> Wire:
    return Wire(server, encoding).open()


def trace(wire: Wire) -> Trace:
    found = wire.connection.items["trace"]
    assert isinstance(found, Trace)
    return found


async def test_method_result_is_the_completion(wire: Wire) -> None:
    assert await wire.call("Add", 1, 2) == Completion("1", result=3, has_result=True)


async def test_void_method_answers_null(wire: Wire) -> None:
    assert await wire.call("Nothing") == Completion("1", result=None, has_result=True)


@pytest.mark.parametrize("target", ["ADD", "add", "aDd", "_a_d_d_"])
async def test_matching_ignores_case_and_underscores(wire: Wire, target: str) -> None:
    assert await wire.call(target, 1, 2) == Completion("1", result=3, has_result=True)


async def test_aliases_replace_the_name(wire: Wire) -> None:
    for target in ("alias", "OtherAlias"):
        assert await wire.call(target) == Completion("1", result="named", has_result=True)
    assert await wire.call("Named") == Completion("1", "Unknown hub method 'Named'")


@pytest.mark.parametrize(
    "target", ["Nope", "OnConnected", "on_disconnected", "_private", "HubMethods", "context", "__init__"]
)
async def test_unknown_target(wire: Wire, target: str) -> None:
    assert await wire.call(target) == Completion("1", f"Unknown hub method '{target}'")
    wire.stream(target)
    assert await wire.read() == Completion("1", f"Unknown hub method '{target}'")


async def test_who_writes_the_hub_reads_why_arguments_do_not_fit(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    await wire.call("Add", 1, "2\n3")
    (record,) = (record for record in caplog.records if "do not fit" in record.getMessage())
    assert record.levelname == "WARNING"  # the least that Python shows where no log is configured
    assert record.getMessage() == (
        "the arguments of 'Add' do not fit: \"Error binding argument 'b': expected a whole number.\""
    )


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3), ("1", 2), (None, 2), (True, 2), (1.5, 2), ([], 2)])
async def test_arguments_that_do_not_fit(wire: Wire, arguments: tuple[object, ...]) -> None:
    assert await wire.call("Add", *arguments) == Completion(
        "1", "Failed to invoke 'Add' due to an error on the server."
    )
    assert await wire.call("Add", 1, 2) == Completion("1", result=3, has_result=True)  # the connection survives


async def test_detailed_binder_error(serve: Serve, encoding: CodecName) -> None:
    wire = Wire(await serve(Calls, DETAILED), encoding).open()
    failed = "Failed to invoke 'Add' due to an error on the server. InvalidDataException: "
    assert await wire.call("Add", 1) == Completion(
        "1", failed + "Invocation provides 1 argument(s) but target expects 2."
    )
    assert await wire.call("Add", 1, "2") == Completion(
        "1", failed + "Error binding argument 'b': expected a whole number."
    )


@pytest.mark.parametrize(
    ("target", "detailed", "error"),
    [
        ("BreakIt", False, "An unexpected error occurred invoking 'BreakIt' on the server."),
        ("BreakIt", True, "An unexpected error occurred invoking 'BreakIt' on the server. ZeroDivisionError: secret"),
        ("Refuse", False, "An unexpected error occurred invoking 'Refuse' on the server. HubException: not today"),
        ("RefuseByContract", False, "[busy] Wait for the run to end."),
        ("Unsendable", False, "An unexpected error occurred invoking 'Unsendable' on the server."),
    ],
)
async def test_method_raises(serve: Serve, encoding: CodecName, target: str, detailed: bool, error: str) -> None:
    wire = Wire(await serve(Calls, HubOptions(detailed_errors=detailed)), encoding).open()
    assert await wire.call(target) == Completion("1", error)


async def test_unexpected_exception_is_logged_with_its_traceback(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    await wire.call("BreakIt")
    (record,) = [record for record in caplog.records if record.name == "hub.server"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


async def test_without_an_id_nothing_is_answered(wire: Wire) -> None:
    for target in ("Add", "BreakIt", "Nope", "Count"):
        wire.invoke(target, 1, 2, id=None)
    assert await wire.call("Nothing") == Completion("1", result=None, has_result=True)
    assert wire.unread == 0


async def test_streaming_method_called_plainly(wire: Wire) -> None:
    error = "The client attempted to invoke the streaming 'Count' method with a non-streaming invocation."
    assert await wire.call("Count", 3) == Completion("1", error)


async def test_plain_method_called_as_stream(wire: Wire) -> None:
    wire.stream("Add", 1, 2)
    error = "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation."
    assert await wire.read() == Completion("1", error)


async def test_stream_items_then_completion(wire: Wire) -> None:
    wire.stream("Count", 2)
    assert await read(wire, 3) == [StreamItem("1", 0), StreamItem("1", 1), Completion("1")]
    wire.stream("StreamByCoroutine", False)
    assert await read(wire, 3) == [StreamItem("1", 0), StreamItem("1", 1), Completion("1")]


async def test_stream_raises(serve: Serve, encoding: CodecName) -> None:
    error = "An error occurred on the server while streaming results."
    wire = Wire(await serve(Calls), encoding).open()
    for after in (0, 1):
        wire.stream("BreakStream", after)
        assert await read(wire, after + 1) == [StreamItem("1", 0)] * after + [Completion("1", error)]
        wire.stream("RefuseStream", after)
        assert (await read(wire, after + 1))[-1] == Completion("1", "[forbidden] Ask the owner.")
    wire.stream("RefuseStreamPlainly")
    assert await wire.read() == Completion("1", f"{error} HubException: not today")
    wire.stream("StreamByCoroutine", True)
    failed = "An unexpected error occurred invoking 'StreamByCoroutine' on the server. HubException: not today"
    assert await wire.read() == Completion("1", failed)
    detailed = Wire(await serve(Calls, DETAILED), encoding).open()
    detailed.stream("BreakStream", 0)
    assert await detailed.read() == Completion("1", f"{error} ZeroDivisionError: secret")


async def test_stream_id_in_use(wire: Wire) -> None:
    wire.stream("Endless")
    assert await wire.read() == StreamItem("1", 1)
    wire.stream("Count", 1)
    assert await wire.read() == Completion("1", "Invocation ID '1' is already in use.")


async def test_client_cancels_a_stream(wire: Wire) -> None:
    wire.stream("Endless")
    assert await wire.read() == StreamItem("1", 1)
    wire.write(CancelInvocation("1"), CancelInvocation("1"))
    assert await wire.read() == Completion("1")
    assert trace(wire).lines == ["ended, cancelled by client: True"]
    wire.write(CancelInvocation("1"), CancelInvocation("never"))
    assert await wire.call("Nothing") == Completion("1", result=None, has_result=True)


async def test_lost_connection_ends_a_stream_without_cancel(wire: Wire) -> None:
    wire.stream("Endless")
    assert await wire.read() == StreamItem("1", 1)
    wire.connection.lost(ConnectionError("gone"))
    await wire.connection.finished
    assert trace(wire).lines == ["ended, cancelled by client: False"]


async def test_client_cancels_a_plain_call(wire: Wire) -> None:
    wire.invoke("Hold", "a", id="1")
    wire.invoke("Hold", "b", id="2")
    wire.invoke("Add", 1, 2, id="3")
    await until(lambda: wire.connection.items and trace(wire).lines)
    wire.write(CancelInvocation("2"), CancelInvocation("1"))
    assert await read(wire, 3) == [
        Completion("2", "An unexpected error occurred invoking 'Hold' on the server."),
        Completion("1", "An unexpected error occurred invoking 'Hold' on the server."),
        Completion("3", result=3, has_result=True),
    ]
    assert trace(wire).lines == ["a began"]


async def test_method_that_swallows_its_cancellation_keeps_its_result(wire: Wire) -> None:
    wire.invoke("Swallow")
    await turns()
    wire.write(CancelInvocation("1"))
    assert await wire.read() == Completion("1", result="kept on", has_result=True)
    assert await wire.call("Add", 1, 2) == Completion("1", result=3, has_result=True)


async def test_plain_calls_run_in_order_one_at_a_time(wire: Wire) -> None:
    wire.invoke("Hold", "a", id="1")
    wire.invoke("Hold", "b", id="2")
    wire.invoke("Add", 1, 2, id="3")
    await until(lambda: wire.connection.items and trace(wire).lines)
    await turns()
    assert trace(wire).lines == ["a began"]
    wire.invoke("Release", id="4")  # an immediate method passes all of them
    answers = await read(wire, 4)
    assert [answer.invocation_id for answer in answers if isinstance(answer, Completion)] == ["4", "1", "2", "3"]
    assert trace(wire).lines == ["a began", "a ended", "b began", "b ended"]


async def test_streams_do_not_wait_for_a_running_call(wire: Wire) -> None:
    wire.invoke("Hold", "a", id="1")
    wire.stream("Count", 1, id="2")
    assert await read(wire, 2) == [StreamItem("2", 0), Completion("2")]


async def test_parallel_invocations(serve: Serve, encoding: CodecName) -> None:
    wire = Wire(await serve(Calls, HubOptions(max_parallel_invocations=2)), encoding).open()
    for name in "abc":
        wire.invoke("Hold", name, id=name)
    await until(lambda: wire.connection.items and len(trace(wire).lines) == 2)
    await turns()
    assert trace(wire).lines == ["a began", "b began"]
    wire.invoke("Release", id=None)
    assert {answer.invocation_id for answer in await read(wire, 3) if isinstance(answer, Completion)} == {*"abc"}


async def test_too_many_streams(serve: Serve, encoding: CodecName) -> None:
    wire = Wire(await serve(Calls, HubOptions(max_streams=2)), encoding).open()
    for invocation_id in "123":
        wire.stream("Endless", id=invocation_id)
    answers = await read(wire, 3)
    error = "This connection has 2 streams already, which is the limit (max_streams)."
    assert Completion("3", error) in answers
    wire.write(CancelInvocation("1"))
    assert await wire.read() == Completion("1")
    wire.stream("Count", 0, id="4")
    assert await wire.read() == Completion("4")


async def test_full_queue_stops_reading(serve: Serve, encoding: CodecName) -> None:
    wire = Wire(await serve(Calls, HubOptions(max_queued_invocations=2)), encoding).open()
    wire.write(*(Invocation("Hold", [str(number)], str(number)) for number in range(5)))
    await turns()
    assert wire.connection.paused
    trace(wire).go.set()
    await wire.connection.until_readable()
    answers = await read(wire, 5)
    assert [answer.result for answer in answers if isinstance(answer, Completion)] == [*"01234"]
    assert not wire.connection.paused


async def test_messages_that_came_with_the_handshake_wait_for_on_connected(server: HubServer) -> None:
    wire = Wire(server).open(Invocation("Add", [1, 2], "1"), StreamInvocation("Count", [1], "2"))
    answers = await read(wire, 3)
    assert answers[0] == Completion("1", result=3, has_result=True) or answers[0] == StreamItem("2", 0)
    assert StreamItem("2", 0) in answers


async def read(wire: Wire, count: int) -> list[HubMessage]:
    answers = [await wire.read() for _ in range(count)]
    return [answer for answer in answers if answer is not None]


async def test_cancelling_what_waits_lets_the_stream_behind_it_start(wire: Wire) -> None:
    wire.invoke("Hold", "a", id="1")
    wire.invoke("Hold", "b", id="2")
    wire.stream("Count", 1, id="3")
    await turns()
    assert wire.unread == 0
    wire.write(CancelInvocation("2"))
    assert (await read(wire, 3))[1:] == [StreamItem("3", 0), Completion("3")]


class Waiting(Hub):
    @immediate
    async def wait(self) -> None:
        gate = self.context.items.setdefault("gate", asyncio.Event())
        assert isinstance(gate, asyncio.Event)
        await gate.wait()


async def test_immediate_calls_are_bounded_too(serve: Serve) -> None:
    wire = Wire(await serve(Waiting, HubOptions(max_queued_invocations=3))).open()
    wire.write(*(Invocation("Wait", [], str(number)) for number in range(5)))
    await turns()
    assert wire.connection.paused
    gate = wire.connection.items["gate"]
    assert isinstance(gate, asyncio.Event)
    gate.set()
    assert len(await read(wire, 5)) == 5
    assert not wire.connection.paused


class Unmakable(Hub):
    def __init__(self) -> None:
        raise ZeroDivisionError("in a constructor")


async def test_hub_that_cannot_be_made_closes(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire(await serve(Unmakable)).open(Invocation("X", [], "1"))
    assert await wire.read() == Close("Connection closed with an error.", False)
    assert [record.message for record in caplog.records] == ["the hub cannot be made"]


class Aborting(Hub):
    async def for_ever(self) -> AsyncIterator[int]:
        self.context.abort()
        while True:
            yield 1


async def test_generator_that_goes_on_after_the_end_is_stopped(serve: Serve) -> None:
    wire = Wire(await serve(Aborting)).open()
    wire.stream("ForEver")
    assert await wire.read() == Close(None, False)
    await wire.connection.finished


async def test_method_that_swallows_the_end_does_not_hold_it_up(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire(await serve(Calls)).open()
    wire.invoke("Swallow")
    await turns()
    wire.write(CancelInvocation("1"))
    wire.connection.lost(ConnectionError("gone"))
    await asyncio.wait_for(wire.connection.finished, 2)
    again = Wire(await serve(Calls)).open()
    again.invoke("Swallow")
    await turns()
    again.connection.lost(ConnectionError("gone"))
    await asyncio.wait_for(again.connection.finished, 2)
    assert caplog.records == []
