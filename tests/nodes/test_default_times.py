"""By default settings a dead node is noticed soon, and an outage of Redis for ten seconds ends no answer."""

import asyncio
import contextlib
import signal
from copy import deepcopy
from pathlib import Path

import pytest

from hub.config import Settings
from hub.runs.limits import RunLimits
from hub.terminal.link import LinkLost
from tests.backplane.redis_server import RedisServer
from tests.nodes.nodes import Nodes
from tests.nodes.test_two_nodes import TIMEOUT_S, Client, by_provider, client
from tests.provider_server.script import Gate, Say, Script
from tests.provider_server.server import ProviderServer
from tests.runs.client_fold import ClientFold

LEASE_S: float = Settings.model_fields["lease_s"].default
SOON_S = 10
OUTAGE_S = 10


def test_a_dead_nodes_lease_is_found_expired_in_time() -> None:
    """Renewed just before the death, and looked for just before it expired."""
    assert LEASE_S + RunLimits().scan_s < SOON_S


async def test_a_killed_nodes_session_takes_a_new_message_at_once(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        gate = Gate()
        provider.add(Script(Say("One, ", gate, "two.")))
        one = nodes.start(plain=by_provider(provider), LEASE_S=str(LEASE_S))
        two = nodes.start(plain=by_provider(provider), LEASE_S=str(LEASE_S))
        async with client(two.url, "s") as bob:
            with contextlib.suppress(LinkLost):
                async with client(one.url, "s") as ann:
                    await ann.send("first")
                    await bob.until("text")
                    one.end(signal.SIGKILL)
            assert (await bob.until("done"))["outcome"] == "interrupted"
            await bob.send("second")
            assert (await bob.until("done", 2))["outcome"] == "completed"
            assert await bob.statuses() == ["complete", "interrupted", "complete", "complete"]


async def shown(watcher: Client) -> str:
    """The answer as a client shows it, once it is complete."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            fold = ClientFold()
            for event in watcher.events:
                fold.take(deepcopy(event))  # it folds in place
            for message in fold.messages.values():
                if message["role"] == "assistant" and message["status"] == "complete":
                    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")
            watcher.came.clear()
            await watcher.came.wait()


@pytest.mark.parametrize("how", ["paused", "restarted"])
async def test_an_outage_interrupts_nothing(nodes: Nodes, tmp_path: Path, how: str) -> None:
    """Of Redis: it answers nothing for so long, or is gone and comes back with what it had."""
    redis = RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "no")
    redis.start()
    try:
        async with ProviderServer() as provider:
            gate = Gate()
            provider.add(Script(Say("One, ", gate, "two.")))
            plain = {**by_provider(provider), "HUBLINE_BACKPLANE": f"{redis.url}/0"}
            one = nodes.start(plain=plain, LEASE_S=str(LEASE_S))
            two = nodes.start(plain=plain, LEASE_S=str(LEASE_S))
            async with client(one.url, "s") as ann, client(two.url, "s") as bob:
                await ann.send("first")
                await bob.until("text")
                if how == "paused":
                    redis.pause()
                else:
                    redis.kill()
                await asyncio.sleep(OUTAGE_S / 2)
                gate.open()  # the answer goes on meanwhile
                await asyncio.sleep(OUTAGE_S / 2)
                if how == "paused":
                    redis.resume()
                else:
                    await asyncio.to_thread(redis.start)
                for each in (ann, bob):  # by its events, or by a snapshot: of a new epoch, or as the deltas are gone
                    assert await shown(each) == "One, two."
                async with asyncio.timeout(TIMEOUT_S):
                    while len(await bob.statuses()) < 2:  # noqa: ASYNC110  # what others see, not an event
                        await asyncio.sleep(0.05)
                assert await bob.statuses() == ["complete", "complete"]
    finally:
        redis.kill()
