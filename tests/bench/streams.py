"""One round of streaming: so many runs with so many watchers each, on one server, for a few seconds."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from typing import Literal

import msgspec

from tests.bench import machine
from tests.bench.sockets import Socket, connect, connect_hub
from tests.bench.source import Plan, stamps, write_plan
from tests.running import Running

Kind = Literal["hub", "starlette", "alone"]

WARM_S = 0.7
"""Of streaming, before the measurement begins."""
LATE_S = 1.0
"""What has not come so long after the measurement ended never came."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """`runs` at `per_second` deltas each, every one to `watchers` clients, measured for `measured_s`."""

    runs: int
    watchers: int
    per_second: float
    measured_s: float

    @property
    def deltas(self) -> float:
        """Deltas per second, of all runs."""
        return self.runs * self.per_second


class Round(msgspec.Struct, kw_only=True):
    """`added` and `overall`: how long each delta that was due in the measurement took to each watcher, in seconds,
    from when the source gave it, and from when it was due (which counts what the source waited for the event loop).
    Infinite for what did not come. `disturbed`: the share of the time in which something else had the server's or the
    load generator's core while it was ready to run."""

    added: list[float]
    overall: list[float]
    cpu_s: float
    load_share: float
    disturbed: float
    records: int = 0

    @property
    def delivered(self) -> int:
        return sum(1 for seconds in self.added if not math.isinf(seconds))

    @property
    def joined(self) -> float:
        """Deltas per message."""
        return self.delivered / self.records if self.records else math.nan


class _Clocks(msgspec.Struct, frozen=True):
    server_s: float
    load_s: float
    waited_s: float

    @classmethod
    def of(cls, server: Running) -> "_Clocks":
        pid, own_pid = server.process.pid, os.getpid()
        waited_s = machine.waited_s(pid) + machine.waited_s(own_pid)
        return cls(machine.cpu_s(pid), time.process_time(), waited_s)


_rounds = 0  # of this process: sessions and runs of one round are no other's


async def stream(server: Running, kind: Kind, load: Load) -> Round:
    """Connect, start all runs, measure, and wait for the runs' ends."""
    global _rounds
    _rounds += 1
    runs = await asyncio.gather(*(_connect(server.port, kind, load, number) for number in range(load.runs)))
    begin = time.monotonic() + 0.3 + load.runs / 1000
    deltas = math.ceil((WARM_S + load.measured_s + 0.1) * load.per_second)
    for number, sockets in enumerate(runs):
        # Spread evenly over the period, so that no two are due at once.
        start_at = begin + number / load.deltas
        plan = Plan(deltas=deltas, per_second=load.per_second, start_at=start_at)
        _start(sockets[0], kind, number, write_plan(plan))
    first = begin + WARM_S
    last = first + load.measured_s
    await asyncio.sleep(first - time.monotonic())
    before = _Clocks.of(server)
    await asyncio.sleep(last - time.monotonic())
    after = _Clocks.of(server)
    await asyncio.sleep(LATE_S)
    await asyncio.gather(*(sockets[0].done() for sockets in runs))
    measured = Round(
        added=[],
        overall=[],
        cpu_s=after.server_s - before.server_s,
        load_share=(after.load_s - before.load_s) / load.measured_s,
        disturbed=(after.waited_s - before.waited_s) / load.measured_s,
    )
    for sockets in runs:
        for socket in sockets if kind != "alone" else ():
            _measure(socket, measured, first, last)
    expected = 0 if kind == "alone" else round(load.deltas * load.watchers * load.measured_s)
    missing = max(0, expected - len(measured.added))
    measured.added += [math.inf] * missing
    measured.overall += [math.inf] * missing
    await asyncio.gather(*(_end(sockets, kind, number) for number, sockets in enumerate(runs)))
    return measured


MAX_DISTURBED = 0.03
TRIES = 2


async def quiet_stream(server: Running, kind: Kind, load: Load) -> Round:
    """A round in which both had their cores nearly to themselves; of two tries the better one if there is none."""
    best: Round | None = None
    for _ in range(TRIES):
        measured = await stream(server, kind, load)
        if best is None or measured.disturbed < best.disturbed:
            best = measured
        if best.disturbed <= MAX_DISTURBED:
            break
    assert best is not None
    return best


async def _connect(port: int, kind: Kind, load: Load, number: int) -> Sequence[Socket]:
    if kind == "hub":
        sockets = [await connect_hub(port) for _ in range(load.watchers)]
        await sockets[0].invoke("OpenSession", {"sessionId": _session(number)})
        for socket in sockets:
            await socket.watch(_session(number))
        return sockets
    path = "/runs/" if kind == "starlette" else "/alone/"
    count = load.watchers if kind == "starlette" else 1
    return [await connect(port, f"{path}{_session(number)}") for _ in range(count)]


def _session(number: int) -> str:
    return f"bench-{_rounds}-{number}"


def _start(socket: Socket, kind: Kind, number: int, plan: str) -> None:
    if kind == "hub":
        socket.call("SendMessage", _session(number), {"messageId": "m", "content": plan})
    else:
        socket.send(plan.encode())


def _measure(socket: Socket, measured: Round, first: float, last: float) -> None:
    for record in socket.records():
        if record.at > last + LATE_S:
            break
        counted = False
        for stamp in stamps(record.body.decode()):
            if first <= stamp.due < last:
                counted = True
                measured.added.append(record.at - stamp.given)
                measured.overall.append(record.at - stamp.due)
        measured.records += counted


async def _end(sockets: Sequence[Socket], kind: Kind, number: int) -> None:
    if kind == "hub":
        await sockets[0].invoke("DeleteSession", _session(number))
    for socket in sockets:
        socket.close()
