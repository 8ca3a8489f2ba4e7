"""What goes wrong, drawn by a seed: each fault lasts for a while and is mended, whatever else goes on meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from tests.chaos.client import Client
from tests.chaos.cluster import Cluster, Node
from tests.chaos.store import Store


@dataclass
class Place:
    """Where things go wrong. `clients` are those of the phase under way."""

    cluster: Cluster
    store: Store
    pause_s: float
    """The longest that Redis is paused."""
    tell: Callable[[str], None]
    clients: list[Client] = field(default_factory=list)
    redis_fault: asyncio.Lock = field(default_factory=asyncio.Lock)
    happened: Counter[str] = field(default_factory=Counter)


Fault = Callable[[Place, Random], Awaitable[None]]


def of_a_node(fault: Callable[[Place, Node, Random], Awaitable[None]]) -> Fault:
    async def at_one(place: Place, chosen: Random) -> None:
        node = chosen.choice(place.cluster.nodes)
        async with node.fault:
            await fault(place, node, chosen)

    return at_one


async def node_killed(place: Place, node: Node, chosen: Random) -> None:
    place.cluster.urls[node.place] = None
    for line in await node.kill():
        place.tell(f"node {node.place} wrote: {line}")
    await asyncio.sleep(chosen.uniform(0, 1))
    await started(place, node)


async def node_replaced(place: Place, node: Node, chosen: Random) -> None:
    """As a deployment does: told to end, and another one started once it has."""
    place.cluster.urls[node.place] = None
    code, lines = await node.drain()
    for line in lines:
        place.tell(f"node {node.place} wrote: {line}")
    if code != 0:
        place.tell(f"node {node.place} was told to end and ended with code {code}")
    await started(place, node)


async def started(place: Place, node: Node) -> None:
    async with place.redis_fault:  # without Redis none starts, and says so
        await place.cluster.start(node)


async def node_stopped(_: Place, node: Node, chosen: Random) -> None:
    await node.sleep(chosen.choice((0.2, 1.0, 3.0)) * chosen.uniform(0.7, 1.3))


async def link_cut(_: Place, node: Node, chosen: Random) -> None:
    node.way.door = "closed" if chosen.random() < 0.7 else "open"
    node.way.cut()
    await asyncio.sleep(chosen.uniform(0, 2))
    node.way.door = "open"


async def link_half_open(_: Place, node: Node, chosen: Random) -> None:
    node.way.door = "silent"
    node.way.go_silent()
    await asyncio.sleep(chosen.uniform(0.5, 4))
    node.way.door = "open"


async def append_reply_lost(place: Place, node: Node, chosen: Random) -> None:
    if not await node.way.lose_append(within_s=5):
        place.happened["no append came"] += 1


async def clients_cut(place: Place, chosen: Random) -> None:
    for client in place.clients:
        if chosen.random() < 0.4:
            client.drop()


async def redis_restarted(place: Place, chosen: Random) -> None:
    async with place.redis_fault:
        await place.store.restart(chosen.uniform(0, 1.5))


async def redis_restarted_old(place: Place, chosen: Random) -> None:
    async with place.redis_fault:
        await place.store.restart_old(chosen.uniform(0.2, 1.5), chosen.uniform(0, 1))


async def redis_paused(place: Place, chosen: Random) -> None:
    async with place.redis_fault:
        await place.store.pause(place.pause_s * chosen.choice((0.1, 0.4, 1.0)))


FAULTS: Mapping[str, tuple[int, Fault]] = {
    "node killed": (3, of_a_node(node_killed)),
    "node replaced": (1, of_a_node(node_replaced)),
    "node stopped": (4, of_a_node(node_stopped)),
    "link cut": (4, of_a_node(link_cut)),
    "link half open": (3, of_a_node(link_half_open)),
    "append reply lost": (4, of_a_node(append_reply_lost)),
    "clients cut": (3, clients_cut),
    "redis restarted": (2, redis_restarted),
    "redis restarted old": (2, redis_restarted_old),
    "redis paused": (2, redis_paused),
}
"""With how often each is drawn in a round."""


class Faults:
    """Draws one after the other, from a pack that holds each kind as often as `FAULTS` says and is shuffled anew when
    it is used up; at most `at_once` last at the same time."""

    def __init__(self, place: Place, chosen: Random, *, at_once: int = 3) -> None:
        self._place = place
        self._chosen = chosen
        self._room = asyncio.Semaphore(at_once)
        self._pack: list[str] = []  # what is left of it

    async def strike(self, count: int) -> None:
        """So many; return when all are mended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                await asyncio.sleep(self._chosen.uniform(0.1, 1.2))
                await self._room.acquire()
                name = self._draw()
                own = Random(self._chosen.random())  # lest the order in which faults go on changes what is drawn
                group.create_task(self._one(name, own), name=name)

    def _draw(self) -> str:
        if not self._pack:
            self._pack = [name for name, (often, _) in FAULTS.items() for _ in range(often)]
            self._chosen.shuffle(self._pack)
        return self._pack.pop()

    async def _one(self, name: str, chosen: Random) -> None:
        try:
            self._place.happened[name] += 1
            await FAULTS[name][1](self._place, chosen)
        finally:
            self._room.release()
