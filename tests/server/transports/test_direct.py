"""One set of scenarios in every way that WebSockets are served, and what only direct connections do."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path

import pytest

from hub.server.options import HubOptions
from tests.server.transports.frame_cases import BINARY, PING, PONG, TEXT, close, frame
from tests.server.transports.served import DIRECT, ENDS, HANDSHAKE, PLAIN, WAYS, Echo, Place, RawSocket, Way, run
from tests.server.wire import until

SHORT = HubOptions(close_timeout_s=0.2)

in_every_way = pytest.mark.parametrize("way", WAYS)
on_direct_ones = pytest.mark.parametrize("way", DIRECT)


# ------------------------------------------------------------------------------------------------- in every way


@in_every_way
def test_calls_streams_and_ends(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        raw.invoke("Echo", "hi µ€😀")
        assert await raw.record() == {"type": 3, "invocationId": "1", "result": "hi µ€😀"}
        raw.write({"type": 4, "invocationId": "2", "target": "Numbers", "arguments": [2, 0]})
        assert [(await raw.record()).get("item") for _ in range(3)] == ["00000000", "00000001", None]
        raw.send(close(1000))
        assert await raw.close_code() == 1000
        assert await raw.reader.read() == b""
        await raw.end()
        await until(lambda: ENDS == [None] and not place.server.connections)
        await until(lambda: place.server.metrics.connections_now == 0)

    run(way, tmp_path, scenario)


@in_every_way
def test_bytes_that_come_with_the_upgrade_are_not_lost(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        call = b'{"type":1,"invocationId":"1","target":"Echo","arguments":[1]}\x1e'
        whole = frame(TEXT, HANDSHAKE) + frame(TEXT, call)
        for cut in (len(whole), 0, 1, 9, len(whole) - 1):
            raw = await place.open(more=whole[:cut])
            raw.send(whole[cut:])
            assert await raw.record() == {}
            assert await raw.record() == {"type": 3, "invocationId": "1", "result": 1}
            await raw.end()

    run(way, tmp_path, scenario)


@in_every_way
def test_big_messages_both_ways(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        for size in (126, 65_536, 3_000_000):
            raw.invoke("Echo", "x" * size)
            assert (await raw.record())["result"] == "x" * size
        await raw.end()

    run(way, tmp_path, scenario, HubOptions(max_receive_bytes=4_000_000, outbox_max_bytes=4_000_000))


@in_every_way
def test_many_clients_and_one_message(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        sockets = [await place.hello() for _ in range(20)]
        everybody = place.server.served("/hub").registry
        await until(lambda: len(everybody.connections) == 20)
        for number in range(5):
            await _publish(place, number, "x" * 150)
        for raw in sockets:
            assert [(await raw.record())["arguments"][0] for _ in range(5)] == [0, 1, 2, 3, 4]
            await raw.end()

    run(way, tmp_path, scenario)


@in_every_way
@pytest.mark.parametrize(("code", "graceful"), [(1000, True), (1001, True), (1011, False), (4000, False)])
def test_close_of_the_client_is_answered_and_told(way: Way, code: int, graceful: bool, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        raw.send(close(code, b"reason"))
        assert await raw.close_code() == code
        await until(lambda: len(ENDS) == 1)
        assert (ENDS[0] is None) == graceful
        await raw.end()

    run(way, tmp_path, scenario)


@in_every_way
def test_lost_connection_ends_with_an_error(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        reset, ended = await place.hello(), await place.hello()
        reset.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.writer.transport.abort()
        await ended.end()
        await until(lambda: len(ENDS) == 2)
        assert all(isinstance(error, ConnectionError) for error in ENDS)

    run(way, tmp_path, scenario)


@in_every_way
def test_server_closes(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        closing = asyncio.create_task(place.server.close())
        assert await raw.record() == {"type": 7, "allowReconnect": True}
        assert await raw.close_code() == 1000
        raw.send(close(1000))
        assert await raw.reader.read() == b""
        await closing
        await raw.end()

    run(way, tmp_path, scenario)


@in_every_way
def test_uvicorn_ends_at_once_with_clients_that_close(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        place.uvicorn.should_exit = True
        await raw.close_code()
        raw.send(close(1000))
        assert await raw.reader.read() == b""
        await until(lambda: not place.uvicorn.server_state.connections)
        await raw.end()
        await until(lambda: len(ENDS) == 1)

    run(way, tmp_path, scenario)


@in_every_way
def test_reader_that_never_reads_is_cut(way: Way, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(place: Place) -> None:
        good, slow = await place.hello(), await place.hello()
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of reading transports, as this is
        sent = 0
        while not place.server.metrics.slow_consumers:
            await _publish(place, sent, "x" * 50_000)
            assert (await good.record())["arguments"][0] == sent
            sent += 1
        await until(lambda: len(ENDS) == 1)
        assert "outbox_max_bytes" in str(ENDS[0])
        assert [record.message for record in caplog.records if record.levelname == "WARNING"] == ["slow consumer cut"]
        good.invoke("Echo", "still here")
        assert (await good.record())["result"] == "still here"
        slow.writer.transport.abort()
        await good.end()

    run(way, tmp_path, scenario, HubOptions(outbox_max_bytes=200_000, close_timeout_s=0.2))


@in_every_way
def test_slow_reader_gets_everything_in_order(way: Way, tmp_path: Path) -> None:
    """Through every kind of partial write: the items are of all sizes, and the reader stops again and again."""

    async def scenario(place: Place) -> None:
        raw = await place.hello(buffer_bytes=16_384)
        transport = raw.writer.transport
        (connection,) = place.server.connections
        for id, size in enumerate((10, 1000, 70_000)):
            count = 8_000_000 // (size + 100)
            raw.write({"type": 4, "invocationId": str(id), "target": "Numbers", "arguments": [count, size]})
            for number in range(count):
                if number in (1, count // 3):
                    transport.pause_reading()  # type: ignore[attr-defined]  # of reading transports, as this is
                    await until(lambda: not connection.outbox.writable)
                    transport.resume_reading()  # type: ignore[attr-defined]  # likewise
                assert int((await raw.record())["item"][:8]) == number
            assert await raw.record() == {"type": 3, "invocationId": str(id)}
        assert place.server.metrics.slow_consumers == 0
        await raw.end()

    run(way, tmp_path, scenario)


@in_every_way
def test_reading_stops_while_the_hub_is_busy(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        (connection,) = place.server.connections
        raw.write(*({"type": 1, "target": "Wait", "arguments": []} for _ in range(8)))
        await until(lambda: connection.paused)
        filler = frame(TEXT, b'{"type":6}\x1e' * 5000)
        while raw.writer.transport.get_write_buffer_size() < 10_000_000:  # no more than the kernel's buffers is taken
            raw.send(filler)
            await asyncio.sleep(0)
        raw.writer.transport.abort()
        await until(lambda: len(ENDS) == 1)  # seen by a ping of the server that could not be sent

    run(way, tmp_path, scenario, HubOptions(max_queued_invocations=3, close_timeout_s=0.2, keep_alive_s=0.02))


# --------------------------------------------------------------------------------------------- only direct ones


@on_direct_ones
def test_connection_is_taken_over(way: Way, tmp_path: Path) -> None:
    """The application's call has ended, and the server knows the connection by another name."""

    async def scenario(place: Place) -> None:
        raw = await place.hello()
        state = place.uvicorn.server_state
        await until(lambda: not state.tasks)
        assert [type(open).__name__ for open in state.connections] == ["DirectSocket"]
        await raw.end()
        await until(lambda: not state.connections)

    run(way, tmp_path, scenario)


@on_direct_ones
def test_first_of_a_turn_leaves_at_once_and_the_rest_together(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        for number in range(4):
            await _publish(place, number)
        counts = [(await raw.frame())[1].count(b"\x1e") for _ in range(2)]
        assert counts == [1, 3]
        for number in range(3):
            await _publish(place, number, "x" * 70_000)
        sizes = [len((await raw.frame())[1]) for _ in range(3)]
        assert all(70_000 < size < 71_000 for size in sizes)  # a lot is not held back
        await raw.end()

    run(way, tmp_path, scenario)


@on_direct_ones
def test_messagepack_goes_in_binary_frames(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        text = await place.hello()
        raw = await place.open(more=frame(BINARY, b'{"protocol":"messagepack","version":1}\x1e'))
        assert await raw.frame() == (BINARY, b"{}\x1e")
        await until(lambda: len(place.server.served("/hub").registry.connections) == 2)
        for number in range(3):
            await _publish(place, number)
        assert [(await text.record())["arguments"] for _ in range(3)] == [[0], [1], [2]]
        received = b""
        while received.count(b"News") < 3:
            opcode, payload = await raw.frame()
            assert opcode == BINARY
            received += payload
        for one in (text, raw):
            await one.end()

    run(way, tmp_path, scenario)


@on_direct_ones
def test_client_that_does_not_answer_a_close_is_cut(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        raw.write({"type": 7})
        assert await raw.close_code() == 1000
        with contextlib.suppress(ConnectionError):
            assert await raw.reader.read() == b""
        await until(lambda: not place.uvicorn.server_state.connections)
        await raw.end()

    run(way, tmp_path, scenario, SHORT)


@on_direct_ones
def test_broken_rule_is_told_counted_and_logged(way: Way, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        raw.send(b"\x83\x80" + bytes(300_000))  # the code arrives although more is on its way
        opcode, payload = await raw.frame()
        assert (opcode, payload) == (8, b"\x03\xeaThere is no such opcode.")
        await raw.end()
        await until(lambda: len(ENDS) == 1 and not place.uvicorn.server_state.connections)
        assert isinstance(ENDS[0], ConnectionError)
        assert place.server.metrics.protocol_errors == 1

    caplog.set_level("INFO", "hub.server")
    run(way, tmp_path, scenario)
    assert [record.message for record in caplog.records] == ["connection closed by a WebSocket protocol error"]


@pytest.mark.parametrize("way", PLAIN)
def test_pings_of_a_client_that_reads_nothing_queue_nothing(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of reading transports, as this is
        (connection,) = place.server.connections
        await _until_full(place, raw)
        (taken,) = place.uvicorn.server_state.connections
        transport = taken._transport  # type: ignore[union-attr]  # what is held back can be seen nowhere else
        before = transport.get_write_buffer_size()
        for number in range(10_000):
            raw.send(frame(PING, b"%d" % number))
        raw.write({"type": 1, "target": "Wait", "arguments": []})  # seen by the server after all pings
        await until(lambda: connection._dispatcher is not None and connection._dispatcher.busy)
        assert transport.get_write_buffer_size() == before
        raw.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
        pongs: list[bytes] = []
        while b"9999" not in pongs:
            opcode, payload = await raw.frame()
            if opcode == PONG:
                pongs.append(payload)
        assert len(pongs) < 10
        await raw.end()

    run(way, tmp_path, scenario, HubOptions(outbox_max_bytes=100_000_000, close_timeout_s=0.2))


@on_direct_ones
def test_place_is_free_when_the_socket_is_gone(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.hello()
        raw.write({"type": 7})
        assert await raw.close_code() == 1000
        await until(lambda: not place.server.connections)
        assert place.server.metrics.connections_now == 1
        await raw.end()
        await until(lambda: place.server.metrics.connections_now == 0)

    run(way, tmp_path, scenario)


@pytest.mark.parametrize("way", PLAIN)
def test_compressed_connection_goes_through_asgi(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        raw = await place.open(headers="Sec-WebSocket-Extensions: permessage-deflate\r\n")
        assert "permessage-deflate" in raw.response
        raw.send(frame(TEXT, HANDSHAKE))
        first, length = await raw.reader.readexactly(2)
        assert first & 0x40  # compressed
        await raw.reader.readexactly(length)
        assert [type(open).__name__ for open in place.uvicorn.server_state.connections] == ["WebSocketProtocol"]
        await raw.end()

    run(way, tmp_path, scenario)


async def _publish(place: Place, *arguments: object) -> None:
    await place.server.clients(Echo).all.news(*arguments)


async def _until_full(place: Place, raw: RawSocket) -> None:
    (connection,) = place.server.connections
    while connection.outbox.writable:
        await _publish(place, "x" * 50_000)
        await asyncio.sleep(0)
