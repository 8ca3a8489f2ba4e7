"""A run of chaos: phases of load with faults, each compared with the truth when it is quiet again."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.cluster import cluster
from tests.chaos.conversation import Conversation
from tests.chaos.faults import Faults, Place
from tests.chaos.store import Store
from tests.chaos.truth import Truth
from tests.provider_server.server import ProviderServer

MAX_FINDINGS = 40
TOKEN_SECRET = "the same forty characters on each node!!"


@dataclass(frozen=True)
class Plan:
    """What is drawn depends on `seed` alone; when it strikes, on the machine."""

    seed: int
    faults: int = 30
    faults_per_phase: int = 10
    sessions: int = 50
    nodes: int = 3
    pieces_per_s: float = 12.0
    """What the provider says a second, in each answer."""
    pause_s: float = 3.0
    lease_s: float = 2.0


@dataclass
class Report:
    plan: Plan
    findings: list[str] = field(default_factory=list)
    """What is wrong; the first ones."""
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    quiet_s: list[float] = field(default_factory=list)
    """How long it took after each phase's last fault until all agreed."""

    def tell(self, text: str) -> None:
        self.counts["findings"] += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(text[:2000])

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "faults": dict(self.faults), "counts": dict(sorted(self.counts.items()))}


async def chaos(plan: Plan, folder: Path, progress: Callable[[Report], None] = lambda _: None) -> Report:
    """The whole run. `progress` is called after each phase."""
    report = Report(plan)
    began = time.monotonic()
    truth = Truth(plan.seed, plan.pieces_per_s)
    chosen = Random(plan.seed)
    async with ProviderServer(default=truth.answer) as provider, Store(folder / "redis") as store:
        environment = {
            "ANTHROPIC_API_KEY": provider.api_key,
            "ANTHROPIC_BASE_URL": provider.base_url,
            "HUBLINE_TOKEN_SECRET": TOKEN_SECRET,
            "HUBLINE_LEASE_S": str(plan.lease_s),
            "HUBLINE_DRAIN_S": "5",
            "HUBLINE_DRAIN_SPREAD_S": "0.3",
        }
        async with cluster(plan.nodes, folder, store.port, environment) as (nodes, wrong):
            place = Place(nodes, store, plan.pause_s, report.tell, happened=report.faults)
            faults = Faults(place, Random(chosen.random()))
            struck = 0
            while struck < plan.faults:
                count = min(plan.faults_per_phase, plan.faults - struck)
                await _Phase(plan, report, place, truth, faults, chosen).run(f"p{struck}", count)
                struck += count
                for request in provider.requests:
                    if request.refused is not None:
                        report.tell(f"the provider refused a request: {request.refused}")
                provider.requests.clear()
                report.seconds = round(time.monotonic() - began, 1)
                progress(report)
        for line in wrong:
            report.tell(f"a node wrote: {line}")
    report.seconds = round(time.monotonic() - began, 1)
    return report


class _Phase:
    """New sessions, so that none grows longer than what a snapshot shows."""

    def __init__(self, plan: Plan, report: Report, place: Place, truth: Truth, faults: Faults, chosen: Random) -> None:
        self._plan = plan
        self._report = report
        self._place = place
        self._truth = truth
        self._faults = faults
        self._chosen = chosen

    async def run(self, name: str, count: int) -> None:
        conversations = [self._conversation(f"{name}s{number}") for number in range(self._plan.sessions)]
        clients = [client for conversation in conversations for client in conversation.clients]
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            # First opened, then watched: before the first fault, so that what Redis loses is never a whole session.
            watching = [group.create_task(client.run()) for client in clients]
            await asyncio.gather(*(conversation.open() for conversation in conversations))
            talking = [group.create_task(conversation.talk(over)) for conversation in conversations]
            self._place.clients = clients
            await self._faults.strike(count)
            self._place.clients = []
            over.set()
            began = time.monotonic()
            for node in await self._place.cluster.is_ready():
                self._report.tell(f"node {node} does not come back")
            await asyncio.gather(*talking)
            await asyncio.gather(*(conversation.settle() for conversation in conversations))
            await asyncio.gather(*(conversation.compare() for conversation in conversations))
            self._report.quiet_s.append(round(time.monotonic() - began, 1))
            for task in watching:
                task.cancel()
        self._count(conversations)

    def _conversation(self, session_id: str) -> Conversation:
        return Conversation(
            session_id,
            self._place.cluster.urls,
            self._truth,
            self._place.store,
            Random(self._chosen.random()),
            counts=self._report.counts,
            tell=self._report.tell,
        )

    def _count(self, conversations: list[Conversation]) -> None:
        counts = self._report.counts
        for conversation in conversations:
            counts["journal entries"] += len(conversation.ledger.entries)
            for client in conversation.clients:
                counts["connections"] += client.connections
                counts["resumed by entries"] += client.resumed
                counts["snapshots"] += client.shown.snapshots
                counts["new epochs"] += len(client.shown.past_epochs)
