"""How many deltas a second one core sustains before they come late."""

import asyncio
from itertools import count

import uvloop

from tests.bench import machine, servers
from tests.bench.options import Options
from tests.bench.streams import Kind, Load, Round, stream
from tests.bench.table import Table, ms, percentile
from tests.running import Running

RUNS = 200
FIRST = 10_000
FACTOR = 1.25
MAX_LATE_S = 0.05
MOST = 200_000


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    table = Table(
        f"saturation: deltas/s of {RUNS} runs, one watcher each, on one core",
        ("server", "sustained, deltas/s", "p99 from due, ms", "core, %", "deltas per message", "then at", "p99, ms"),
        notes=[
            f"Each step is {FACTOR:g} times the one before, until the 99th percentile from when a delta was due is "
            f"over {MAX_LATE_S * 1000:g} ms, twice. The source shares the core."
        ],
    )
    with servers.hub("memory") as memory, servers.hub("sqlite") as sqlite, servers.starlette() as starlette:
        for name, kind, server in _contenders(memory, sqlite, starlette):
            sustained, then = _climb(server, kind, options)
            rate, good = sustained
            table.add(
                name,
                f"{rate:,.0f}",
                ms(percentile(good.overall, 99)),
                f"{good.cpu_s / _measured_s(options) * 100:.0f}",
                f"{good.joined:.2f}",
                f"{then[0]:,.0f}",
                ms(percentile(then[1].overall, 99)),
            )
    return [table]


def _contenders(memory: Running, sqlite: Running, starlette: Running) -> list[tuple[str, Kind, Running]]:
    return [
        ("Starlette send_json", "starlette", starlette),
        ("hub, memory", "hub", memory),
        ("hub, sqlite", "hub", sqlite),
    ]


def _measured_s(options: Options) -> float:
    return 0.5 if options.quick else 1.0


def _climb(server: Running, kind: Kind, options: Options) -> tuple[tuple[float, Round], tuple[float, Round]]:
    """The highest rate that was sustained, and the first that was not."""
    factor = 2.0 if options.quick else FACTOR
    sustained: tuple[float, Round] | None = None
    for step in count():
        rate = FIRST * factor**step
        load = Load(runs=RUNS, watchers=1, per_second=rate / RUNS, measured_s=_measured_s(options))
        measured = _best_of_two(server, kind, load)
        if percentile(measured.overall, 99) > MAX_LATE_S or rate > MOST:
            return sustained or (0.0, measured), (rate, measured)
        sustained = (rate, measured)
    raise AssertionError("count() ends never")


def _best_of_two(server: Running, kind: Kind, load: Load) -> Round:
    tried: list[Round] = []
    for _ in range(2):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tried.append(runner.run(stream(server, kind, load)))
        if percentile(tried[-1].overall, 99) <= MAX_LATE_S:
            break
    return min(tried, key=lambda measured: percentile(measured.overall, 99))
