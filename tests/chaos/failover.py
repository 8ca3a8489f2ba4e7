"""The run on a Redis with a sentinel: the master dies, and a replica that may lack the newest takes its place."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.backplane.redis.clusters import SOON, Watched, has_replica
from tests.chaos.client import Client
from tests.chaos.run import Plan, Report, check_requests, nodes_on, phase
from tests.chaos.truth import Truth
from tests.provider_server.server import ProviderServer

UNDER_LOAD_S = 2.0
"""Before each failover, and after the last."""


class Sentinels:
    """`Losses`: what the replica lacks when its master dies is lost."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._servers = [watched.master, watched.replica]
        self.losses = 0

    async def fail_over(self) -> None:
        """Kill the master; return once the other server has taken its place, and it is the other's replica."""
        old, new = self._servers
        self.losses += 1
        old.kill()
        await until(lambda: self._watched.names(new))
        self.losses += 1
        old.settings = ("--replicaof", f"127.0.0.1 {new.port}", *SOON)
        await asyncio.to_thread(old.start)
        await until(lambda: has_replica(new))
        self._servers = [new, old]


async def until(condition: Callable[[], bool]) -> None:
    """A sentinel takes its time: it does not fail over twice within ten seconds, and does nothing for thirty after its
    machine was held up for two."""
    async with asyncio.timeout(120):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # of other processes
            await asyncio.sleep(0.02)


async def failovers(plan: Plan, folder: Path) -> Report:
    """One phase with `plan.faults` failovers, there and back."""
    report = Report(plan)
    began = time.monotonic()
    truth = Truth(plan.seed, plan.pieces_per_s)
    watched = Watched(folder / "sentinel")
    sentinels = Sentinels(watched)

    async def strike(_: list[Client]) -> None:
        for _number in range(plan.faults):
            await asyncio.sleep(UNDER_LOAD_S)
            await sentinels.fail_over()
            report.faults["failover"] += 1
        await asyncio.sleep(UNDER_LOAD_S)

    try:
        await watched.start()
        async with (
            ProviderServer(default=truth.answer) as provider,
            nodes_on(plan, report, folder, provider, url=watched.url) as nodes,
        ):
            await phase(report, nodes, sentinels, truth, Random(plan.seed), "f", strike)
            check_requests(report, provider)
    finally:
        watched.close()
    report.seconds = round(time.monotonic() - began, 1)
    return report
