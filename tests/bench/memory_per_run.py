"""What a running run costs in memory: resident memory of the server before and after so many were begun."""

import asyncio
import signal
from collections.abc import Sequence
from itertools import pairwise

import uvloop

from tests.bench import machine, servers, sockets
from tests.bench.options import Options
from tests.bench.sockets import Socket
from tests.bench.source import Plan, write_plan
from tests.bench.table import Table
from tests.running import Running

DELTAS = 20
WARM = 100
PLAN = write_plan(Plan(deltas=DELTAS, per_second=1000, waits=True))
SHORT_PLAN = write_plan(Plan(deltas=DELTAS, per_second=1000))


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    counts = (100, 300) if options.quick else (500, 2000)
    table = Table(
        f"memory_per_run: a run that has given {DELTAS} deltas and waits for the next (aim: 20 KB per run)",
        (
            "backplane",
            "runs",
            "resident at first, MB",
            "KB per session",
            "KB per running run",
            "KB per watcher's connection",
            "KB, all three",
        ),
        notes=[
            "Resident memory after a garbage collection, by steps: all sessions opened, a run begun in each, a "
            "connection made and watching for each. A run is its driver, lease, provider's stream and journal so far."
        ],
    )
    for backplane in ("memory", "sqlite"):
        for runs in counts:
            with (
                servers.hub(backplane) as server,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                steps = runner.run(_measure(server, runs))
            per_step = [(after - before) / runs for before, after in pairwise(steps)]
            table.add(
                backplane,
                str(runs),
                f"{steps[0] / 1024:.1f}",
                *(f"{kb:.1f}" for kb in per_step),
                f"{sum(per_step):.1f}",
            )
    return [table]


async def _measure(server: Running, runs: int) -> Sequence[int]:
    """Resident KB: at first, with the sessions, with a run in each, with a watcher of each."""
    caller = await sockets.connect_hub(server.port)
    await _warm_up(server, caller)
    steps = [await _settled(server)]
    for number in range(runs):
        await caller.invoke("OpenSession", {"sessionId": f"s{number}"})
    steps.append(await _settled(server))
    for number in range(runs):
        await caller.invoke("SendMessage", f"s{number}", {"messageId": "m", "content": PLAN})
    await asyncio.sleep(DELTAS / 1000 + 0.5)
    steps.append(await _settled(server))
    watching = [await _watch(server, f"s{number}") for number in range(runs)]
    steps.append(await _settled(server))
    for socket in (caller, *watching):
        socket.close()
    return steps


async def _warm_up(server: Running, caller: Socket) -> None:
    """What is loaded, compiled or grown once is there before the first look."""
    for number in range(WARM):
        session_id = f"warm{number}"
        await caller.invoke("OpenSession", {"sessionId": session_id})
        watcher = await _watch(server, session_id)
        await caller.invoke("SendMessage", session_id, {"messageId": "m", "content": SHORT_PLAN})
        await watcher.done()
        await caller.invoke("DeleteSession", session_id)
        watcher.close()


async def _watch(server: Running, session_id: str) -> Socket:
    socket = await sockets.connect_hub(server.port)
    await socket.watch(session_id)
    return socket


async def _settled(server: Running) -> int:
    """Resident KB once it no longer changes."""
    pid = server.process.pid
    server.process.send_signal(signal.SIGUSR1)
    await asyncio.sleep(0.3)
    before, now = -1, machine.rss_kb(pid)
    while now != before:
        await asyncio.sleep(0.3)
        before, now = now, machine.rss_kb(pid)
    return now
