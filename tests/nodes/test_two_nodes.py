"""Two nodes on one Redis: what is begun at one is seen, steered and carried on at the other."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest

from hub.terminal.link import Link, LinkLost, open_link, record_of
from tests.nodes.nodes import Nodes
from tests.provider_server.script import Gate, Say, Script
from tests.provider_server.server import ProviderServer

TIMEOUT_S = 30


@dataclass
class Client:
    """Watches one session over one node."""

    link: Link
    session_id: str
    events: list[Mapping[str, object]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)  # one more event

    async def watch(self) -> None:
        async with contextlib.aclosing(self.link.stream("Watch", self.session_id, None)) as items:
            async for item in items:
                self.events.append(record_of(item))
                self.came.set()

    def types(self) -> list[object]:
        return [event["type"] for event in self.events]

    async def until(self, kind: str, count: int = 1) -> Mapping[str, object]:
        """The so-manieth event of a type."""
        async with asyncio.timeout(TIMEOUT_S):
            while self.types().count(kind) < count:
                await self.came.wait()
                self.came.clear()
        return [event for event in self.events if event["type"] == kind][count - 1]

    async def send(self, message_id: str) -> Mapping[str, object]:
        message = {"messageId": message_id, "content": message_id}
        return record_of(await self.link.invoke("SendMessage", self.session_id, message))

    async def statuses(self) -> list[object]:
        messages = record_of(await self.link.invoke("History", self.session_id))["messages"]
        assert isinstance(messages, list)
        return [message["status"] for message in messages]


@asynccontextmanager
async def client(url: str, session_id: str) -> AsyncIterator[Client]:
    async with open_link(url) as link:
        await link.invoke("OpenSession", {"sessionId": session_id})
        found = Client(link, session_id)
        watching = asyncio.create_task(found.watch())
        try:
            await found.until("snapshot")
            yield found
        finally:
            watching.cancel()
            await asyncio.wait([watching])


def by_provider(provider: ProviderServer) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": provider.api_key, "ANTHROPIC_BASE_URL": provider.base_url}


async def test_an_answer_is_seen_and_stopped_at_another_node(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        gate = Gate()
        provider.add(Script(Say("One, ", gate, "two.")))
        one = nodes.start(plain=by_provider(provider))
        two = nodes.start(plain=by_provider(provider))
        async with client(one.url, "s") as ann, client(two.url, "s") as bob:
            asked = await ann.send("hello")
            await bob.until("text")
            request = await provider.next_request()
            stopped = record_of(await bob.link.invoke("Stop", "s", {"runId": asked["runId"]}))
            assert stopped["outcome"] == "stopping"
            await asyncio.wait_for(request.closed_by_client.wait(), TIMEOUT_S)
            done = await bob.until("done")
            await ann.until("done")
            assert done["outcome"] == "stopped"
            ours, theirs = (
                [event for event in each.events if event["type"] not in ("snapshot", "session")] for each in (ann, bob)
            )
            assert ours == theirs
            gate.open()
            await bob.send("again")
            assert (await ann.until("done", 2))["outcome"] == "completed"


async def test_a_killed_nodes_run_is_interrupted_and_its_queue_carried_on(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        gate = Gate()
        provider.add(Script(Say("One, ", gate, "two.")))
        one = nodes.start(plain=by_provider(provider))
        two = nodes.start(plain=by_provider(provider))
        async with client(two.url, "s") as bob:
            with contextlib.suppress(LinkLost):
                async with client(one.url, "s") as ann:
                    await ann.send("first")
                    await bob.until("text")
                    await ann.send("second")
                    await bob.until("message_queued")
                    one.end(signal.SIGKILL)
            assert (await bob.until("done"))["outcome"] == "interrupted"
            assert (await bob.until("done", 2))["outcome"] == "completed"
            assert await bob.statuses() == ["complete", "interrupted", "complete", "complete"]


async def test_a_node_that_was_only_asleep_cannot_write_any_more(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        gate = Gate()
        provider.add(Script(Say("One, ", gate, "two.")))
        one = nodes.start(plain=by_provider(provider))
        two = nodes.start(plain=by_provider(provider))
        async with client(two.url, "s") as bob:
            async with client(one.url, "s") as ann:
                await ann.send("first")
                await bob.until("text")
                one.process.send_signal(signal.SIGSTOP)
                assert (await bob.until("done"))["outcome"] == "interrupted"
                gate.open()  # what it wakes up to is the rest of the answer
                one.process.send_signal(signal.SIGCONT)
                await ann.until("done")
                await bob.send("second")
                assert (await bob.until("done", 2))["outcome"] == "completed"
                await ann.until("done", 2)
            assert await bob.statuses() == ["complete", "interrupted", "complete", "complete"]
        assert any("session s: no longer driven here" in line for line in one.log), one.log


async def test_a_node_that_drains_sends_its_clients_on_while_its_answer_goes_on(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        gate = Gate()
        provider.add(Script(Say("One, ", gate, "two.")))
        one = nodes.start(plain=by_provider(provider))
        two = nodes.start(plain=by_provider(provider))
        async with client(two.url, "s") as bob:
            async with client(one.url, "s") as ann:
                await ann.send("first")
                await bob.until("text")
                one.process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(TIMEOUT_S):
                    with pytest.raises(LinkLost):
                        while True:  # served until it is told to go
                            await ann.link.invoke("History", "s")
            async with httpx2.AsyncClient(base_url=one.url) as http:
                assert (await http.get("/readyz")).status_code == 503
                refused = await http.post("/hub/negotiate?negotiateVersion=1")
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            await bob.send("second")
            gate.open()
            assert (await bob.until("done"))["outcome"] == "completed"
            assert (await bob.until("done", 2))["outcome"] == "completed"
            assert await asyncio.to_thread(one.process.wait, TIMEOUT_S) == 0
