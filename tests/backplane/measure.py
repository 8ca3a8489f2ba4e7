"""Prints what the backplane's hot paths cost here: `python -m tests.backplane.measure`. Asserts nothing."""

import asyncio
import tempfile
import time
from statistics import quantiles

from hub.backplane.base import Backplane, Fence
from hub.backplane.memory import MemoryBackplane
from hub.backplane.sqlite import SqliteBackplane

PAYLOAD = b'{"type":"text","runId":"r1","messageId":"m1","part":0,"delta":" and then","time":1760000000000}'


async def lease(backplane: Backplane, session_id: str) -> Fence:
    taken = await backplane.leases.take(session_id, "n", now=0, lease_ms=1_000_000)
    assert taken is not None
    return taken.fence


async def memory_append(rounds: int = 200_000) -> None:
    backplane = MemoryBackplane()
    fence = await lease(backplane, "s")
    seen = [0]

    def receive(entries: object) -> None:
        seen[0] += 1

    await backplane.journal.follow("s", receive)
    payloads = [PAYLOAD]
    begin = time.perf_counter()
    for number in range(1, rounds + 1):
        backplane.journal.append("s", fence, number, payloads)
    took = time.perf_counter() - begin
    assert seen[0] == rounds
    print(f"memory: append and publish to one follower: {took / rounds * 1e6:.2f} µs")


async def appends(backplane: Backplane, session_id: str, rounds: int, latencies: list[float]) -> None:
    """One append at a time, as a run does it."""
    fence = await lease(backplane, session_id)
    for number in range(1, rounds + 1):
        begin = time.perf_counter()
        await backplane.journal.append(session_id, fence, number, [PAYLOAD])
        latencies.append(time.perf_counter() - begin)


async def sqlite_appends(sessions: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        backplane = SqliteBackplane(f"{directory}/hub.db")
        await backplane.start()
        latencies: list[float] = []
        begin, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(appends(backplane, f"s{i}", rounds, latencies) for i in range(sessions)))
        took, cpu = time.perf_counter() - begin, time.process_time() - cpu
        await backplane.close()
    cuts = quantiles(latencies, n=100)
    print(
        f"sqlite: {sessions} sessions, each one append at a time: {len(latencies) / took:,.0f} appends/s, "
        f"CPU {cpu / len(latencies) * 1e6:.1f} µs each, "
        f"latency p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms"
    )


async def sqlite_paced(sessions: int, per_second: int, seconds: float) -> None:
    """The latency of an append from when it was due, while each session writes at its own pace."""
    with tempfile.TemporaryDirectory() as directory:
        backplane = SqliteBackplane(f"{directory}/hub.db")
        await backplane.start()
        latencies: list[float] = []
        fences = [await lease(backplane, f"s{index}") for index in range(sessions)]
        begin = time.perf_counter() + 0.1

        async def run(index: int) -> None:
            for number in range(1, int(seconds * per_second) + 1):
                due = begin + (number + index / sessions) / per_second
                await asyncio.sleep(due - time.perf_counter())
                await backplane.journal.append(f"s{index}", fences[index], number, [PAYLOAD])
                latencies.append(time.perf_counter() - due)

        cpu = time.process_time()
        await asyncio.gather(*(run(index) for index in range(sessions)))
        cpu = time.process_time() - cpu
        await backplane.close()
    cuts = quantiles(latencies, n=100)
    print(
        f"sqlite: {sessions} sessions at {per_second}/s: CPU {cpu / len(latencies) * 1e6:.0f} µs each, "
        f"latency from due p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms"
    )


async def main() -> None:
    await memory_append()
    await sqlite_appends(1, 5_000)
    await sqlite_appends(200, 500)
    await sqlite_paced(1, 50, 2.0)
    await sqlite_paced(200, 50, 4.0)


if __name__ == "__main__":
    asyncio.run(main())
