"""Which step offers a host's tools: the first one after it has registered, at whichever node that was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hub.backplane.memory import MemoryBackplane
from hub.hooks.base import Found, Question
from hub.hooks.registry import Hooks
from hub.runs.hosts.hosting import HostWish
from hub.runs.hosts.tools import FRESH_MS
from hub.tools.client_side import ClientTool
from hub.tools.toolset import Toolset
from tests.runs.node import USER, Node, until
from tests.runs.scripted import call, end, says

WISH = HostWish(name="Book", tools=[ClientTool(name="write_range")], host_key="a key")


class Two:
    """Two nodes on one store. The first one drives; hosts come to the other one. `come` is a server tool within which a
    host comes, `find` a hook before the first step that may wait."""

    def __init__(self) -> None:
        backplane = MemoryBackplane()
        tools, hooks = Toolset(), Hooks()
        self.comes_while_found = False

        @tools.tool()
        async def come() -> str:
            await self.host_comes()
            return "come"

        @hooks.add_context()
        async def find(question: Question) -> list[Found]:
            if self.comes_while_found:
                await self.host_comes()
                self.driving.clock.ahead_ms += FRESH_MS + 1
            return []

        self.driving = Node(backplane, tools=tools, hooks=hooks)
        self.other = Node(backplane, owner="node_2")

    async def host_comes(self) -> None:
        await self.other.chats.hosting.register(USER, "ses", "tab", WISH)

    async def host_goes(self) -> None:
        await self.other.chats.hosting.register(USER, "ses", "tab", HostWish(name="Book", tools=[], host_key="a key"))

    def offered(self) -> list[bool]:
        """By step, over all runs."""
        streams = self.driving.provider.streams
        return [any(spec.name == "write_range" for spec in stream.request.tools) for stream in streams]


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    two = Two()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(two.other.running())
        await stack.enter_async_context(two.driving.running())
        await two.driving.open()
        yield two
        await two.other.chats.hosting.leave("tab")


async def test_a_host_that_came_before_the_message_is_seen_by_its_first_step(two: Two) -> None:
    two.driving.provider.scripts = [says("one"), says("two"), says("three")]
    await two.driving.send("without")
    await two.driving.idle()
    await two.host_comes()
    await two.driving.send("with")
    await two.driving.idle()
    await two.host_goes()
    await two.driving.send("without again")
    await two.driving.idle()
    assert two.offered() == [False, True, False]


async def test_a_host_that_comes_in_mid_run_is_seen_by_the_next_step(two: Two) -> None:
    two.driving.provider.scripts = [[*call("c1", "come"), end("tool_calls")], says("two")]
    await two.driving.send("go")
    await two.driving.idle()
    assert two.offered() == [False, True]


async def test_a_host_that_comes_while_a_hook_finds_is_seen_by_the_first_step(two: Two) -> None:
    two.comes_while_found = True
    two.driving.provider.scripts = [says("one")]
    await two.driving.send("go")
    await two.driving.idle()
    assert two.offered() == [True]


async def test_a_host_that_comes_while_a_message_waits_is_seen_by_its_first_step(two: Two) -> None:
    gate = asyncio.Event()
    two.driving.provider.scripts = [[gate, *says("one")], says("two")]
    await two.driving.send("first")
    await until(lambda: two.driving.provider.open_streams == 1)
    await two.driving.send("second")
    await two.host_comes()
    gate.set()
    await two.driving.idle()
    assert two.offered() == [False, True]
