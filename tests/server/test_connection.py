"""A connection's life: handshake, hooks, timeouts, every way to end (signalr.md 1.1, 1.4, 1.5)."""

import asyncio

import pytest

from hub.errors import CallError, ProtocolError
from hub.protocol.messages import Ack, Close, Completion, Invocation, Ping, Sequence
from hub.server.hub import Hub
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import Wire, turns, until


class Hooked(Hub):
    async def on_connected(self) -> None:
        self.note("connected")
        if self.lines() is GATED:
            await GATE.wait()

    async def on_disconnected(self, error: Exception | None) -> None:
        self.note(f"disconnected: {error!r}, aborted {self.context.aborted}")

    async def leave(self) -> None:
        self.context.abort()

    async def hold(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.note("cancelled")

    async def name(self) -> str:
        return self.context.connection_id

    def lines(self) -> list[str]:
        lines: list[str] = self.context.items.setdefault("lines", [])  # type: ignore[assignment]  # ours alone
        return lines

    def note(self, line: str) -> None:
        self.lines().append(line)


GATED: list[str] = []
GATE = asyncio.Event()


class Refusing(Hub):
    async def on_connected(self) -> None:
        raise CallError("forbidden", "Ask the owner.")

    async def on_disconnected(self, error: Exception | None) -> None:
        raise AssertionError("must not run: on_connected has failed")


class BrokenHooks(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        raise ZeroDivisionError("in a hook")


def lines(wire: Wire) -> object:
    return wire.connection.items["lines"]


async def test_abrupt_loss_runs_the_hook_once_with_the_reason(serve: Serve) -> None:
    wire = Wire(await serve(Hooked)).open()
    wire.invoke("Hold")
    await until(lambda: wire.connection.items)
    await turns()
    wire.connection.lost(ConnectionError("gone"))
    wire.connection.lost(None)
    wire.connection.close()
    await wire.connection.finished
    assert lines(wire) == ["connected", "cancelled", "disconnected: ConnectionError('gone'), aborted True"]


async def test_clients_close_is_graceful(serve: Serve) -> None:
    wire = Wire(await serve(Hooked)).open()
    await wire.call("Name")
    wire.write(Close())
    assert await wire.read() is None  # the end, and no Close in return
    await wire.connection.finished
    assert lines(wire) == ["connected", "disconnected: None, aborted True"]


async def test_abort_closes_without_reconnect(serve: Serve) -> None:
    wire = Wire(await serve(Hooked)).open()
    wire.invoke("Leave")
    assert await wire.read() == Close(None, False)
    assert await wire.read() is None
    await wire.connection.finished
    assert lines(wire) == ["connected", "disconnected: None, aborted True"]


async def test_server_close_asks_to_reconnect(serve: Serve) -> None:
    server = await serve(Hooked)
    wire = Wire(server).open()
    await wire.call("Name")
    await server.close()
    assert await wire.read() == Close(None, True)
    assert wire.connection.finished.done()


async def test_broken_record_closes(serve: Serve) -> None:
    for detailed, error in ((False, "Connection closed with an error."), (True, None)):
        wire = Wire(await serve(Hooked, HubOptions(detailed_errors=detailed))).open()
        await wire.call("Name")
        wire.connection.receive(b"{}\x1e")
        close = await wire.read()
        assert isinstance(close, Close) and close.allow_reconnect
        assert close.error == error if error else "InvalidDataException: " in str(close.error)
        assert await wire.read() is None
        await wire.connection.finished
        assert "disconnected: ProtocolError" in str(lines(wire))


async def test_calls_before_a_broken_record_are_answered(serve: Serve) -> None:
    wire = Wire(await serve(BrokenHooks, HubOptions())).open()
    wire.connection.receive(wire.protocol.encode(Invocation("Nope", [], "1")) + b"{}\x1e")
    assert isinstance(await wire.read(), Completion)
    assert isinstance(await wire.read(), Close)


async def test_too_large_message_closes(serve: Serve) -> None:
    server = await serve(Hooked, HubOptions(max_receive_bytes=100, detailed_errors=True))
    wire = Wire(server).open()
    await wire.call("Name")
    wire.connection.receive(b"x" * 101)
    close = await wire.read()
    assert isinstance(close, Close) and "The maximum message size of 100B was exceeded." in str(close.error)
    assert server.metrics.protocol_errors == 1


async def test_end_inside_a_message(serve: Serve) -> None:
    wire = Wire(await serve(Hooked)).open()
    await wire.call("Name")
    wire.connection.receive(b'{"type":')
    wire.connection.lost(None)
    await wire.connection.finished
    assert repr(ProtocolError("The connection ended inside a message.")) in str(lines(wire))


async def test_failing_on_connected_closes_without_reconnect(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire(await serve(Refusing)).open(Invocation("Name", [], "1"))
    assert await wire.read() == Close("[forbidden] Ask the owner.", False)
    assert await wire.read() is None
    await wire.connection.finished
    assert [record.message for record in caplog.records] == ["on_connected failed"]


async def test_failing_on_disconnected_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = await serve(BrokenHooks)
    async with TestClient(server, "/hub"):
        pass
    assert server.served("/hub").registry.connections == {}
    assert [record.message for record in caplog.records] == ["on_disconnected failed"]


async def test_loss_during_on_connected_lets_it_finish(serve: Serve) -> None:
    global GATE
    GATE = asyncio.Event()
    server = await serve(Hooked)
    wire = Wire(server)
    wire.connection.items["lines"] = GATED
    GATED.clear()
    wire.open(Invocation("Name", [], "1"))
    await until(lambda: GATED)
    assert wire.connection.paused  # the call waits for the hook (H9)
    wire.connection.lost(None)
    await turns()
    assert not wire.connection.finished.done()
    GATE.set()
    await wire.connection.finished
    assert GATED == ["connected", "disconnected: None, aborted True"]


async def test_handshake_refused(serve: Serve) -> None:
    server = await serve(Hooked, HubOptions(protocols=("messagepack",)))
    wire = Wire(server).open()
    assert await wire.read() is None
    assert wire.raw == [b'{"error":"The protocol \'json\' is not supported."}\x1e']
    await wire.connection.finished
    assert server.metrics.handshakes_failed == 1 and wire.connection.items == {}


async def test_handshake_that_never_comes(serve: Serve) -> None:
    wire = Wire(await serve(Hooked, HubOptions(handshake_timeout_s=0.05)))
    wire.connection.receive(b'{"proto')
    assert await wire.read() is None
    assert wire.raw == [b'{"error":"Handshake was canceled."}\x1e']


async def test_handshake_in_pieces(serve: Serve) -> None:
    wire = Wire(await serve(Hooked))
    for byte in wire.protocol.handshake_request + wire.protocol.encode(Invocation("Name", [], "1")):
        wire.connection.receive(bytes([byte]))
    assert isinstance(await wire.read(), Completion)


async def test_server_pings_when_it_has_sent_nothing(serve: Serve) -> None:
    wire = Wire(await serve(Hooked, HubOptions(keep_alive_s=0.03))).open()
    await until(lambda: wire.pings >= 3)
    quiet = Wire(await serve(Hooked, HubOptions(keep_alive_s=60))).open()
    await wire.call("Name")
    assert quiet.pings == 0


async def test_client_timeout_is_armed_by_the_first_ping(serve: Serve) -> None:
    server = await serve(Hooked, HubOptions(client_timeout_s=0.1))
    silent, pinging = Wire(server).open(), Wire(server).open()
    pinging.write(Ping())
    close = await pinging.read()
    assert isinstance(close, Close) and close.allow_reconnect
    assert close.error == "Connection closed with an error."
    await pinging.connection.finished
    assert "TimeoutError" in str(lines(pinging))
    assert server.metrics.client_timeouts == 1
    assert not silent.connection.is_closed


async def test_any_message_resets_the_client_timeout_and_a_running_call_pauses_it(serve: Serve) -> None:
    server = await serve(Hooked, HubOptions(client_timeout_s=0.1))
    talking, busy, idle = Wire(server).open(), Wire(server).open(), Wire(server).open()
    for wire in (talking, busy, idle):
        wire.write(Ping())
    busy.invoke("Hold")
    while not idle.connection.is_closed:
        talking.write(Ack(1))
        talking.write(Sequence(1))
        await asyncio.sleep(0.01)
    assert not talking.connection.is_closed and not busy.connection.is_closed


async def test_stop_and_drop_of_the_test_client(serve: Serve) -> None:
    server: HubServer = await serve(Hooked)
    async with TestClient(server, "/hub") as client:
        assert await client.invoke("Name") == client.connection_id
        await client.drop()
        assert "ConnectionError" in str(client.connection.items["lines"])
    async with TestClient(server, "/hub") as client:
        await client.stop()
        assert client.connection.items["lines"] == ["connected", "disconnected: None, aborted True"]
    assert server.connections == []
