"""A Cluster, and a master that a sentinel replaces."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.backplane.base import Entry, Fence, SessionRecord
from hub.backplane.redis import RedisBackplane
from hub.backplane.redis.keys import BUCKETS, slot_of
from hub.errors import BackplaneAway
from tests.backplane.redis.clusters import SLOTS, Cluster, Watched
from tests.backplane.redis.conftest import Open
from tests.backplane.redis_server import RedisServer
from tests.backplane.steps import LEASE_MS, accept, take, texts, until, write, written


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        await cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path)
    try:
        await watched.start()
        yield watched
    finally:
        watched.close()


def sessions_of_each_bucket(node: RedisBackplane) -> dict[int, str]:
    found: dict[int, str] = {}
    number = 0
    while len(found) < BUCKETS:
        found.setdefault(node.servers.keys.session(f"s{number}").bucket, f"s{number}")
        number += 1
    return found


async def there_again(node: RedisBackplane) -> None:
    await until(lambda: node.away_s == 0)


async def test_cluster_serves_sessions_in_all_its_slots_and_moves_with_them(cluster: Cluster, open_redis: Open) -> None:
    one, two = await open_redis(cluster.url, max_retry_s=0.2), await open_redis(cluster.url, max_retry_s=0.2)
    sessions = sessions_of_each_bucket(one)
    heard: dict[str, list[Entry]] = {session_id: [] for session_id in sessions.values()}
    fences: dict[str, Fence] = {}
    bus: list[bytes] = []
    for session_id, entries in heard.items():
        await two.journal.follow(session_id, entries.extend)
        await two.bus.subscribe(session_id, bus.append)
        await one.directory.create(SessionRecord(session_id, "ann", {}, 1, b"{}"))
        await accept(two, "a", session_id=session_id)
        fences[session_id] = (await take(one, session_id=session_id)).fence
        await write(one, fences[session_id], "x", "y", session_id=session_id)
        one.bus.publish(session_id, session_id.encode())
    await until(lambda: all(len(entries) == 2 for entries in heard.values()) and len(bus) == len(heard))
    assert sorted(bus) == sorted(session_id.encode() for session_id in heard)
    assert sorted(await two.leases.expired(now=LEASE_MS, limit=999)) == sorted(heard)
    assert len(await two.directory.list("ann", before=None, limit=999)) == len(heard)

    # A slot moves to another master, while nodes believe that it is where it was.
    bucket = next(bucket for bucket in sessions if slot_of(bucket) < SLOTS // 3)
    session_id, slot = sessions[bucket], slot_of(bucket)
    await move_slot(cluster, slot)
    await write(one, fences[session_id], "moved", number=2, session_id=session_id)
    assert await written(two, session_id) == [(1, "x"), (2, "y"), (3, "moved")]
    await there_again(two)
    await until(lambda: len([entry for entry in heard[session_id] if entry.payload]) >= 2)
    await write(one, fences[session_id], "heard", number=3, session_id=session_id)
    await until(lambda: texts(heard[session_id])[-1] == (4, "heard"))

    # A master dies, and its replica takes its slots.
    other = next(each for number, each in sessions.items() if slot_of(number) < SLOTS // 3 and number != bucket)
    before = await one.journal.top(other)
    cluster.masters[0].kill()
    appended = await append_when_it_can(one, fences[other], other)
    assert appended != before.epoch
    await there_again(two)
    assert (await two.journal.read(other, before)).epoch == appended


async def move_slot(cluster: Cluster, slot: int) -> None:
    """As redis-cli does it: importing, migrating, the keys, then the owner."""
    source, target, third = cluster.masters
    source_id, target_id = (server.ask_all("CLUSTER", "MYID") for server in (source, target))
    assert target.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", source_id) == "+OK"
    assert source.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", target_id) == "+OK"
    keys = await asyncio.to_thread(source.ask_list, "CLUSTER", "GETKEYSINSLOT", str(slot), "1000")
    assert keys
    for key in keys:
        reply = source.ask("MIGRATE", "127.0.0.1", str(target.port), key, "0", "5000")
        assert reply == "+OK", reply
    for server in (target, source, third):
        assert server.ask("CLUSTER", "SETSLOT", str(slot), "NODE", target_id) == "+OK"


async def append_when_it_can(node: RedisBackplane, fence: Fence, session_id: str) -> str:
    """Its epoch. The append is tried, always as the same, until it is stored."""
    async with asyncio.timeout(30):
        while True:
            try:
                return (await node.journal.append(session_id, fence, 2, [b"after"])).epoch
            except BackplaneAway:
                await asyncio.sleep(0.02)


def is_replicated(master: RedisServer) -> bool:
    """Whether a replica has all that was written. WAIT would tell it only of the connection that wrote."""
    told = dict(line.split(":", 1) for line in master.ask_all("INFO", "replication").splitlines() if ":" in line)
    replicas = [value for name, value in told.items() if name.startswith("slave") and "offset=" in value]
    return any(f"offset={told['master_repl_offset']}," in replica for replica in replicas)


async def test_sentinel_gives_another_master(watched: Watched, open_redis: Open) -> None:
    one, two = await open_redis(watched.url, max_retry_s=0.2), await open_redis(watched.url, max_retry_s=0.2)
    heard: list[Entry] = []
    await two.journal.follow("s", heard.extend)
    fence = (await take(one)).fence
    await write(one, fence, "a")
    before = await one.journal.top("s")
    await until(lambda: bool(heard))
    await until(lambda: is_replicated(watched.master))
    watched.master.kill()
    epoch = await append_when_it_can(one, fence, "s")
    assert epoch != before.epoch
    await there_again(two)
    page = await two.journal.read("s", before)
    assert not page.complete
    assert texts(page.entries) == [(1, "a"), (2, "after")]
    await accept(two, "a")
    await write(one, fence, "live", number=3)
    await until(lambda: texts(heard)[-1] == (3, "live"))
