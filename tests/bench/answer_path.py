"""What stands between a provider's delta and a watcher: the hub's tools, hooks and store; beside two other paths."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack

import uvloop

from tests.bench import machine, servers
from tests.bench.options import Options
from tests.bench.streams import Kind, Load, Round, quiet_stream
from tests.bench.table import Table, percentile, spread
from tests.bench.wire.peer import PeerMissing
from tests.running import Running

RUNS = 100
PER_SECOND = 50.0

CHECKS = ("--max-message-chars", "100000", "--flag-injections")
CACHE = ("--cached-answers", "1000")
ROLLOUT = ("--streaming-percent", "99.99")

Server = AbstractContextManager[Running]
Row = tuple[str, Kind, str, str]
"""Its name, how it is read, the server, and the row that is its source alone."""

ROWS: Sequence[Row] = (
    ("source alone, Python", "posted_alone", "fastapi", ""),
    ("hub, no hooks", "hub", "hub", "source alone, Python"),
    ("hub, no hooks, server-sent events", "hub_events", "hub", "source alone, Python"),
    ("hub, input checks", "hub", "checks", "source alone, Python"),
    ("hub, context hook", "hub", "context", "source alone, Python"),
    ("hub, output hook", "hub", "output", "source alone, Python"),
    ("hub, answers cached", "hub", "cache", "source alone, Python"),
    ("hub, streaming to 99.99 %", "hub", "rollout", "source alone, Python"),
    ("hub, all of these hooks", "hub", "all", "source alone, Python"),
    ("hub, SQLite", "hub", "sqlite", "source alone, Python"),
    ("FastAPI, StreamingResponse", "posted", "fastapi", "source alone, Python"),
    ("FastAPI, EventSourceResponse", "posted_event_source", "fastapi", "source alone, Python"),
    ("source alone, Node", "posted_alone", "ai", ""),
    ("Vercel AI SDK, UI message stream", "posted", "ai", "source alone, Node"),
)


def _servers() -> Iterator[tuple[str, Server]]:
    yield "hub", servers.hub("memory")
    yield "checks", servers.hub("memory", *CHECKS)
    yield "context", servers.hub("memory", environment={"BENCH_HOOKS": "context"})
    yield "output", servers.hub("memory", environment={"BENCH_HOOKS": "output"})
    yield "cache", servers.hub("memory", *CACHE)
    yield "rollout", servers.hub("memory", *ROLLOUT)
    yield "all", servers.hub("memory", *CHECKS, *CACHE, *ROLLOUT, environment={"BENCH_HOOKS": "context output"})
    yield "sqlite", servers.hub("sqlite")
    yield "fastapi", servers.fastapi()
    yield "ai", servers.ai_sdk()


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    rounds, measured_s = (1, 1.0) if options.quick else (5, 2.0)
    load = Load(runs=RUNS, watchers=1, per_second=PER_SECOND, measured_s=measured_s)
    table = Table(
        f"answer_path: {RUNS} runs at {PER_SECOND:g} deltas/s, one watcher each (aim: added median under 1 ms)",
        (
            "server",
            "added, median ms",
            "added, p99 ms",
            "from due, p99 ms",
            "CPU µs per delivered delta",
            "bytes per delta",
            "core, %",
            "disturbed, %",
        ),
    )
    with ExitStack() as stack:
        running: dict[str, Running] = {}
        for name, server in _servers():
            try:
                running[name] = stack.enter_context(server)
            except PeerMissing as missing:
                table.notes.append(f"Not measured: {name}, because {missing}")
        found = _measured(running, load, rounds)
    for name, _, server_name, alone in ROWS:
        if server_name in running:
            table.add(name, *_cells(found[name], found.get(alone), measured_s))
    table.notes.append(
        f"{rounds} rounds of {measured_s:g} s each, in turn: median [range] of the rounds. CPU is the server's, less "
        "what the source costs alone in the same language in the same round. The hub's rows are WebSockets but one, "
        "all with the server's own tools on offer. The load generator was busy at most "
        f"{max(one.load_share for measured in found.values() for one in measured) * 100:.0f} % of its core."
    )
    return [table]


def _measured(running: Mapping[str, Running], load: Load, rounds: int) -> Mapping[str, Sequence[Round]]:
    found: dict[str, list[Round]] = {}
    for _ in range(rounds):
        for name, kind, server_name, _ in ROWS:
            if server_name in running:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    measured = runner.run(quiet_stream(running[server_name], kind, load))
                found.setdefault(name, []).append(measured)
    return found


def _cells(measured: Sequence[Round], alone: Sequence[Round] | None, measured_s: float) -> list[str]:
    core = spread([one.cpu_s / measured_s * 100 for one in measured], 0)
    disturbed = spread([one.disturbed * 100 for one in measured])
    if alone is None:
        return ["-", "-", "-", "-", "-", core, disturbed]
    pairs = [(one, source) for one, source in zip(measured, alone, strict=True) if one.delivered]
    return [
        spread([percentile(one.added, 50) * 1000 for one in measured], 2),
        spread([percentile(one.added, 99) * 1000 for one in measured], 2),
        spread([percentile(one.overall, 99) * 1000 for one in measured], 2),
        spread([(one.cpu_s - source.cpu_s) / one.delivered * 1e6 for one, source in pairs]),
        spread([one.bytes / one.delivered for one, _ in pairs], 0),
        core,
        disturbed,
    ]
