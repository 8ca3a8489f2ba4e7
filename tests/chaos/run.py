"""A run of chaos: phases of load with faults, each compared with the truth when it is quiet again."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.client import Client
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.conversation import Conversation
from tests.chaos.faults import Faults, Place
from tests.chaos.store import Losses, Store
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
        async with nodes_on(plan, report, folder, provider, redis_port=store.port) as nodes:
            place = Place(nodes, store, plan.pause_s, report.tell, happened=report.faults)
            faults = Faults(place, Random(chosen.random()))
            struck = 0
            while struck < plan.faults:
                count = min(plan.faults_per_phase, plan.faults - struck)

                async def strike(clients: list[Client], count: int = count) -> None:
                    place.clients = clients
                    await faults.strike(count)
                    place.clients = []

                await phase(report, nodes, store, truth, chosen, f"p{struck}", strike)
                struck += count
                check_requests(report, provider)
                report.seconds = round(time.monotonic() - began, 1)
                progress(report)
    report.seconds = round(time.monotonic() - began, 1)
    return report


@asynccontextmanager
async def nodes_on(
    plan: Plan, report: Report, folder: Path, provider: ProviderServer, *, redis_port: int = 0, url: str = ""
) -> AsyncIterator[Cluster]:
    """Nodes with that provider: on the Redis at a port, each by a way of its own, or on what a URL names."""
    environment = {
        "ANTHROPIC_API_KEY": provider.api_key,
        "ANTHROPIC_BASE_URL": provider.base_url,
        "HUBLINE_TOKEN_SECRET": TOKEN_SECRET,
        "HUBLINE_LEASE_S": str(plan.lease_s),
        "HUBLINE_DRAIN_S": "5",
        "HUBLINE_DRAIN_SPREAD_S": "0.3",
        "HUBLINE_BACKPLANE": url,
    }
    async with cluster(plan.nodes, folder, redis_port, environment) as (nodes, wrong):
        yield nodes
    for line in wrong:
        report.tell(f"a node wrote: {line}")


def check_requests(report: Report, provider: ProviderServer) -> None:
    for request in provider.requests:
        if request.refused is not None:
            report.tell(f"the provider refused a request: {request.refused}")
    provider.requests.clear()


async def phase(
    report: Report,
    nodes: Cluster,
    store: Losses,
    truth: Truth,
    chosen: Random,
    name: str,
    strike: Callable[[list[Client]], Awaitable[None]],
) -> None:
    """Load on new sessions, so that none grows longer than what a snapshot shows, until `strike` returns and all is
    mended; then all must agree."""

    def converse(number: int) -> Conversation:
        own = Random(chosen.random())
        return Conversation(f"{name}s{number}", nodes.urls, truth, store, own, counts=report.counts, tell=report.tell)

    conversations = [converse(number) for number in range(report.plan.sessions)]
    clients = [client for conversation in conversations for client in conversation.clients]
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(client.run()) for client in clients]
        # All are there before the first fault, so that what Redis loses is never a whole session.
        await asyncio.gather(*(conversation.open() for conversation in conversations))
        talking = [group.create_task(conversation.talk(over)) for conversation in conversations]
        await strike(clients)
        over.set()
        began = time.monotonic()
        for node in await nodes.is_ready():
            report.tell(f"node {node} does not come back")
        await asyncio.gather(*talking)
        await asyncio.gather(*(conversation.settle() for conversation in conversations))
        await asyncio.gather(*(conversation.compare() for conversation in conversations))
        report.quiet_s.append(round(time.monotonic() - began, 1))
        for task in watching:
            task.cancel()
    _count(report.counts, conversations)


def _count(counts: Counter[str], conversations: list[Conversation]) -> None:
    for conversation in conversations:
        counts["journal entries"] += len(conversation.ledger.entries)
        for client in conversation.clients:
            counts["connections"] += client.connections
            counts["resumed by entries"] += client.resumed
            counts["snapshots"] += client.shown.snapshots
            counts["new epochs"] += len(client.shown.past_epochs)
