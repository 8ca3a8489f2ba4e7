"""One end of a bus, as a process: `python -m tests.bench.nodes.ends KIND publish|receive URL COUNT BATCH`.

What it prints: "ready" when it listens; then, once COUNT messages have been published, or a line has come in, its CPU
seconds since. Each message is 100 bytes; BATCH of them are sent within one turn of the event loop, to as many groups.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping

import uvloop
from redis.asyncio import Redis

from hub.backplane.base import Ask, Position
from hub.backplane.redis import RedisBackplane
from hub.clock import now_ms

PAYLOAD = b"x" * 100
GROUPS = 16
EVENT = b'{"type":"text","runId":"run_1","messageId":"answer_1","part":0,"delta":"and some words","time":1795252566003}'


async def hub_publish(url: str, count: int, batch: int) -> float:
    backplane = RedisBackplane(url)
    await backplane.start()
    begin = time.process_time()
    for sent in range(0, count, batch):
        for number in range(batch):
            backplane.bus.publish(f"group{(sent + number) % GROUPS}", PAYLOAD)
        await asyncio.sleep(0)
    await backplane.directory.get("nobody")  # all that was sent before has left
    spent = time.process_time() - begin
    await backplane.close()
    return spent


async def hub_append(url: str, count: int, batch: int) -> float:
    """Encode nothing, check the fence, store and publish: what each delta of an answer costs, but for its encoding."""
    backplane = RedisBackplane(url)
    await backplane.start()
    fences = []
    for number in range(GROUPS):
        session_id, now = f"append-{time.monotonic_ns()}-{number}", now_ms()
        ask = Ask("m", f"run_{session_id}", "d", b"{}", now)
        await backplane.inbox.accept(session_id, ask, Position("", 0), max_queued=1, now=now)
        lease = await backplane.leases.take(session_id, "bench", now=now, lease_ms=600_000)
        assert lease is not None  # nobody else knows the session
        fences.append((session_id, lease.fence))
    numbers = dict.fromkeys(range(GROUPS), 0)  # of each session's last append
    sessions, per_session = min(batch, GROUPS), max(1, batch // GROUPS)
    done = 0
    begin = time.process_time()
    while done < count:
        # Sessions take turns, so that each has no more than one append on its way.
        chosen = [(done + number) % GROUPS for number in range(sessions)]
        appends = []
        for place in chosen:
            numbers[place] += 1
            session_id, fence = fences[place]
            appends.append(backplane.journal.append(session_id, fence, numbers[place], [EVENT] * per_session))
        await asyncio.gather(*appends)
        done += sessions * per_session
    spent = time.process_time() - begin
    await backplane.close()
    return spent * count / done


async def redis_publish(url: str, count: int, batch: int) -> float:
    """redis-py: one by one, or in pipelines."""
    async with Redis.from_url(url) as redis:
        await redis.ping()
        begin = time.process_time()
        for sent in range(0, count, batch):
            if batch == 1:
                await redis.publish(f"group{sent % GROUPS}", PAYLOAD)
                continue
            async with redis.pipeline(transaction=False) as pipeline:
                for number in range(batch):
                    pipeline.publish(f"group{(sent + number) % GROUPS}", PAYLOAD)
                await pipeline.execute()
        return time.process_time() - begin


async def hub_receive(url: str, _count: int, _batch: int) -> float:
    backplane = RedisBackplane(url)
    await backplane.start()
    for number in range(GROUPS):
        await backplane.bus.subscribe(f"group{number}", _ignore)
    spent = await _until_told()
    await backplane.close()
    return spent


async def redis_receive(url: str, _count: int, _batch: int) -> float:
    async with Redis.from_url(url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(*(f"group{number}" for number in range(GROUPS)))

        async def listen() -> None:
            async for message in pubsub.listen():
                _ignore(message["data"])

        listening = asyncio.create_task(listen())
        spent = await _until_told()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        return spent


def _ignore(_payload: bytes) -> None:
    pass


async def _until_told() -> float:
    begin = time.process_time()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return time.process_time() - begin


ENDS: Mapping[tuple[str, str], Callable[[str, int, int], Coroutine[None, None, float]]] = {
    ("hub", "publish"): hub_publish,
    ("hub", "append"): hub_append,
    ("hub", "receive"): hub_receive,
    ("redis-py", "publish"): redis_publish,
    ("redis-py", "receive"): redis_receive,
}


def main() -> None:
    kind, role, url, count, batch = sys.argv[1:6]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        spent = runner.run(ENDS[kind, role](url, int(count), int(batch)))
    print(f"{spent:.6f}", flush=True)


if __name__ == "__main__":
    main()
