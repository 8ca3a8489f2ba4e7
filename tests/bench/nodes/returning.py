"""Clients that come back: all at once, and after more or less has happened."""

import asyncio
import resource
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tests.bench import machine, sockets
from tests.bench.nodes.cluster import cluster
from tests.bench.options import Options
from tests.bench.sockets import WATCH_ID, Socket
from tests.bench.source import Plan, write_plan
from tests.bench.table import Table, ms, percentile

CLIENTS = 5_000
SESSIONS = 50
MISSED = 40  # deltas, while all were away
LENGTHS = (0, 10, 100, 1_000, 5_000)
_AT_ONCE = 200  # connections in the making: what a listener's queue takes


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * CLIENTS)), hard))
    return [asyncio.run(_storm(500 if options.quick else CLIENTS)), asyncio.run(_lengths(5 if options.quick else 30))]


async def _storm(clients: int) -> Table:
    table = Table(
        f"returning: {clients} clients of {SESSIONS} sessions on two nodes lose their sockets and resume at once",
        ("clients", "all back after s", "median ms of one", "p99 ms of one", "CPU us of the nodes per client"),
        notes=[
            f"Each goes on from its position and gets the {MISSED} deltas that it missed. Measured from the first "
            "connection to the last client's last delta; the load generator is Python and shares Redis' core."
        ],
    )
    with cluster(2) as place:
        owner = await sockets.connect_hub(place.nodes[0].port)
        positions = {}
        for number in range(SESSIONS):
            opened = await owner.invoke("OpenSession", {"sessionId": f"s{number}"})
            positions[f"s{number}"] = {"epoch": opened["epoch"], "offset": opened["offset"]}
            plan = write_plan(Plan(deltas=MISSED, per_second=1000, waits=True))
            await owner.invoke("SendMessage", f"s{number}", {"messageId": "m", "content": plan})
        await asyncio.sleep(1)  # until all deltas are stored; the answers go on, so that nothing is folded
        pids = [node.process.pid for node in place.nodes]
        before, begin = sum(map(machine.cpu_s, pids)), time.monotonic()
        gate = asyncio.Semaphore(_AT_ONCE)

        async def come_back(number: int) -> float:
            session_id = f"s{number % SESSIONS}"
            async with gate:
                at = time.monotonic()
                socket = await sockets.connect_hub(place.nodes[number // SESSIONS % 2].port)
                await _resume(socket, session_id, positions[session_id], MISSED)
                kept.append(socket)
                return time.monotonic() - at

        kept: list[Socket] = []
        took = await asyncio.gather(*(come_back(number) for number in range(clients)))
        passed, spent = time.monotonic() - begin, sum(map(machine.cpu_s, pids)) - before
        for socket in kept:
            socket.close()
    table.add(
        str(clients),
        f"{passed:.1f}",
        ms(percentile(took, 50)),
        ms(percentile(took, 99)),
        f"{spent / clients * 1e6:.0f}",
    )
    return table


async def _resume(socket: Socket, session_id: str, position: Mapping[str, Any], deltas: int) -> None:
    """Watch from a position until so many deltas have come, in one event or in several."""
    call = {"type": 4, "invocationId": WATCH_ID, "target": "Watch", "arguments": [session_id, position]}
    socket.send(orjson.dumps(call) + b"\x1e")
    await _come(socket, deltas)


async def _come(socket: Socket, deltas: int) -> int:
    """Wait until so many have come; the offset of the last event."""
    come = 0

    def is_last(message: Mapping[str, Any]) -> bool:
        nonlocal come
        if message.get("type") == 3 and message["invocationId"] == WATCH_ID:
            raise AssertionError(f"the stream ended: {message}")
        if message.get("type") == 2:
            come += _deltas(message["item"])
        return come >= deltas

    last = await socket.until(is_last)
    offset: int = last["item"]["offset"]
    return offset


def _deltas(event: Mapping[str, Any]) -> int:
    if event["type"] == "text":
        return str(event["delta"]).count("<")
    if event["type"] == "snapshot":
        run = event.get("run") or {}
        return sum(str(part.get("text", "")).count("<") for part in run.get("message", {}).get("parts", ()))
    return 0


async def _lengths(rounds: int) -> Table:
    table = Table(
        "returning: the cost of a resume by how much was missed",
        ("deltas missed", "median ms", "p99 ms", "CPU us of the node"),
        notes=["At the node that does not drive the session, and watches it by nothing else."],
    )
    for length in LENGTHS:
        took, spent = await _length(length, rounds)
        table.add(str(length), ms(percentile(took, 50)), ms(percentile(took, 99)), f"{spent / rounds * 1e6:.0f}")
    return table


async def _length(length: int, rounds: int) -> tuple[Sequence[float], float]:
    with cluster(2) as place:
        owner = await sockets.connect_hub(place.nodes[0].port)
        opened = await owner.invoke("OpenSession", {"sessionId": "s"})
        position = {"epoch": opened["epoch"], "offset": opened["offset"]}
        await owner.watch("s")
        plan = write_plan(Plan(deltas=max(1, length), per_second=2_000, waits=True))
        await owner.invoke("SendMessage", "s", {"messageId": "m", "content": plan})
        last = await _come(owner, max(1, length))
        if not length:
            position["offset"] = last
        took, pid = [], place.nodes[1].process.pid
        for round_number in range(rounds + 1):
            socket = await sockets.connect_hub(place.nodes[1].port)
            if round_number == 1:  # the first one warms up
                before = machine.cpu_s(pid)
            at = time.monotonic()
            if length:
                await _resume(socket, "s", position, length)
            else:
                call = {"type": 4, "invocationId": WATCH_ID, "target": "Watch", "arguments": ["s", position]}
                socket.send(orjson.dumps(call) + b"\x1e")
                await socket.invoke("GetSession", "s")
            took.append(time.monotonic() - at)
            socket.close()
        return took[1:], machine.cpu_s(pid) - before
