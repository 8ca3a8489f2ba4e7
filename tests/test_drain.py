"""SIGTERM to a node on its own: the answers under way end, what waits is kept, clients are told to come again."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from hub.terminal.link import Link, LinkLost, open_link, record_of
from tests.provider_server.script import Gate, Say, Script
from tests.provider_server.server import ProviderServer
from tests.running import Running, running

TIMEOUT_S = 30


@dataclass
class Answering:
    """A node with an answer under way, seen by a client."""

    server: Running
    link: Link
    session_id: str
    events: AsyncIterator[object]
    gate: Gate

    async def until(self, kind: str) -> Mapping[str, object]:
        async with asyncio.timeout(TIMEOUT_S):
            async for event in self.events:
                if record_of(event)["type"] == kind:
                    return record_of(event)
        raise AssertionError(f"the watch ended before {kind}")

    async def send(self, message_id: str) -> object:
        return await self.link.invoke("SendMessage", self.session_id, {"messageId": message_id, "content": message_id})

    async def not_ready(self) -> None:
        """Until the node says that it takes no traffic."""
        async with asyncio.timeout(TIMEOUT_S), httpx2.AsyncClient(base_url=self.server.url) as client:
            while (await client.get("/readyz")).status_code != 503:
                pass
            assert (await client.get("/healthz")).status_code == 200

    async def exit_code(self) -> int:
        return await asyncio.to_thread(self.server.process.wait, TIMEOUT_S)


@contextlib.asynccontextmanager
async def answering(folder: Path, provider: ProviderServer, *flags: str) -> AsyncIterator[Answering]:
    gate = Gate()
    provider.add(Script(Say("One, ", gate, "two.")))
    with running(folder, *flags, environment=environment(provider)) as server:
        async with open_link(server.url) as link:
            opened = record_of(await link.invoke("OpenSession", {}))
            session_id = str(opened["sessionId"])
            async with contextlib.aclosing(link.stream("Watch", session_id, None)) as events:
                node = Answering(server, link, session_id, events, gate)
                await node.send("first")
                await node.until("text")
                yield node


def environment(provider: ProviderServer) -> Mapping[str, str]:
    return {"ANTHROPIC_API_KEY": provider.api_key, "ANTHROPIC_BASE_URL": provider.base_url, "HUBLINE_LEASE_S": "0.5"}


async def statuses(url: str, session_id: str, *, last: str) -> list[tuple[object, object]]:
    """What each message of the session has come to, once it has this one and nothing is under way."""
    async with open_link(url) as link, asyncio.timeout(TIMEOUT_S):
        while True:
            page = record_of(await link.invoke("History", session_id))
            messages = page["messages"]
            assert isinstance(messages, list)
            found = [(message["role"], message["status"]) for message in messages]
            is_there = any(message["messageId"] == last for message in messages)
            if is_there and found[-1][0] == "assistant" and found[-1][1] not in ("queued", "streaming"):
                return found


async def test_the_answer_under_way_ends_and_what_came_later_waits_for_the_next_node(tmp_path: Path) -> None:
    async with ProviderServer() as provider:
        async with answering(tmp_path, provider) as node:
            node.server.process.send_signal(signal.SIGTERM)
            await node.not_ready()
            await node.send("second")
            node.gate.open()
            done = await node.until("done")
            assert done["outcome"] == "completed"
            with pytest.raises(LinkLost):
                await node.until("never")
            assert await node.exit_code() == 0
        assert len(provider.requests) == 1
        assert not any("level=warning" in line or "level=error" in line for line in node.server.log), node.server.log
        with running(tmp_path, environment=environment(provider)) as server:
            found = await statuses(server.url, node.session_id, last="second")
    assert found == [("user", "complete"), ("assistant", "complete")] * 2


async def test_an_answer_that_does_not_end_in_time_is_interrupted(tmp_path: Path) -> None:
    async with ProviderServer() as provider:
        async with answering(tmp_path, provider, "--drain-s", "0.2") as node:
            request = await provider.next_request()
            node.server.process.send_signal(signal.SIGTERM)
            assert await node.exit_code() == 0
            await asyncio.wait_for(request.closed_by_client.wait(), TIMEOUT_S)
        assert any("drain_s (0.2 s)" in line for line in node.server.log), node.server.log
        with running(tmp_path, environment=environment(provider)) as server:
            found = await statuses(server.url, node.session_id, last="first")
    assert found == [("user", "complete"), ("assistant", "interrupted")]


async def test_a_second_signal_waits_for_no_answer(tmp_path: Path) -> None:
    async with ProviderServer() as provider, answering(tmp_path, provider, "--drain-s", "600") as node:
        node.server.process.send_signal(signal.SIGTERM)
        await node.not_ready()
        node.server.process.send_signal(signal.SIGTERM)
        assert await node.exit_code() == 0
    assert not any("Traceback" in line for line in node.server.log), node.server.log


async def test_ctrl_c_waits_for_no_answer(tmp_path: Path) -> None:
    async with ProviderServer() as provider, answering(tmp_path, provider, "--drain-s", "600") as node:
        node.server.process.send_signal(signal.SIGINT)
        assert await node.exit_code() == 0
