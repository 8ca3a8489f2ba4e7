"""Two nodes on one Redis, and what is left in it."""

import asyncio

import pytest
from redis.crc import key_slot

from hub.backplane.base import Entry, Fold, Note, Row, SessionRecord, Settle
from hub.backplane.redis import RedisBackplane
from hub.backplane.redis.keys import BUCKETS, Keys, slot_of
from hub.clock import now_ms
from tests.backplane.redis.conftest import Open
from tests.backplane.redis_server import RedisServer
from tests.backplane.steps import LEASE_MS, accept, stop, take, texts, until, write, written


async def test_nodes_hear_each_other(server: RedisServer, open_redis: Open) -> None:
    one, two = await open_redis(server.url), await open_redis(server.url)
    heard: list[bytes] = []
    entries: list[Entry] = []
    await two.bus.subscribe("a", heard.append)
    await two.journal.follow("s", entries.extend)
    for number in range(1000):
        one.bus.publish("a", b"%d" % number)
    await write(one, (await take(one)).fence, "x", "y")
    await until(lambda: len(heard) == 1000 and len(entries) == 2)
    assert heard == [b"%d" % number for number in range(1000)]
    assert texts(entries) == [(1, "x"), (2, "y")]


async def test_hubs_in_other_databases_do_not(server: RedisServer, open_redis: Open) -> None:
    one, other = await open_redis(server.url), await open_redis(server.url + "/3")
    heard: list[bytes] = []
    await one.bus.subscribe("a", heard.append)
    other.bus.publish("a", b"other")
    await other.journal.top("s")  # sent after it on the same connection
    one.bus.publish("a", b"mine")
    await until(lambda: bool(heard))
    assert heard == [b"mine"]


async def test_decisions_of_two_nodes_at_once_are_one_order(server: RedisServer, open_redis: Open) -> None:
    nodes = [await open_redis(server.url) for _ in range(3)]
    done = await asyncio.gather(*(accept(nodes[n % 3], str(n), max_queued=99) for n in range(60)))
    assert [accepted.outcome for accepted in done] == ["new"] * 60
    work = (await take(nodes[0])).work
    assert sorted(int(known.ask.ask_id) for known in work.asks) == list(range(60))
    assert [known.state for known in work.asks] == ["active"] + ["queued"] * 59


async def test_takers_of_two_nodes_have_one_winner_each_time(server: RedisServer, open_redis: Open) -> None:
    nodes = [await open_redis(server.url) for _ in range(2)]
    for turn in range(10):
        leases = await asyncio.gather(
            *(node.leases.take("s", str(node), now=turn * LEASE_MS, lease_ms=LEASE_MS) for node in nodes * 3)
        )
        assert sum(lease is not None for lease in leases) == 1


async def test_clock_of_a_node_that_is_ahead_does_not_take_what_others_hold(
    server: RedisServer, open_redis: Open
) -> None:
    right, ahead = await open_redis(server.url), await open_redis(server.url, probe_s=60.0)
    ahead.servers.skew_ms = -10 * LEASE_MS
    lease = await take(right, now=0)
    their_now = lease.expires_at - 1 + 10 * LEASE_MS
    assert await ahead.leases.take("s", "ahead", now=their_now, lease_ms=LEASE_MS) is None
    assert await ahead.leases.expired(now=their_now, limit=9) == []
    taken = await ahead.leases.take("s", "ahead", now=their_now + 1, lease_ms=LEASE_MS)
    assert taken is not None
    assert taken.expires_at == their_now + 1 + LEASE_MS


async def test_claim_has_one_winner_on_all_nodes(server: RedisServer, open_redis: Open) -> None:
    nodes = [await open_redis(server.url) for _ in range(2)]
    names = [f"node {i}" for i in range(10)]
    asked = (node.claims.claim("token", name, 10**15) for node, name in zip(nodes * 5, names, strict=True))
    claims = await asyncio.gather(*asked)
    assert sum(claims) == 1
    winner = names[claims.index(True)]
    assert [await node.claims.owner("token") for node in nodes] == [winner, winner]
    assert await nodes[0].claims.owner("another") is None
    assert await nodes[0].claims.claim("another", "one", 0)


async def test_claims_are_kept_also_where_the_store_forgot_them(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url)
    names = [f"token {i}" for i in range(600)]  # more than one round trip
    await node.claims.claim(names[0], "one", 0)
    await node.claims.keep(names, "one", now_ms() + 1_000_000)
    for name in (names[0], names[-1]):
        assert await node.claims.owner(name) == "one"
        assert not await node.claims.claim(name, "two", 0)
        bucket, key = node.servers.keys.claim(name)
        left_ms = await node.servers.call(bucket, b"PTTL", key)
        assert isinstance(left_ms, int)
        assert left_ms > 1_000_000


# ------------------------------------------------------------------------------------------------ subscriptions


async def test_channel_is_subscribed_once_and_left_late(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url, unsubscribe_after_s=0.05, probe_s=60.0)
    first = await node.journal.follow("s", lambda _: None)
    second = await node.journal.follow("s", lambda _: None)
    assert node.subscriptions.count == 1
    first.close()
    second.close()
    assert node.subscriptions.count == 1
    await until(lambda: node.subscriptions.count == 0)
    heard: list[Entry] = []
    await node.journal.follow("s", heard.extend)
    await write(node, (await take(node)).fence, "a")
    await until(lambda: texts(heard) == [(1, "a")])


async def test_channel_that_is_wanted_again_in_time_stays(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url, unsubscribe_after_s=60.0, probe_s=60.0)
    (await node.bus.subscribe("a", lambda _: None)).close()
    heard: list[bytes] = []
    await node.bus.subscribe("a", heard.append)
    assert node.subscriptions.count == 1
    node.bus.publish("a", b"1")
    await until(lambda: heard == [b"1"])


# --------------------------------------------------------------------------------------------------------- keys


async def fill(node: RedisBackplane, session_id: str) -> None:
    """Everything that a session can leave in the store, a run of it still active."""
    await node.directory.create(SessionRecord(session_id, "ann", {"bob": "viewer"}, 1, b"{}"))
    fence = (await take(node, session_id=session_id)).fence
    for name in ("one", "two"):
        await accept(node, name, session_id=session_id)
    await node.inbox.note(session_id, Note("n", [b"1"]), now=0)
    await node.inbox.answer(session_id, "call", b"x")
    await write(node, fence, "a", "b", "c", session_id=session_id)
    settle = Settle(["run-one"], ["n"], ["call"])
    await node.leases.renew(session_id, fence, now=0, lease_ms=LEASE_MS, settle=settle)
    await node.journal.compact(session_id, fence, Fold(2, b"state", [Row(1, "m", b"1")]))


async def all_keys(node: RedisBackplane) -> list[bytes]:
    found = await node.servers.call(0, b"KEYS", b"*")
    assert isinstance(found, list)
    return [key for key in found if isinstance(key, bytes)]


async def test_every_key_expires_or_is_one_of_each_bucket(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url)
    await fill(node, "s")
    await node.claims.claim("token", "node", 10**15)
    keys = await all_keys(node)
    assert len(keys) == 6 + 2 + 1 + 2
    for key in keys:
        left_ms = await node.servers.call(0, b"PTTL", key)
        assert isinstance(left_ms, int)
        assert left_ms > 0 or key.rpartition(b":")[2] in (b"due", b"fence"), key


async def test_each_way_to_begin_a_session_gives_it_an_expiry(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url)
    await node.journal.top("read")
    await node.journal.read("read too")
    await accept(node, "a", session_id="asked")
    await stop(node, ask_id="early")
    fence = (await take(node, session_id="written")).fence
    await write(node, fence, "a", session_id="written")
    for key in await all_keys(node):
        left_ms = await node.servers.call(0, b"PTTL", key)
        assert isinstance(left_ms, int)
        assert left_ms > 0 or key.rpartition(b":")[2] in (b"due", b"fence"), key


async def test_deleted_session_leaves_no_key(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url)
    await fill(node, "s")
    await node.directory.delete("s")
    await node.inbox.delete("s")
    await node.journal.delete("s")
    assert [key.rpartition(b":")[2] for key in await all_keys(node)] == [b"fence"]


async def test_append_that_a_fold_cuts_in_two_is_read_from_there(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url)
    await fill(node, "s")
    assert await written(node) == [(3, "c")]


@pytest.mark.parametrize("session_id", ["s", "", "{x}", "a}b{c", "é", "s\x00t"])
def test_all_of_a_session_is_in_one_slot(session_id: str) -> None:
    keys = Keys("hubline")
    session = keys.session(session_id)
    names = (*session.all(), session.channel, keys.due(session.bucket), keys.fence(session.bucket))
    assert {key_slot(name) for name in names} == {slot_of(session.bucket)}


def test_buckets_are_spread_over_the_slots() -> None:
    thirds = [slot_of(bucket) * 3 // 16_384 for bucket in range(BUCKETS)]
    assert min(thirds.count(third) for third in range(3)) > BUCKETS // 5


def test_names_are_made_once() -> None:
    keys = Keys("hubline")
    assert keys.session("s") is keys.session("s")
    assert keys.session("s") != Keys("other").session("s")
