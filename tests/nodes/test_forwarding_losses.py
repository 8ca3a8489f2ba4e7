"""Requests for another node's connections where nodes die, and where the bus loses what it carries."""

import json
from collections.abc import Callable

import pytest
from websockets.asyncio.client import connect

from hub.backplane.base import Bus, Subscription
from hub.server import envelope
from hub.server.options import HubOptions, ServerLimits
from tests.nodes.hub_servers import Board, HubServers
from tests.nodes.test_forwarding import NO_CONNECTION, opened, result
from tests.server.raw_http import ask, call, record, token
from tests.server.wire import until

SHORT = ServerLimits(tick_s=0.02, forward_timeout_s=0.3)


class LosingBus:
    """A bus that loses, once each, the next messages of the kinds in `losing`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.losing: set[type[envelope.Body]] = set()

    def publish(self, channel: str, payload: bytes) -> None:
        body = envelope.unpack(payload)
        if body is not None and type(body) in self.losing:
            self.losing.remove(type(body))
        else:
            self._bus.publish(channel, payload)

    async def subscribe(self, channel: str, receive: Callable[[bytes], None]) -> Subscription:
        return await self._bus.subscribe(channel, receive)


async def test_an_owner_that_died_is_404_soon(hub_servers: HubServers) -> None:
    one, two = [await hub_servers.start(limits=SHORT) for _ in range(2)]
    _, at_two = await opened(one, two)
    async with at_two.waiting() as waiting:
        await until(lambda: one.served)
        await one.backplane.close()  # nothing comes from it any more
        assert (await waiting.head()).status == 404
    assert (await at_two.post(call("Echo", 1))).text == NO_CONNECTION
    assert two.server.metrics.requests_unanswered == 2


async def test_a_node_that_died_leaves_nobody_waiting_at_the_owner(hub_servers: HubServers) -> None:
    one = await hub_servers.start(limits=SHORT, options=HubOptions(disconnect_timeout_s=0.2))
    two = await hub_servers.start()
    _, at_two = await opened(one, two)
    async with at_two.waiting():
        await until(lambda: one.served)
        await two.backplane.close()
        await until(lambda: not one.served)
        await until(lambda: Board.ends)
    assert str(Board.ends[0][1]).startswith("The client has not polled")


async def test_a_long_poll_outlives_the_time_for_silence(hub_servers: HubServers) -> None:
    options = HubOptions(poll_timeout_s=1.0)
    one, two = [await hub_servers.start(limits=SHORT, options=options) for _ in range(2)]
    _, at_two = await opened(one, two)
    assert (await at_two.poll()).text == (200, "")
    assert two.server.metrics.requests_unanswered == 0


@pytest.mark.parametrize("kind", [envelope.Piece, envelope.Goes, envelope.Reply, envelope.Done])
async def test_what_the_bus_loses_is_said_again(hub_servers: HubServers, kind: type[envelope.Body]) -> None:
    buses: list[LosingBus] = []

    def losing(bus: Bus) -> Bus:
        buses.append(LosingBus(bus))
        return buses[-1]

    limits = ServerLimits(tick_s=0.02, forward_timeout_s=0.6)
    one, two = [await hub_servers.start(limits=limits, through=losing) for _ in range(2)]
    _, at_two = await opened(one, two)
    from_owner, to_owner = buses
    sending = to_owner if kind in (envelope.Piece, envelope.Done) else from_owner
    sending.losing = {kind}
    notes = b"".join(record(type=1, target="Note", arguments=[number, "x" * 20_000]) for number in range(30))
    assert (await at_two.post(notes + call("Echo", 1))).text == (200, "")
    assert await at_two.read() == [result(1)]
    assert Board.notes == list(range(30))
    await until(lambda: not one.served)
    assert not sending.losing  # it came to that


async def test_nobody_has_a_connection_that_is_over(hub_servers: HubServers) -> None:
    one, two = [await hub_servers.start(limits=SHORT) for _ in range(2)]
    secret = await token(one.address)
    async with connect(f"ws://{one.address}/hub?id={secret}"):
        (connection,) = one.server.connections
        bucket, key = one.backplane.servers.keys.claim(connection.connection_id)
        await one.backplane.servers.call(bucket, b"DEL", key)
    await until(lambda: not one.server.connections)
    refused = await ask(two.address, "POST", f"/hub/refresh?id={secret}", b"")
    assert (refused.status, json.loads(refused.body)) == (404, {"error": "No Connection with that ID"})


async def test_a_lost_request_is_404_and_nothing_was_done(hub_servers: HubServers) -> None:
    buses: list[LosingBus] = []

    def losing(bus: Bus) -> Bus:
        buses.append(LosingBus(bus))
        return buses[-1]

    one = await hub_servers.start()
    two = await hub_servers.start(limits=SHORT, through=losing)
    _, at_two = await opened(one, two)
    buses[0].losing = {envelope.Request}
    assert (await at_two.post(call("Note", 1, ""))).text == NO_CONNECTION
    assert (await at_two.post(call("Note", 2, ""))).text == (200, "")
    await until(lambda: Board.notes)
    assert Board.notes == [2]
