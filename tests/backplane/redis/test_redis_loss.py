"""What a node does when Redis, or the way to it, fails."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from hub.backplane.base import Entry, Position
from hub.backplane.redis import RedisBackplane
from hub.errors import BackplaneAway, SettingsError, StaleFence
from tests.backplane.redis.conftest import Open
from tests.backplane.redis.proxy import Proxy, all_of_it, nothing
from tests.backplane.redis_server import RedisServer
from tests.backplane.steps import LEASE_MS, accept, settle, take, texts, until, write, written


async def is_there(backplane: RedisBackplane) -> None:
    await until(lambda: backplane.away_s == 0)


async def heard_again(publisher: RedisBackplane, heard: list[bytes]) -> None:
    def is_heard() -> bool:
        publisher.bus.publish("a", b"1")
        return bool(heard)

    await until(is_heard)


async def test_append_whose_reply_is_lost_is_stored_once(server: RedisServer, proxy: Proxy, open_redis: Open) -> None:
    node, other = await open_redis(proxy.url), await open_redis(server.url)
    fence = (await take(node)).fence
    await write(node, fence, "a")
    proxy.replies = nothing
    lost = node.journal.append("s", fence, 2, [b"b", b"c"])
    while (await other.journal.top("s")).offset < 3:
        await asyncio.wait_for(other.servers.call(0, b"PING"), 10)
    proxy.cut()
    with pytest.raises(BackplaneAway):
        await lost
    proxy.replies = all_of_it
    await is_there(node)
    again = await node.journal.append("s", fence, 2, [b"b", b"c"])
    assert (again.first, again.last) == (2, 3)
    await write(node, fence, "d", number=3)
    assert await written(other) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


async def test_cut_link_is_told_to_followers_and_they_hear_again(
    server: RedisServer, proxy: Proxy, open_redis: Open
) -> None:
    node, other = await open_redis(proxy.url), await open_redis(server.url)
    fence = (await take(other)).fence
    batches: list[Sequence[Entry]] = []
    heard: list[bytes] = []
    await node.journal.follow("s", batches.append)
    await node.bus.subscribe("a", heard.append)
    proxy.refuses = True
    proxy.cut()
    await until(lambda: node.away_s > 0)
    await write(other, fence, "missed")
    proxy.refuses = False
    await until(lambda: () in batches)
    await write(other, fence, "live", number=2)
    await until(lambda: len(batches) == 2)
    assert texts(batches[1]) == [(2, "live")]
    await heard_again(other, heard)


async def test_calls_fail_at_once_while_it_is_away(server: RedisServer, proxy: Proxy, open_redis: Open) -> None:
    node = await open_redis(proxy.url)
    fence = (await take(node)).fence
    proxy.refuses = True
    proxy.cut()
    await until(lambda: node.away_s > 0)
    node.bus.publish("a", b"1")
    for call in (
        write(node, fence, "a"),
        accept(node, "a"),
        node.journal.follow("s", lambda _: None),
        node.bus.subscribe("a", lambda _: None),
        node.directory.get("s"),
        node.leases.expired(now=0, limit=1),
        node.claims.claim("c", "node", 0),
        node.claims.owner("c"),
        node.claims.keep(["c"], "node", 0),
    ):
        with pytest.raises(BackplaneAway):
            await call
    assert node.bus.lost == 1
    proxy.refuses = False
    await is_there(node)
    await write(node, fence, "a")


async def test_node_that_hears_nothing_notices_and_connects_again(
    server: RedisServer, proxy: Proxy, open_redis: Open
) -> None:
    node = await open_redis(proxy.url, timeout_s=0.3)
    heard: list[bytes] = []
    await node.bus.subscribe("a", heard.append)
    proxy.replies = lambda data: b"" if b"message" in data else data
    await until(lambda: node.servers.losses > 0)
    proxy.replies = all_of_it
    await is_there(node)
    await heard_again(node, heard)


async def test_node_that_was_held_up_does_not_take_its_own_silence_for_the_servers(
    server: RedisServer, open_redis: Open
) -> None:
    node = await open_redis(server.url, timeout_s=0.2, probe_s=0.05)
    before = node.servers.losses
    for _ in range(3):
        asked = asyncio.create_task(node.journal.top("s"))
        await asyncio.sleep(0)  # it is on its way, and so is a probe now and then
        time.sleep(0.5)  # noqa: ASYNC251  # as a node does that gets no processor
        assert (await asked).offset == 0
    assert node.servers.losses == before


async def test_server_that_is_silent_is_away_until_it_speaks(own_server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(own_server.url, timeout_s=0.3, probe_s=60.0)
    own_server.pause()
    with pytest.raises(BackplaneAway):
        await node.journal.top("s")
    own_server.resume()
    await is_there(node)
    assert (await node.journal.top("s")).offset == 0


async def test_scripts_that_the_server_forgot_are_given_again(server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(server.url)
    fence = (await take(node)).fence
    server.ask("SCRIPT", "FLUSH")
    done = await asyncio.gather(*(node.journal.append("s", fence, number, [b"x"]) for number in range(1, 11)))
    assert [appended.first for appended in done] == list(range(1, 11))
    server.ask("SCRIPT", "FLUSH")
    assert await settle(node, fence)


async def test_server_restarted_empty_begins_anew(own_server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(own_server.url)
    fence = (await take(node)).fence
    await write(node, fence, "a")
    before = await node.journal.top("s")
    own_server.kill()
    await until(lambda: node.away_s > 0)
    own_server.start()
    await is_there(node)
    with pytest.raises(StaleFence):
        await write(node, fence, "b", number=2)
    page = await node.journal.read("s", before)
    assert (page.top, page.complete) == (0, False)
    assert page.epoch != before.epoch
    assert (await take(node)).fence.number > fence.number


async def test_server_restarted_from_an_old_snapshot_has_a_new_epoch(own_server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(own_server.url)
    fence = (await take(node)).fence
    await write(node, fence, "a")
    kept = await node.journal.top("s")
    own_server.ask("SAVE")
    await write(node, fence, "lost", number=2)
    later = (await take(node, session_id="t")).fence
    own_server.kill()
    await until(lambda: node.away_s > 0)
    own_server.start()
    await is_there(node)
    with pytest.raises(StaleFence, match="lost"):
        await write(node, fence, "after what was lost", number=3)
    again = (await take(node, now=LEASE_MS)).fence
    await write(node, again, "anew")
    page = await node.journal.read("s", Position(kept.epoch, 2))
    assert not page.complete
    assert page.epoch != kept.epoch
    assert texts(page.entries) == [(1, "a"), (2, "anew")]
    assert {entry.epoch for entry in page.entries} == {page.epoch}
    # A fence that was given out and forgotten is never given out again.
    assert (await take(node, session_id="t")).fence.number > later.number


async def test_what_was_lost_with_its_events_is_not_settled(own_server: RedisServer, open_redis: Open) -> None:
    node = await open_redis(own_server.url)
    await accept(node, "a")
    fence = (await take(node)).fence
    await write(node, fence, "begin")
    own_server.ask("SAVE")
    await write(node, fence, "end", number=2)
    own_server.kill()
    await until(lambda: node.away_s > 0)
    own_server.start()
    await is_there(node)
    with pytest.raises(StaleFence, match="lost"):
        await settle(node, fence, "run-a", appended=2)
    with pytest.raises(StaleFence, match="lost"):  # nor is the lease kept by who has nothing to settle
        await node.leases.renew("s", fence, now=0, lease_ms=LEASE_MS, appended=2)
    await node.leases.renew("s", fence, now=0, lease_ms=LEASE_MS, appended=1)
    assert [known.ask.run_id for known in (await settle(node, fence)).asks] == ["run-a"]
    assert (await settle(node, fence, "run-a", appended=1)).asks == ()


async def test_epoch_of_a_restart_is_the_same_for_who_reads_first_and_who_appends_first(
    own_server: RedisServer, open_redis: Open
) -> None:
    node, other = await open_redis(own_server.url), await open_redis(own_server.url)
    fences = {session_id: (await take(node, session_id=session_id)).fence for session_id in "st"}
    for session_id, fence in fences.items():
        await write(node, fence, "a", session_id=session_id)
    own_server.ask("SAVE")
    own_server.kill()
    await until(lambda: node.away_s > 0 and other.away_s > 0)
    own_server.start()
    await is_there(node)
    await is_there(other)
    position = await other.journal.top("s")
    assert (await node.journal.append("s", fences["s"], 2, [b"b"])).epoch == position.epoch
    appended = await node.journal.append("t", fences["t"], 2, [b"b"])
    assert (await other.journal.read("t")).epoch == appended.epoch


async def test_after_an_outage_nobody_adopts_for_a_lease_time(
    server: RedisServer, proxy: Proxy, open_redis: Open
) -> None:
    driver, other = await open_redis(server.url), await open_redis(proxy.url, lease_s=60.0)
    await accept(driver, "a")
    fence = (await take(driver, "driver")).fence
    proxy.cut()
    await until(lambda: other.servers.losses > 0)
    await is_there(other)
    late = 5 * LEASE_MS
    assert await other.leases.expired(now=late, limit=9) == []
    assert await other.leases.take("s", "other", now=late, lease_ms=LEASE_MS) is None
    await settle(driver, fence, now=late)  # whom the time is for
    assert await other.leases.take("free", "other", now=late, lease_ms=LEASE_MS) is not None


async def test_after_that_it_adopts(server: RedisServer, open_redis: Open) -> None:
    driver, other = await open_redis(server.url), await open_redis(server.url, lease_s=0.1)
    await take(driver, "driver")
    other.servers.of(0).close()
    found: list[str] = []
    async with asyncio.timeout(10):
        while not found:
            try:
                found = await other.leases.expired(now=LEASE_MS, limit=9)
            except BackplaneAway:
                await asyncio.sleep(0)
    assert found == ["s"]
    assert await other.leases.take("s", "other", now=LEASE_MS, lease_ms=LEASE_MS) is not None


async def test_start_without_a_server_says_what_to_do(open_redis: Open, own_server: RedisServer) -> None:
    own_server.kill()
    with pytest.raises(SettingsError, match="start it, or name another") as caught:
        await open_redis(own_server.url, start_timeout_s=0.1)
    assert str(caught.value).count("Redis") == 1


async def test_start_with_a_wrong_password_says_so_and_not_which(server: RedisServer, open_redis: Open) -> None:
    with pytest.raises(SettingsError, match="refuses") as caught:
        await open_redis(server.url.replace("redis://", "redis://ann:hidden@"))
    assert "hidden" not in str(caught.value)
