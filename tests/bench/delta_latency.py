"""How long a provider's delta takes to the client, and what it costs; beside a plain Starlette loop in the same run."""

import asyncio
from collections.abc import Mapping, Sequence

import uvloop

from tests.bench import machine, servers
from tests.bench.options import Options
from tests.bench.streams import Kind, Load, Round, quiet_stream
from tests.bench.table import Table, percentile, spread
from tests.running import Running

RUNS = 200
PER_SECOND = 50.0

Contenders = Mapping[str, tuple[Kind, Running]]


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    with servers.hub("memory") as memory, servers.hub("sqlite") as sqlite, servers.starlette() as starlette:
        contenders: Contenders = {
            "source alone": ("alone", starlette),
            "Starlette send_json": ("starlette", starlette),
            "hub, memory": ("hub", memory),
            "hub, sqlite": ("hub", sqlite),
        }
        return [_compare(contenders, watchers, options) for watchers in (1, 3)]


def _compare(contenders: Contenders, watchers: int, options: Options) -> Table:
    rounds, measured_s = (1, 1.0) if options.quick else (3, 1.5)
    load = Load(runs=RUNS, watchers=watchers, per_second=PER_SECOND, measured_s=measured_s)
    found: dict[str, list[Round]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (kind, server) in contenders.items():
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found[name].append(runner.run(quiet_stream(server, kind, load)))
    table = Table(
        f"delta_latency: {RUNS} runs at {PER_SECOND:g} deltas/s, watchers per run: {watchers}",
        (
            "server",
            "added, median ms",
            "added, p99 ms",
            "from due, p99 ms",
            "CPU µs per delivered delta",
            "of Starlette's",
            "deltas per message",
            "core, %",
            "disturbed, %",
        ),
    )
    costs = {name: _costs(rounds, found["source alone"]) for name, rounds in found.items()}
    for name, measured in found.items():
        table.add(name, *_cells(measured, costs[name], costs["Starlette send_json"], measured_s))
    table.notes.append(
        f"{rounds} rounds of {measured_s:g} s each, in turn: median [range] of the rounds. CPU is the server's, less "
        "what the source costs alone in the same round. The load generator was busy at most "
        f"{max(one.load_share for measured in found.values() for one in measured) * 100:.0f} % of its core. "
        "Disturbed: something else had the server's or the load generator's core."
    )
    return table


def _costs(measured: Sequence[Round], alone: Sequence[Round]) -> list[float]:
    """Microseconds per delivered delta, round by round."""
    pairs = zip(measured, alone, strict=True)
    return [(one.cpu_s - source.cpu_s) / one.delivered * 1e6 for one, source in pairs if one.delivered]


def _cells(
    measured: Sequence[Round], costs: Sequence[float], peer_costs: Sequence[float], measured_s: float
) -> list[str]:
    core = spread([one.cpu_s / measured_s * 100 for one in measured], 0)
    disturbed = spread([one.disturbed * 100 for one in measured])
    if not costs:
        return ["-", "-", "-", "-", "-", "-", core, disturbed]
    return [
        spread([percentile(one.added, 50) * 1000 for one in measured], 2),
        spread([percentile(one.added, 99) * 1000 for one in measured], 2),
        spread([percentile(one.overall, 99) * 1000 for one in measured], 2),
        spread(costs),
        spread([cost / peer for cost, peer in zip(costs, peer_costs, strict=True)], 2),
        f"{sum(one.delivered for one in measured) / sum(one.records for one in measured):.2f}",
        core,
        disturbed,
    ]
