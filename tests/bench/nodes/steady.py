"""An hour of steady load on two nodes, and whether their memory and Redis' stay flat.

    python -m tests.bench.nodes.steady --minutes 60

64 sessions at a time, each with an answer of four seconds under way most of the time; watchers come to either node and
go; after some answers a session is deleted and another one takes its place. Memory is read once in a while, after a
collection; the slope is that of a straight line through what was read in the second half, when all that is kept for a
while (positions, names of connections, pages of the allocators) has been filled once.
"""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from statistics import linear_regression

from tests.bench import machine, sockets
from tests.bench.nodes.cluster import Cluster, cluster
from tests.bench.source import Plan, write_plan
from tests.bench.table import Table

SESSIONS = 64
ANSWERS = 12  # of one session, before it is deleted
_PLAN = write_plan(Plan(deltas=40, per_second=10))
_PAUSE_S = 1.0  # between a session's answers, at most
_STAY_S = 20.0  # of a watcher, at most


class Reading:
    """What was read of one process at one time."""

    def __init__(self, begin: float, place: Cluster) -> None:
        self.minute = (time.monotonic() - begin) / 60
        self.nodes_kb = [machine.rss_kb(node.process.pid) for node in place.nodes]
        self.redis_kb = place.of_redis("memory", "used_memory") / 1024
        self.keys = int(place.redis.ask("DBSIZE")[1:])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.nodes.steady", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    print(asyncio.run(_run(parser.parse_args().minutes)).text())


async def _run(minutes: float) -> Table:
    with cluster(2, environment={"HUBLINE_RETENTION_S": "300"}) as place:
        begin = time.monotonic()
        end = begin + minutes * 60
        readings: list[Reading] = []
        counts = {"answers": 0, "watchers": 0, "sessions": 0, "refused for now": 0}
        async with asyncio.TaskGroup() as group:
            for number in range(SESSIONS):
                group.create_task(_session(place, number, end, counts))
            group.create_task(_read(place, begin, end, readings, minutes))
    return _table(readings, counts, minutes)


async def _read(place: Cluster, begin: float, end: float, readings: list[Reading], minutes: float) -> None:
    while time.monotonic() < end:
        await asyncio.sleep(max(1.0, minutes * 60 / 120))
        for node in place.nodes:
            node.process.send_signal(signal.SIGUSR1)  # collects garbage
        await asyncio.sleep(0.5)
        readings.append(await asyncio.to_thread(Reading, begin, place))
        last = readings[-1]
        print(f"{last.minute:5.1f} min  nodes {last.nodes_kb} KB  Redis {last.redis_kb:.0f} KB", file=sys.stderr)


async def _session(place: Cluster, number: int, end: float, counts: dict[str, int]) -> None:
    """One session after another, each with its answers and watchers."""
    chance = random.Random(number)
    turn = 0
    while time.monotonic() < end:
        session_id = f"steady-{number}-{turn}"
        turn += 1
        counts["sessions"] += 1
        port = chance.choice(place.nodes).port
        owner = await sockets.connect_hub(port)
        await _patiently(partial(owner.invoke, "OpenSession", {"sessionId": session_id}), counts)
        leaving = asyncio.Event()
        watchers = [asyncio.create_task(_watch(place, session_id, chance, leaving, counts)) for _ in range(2)]
        for answer in range(ANSWERS):
            if time.monotonic() >= end:
                break
            await _patiently(partial(owner.watch, session_id), counts)
            message = {"messageId": f"m{answer}", "content": _PLAN}
            await _patiently(partial(owner.invoke, "SendMessage", session_id, message), counts)
            await owner.done()
            owner.close()
            counts["answers"] += 1
            await asyncio.sleep(chance.uniform(0, _PAUSE_S))
            owner = await sockets.connect_hub(chance.choice(place.nodes).port)
        leaving.set()
        await asyncio.gather(*watchers)
        await _patiently(partial(owner.invoke, "DeleteSession", session_id), counts)
        owner.close()


async def _watch(
    place: Cluster, session_id: str, chance: random.Random, leaving: asyncio.Event, counts: dict[str, int]
) -> None:
    while not leaving.is_set():
        socket = await sockets.connect_hub(chance.choice(place.nodes).port)
        await _patiently(partial(socket.watch, session_id), counts)
        counts["watchers"] += 1
        try:
            async with asyncio.timeout(chance.uniform(1, _STAY_S)):
                await leaving.wait()
        except TimeoutError:
            pass  # another one comes
        socket.close()


async def _patiently(ask: Callable[[], Awaitable[object]], counts: dict[str, int]) -> None:
    """Again, as clients do, where the hub says that its store is away for now."""
    while True:
        try:
            await ask()
        except AssertionError as error:
            if "[backplane_away]" not in str(error):
                raise
            counts["refused for now"] += 1
            await asyncio.sleep(0.1)
        else:
            return


def _table(readings: Sequence[Reading], counts: dict[str, int], minutes: float) -> Table:
    half = [reading for reading in readings if reading.minute >= minutes / 2]
    times = [reading.minute / 60 for reading in half]
    table = Table(
        f"steady: {minutes:g} minutes of {SESSIONS} sessions on two nodes",
        ("what", "at the beginning", "half-way", "at the end", "slope of the second half, per hour"),
        notes=[
            f"{counts['sessions']} sessions, {counts['answers']} answers, {counts['watchers']} watchers came and went; "
            f"{counts['refused for now']} calls were refused as the store was away. "
            "Memory in KB, resident of the nodes, used by Redis."
        ],
    )
    series = {f"node {number + 1}": [reading.nodes_kb[number] for reading in readings] for number in range(2)}
    series |= {"Redis": [round(reading.redis_kb) for reading in readings]}
    series |= {"keys in Redis": [reading.keys for reading in readings]}
    for name, values in series.items():
        slope = linear_regression(times, values[-len(half) :]).slope
        table.add(name, f"{values[0]:,}", f"{values[-len(half)]:,}", f"{values[-1]:,}", f"{slope:+,.0f}")
    return table


if __name__ == "__main__":
    main()
