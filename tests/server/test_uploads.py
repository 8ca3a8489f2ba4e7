"""Client-to-server streams (signalr.md 1.3, C2), in both encodings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

import pytest

from hub.protocol.codec import CodecName
from hub.protocol.messages import CancelInvocation, Completion, HubMessage, Invocation, StreamItem
from hub.server.hub import Hub
from hub.server.options import HubOptions
from tests.server.conftest import Serve
from tests.server.wire import Wire, turns


class Uploads(Hub):
    async def join(self, separator: str, words: AsyncIterator[str]) -> str:
        return separator.join([word async for word in words])

    async def first(self, words: AsyncIterable[str]) -> str:
        async for word in words:
            return word
        return "none"

    async def both(self, left: AsyncIterator[int], right: AsyncGenerator[int, None]) -> int:
        return sum([item async for item in left]) - sum([item async for item in right])

    async def double(self, numbers: AsyncIterator[int]) -> AsyncIterator[int]:
        async for number in numbers:
            yield 2 * number

    async def never_read(self, words: AsyncIterator[str]) -> None:
        await asyncio.Event().wait()

    async def wait_then_join(self, words: AsyncIterator[str]) -> str:
        gate = self.context.items["gate"]
        assert isinstance(gate, asyncio.Event)
        await gate.wait()
        return "".join([word async for word in words])


@pytest.fixture(params=["json", "messagepack"])
async def wire(request: pytest.FixtureRequest, serve: Serve) -> Wire:
    encoding: CodecName = request.param
    return Wire(await serve(Uploads, HubOptions(max_streams=3)), encoding).open()


def items(stream_id: str, *values: object) -> list[HubMessage]:
    return [StreamItem(stream_id, value) for value in values]


async def test_upload_reaches_the_method(wire: Wire) -> None:
    wire.invoke("Join", "-", streams=("2",))
    wire.write(*items("2", "a", "b"), Completion("2"))
    assert await wire.read() == Completion("1", result="a-b", has_result=True)


async def test_two_uploads_in_the_order_of_their_ids(wire: Wire) -> None:
    wire.invoke("Both", streams=("l", "r"))
    wire.write(*items("r", 1), *items("l", 5), Completion("r"), *items("l", 5), Completion("l"))
    assert await wire.read() == Completion("1", result=9, has_result=True)


async def test_upload_into_a_stream(wire: Wire) -> None:
    wire.stream("Double", streams=("2",))
    wire.write(*items("2", 1, 2), Completion("2"))
    assert [await wire.read() for _ in range(3)] == [*items("1", 2, 4), Completion("1")]


@pytest.mark.parametrize("streams", [(), ("2", "3")])
async def test_number_of_streams_does_not_match(wire: Wire, streams: tuple[str, ...]) -> None:
    wire.invoke("Join", "-", streams=streams)
    assert await wire.read() == Completion(
        "1",
        "An unexpected error occurred invoking 'Join' on the server. "
        f"HubException: Client sent {len(streams)} stream(s), Hub method expects 1.",
    )


async def test_upload_to_a_method_that_takes_none(wire: Wire) -> None:
    wire.invoke("First", streams=("2",))
    wire.invoke("First", id="3", streams=("2",))
    assert await wire.read() == Completion("3", "Invocation ID '2' is already in use.")


async def test_item_that_cannot_be_bound_ends_the_upload(wire: Wire) -> None:
    wire.invoke("Join", "-", streams=("2",))
    wire.write(*items("2", "a", 5, "b"), Completion("2"))
    failed = "An unexpected error occurred invoking 'Join' on the server. HubException: Failed to bind Stream message."
    assert await wire.read() == Completion("1", failed)
    assert not wire.connection.is_closed


async def test_client_ends_its_upload_with_an_error(wire: Wire) -> None:
    wire.invoke("Join", "-", streams=("2",))
    wire.write(Completion("2", "no more ink"))
    failed = "An unexpected error occurred invoking 'Join' on the server. HubException: no more ink"
    assert await wire.read() == Completion("1", failed)


async def test_items_and_completions_of_unknown_ids_are_ignored(wire: Wire) -> None:
    wire.write(*items("9", "a"), Completion("9"), Completion("s1", result=1, has_result=True))
    wire.invoke("First", streams=("2",))
    wire.write(*items("2", "a", "late"), Completion("2"))
    assert await wire.read() == Completion("1", result="a", has_result=True)
    wire.write(*items("2", "later"))
    await turns()
    assert not wire.connection.is_closed


async def test_full_upload_stops_reading(wire: Wire) -> None:
    gate = wire.connection.items["gate"] = asyncio.Event()
    wire.write(Invocation("WaitThenJoin", [], "1", ["2"]), *items("2", *"abcdefghijklm"), Completion("2"))
    await turns()
    assert wire.connection.paused
    gate.set()
    assert await wire.read() == Completion("1", result="abcdefghijklm", has_result=True)
    assert not wire.connection.paused


async def test_method_that_returns_lets_go_of_a_full_upload(wire: Wire) -> None:
    wire.write(Invocation("First", [], "1", ["2"]), *items("2", *"abcdefghijklm"), Invocation("First", [], "3", ["4"]))
    assert await wire.read() == Completion("1", result="a", has_result=True)
    wire.write(Completion("4"))
    assert await wire.read() == Completion("3", result="none", has_result=True)


async def test_cancelled_call_lets_go_of_its_upload(wire: Wire) -> None:
    wire.invoke("NeverRead", streams=("2",))
    wire.write(*items("2", "a"))
    await turns()
    wire.write(CancelInvocation("1"))
    assert isinstance(await wire.read(), Completion)
    wire.invoke("First", streams=("2",))
    wire.write(*items("2", "b"))
    assert await wire.read() == Completion("1", result="b", has_result=True)


async def test_calls_with_uploads_count_as_streams(wire: Wire) -> None:
    for number in range(4):
        wire.invoke("NeverRead", id=f"i{number}", streams=(f"s{number}",))
    error = "This connection has 3 streams already, which is the limit (max_streams)."
    assert await wire.read() == Completion("i3", error)
