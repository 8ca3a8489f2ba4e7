"""What a whole run costs besides its deltas: short answers one after another, asked for and watched by one client."""

import asyncio
import time
from collections.abc import Sequence

import uvloop

from tests.bench import machine, servers, sockets
from tests.bench.options import Options
from tests.bench.source import Plan, write_plan
from tests.bench.table import Table, ms, percentile, spread
from tests.running import Running

PLAN = write_plan(Plan(deltas=1))
WARM = 100
SESSIONS = 20
"""In turn, so that none has a long history. An answer from the cache needs a session of its own: the same talk."""
CACHE = ("--cached-answers", "1000")

Round = tuple[float, Sequence[float]]
"""The server's CPU seconds, and how long each run took from the call to its `done`."""


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    rounds, runs = (2, 100) if options.quick else (5, 400)
    table = Table(
        "run_cost: a run of one delta, asked for and watched over one connection",
        ("backplane", "answered from", "CPU µs per run", "from the call to `done`, median ms", "p99 ms"),
        notes=[
            f"{rounds} rounds of {runs} runs, one after another: median [range] of the rounds; p99 of all. CPU is the "
            "whole server's: the call, the run and its events. An answer from the cache is to take less than 5 ms."
        ],
    )
    for backplane, flags in (("memory", ()), ("sqlite", ()), ("memory", CACHE), ("sqlite", CACHE)):
        sessions = WARM + runs if flags else SESSIONS
        with servers.hub(backplane, *flags) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = [runner.run(_round(server, number, runs, sessions)) for number in range(rounds)]
        times = [took for _, round_times in found for took in round_times]
        table.add(
            backplane,
            "the cache" if flags else "the provider",
            spread([cpu_s / runs * 1e6 for cpu_s, _ in found], 0),
            spread([percentile(round_times, 50) * 1000 for _, round_times in found], 2),
            ms(percentile(times, 99)),
        )
    return [table]


async def _round(server: Running, number: int, runs: int, sessions: int) -> Round:
    clients = []
    for place in range(sessions):
        client = await sockets.connect_hub(server.port)
        session_id = f"cost-{number}-{place}"
        await client.invoke("OpenSession", {"sessionId": session_id})
        await client.watch(session_id)
        clients.append((client, session_id))
    times: list[float] = []
    before_s = 0.0
    for asked in range(-WARM, runs):
        if asked == 0:
            times.clear()
            before_s = machine.cpu_s(server.process.pid)
        client, session_id = clients[asked % sessions]
        began = time.monotonic()
        client.call("SendMessage", session_id, {"messageId": f"m{asked}", "content": PLAN})
        await client.done()
        times.append(time.monotonic() - began)
        is_hit = any(b'"code":"cached"' in record.body for record in client.records())
        assert is_hit == (sessions > SESSIONS and (number, asked) != (0, -WARM))
    after_s = machine.cpu_s(server.process.pid)
    for client, session_id in clients:
        await client.invoke("DeleteSession", session_id)
        client.close()
    return after_s - before_s, times
