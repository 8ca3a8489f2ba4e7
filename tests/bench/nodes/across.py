"""What other nodes cost: latency of deltas and of Stop across nodes, CPU by the number of nodes, foreign traffic.

All nodes share the server's core, Redis and the clients the other one.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench import machine, sockets
from tests.bench.nodes.cluster import Cluster, cluster
from tests.bench.options import Options
from tests.bench.sockets import Socket
from tests.bench.source import Plan, stamps, write_plan
from tests.bench.table import Table, ms, percentile
from tests.provider_server.script import Answer, Pace, Say, Script
from tests.provider_server.server import ProviderServer

RUNS = 20
PER_SECOND = 20.0
WATCHERS = 3
MAX_WAIT_S = 0.1
_SEED = 1


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    seconds = 2.0 if options.quick else 10.0
    return [
        asyncio.run(_latency(seconds)),
        asyncio.run(_stops(20 if options.quick else 200)),
        asyncio.run(_by_nodes(seconds)),
        asyncio.run(_foreign(seconds)),
    ]


class Session:
    """One session: who drives it, and its watchers."""

    def __init__(self, session_id: str, driver: Socket) -> None:
        self.session_id = session_id
        self.driver = driver
        self.watchers: list[Socket] = []

    async def watch(self, port: int) -> None:
        watcher = await sockets.connect_hub(port)
        await watcher.watch(self.session_id)
        self.watchers.append(watcher)

    async def stream(self, plan: Plan) -> None:
        """Returns when all watchers have its end."""
        await self.driver.invoke("SendMessage", self.session_id, {"messageId": "m", "content": write_plan(plan)})
        await asyncio.gather(*(watcher.done() for watcher in self.watchers))

    def delays(self, watcher: Socket) -> list[float]:
        """From when a delta was given to when it came, in seconds."""
        return [record.at - stamp.given for record in watcher.records() for stamp in stamps(record.body.decode())]

    async def close(self) -> None:
        for socket in self.watchers:
            socket.close()
        await self.driver.invoke("DeleteSession", self.session_id)
        self.driver.close()


async def _sessions(place: Cluster, count: int, watched_at: Sequence[int]) -> list[Session]:
    """Driven by the first node, each watched at the nodes of these numbers."""
    sessions = []
    for number in range(count):
        session = Session(f"across-{time.monotonic_ns()}-{number}", await sockets.connect_hub(place.nodes[0].port))
        await session.driver.invoke("OpenSession", {"sessionId": session.session_id})
        for node in watched_at:
            await session.watch(place.nodes[node].port)
        sessions.append(session)
    return sessions


async def _stream(sessions: Sequence[Session], seconds: float) -> None:
    begin = time.monotonic() + 0.3
    deltas = round(seconds * PER_SECOND)
    async with asyncio.TaskGroup() as group:
        for number, session in enumerate(sessions):
            start_at = begin + number / PER_SECOND / len(sessions)
            group.create_task(session.stream(Plan(deltas=deltas, per_second=PER_SECOND, start_at=start_at)))


async def _latency(seconds: float) -> Table:
    table = Table(
        f"across: delays of deltas, {RUNS} answers at {PER_SECOND:g} deltas/s (aim: p50 across nodes <= 1 ms more)",
        ("watched at", "deltas", "median ms", "p90 ms", "p99 ms"),
    )
    with cluster(2) as place:
        sessions = await _sessions(place, RUNS, (0, 1))
        await _stream(sessions, seconds)
        for name, which in (("the node that drives", 0), ("the other node", 1)):
            found = [delay for session in sessions for delay in session.delays(session.watchers[which])]
            table.add(name, str(len(found)), *(ms(percentile(found, percent)) for percent in (50, 90, 99)))
    return table


def _answer(_body: Mapping[str, Any]) -> Answer:
    return Script(Pace(0.005), Say(*[" and so on"] * 20_000))


async def _stops(count: int) -> Table:
    table = Table(
        "across: from a Stop at another node to the provider's closed connection (aim: p99 under 50 ms)",
        ("stops", "median ms", "p90 ms", "p99 ms", "longest ms"),
        notes=[f"Each comes at a random moment of the first {MAX_WAIT_S * 1000:g} ms of an answer at 200 deltas/s."],
    )
    async with ProviderServer(default=_answer) as provider:
        environment = {"ANTHROPIC_API_KEY": provider.api_key, "ANTHROPIC_BASE_URL": provider.base_url}
        with cluster(2, "--provider", "anthropic", environment=environment) as place:
            one, two = [await sockets.connect_hub(node.port) for node in place.nodes]
            waits = random.Random(_SEED)
            latencies = []
            for number in range(count + 1):
                session_id = f"stop-{number}"
                await one.invoke("OpenSession", {"sessionId": session_id})
                await one.invoke("SendMessage", session_id, {"messageId": "m", "content": "go on"})
                request = await provider.next_request()
                await asyncio.sleep(waits.uniform(0, MAX_WAIT_S))
                at = time.monotonic()
                two.call("Stop", session_id)
                latencies.append(await request.closed_by_client.wait() - at)
            latencies = latencies[1:]  # the first one warms up
    table.add(str(count), *(ms(percentile(latencies, percent)) for percent in (50, 90, 99, 100)))
    return table


async def _by_nodes(seconds: float) -> Table:
    table = Table(
        f"across: CPU by the number of nodes, {RUNS} answers with {WATCHERS} watchers each, spread over the nodes",
        ("nodes", "CPU us per delta and watcher, all nodes", "of the node that drives", "Redis, us per delta"),
    )
    for count in (1, 2, 4):
        with cluster(count) as place:
            sessions = await _sessions(place, RUNS, [number % count for number in range(WATCHERS)])
            await _stream(sessions, 0.5)
            for session in sessions:
                await session.close()
            sessions = await _sessions(place, RUNS, [number % count for number in range(WATCHERS)])
            pids = [node.process.pid for node in place.nodes]
            before, redis = [machine.cpu_s(pid) for pid in pids], _redis_s(place)
            await _stream(sessions, seconds)
            spent = [machine.cpu_s(pid) - start for pid, start in zip(pids, before, strict=True)]
            deltas = RUNS * round(seconds * PER_SECOND)
            table.add(
                str(count),
                f"{sum(spent) / deltas / WATCHERS * 1e6:.1f}",
                f"{spent[0] / deltas / WATCHERS * 1e6:.1f}",
                f"{(_redis_s(place) - redis) / deltas * 1e6:.1f}",
            )
    return table


def _redis_s(place: Cluster) -> float:
    for line in place.redis.ask_all("INFO", "cpu").splitlines():
        if line.startswith("used_cpu_user_main_thread:"):
            return float(line.partition(":")[2])
    raise AssertionError("Redis does not tell its CPU time")


async def _foreign(seconds: float) -> Table:
    table = Table(
        "across: what traffic costs a node that has nobody in it (aim: under 1 % of what its own costs)",
        ("node", "CPU ms per second", "of the first"),
        notes=[
            f"{RUNS} answers, driven and watched by {WATCHERS} at the first node. What an idle node costs is taken."
        ],
    )
    with cluster(2) as place:
        pids = [node.process.pid for node in place.nodes]
        await asyncio.sleep(1)
        start = [machine.cpu_s(pid) for pid in pids]
        await asyncio.sleep(seconds)
        idle = [(machine.cpu_s(pid) - begun) / seconds for pid, begun in zip(pids, start, strict=True)]
        sessions = await _sessions(place, RUNS, (0,) * WATCHERS)
        start, begin = [machine.cpu_s(pid) for pid in pids], time.monotonic()
        await _stream(sessions, seconds)
        passed = time.monotonic() - begin
        spent = [
            (machine.cpu_s(pid) - begun) / passed - waiting
            for pid, begun, waiting in zip(pids, start, idle, strict=True)
        ]
    for name, cost in zip(("the one with all of it", "the other"), spent, strict=True):
        table.add(name, f"{cost * 1000:.2f}", f"{cost / spent[0]:.2%}")
    return table
