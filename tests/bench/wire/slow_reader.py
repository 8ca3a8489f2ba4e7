"""One reader that never reads among 200: what it costs the others, and that the hub cuts it, counts it and says so."""

import re
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from tests.bench.table import Table, spread
from tests.bench.wire.load import Measured, measure
from tests.bench.wire.rows import RowFailed, hub_row

_METRIC = "hubline_slow_consumers_total"
_LOG_LINE = re.compile(r'time=(\S+) .*msg="slow consumer cut"')
_LOG_S = 5.0
SECONDS = 8.0
"""Long enough that buffers of the kernel and the outbox are full, at 0.4 MB a second."""


@dataclass(frozen=True)
class _Round:
    """`cut_after_s`: by the hub's log, from when the load generator was started; none without a line. The client of one
    who never reads sees nothing of its end: that stands behind what it has not read."""

    measured: Measured
    counted: int
    cut_after_s: list[float]


def run(rounds: int) -> tuple[list[Table], float | None]:
    """The table, and the p99 of the others as a multiple of that without it."""
    table = Table(
        "one reader that never reads, among 200 of 4 KB at 100 a second: the hub",
        ("reader", "p50 ms", "p99 ms of the others", "memory grown by, KB", "in the metric", "in the log, after s"),
        notes=["Each run has a process of its own. Memory: from before the first text to the end of the measurement."],
    )
    noted: dict[int, list[_Round]] = {0: [], 1: []}
    try:
        for _ in range(rounds):
            for deaf, found in noted.items():
                found.append(_round(deaf))
    except (RowFailed, AssertionError, OSError) as failed:
        table.notes.append(f"Not measured: {failed}")
        return [table], None
    for deaf, name in ((0, "none"), (1, "one")):
        table.add(name, *_cells(noted[deaf]))
    without, beside = (median(each.measured.p99_ms for each in noted[deaf]) for deaf in (0, 1))
    return [table], beside / without


def _round(deaf: int) -> _Round:
    """Raises RowFailed unless exactly the one that never reads was cut, counted and logged."""
    with hub_row().serve() as serving:
        begin = time.time()
        measured = measure(
            serving, "slow", warm_s=1.0, seconds=SECONDS, deaf=deaf, connections=200, per_second=100, characters=4096
        )
        counted = _counted(serving.port)
        lines = _logged(serving.log, deaf)
        if counted != deaf or len(lines) != deaf:
            raise RowFailed(f"{deaf} of the readers do not read, {_METRIC} says {counted}, the log {len(lines)}")
        return _Round(measured, counted, [at - begin for at in lines])


def _logged(log: Sequence[str], expected: int) -> list[float]:
    """When the lines say that it was; they come by a thread that reads the hub's log."""
    deadline = time.monotonic() + _LOG_S
    while True:
        found = [match[1] for line in tuple(log) if (match := _LOG_LINE.search(line))]
        if len(found) >= expected or time.monotonic() > deadline:
            return [datetime.fromisoformat(at).timestamp() for at in found]
        time.sleep(0.05)


def _counted(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    for line in text.splitlines():
        if line.startswith(_METRIC):
            return int(float(line.split()[-1]))
    raise RowFailed(f"/metrics has no {_METRIC}")


def _cells(rounds: Sequence[_Round]) -> Sequence[str]:
    return (
        spread([each.measured.p50_ms for each in rounds], 2),
        spread([each.measured.p99_ms for each in rounds], 2),
        spread([float(each.measured.rss_kb - each.measured.rss_before_kb) for each in rounds], 0),
        spread([float(each.counted) for each in rounds], 0),
        spread([after for each in rounds for after in each.cut_after_s], 1),
    )
