"""Prints what the backplane's hot paths cost here: `python -m tests.backplane.measure`. Asserts nothing."""

import asyncio
import time

from hub.backplane.memory import MemoryBackplane

PAYLOAD = b'{"type":"text","runId":"r1","messageId":"m1","part":0,"delta":" and then","time":1760000000000}'


async def memory_append() -> None:
    backplane = MemoryBackplane()
    lease = await backplane.leases.take("s", "n", now=0, lease_ms=1000)
    assert lease is not None
    seen = [0]

    def receive(entries: object) -> None:
        seen[0] += 1

    await backplane.journal.follow("s", receive)
    payloads = [PAYLOAD]
    rounds = 200_000
    begin = time.perf_counter()
    for number in range(1, rounds + 1):
        backplane.journal.append("s", lease.fence, number, payloads)
    took = time.perf_counter() - begin
    assert seen[0] == rounds
    print(f"memory: append and publish to one follower {took / rounds * 1e6:.2f} µs")


if __name__ == "__main__":
    asyncio.run(memory_append())
