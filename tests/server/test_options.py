"""The settings of a hub: .NET's defaults, and what those change that no other file is about."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.errors import HubError
from hub.protocol.messages import Completion, StreamItem
from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.testing import TestClient
from tests.server.conftest import Serve
from tests.server.wire import Wire, until

DOTNET: dict[str, object] = {
    "handshake_timeout_s": 15,
    "keep_alive_s": 15,
    "client_timeout_s": 30,
    "max_receive_bytes": 32 * 1024,
    "stream_buffer_capacity": 10,
    "max_parallel_invocations": 1,
    "detailed_errors": False,
    "stateful_reconnect_buffer_bytes": 100_000,
    "implicit_injection": True,  # there, DisableImplicitFromServicesParameters is false
    "transports": ("WebSockets", "ServerSentEvents", "LongPolling"),
    "transport_send_timeout_s": 10,
    "transport_buffer_bytes": 65_536,
    "poll_timeout_s": 90,
    "close_timeout_s": 5,
    "minimum_protocol_version": 0,
    "allow_stateful_reconnects": False,
    "disconnect_timeout_s": 15,
}


@pytest.mark.parametrize("name", DOTNET)
def test_defaults_are_those_of_the_reference_server(name: str) -> None:
    assert getattr(HubOptions(), name) == DOTNET[name]


@pytest.mark.parametrize("owner", [HubOptions, ServerLimits])
def test_every_setting_is_set_by_some_test(owner: type[HubOptions] | type[ServerLimits]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py")]
    names = [setting.name for setting in dataclasses.fields(owner)]
    assert [name for name in names if not any(re.search(rf"\b{name}=", text) for text in texts)] == []


class Calls(Hub):
    running = 0
    most = 0
    taken = 0

    async def double(self, number: int) -> int:
        return 2 * number

    async def meet(self, party: int) -> int:
        """Returns when that many run at once."""
        self.running += 1
        self.most = max(self.most, self.running)
        await until(lambda: self.most >= party)
        self.running -= 1
        return self.most

    async def take_one(self, numbers: AsyncIterator[int]) -> int:
        async for number in numbers:
            self.taken += 1
            if self.taken == 1:
                await asyncio.Event().wait()
            return number
        return 0


async def test_lax_arguments(serve: Serve) -> None:
    async with TestClient(await serve(Calls, HubOptions(lax_arguments=True)), "/hub") as client:
        assert await client.invoke("Double", "21") == 42
    async with TestClient(await serve(Calls, HubOptions(lax_arguments=False)), "/hub") as client:
        with pytest.raises(HubError):
            await client.invoke("Double", "21")


@pytest.mark.parametrize("limit", [2, 3])
async def test_so_many_calls_of_a_connection_run_at_once(serve: Serve, limit: int) -> None:
    async with TestClient(await serve(Calls, HubOptions(max_parallel_invocations=limit)), "/hub") as client:
        assert await asyncio.gather(*[client.invoke("Meet", limit) for _ in range(2 * limit)]) == [limit] * 2 * limit


@pytest.mark.parametrize("capacity", [1, 4])
async def test_reading_stops_at_a_full_upload(serve: Serve, capacity: int) -> None:
    wire = Wire(await serve(Calls, HubOptions(stream_buffer_capacity=capacity))).open()
    wire.invoke("TakeOne", id="1", streams=("2",))
    wire.write(StreamItem("2", 0))
    hub = wire.connection._hub
    assert isinstance(hub, Calls)
    await until(lambda: hub.taken == 1)
    for number in range(capacity):
        assert not wire.connection.paused
        wire.write(StreamItem("2", number))
    wire.write(Completion("2"))
    assert wire.connection.paused
