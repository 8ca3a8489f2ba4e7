"""Stateful reconnect (signalr.md 1.6): the connection outlives its socket, nothing is lost or comes twice."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.protocol.messages import Ack, Close, Completion, Encoded, Invocation, Ping, Sequence, StreamItem
from hub.server.auth import User, bearer_token
from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from hub.server.streams import PushStream, StreamSink
from tests.server.conftest import Serve
from tests.server.live import serve_live
from tests.server.raw_http import negotiated
from tests.server.reconnecting import JSON, MemoryClient, SocketClient
from tests.server.wire import turns, until

ON = HubOptions(allow_stateful_reconnects=True)


class Numbers(PushStream):
    """A position, not a queue: what cannot be written is taken later."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.next = 1
        self.skipped = 0  # the sink was not writable when something was there

    async def run(self, sink: StreamSink) -> None:
        while self.next <= self.last:
            if sink.writable:
                sink.send(Encoded(str(self.next).encode()))
                self.next += 1
            else:
                self.skipped += 1
                await sink.until_writable()
            await asyncio.sleep(0)


class Echo(Hub):
    async def on_connected(self) -> None:
        await self.groups.add("all")

    async def on_disconnected(self, error: Exception | None) -> None:
        ENDS.append(error)

    async def echo(self, value: object) -> object:
        self.context.items[str(value)] = int(str(self.context.items.get(str(value), 0))) + 1
        return value

    async def hold(self) -> str:
        await GATES["hold"].wait()
        return self.context.connection_id

    async def count(self, to: int, size: int = 0) -> AsyncIterator[object]:
        for number in range(1, to + 1):
            yield [number, "x" * size] if size else number

    async def push(self, to: int) -> PushStream:
        stream = PUSHED[self.context.connection_id] = Numbers(to)
        return stream


ENDS: list[Exception | None] = []
GATES: dict[str, asyncio.Event] = {}  # of the running test's event loop
PUSHED: dict[str, Numbers] = {}


@pytest.fixture(autouse=True)
def clean() -> None:
    ENDS.clear()
    GATES["hold"] = asyncio.Event()


async def opened(client: MemoryClient) -> MemoryClient:
    client.invoke("Echo", 0, id="first")
    assert await client.read() == Completion("first", result=0, has_result=True)
    return client


# ------------------------------------------------------------------------------------------------------ both ends


async def test_both_ends_opt_in(serve: Serve) -> None:
    """S1."""
    asked = "&useStatefulReconnect=true"
    async with serve_live(await serve(Echo, ON)) as address:
        assert (await negotiated(address, asked)).get("useStatefulReconnect")
        assert "useStatefulReconnect" not in await negotiated(address)
    without = HubOptions(allow_stateful_reconnects=True, transports=["LongPolling"])
    for options in (HubOptions(), without):
        async with serve_live(await serve(Echo, options)) as address:
            assert "useStatefulReconnect" not in await negotiated(address, asked)


@pytest.mark.parametrize(("version", "stateful"), [(1, True), (2, False)])
async def test_without_version_2_or_negotiation_the_loss_is_the_end(serve: Serve, version: int, stateful: bool) -> None:
    client = await opened(MemoryClient(await serve(Echo), version=version, stateful=stateful))
    assert not client.connection.may_reattach
    client.cut()
    await client.connection.finished
    assert isinstance(ENDS[0], ConnectionError)


# ---------------------------------------------------------------------------------------------------- by real sockets


@pytest.fixture(params=[True, False], ids=["direct", "ASGI"])
def takeover(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def stateful_url(address: str, **headers: str) -> str:
    answer = await negotiated(address, "&useStatefulReconnect=true", **headers)
    return f"ws://{address}/hub?id={answer['connectionToken']}"


async def refused(url: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        await connect(url, additional_headers=headers)
    return caught.value.response.status_code, bytes(caught.value.response.body or b"").decode()


async def test_connection_goes_on_by_another_socket(serve: Serve, takeover: bool) -> None:
    server = await serve(Echo, ON)
    async with serve_live(server, takeover=takeover) as address:
        client = SocketClient(await stateful_url(address))
        await client.open()
        await client.write(Invocation("Hold", [], "1"))
        (connection,) = server.connections
        await until(lambda: connection.outbox.sent or client.acks)
        await client.cut()
        await until(lambda: not connection.outbox.writable)
        GATES["hold"].set()
        for number in range(3):
            await server.clients(Echo).group("all").news(number)
        await client.reopen()
        found = [await client.read() for _ in range(4)]
        assert Completion("1", result=connection.connection_id, has_result=True) in found
        assert [message.arguments for message in found if isinstance(message, Invocation)] == [[0], [1], [2]]
        await client.write(Invocation("Echo", ["hi"], "2"))
        assert await client.read() == Completion("2", result="hi", has_result=True)
        assert (server.metrics.connections_now, server.metrics.reattached, ENDS) == (1, 1, [])
        await client.close()
        await until(lambda: ENDS)
        assert ENDS == [None]
        await until(lambda: not server.connections)


async def test_closed_socket_ends_the_connection(serve: Serve, takeover: bool) -> None:
    """S4: only an ungraceful loss is survived."""
    server = await serve(Echo, ON)
    async with serve_live(server, takeover=takeover) as address:
        url = await stateful_url(address)
        client = SocketClient(url)
        await client.open()
        await client.close()
        await until(lambda: ENDS)
        assert ENDS == [None]
        assert await refused(url) == (404, "No Connection with that ID")


async def test_second_socket_takes_over_from_one_whose_loss_was_not_noticed(serve: Serve, takeover: bool) -> None:
    server = await serve(Echo, ON)
    async with serve_live(server, takeover=takeover) as address:
        client = SocketClient(await stateful_url(address))
        await client.open()
        old = client.socket
        assert old is not None
        await client.reopen()
        await asyncio.wait_for(old.wait_closed(), 5)
        await client.write(Invocation("Echo", ["hi"], "1"))
        assert await client.read() == Completion("1", result="hi", has_result=True)
        assert (ENDS, len(server.connections)) == ([], 1)
        await client.close()


async def test_another_user_is_refused() -> None:
    """S7."""

    def by_token(request: HTTPConnection) -> User | None:
        token = bearer_token(request)
        return None if token is None else User(id=token)

    server = HubServer(authenticate=by_token, limits=ServerLimits(tick_s=0.01, max_connections_per_user=1))
    server.add("/hub", Echo, ON)
    await server.start()
    ann, bob = {"Authorization": "Bearer ann"}, {"Authorization": "Bearer bob"}
    async with serve_live(server) as address:
        url = await stateful_url(address, **ann)
        client = SocketClient(url)
        await client.open(**ann)
        await client.cut()
        assert await refused(url, **bob) == (403, "The connection was negotiated by another user.")
        assert (await refused(url))[0] == 401
        await client.reopen(**ann)  # its place is its own still
        await client.write(Invocation("Echo", ["hi"], "1"))
        assert await client.read() == Completion("1", result="hi", has_result=True)
        await client.close()


async def test_socket_before_the_handshake_is_not_replaced(serve: Serve) -> None:
    async with serve_live(await serve(Echo, ON)) as address:
        url = await stateful_url(address)
        async with connect(url):
            assert (await refused(url))[0] == 409


async def test_connection_ends_without_a_socket(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(allow_stateful_reconnects=True, disconnect_timeout_s=0.05))
    async with serve_live(server) as address:
        url = await stateful_url(address)
        client = SocketClient(url)
        await client.open()
        await client.cut()
        await until(lambda: ENDS)
        assert isinstance(ENDS[0], ConnectionError)
        await until(lambda: not server.connections)
        assert await refused(url) == (404, "No Connection with that ID")


# -------------------------------------------------------------------------------------------------------- in memory


async def test_server_acknowledges_and_forgets_what_is_acknowledged(serve: Serve) -> None:
    """S2."""
    client = await opened(MemoryClient(await serve(Echo)))
    for number in range(5):
        client.invoke("Echo", number, id=str(number))
        await client.read()
    await until(lambda: client.acks[-1:] == [6])
    assert client.buffer.held_bytes == 0
    buffer = client.connection.outbox._buffer  # type: ignore[attr-defined]  # of a connection with stateful reconnect
    assert buffer.held_bytes > 0
    client.ack()
    assert buffer.held_bytes == 0


async def test_sequence_says_where_each_side_goes_on(serve: Serve) -> None:
    """S4, S5."""
    client = await opened(MemoryClient(await serve(Echo)))
    client.ack()
    client.cut()
    client.attach()
    await until(lambda: client.sequences == [2])
    client.connection.receive(JSON.encode(Sequence(99)))
    close = await client.read()
    assert isinstance(close, Close) and close.allow_reconnect
    await client.connection.finished
    assert "Sequence ID greater than amount of messages we've received." in str(ENDS[0])


async def test_what_was_handled_is_not_handled_again(serve: Serve) -> None:
    server = await serve(Echo)
    client = await opened(MemoryClient(server))
    client.invoke("Echo", "once")
    await client.read()
    client.cut()
    client.write(Invocation("Echo", ["while away"], "2"))
    client.attach()  # sends both again, since the server has acknowledged neither
    assert await client.read() == Completion("2", result="while away", has_result=True)
    assert client.connection.items == {"0": 1, "once": 1, "while away": 1}


async def test_half_a_record_is_forgotten_with_its_socket(serve: Serve) -> None:
    client = await opened(MemoryClient(await serve(Echo)))
    client.write_raw(client.encode(Invocation("Echo", ["whole"], "1"))[:-5])
    client.cut()
    client.attach()
    assert await client.read() == Completion("1", result="whole", has_result=True)


async def test_inactive_connection_sends_no_pings_and_does_not_time_out(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(keep_alive_s=0.01, client_timeout_s=0.05))
    client = await opened(MemoryClient(server))
    client.write(Ping())
    client.cut()
    since = server.now()
    await until(lambda: server.now() - since > 0.1)
    client.attach()
    client.invoke("Echo", "hi")
    assert await client.read() == Completion("1", result="hi", has_result=True)
    await until(lambda: client.pings > 0)
    assert ENDS == []


async def test_full_buffer_holds_streams_until_the_client_acknowledges(serve: Serve) -> None:
    """S3."""
    server = await serve(Echo, HubOptions(stateful_reconnect_buffer_bytes=5_000))
    client = await opened(MemoryClient(server))
    client.stream("Count", 50, 1_000)
    await until(lambda: client.handled.qsize() >= 5)
    await turns(50)
    assert client.handled.qsize() <= 6
    found = []
    while not isinstance(message := await client.read(), Completion):
        found.append(message)
        if not client.handled.qsize():
            client.ack()
    assert [message.item[0] for message in found if isinstance(message, StreamItem)] == list(range(1, 51))  # type: ignore[index]  # lists


async def test_push_stream_stands_still_while_there_is_no_socket(serve: Serve) -> None:
    client = await opened(MemoryClient(await serve(Echo)))
    client.stream("Push", 1_000)
    await client.read()
    client.cut()
    numbers = PUSHED[client.connection.connection_id]
    await until(lambda: numbers.skipped)
    before = numbers.next
    await turns(50)
    assert numbers.next == before < 1_000
    client.attach()
    items = [2]
    while not isinstance(message := await client.read(), Completion):
        assert isinstance(message, StreamItem)
        items.append(int(str(message.item)))
        client.ack()
    assert items == [2, *range(2, 1_001)]


async def test_client_that_stays_away_too_long_for_its_group_is_cut(serve: Serve) -> None:
    server = await serve(Echo, HubOptions(outbox_max_bytes=10_000))
    client = await opened(MemoryClient(server))
    client.cut()
    while not client.connection.is_closed:
        await server.clients(Echo).group("all").news("x" * 1_000)
    await client.connection.finished
    assert "over 10000 bytes wait, the limit (outbox_max_bytes)" in str(ENDS[0])
    assert server.metrics.slow_consumers == 1


async def test_server_closes_a_connection_without_a_socket(serve: Serve) -> None:
    server = await serve(Echo)
    client = await opened(MemoryClient(server))
    client.cut()
    await server.close()
    assert ENDS == [None]


async def test_slow_socket_that_is_lost(serve: Serve) -> None:
    """What waits in the outbox goes by the next socket, once."""
    server = await serve(Echo)
    client = await opened(MemoryClient(server))
    client.stop_reading()
    for number in range(20):
        await server.clients(Echo).group("all").news(number)
    client.cut()
    client.attach()
    assert [(await client.read()).arguments for _ in range(20)] == [[number] for number in range(20)]  # type: ignore[union-attr]  # invocations


@pytest.mark.parametrize("seed", range(25))
async def test_nothing_is_lost_or_comes_twice_over_sockets_that_break_at_random(serve: Serve, seed: int) -> None:
    """Calls, a stream, a push stream that falls behind and group sends at once; sockets break, also while they
    resend, and some losses are noticed only when the next socket comes."""
    chance = random.Random(seed)
    server = await serve(Echo, HubOptions(stateful_reconnect_buffer_bytes=2_000, max_queued_invocations=3))
    client = await opened(MemoryClient(server))
    client.stream("Count", 200, id="pulled")
    client.stream("Push", 200, id="pushed")
    calls = sent = 0
    got: dict[str, list[object]] = {"pulled": [], "pushed": [], "calls": [], "news": []}
    ended: set[str] = set()

    def take() -> None:
        while not client.handled.empty():
            match client.handled.get_nowait():
                case StreamItem(invocation_id, item):
                    got[invocation_id].append(item)
                case Completion(invocation_id) as completion if invocation_id in got:
                    assert completion.error is None
                    ended.add(invocation_id)
                case Completion(_, _, result):
                    got["calls"].append(result)
                case Invocation(_, arguments):
                    got["news"] += arguments
                case other:
                    raise AssertionError(other)

    for _ in range(400):
        match chance.randrange(8):
            case 0 | 1 if not client.connection.paused:
                calls += 1
                client.invoke("Echo", calls, id=f"call {calls}")
            case 2:
                sent += 1
                await server.clients(Echo).group("all").news(sent)
            case 3:
                client.ack()
            case 4 if client.is_attached:
                client.cut() if chance.random() < 0.7 else client.lose_pipe()
            case 5 | 6 if not client.is_attached:
                client.attach()
            case _:
                await turns(chance.randrange(4))
        take()
    if not client.is_attached:
        client.attach()
    async with asyncio.timeout(10):
        while len(ended) < 2 or len(got["calls"]) < calls or len(got["news"]) < sent:
            await turns(1)
            client.ack()
            take()
    assert got == {
        "pulled": list(range(1, 201)),
        "pushed": list(range(1, 201)),
        "calls": list(range(1, calls + 1)),
        "news": list(range(1, sent + 1)),
    }
    client.write(Ack(10**6))  # more than was ever sent: all there is
    assert ENDS == []


async def test_one_great_item_is_no_slow_consumer(serve: Serve) -> None:
    """What goes out while there is room may be of any size; only what is pushed beyond it counts."""
    server = await serve(Echo, HubOptions(outbox_max_bytes=10_000, stateful_reconnect_buffer_bytes=1_000))
    client = await opened(MemoryClient(server))
    for number in range(3):
        client.stream("Count", 1, 50_000, id=str(number))
        assert isinstance(await client.read(), StreamItem)
        client.ack()  # until then the generator is not asked for more
        assert await client.read() == Completion(str(number))
    assert server.metrics.slow_consumers == 0
