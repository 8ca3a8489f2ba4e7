"""What is asked of every row, and which figure counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.bench.wire.load import Measured

PACED_PER_S = 60_000
STREAMS = 200
WATCHERS = 3


@dataclass(frozen=True)
class Workload:
    """`unit`: of the figure, which is better the higher it is, unless `lower_is_better`. `promised`: how many a second
    the server was asked for; less than that is a failed round. `coalesces`: the limit is shown in both its forms."""

    key: str
    title: str
    program: str
    options: Mapping[str, int]
    unit: str = "deliveries per CPU-second"
    figure: Callable[[Measured], float] = field(default=lambda measured: measured.per_cpu_s)
    lower_is_better: bool = False
    promised: int = 0
    coalesces: bool = False
    fresh: bool = False
    """Each round has a process of its own."""


WORKLOADS = (
    Workload("fanout_1000", "fan-out of 150 bytes to 1,000 connections", "fanout", {"connections": 1000}),
    Workload("fanout_5000", "fan-out of 150 bytes to 5,000 connections", "fanout", {"connections": 5000}),
    Workload(
        "publishers_16",
        "16 publishers at once, 1,000 connections",
        "fanout",
        {"connections": 1000, "publishers": 16},
        coalesces=True,
    ),
    Workload("streams", "200 streams x 3 watchers, saturated", "streams", {"streams": STREAMS, "watchers": WATCHERS}),
    Workload(
        "streams_paced",
        f"200 streams x 3 watchers at {PACED_PER_S:,} deliveries/s",
        "streams",
        {"streams": STREAMS, "watchers": WATCHERS, "per_second": PACED_PER_S // (STREAMS * WATCHERS)},
        unit="share of the core",
        figure=lambda measured: measured.core,
        lower_is_better=True,
        promised=PACED_PER_S,
    ),
    Workload(
        "echo_1",
        "invocations, 100 connections, 1 in flight each",
        "echo",
        {"connections": 100, "depth": 1},
        unit="invocations per CPU-second",
    ),
    Workload(
        "echo_10",
        "invocations, 100 connections, 10 in flight each, in one message",
        "echo",
        {"connections": 100, "depth": 10},
        unit="invocations per CPU-second",
    ),
    Workload(
        "idle",
        "5,000 idle connections",
        "idle",
        {"connections": 5000},
        unit="handshakes per CPU-second",
        fresh=True,
    ),
)


def kb_per_connection(measured: Measured) -> float:
    """Resident memory of the server, less what it had before; kernel memory is not in it."""
    return (measured.rss_kb - measured.rss_before_kb) / measured.count
