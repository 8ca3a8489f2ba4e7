"""One round of streaming: so many runs with so many watchers each, on one server, for a few seconds."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec

from tests.bench import machine
from tests.bench.event_streams import EventStream, connect_events
from tests.bench.sockets import Socket, connect, connect_hub
from tests.bench.source import Plan, stamps, write_plan
from tests.running import Running

Kind = Literal["hub", "hub_events", "starlette", "alone", "posted", "posted_event_source", "posted_alone"]
"""How a run is asked for and read: of the hub by WebSocket or as server-sent events, of Starlette by WebSocket, of
others by a POST whose answer is server-sent events. `…alone`: only the source runs."""
_POSTED = {"posted": "/runs/", "posted_event_source": "/events/", "posted_alone": "/alone/"}

Client = Socket | EventStream

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
    load generator's core while it was ready to run. `bytes`: that came in the measurement, frames' heads included."""

    added: list[float]
    overall: list[float]
    cpu_s: float
    load_share: float
    disturbed: float
    bytes: int = 0
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
        _start(sockets[0], kind, number, plan)
    first = begin + WARM_S
    last = first + load.measured_s
    await asyncio.sleep(first - time.monotonic())
    before, bytes_before = _Clocks.of(server), _received(runs)
    await asyncio.sleep(last - time.monotonic())
    after, bytes_after = _Clocks.of(server), _received(runs)
    await asyncio.sleep(LATE_S)
    await asyncio.gather(*(sockets[0].done() for sockets in runs))
    measured = Round(
        added=[],
        overall=[],
        cpu_s=after.server_s - before.server_s,
        load_share=(after.load_s - before.load_s) / load.measured_s,
        disturbed=(after.waited_s - before.waited_s) / load.measured_s,
        bytes=bytes_after - bytes_before,
    )
    is_alone = kind.endswith("alone")
    for sockets in runs:
        for socket in sockets if not is_alone else ():
            _measure(socket, measured, first, last)
    expected = 0 if is_alone else round(load.deltas * load.watchers * load.measured_s)
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


async def _connect(port: int, kind: Kind, load: Load, number: int) -> Sequence[Client]:
    name = _session(number)
    match kind:
        case "hub":
            sockets = [await connect_hub(port) for _ in range(load.watchers)]
            await sockets[0].invoke("OpenSession", {"sessionId": name})
            for socket in sockets:
                await socket.watch(name)
            return sockets
        case "hub_events":
            events = await connect_events(port)
            await events.request("POST", "/api/sessions", msgspec.json.encode({"sessionId": name}))
            return [events]
        case "starlette":
            return [await connect(port, f"/runs/{name}") for _ in range(load.watchers)]
        case "alone":
            return [await connect(port, f"/alone/{name}")]
        case "posted" | "posted_event_source" | "posted_alone":
            return [await connect_events(port)]
        case _:
            assert_never(kind)


def _session(number: int) -> str:
    return f"bench-{_rounds}-{number}"


def _start(client: Client, kind: Kind, number: int, plan: Plan) -> None:
    name, content = _session(number), write_plan(plan)
    if isinstance(client, EventStream):
        if kind == "hub_events":
            message = {"messageId": "m", "content": content}
            client.stream(f"/api/sessions/{name}/messages", msgspec.json.encode(message))
        else:
            client.stream(f"{_POSTED[kind]}{name}", content.encode())
    elif kind == "hub":
        client.call("SendMessage", name, {"messageId": "m", "content": content})
    else:
        client.send(content.encode())


def _received(runs: Sequence[Sequence[Client]]) -> int:
    return sum(client.received for clients in runs for client in clients)


def _measure(client: Client, measured: Round, first: float, last: float) -> None:
    for record in client.records():
        if record.at > last + LATE_S:
            break
        counted = False
        for stamp in stamps(record.body.decode()):
            if first <= stamp.due < last:
                counted = True
                measured.added.append(record.at - stamp.given)
                measured.overall.append(record.at - stamp.due)
        measured.records += counted


async def _end(clients: Sequence[Client], kind: Kind, number: int) -> None:
    first = clients[0]
    if kind == "hub" and isinstance(first, Socket):
        await first.invoke("DeleteSession", _session(number))
    elif kind == "hub_events" and isinstance(first, EventStream):
        await first.request("DELETE", f"/api/sessions/{_session(number)}")
    for client in clients:
        client.close()
