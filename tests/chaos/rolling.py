"""A rolling restart under load: one node after the other is asked to end and started again, and clients see a reconnect
and nothing else.

    python -m tests.chaos.rolling --connections 2000 --sessions 100

Each session has an answer under way all the time and its watchers spread over the nodes; who loses its node goes to the
next one, as behind a balancer. No answer may be cut: the time to drain is longer than the longest of them.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.client import Client, repeated
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.conversation import ENCODINGS, Pulse
from tests.chaos.run import TOKEN_SECRET
from tests.chaos.shown import Ledger, Shown
from tests.chaos.store import Store
from tests.chaos.truth import Truth
from tests.provider_server.server import ProviderServer

DRAIN_S = 40.0
ANSWERED_S = 90.0
_SAMPLE_S = 0.1


@dataclass(frozen=True)
class Rolling:
    seed: int = 1
    connections: int = 2000
    sessions: int = 100
    nodes: int = 3
    spread_s: float = 10.0
    pieces_per_s: float = 4.0


@dataclass
class Report:
    plan: Rolling
    findings: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    drained_s: list[float] = field(default_factory=list)
    """How long each node took to end."""
    most_reconnects_per_s: list[int] = field(default_factory=list)
    """While each node ended: the most that came within a second."""
    spread_per_s: list[float] = field(default_factory=list)
    """Each node's connections when it was asked to end, over the time that they are spread over. The later nodes have
    those of the earlier ones too."""

    def tell(self, text: str) -> None:
        self.findings.append(text[:500])


class _Session:
    """Asks one question after the other, each through any of its clients."""

    def __init__(self, session_id: str, truth: Truth, report: Report) -> None:
        self.session_id = session_id
        self.clients: list[Client] = []
        self.ledger = Ledger()
        self.pulse = Pulse()
        self._truth = truth
        self._report = report

    def add(self, urls: list[str | None], home: int, seed: float) -> None:
        tell: Callable[[str], None] = lambda text: self._report.tell(f"{self.session_id}: {text}")  # noqa: E731
        self.clients.append(
            Client(
                urls,
                home,
                self.session_id,
                ENCODINGS[len(self.clients) % len(ENCODINGS)],
                Shown(self.ledger, self._truth, tell, lambda: False),
                chosen=Random(seed),
                on_event=self.pulse.beat,
                tell=tell,
            )
        )

    async def talk(self, over: asyncio.Event) -> None:
        number = 0
        while not over.is_set():
            message_id = f"{self.session_id}-{number}"
            number += 1
            message = {"messageId": message_id, "content": self._truth.question(message_id)}
            asked = await repeated(self.clients, "SendMessage", self.session_id, message, within_s=ANSWERED_S)
            run_id = str(asked["runId"])
            if not await self.pulse.until(lambda run_id=run_id: self._all_have(run_id), ANSWERED_S):  # type: ignore[misc]  # mypy has no type for a lambda's defaults
                self._report.tell(f"{message_id} was not answered to all after {ANSWERED_S:g} s")
                return
            for client in self.clients:
                answer = client.shown.answer(run_id)
                assert answer is not None  # all have it
                self._report.counts[f"answers {answer.status}"] += 1
                if answer.status != "complete" or answer.text != self._truth.text(message_id):
                    self._report.tell(f"{message_id} ended as {answer.status}: {answer.text[-80:]!r}")

    def _all_have(self, run_id: str) -> bool:
        found = (client.shown.answer(run_id) for client in self.clients)
        return all(answer is not None and answer.is_final for answer in found)


async def rolling(plan: Rolling, folder: Path) -> Report:
    report = Report(plan)
    truth = Truth(plan.seed, plan.pieces_per_s)
    chosen = Random(plan.seed)
    async with ProviderServer(default=truth.answer) as provider, Store(folder / "redis") as store:
        environment = {
            "ANTHROPIC_API_KEY": provider.api_key,
            "ANTHROPIC_BASE_URL": provider.base_url,
            "HUBLINE_TOKEN_SECRET": TOKEN_SECRET,
            "HUBLINE_DRAIN_S": str(DRAIN_S),
            "HUBLINE_DRAIN_SPREAD_S": str(plan.spread_s),
        }
        async with cluster(plan.nodes, folder, store.port, environment) as (nodes, wrong):
            sessions = [_Session(f"s{number}", truth, report) for number in range(plan.sessions)]
            for number in range(plan.connections):
                sessions[number % plan.sessions].add(nodes.urls, number // plan.sessions % plan.nodes, chosen.random())
            await _run(plan, report, nodes, sessions)
        for line in wrong:
            report.tell(f"a node wrote: {line}")
    return report


async def _run(plan: Rolling, report: Report, nodes: Cluster, sessions: list[_Session]) -> None:
    clients = [client for session in sessions for client in session.clients]
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = []
        for number, client in enumerate(clients):
            watching.append(group.create_task(client.run()))
            if number % 50 == 49:  # not all in one burst: that is another benchmark
                await asyncio.sleep(0.1)
        for session in sessions:
            watch = [client.shown for client in session.clients]
            if not await session.pulse.until(lambda watch=watch: all(shown.epoch for shown in watch), ANSWERED_S):  # type: ignore[misc]  # as above
                report.tell(f"{session.session_id}: not all could watch")
        talking = [group.create_task(session.talk(over)) for session in sessions]
        for node in nodes.nodes:
            there = sum(client.place == node.place for client in clients)
            report.spread_per_s.append(round(there / plan.spread_s, 1))
            sampling = group.create_task(_sample(clients, report))
            began = time.monotonic()
            code, wrong = await node.drain()
            report.drained_s.append(round(time.monotonic() - began, 1))
            if code != 0:
                report.tell(f"node {node.place} ended with {code}")
            for line in wrong:
                report.tell(f"node {node.place} wrote: {line}")
            nodes.urls[node.place] = None
            sampling.cancel()
            await nodes.start(node)
            if await nodes.is_ready():
                report.tell(f"node {node.place} is not ready again")
        over.set()
        await asyncio.gather(*talking)
        for task in watching:
            task.cancel()
    report.counts["connections"] = len(clients)
    report.counts["reconnects"] = sum(client.connections for client in clients) - len(clients)
    report.counts["resumed by entries"] = sum(client.resumed for client in clients)
    report.counts["snapshots"] = sum(client.shown.snapshots for client in clients)


async def _sample(clients: list[Client], report: Report) -> None:
    """Until it is cancelled: the most connections that were made within a second."""
    report.most_reconnects_per_s.append(0)
    made: deque[tuple[float, int]] = deque()  # when, and how many there were
    while True:
        now = time.monotonic()
        made.append((now, sum(client.connections for client in clients)))
        while made[0][0] < now - 1:
            made.popleft()
        report.most_reconnects_per_s[-1] = max(report.most_reconnects_per_s[-1], made[-1][1] - made[0][1])
        await asyncio.sleep(_SAMPLE_S)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.chaos.rolling")
    options.add_argument("--connections", type=int, default=2000)
    options.add_argument("--sessions", type=int, default=100)
    chosen = options.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * chosen.connections)), hard))
    plan = Rolling(connections=chosen.connections, sessions=chosen.sessions)
    with tempfile.TemporaryDirectory(prefix="rolling") as folder:
        report = asyncio.run(rolling(plan, Path(folder)))
    print(json.dumps({**asdict(report), "counts": dict(report.counts)}, indent=2))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
