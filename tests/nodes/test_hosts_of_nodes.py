"""Pages on one node execute the calls of runs that another drives: sockets drop, pages reload, nodes die."""

import contextlib
import signal

import pytest

from hub.terminal.link import LinkLost
from tests.interop.workbook.pages import page
from tests.nodes.nodes import Nodes
from tests.nodes.test_two_nodes import Client, by_provider, client
from tests.provider_server.script import CallTool, Say, Script
from tests.provider_server.server import ProviderServer

pytestmark = pytest.mark.interop

# No node is to be taken for dead that is only slow: where none that drives dies, leases are long.
KEY = "a-secret-of-this-page"
WRITE = CallTool("write_range", {"range": "A1:A2", "values": [[1], [2]]}, call_id="toolu_1")
SUM = CallTool("apply_formula", {"range": "A3", "formula": "=SUM(A1:A2)"}, call_id="toolu_2")
READ = CallTool("read_range", {"range": "A1:A3"}, call_id="toolu_3")


async def ask(who: Client, message_id: str = "m-1") -> None:
    await who.link.invoke("UpdateSession", "s", {"autonomy": "agent-yolo"})
    await who.send(message_id)


async def test_a_page_at_another_node_executes_the_calls(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        provider.add(Script(WRITE), Script(SUM), Script(READ), Script(Say("The sum is 3.")))
        one, two = (nodes.start(plain=by_provider(provider), LEASE_S="30") for _ in range(2))
        async with client(one.url, "s") as ann, page(two.url, "s", hostKey=KEY) as workbook:
            await ask(ann)
            assert (await ann.until("done"))["outcome"] == "completed"
            completes = [event for event in ann.events if event["type"] == "tool_complete"]
            assert [event["outcome"] for event in completes] == ["success"] * 3
            read = completes[-1]["result"]
            assert isinstance(read, dict) and read["values"] == [[1], [2], [3]]
            host_id = (await workbook.until("registered"))["hostId"]
            assert {event["host"] for event in ann.events if event["type"] == "tool_start"} == {host_id}
        assert [one["callId"] for one in workbook.all("executing")] == ["toolu_1", "toolu_2", "toolu_3"]
        assert [request.refused for request in provider.requests] == [None] * 4


async def test_a_page_reloads_at_another_node_and_delivers_by_its_key(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        provider.add(Script(WRITE), Script(Say("Written.")))
        one, two = (nodes.start(plain=by_provider(provider), LEASE_S="30") for _ in range(2))
        async with client(one.url, "s") as ann:
            async with page(two.url, "s", hostKey=KEY, holds=True) as before:
                await ask(ann)
                await before.until("executing")
            async with page(one.url, "s", hostKey=KEY, delivers=["toolu_1"]) as after:
                assert (await after.until("delivered"))["accepted"] is True
                assert (await ann.until("done"))["outcome"] == "completed"
            complete = await ann.until("tool_complete")
            assert (complete["outcome"], complete["result"]) == ("success", "from before")
        assert before.all("registered")[0]["hostId"] == after.all("registered")[0]["hostId"]
        assert after.all("executing") == []


async def test_two_tabs_at_two_nodes_run_each_call_once(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        provider.add(Script(WRITE), Script(SUM), Script(Say("Done.")))
        one, two = (nodes.start(plain=by_provider(provider), LEASE_S="30") for _ in range(2))
        async with client(one.url, "s") as ann, page(one.url, "s", hostKey=KEY) as older:
            async with page(two.url, "s", hostKey=KEY) as newer:
                await ask(ann)
                assert (await ann.until("done"))["outcome"] == "completed"
        assert [one["callId"] for one in newer.all("executing")] == ["toolu_1", "toolu_2"]
        assert older.all("executing") == []


async def test_the_node_of_the_page_dies_while_it_writes(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        provider.add(Script(WRITE), Script(Say("It may have been written.")), Script(READ), Script(Say("Read.")))
        one, two = (nodes.start(plain=by_provider(provider), HOST_GRACE_S="2", LEASE_S="30") for _ in range(2))
        async with client(one.url, "s") as ann:
            async with page(two.url, "s", hostKey=KEY, holds=True) as before:
                await ask(ann)
                await before.until("executing")
                two.end(signal.SIGKILL)
                async with page(one.url, "s", hostKey=KEY) as after:
                    complete = await ann.until("tool_complete")
                    assert complete["outcome"] == "interrupted"
                    assert "may have been run" in str(complete["error"])
                    await ann.until("done")
                    await ann.send("m-2")  # its next call finds the page where it is now
                    assert (await ann.until("done", 2))["outcome"] == "completed"
            assert [one["callId"] for one in after.all("executing")] == ["toolu_3"]
        assert [request.refused for request in provider.requests] == [None] * 4


async def test_the_node_that_drives_dies_while_a_page_writes(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        provider.add(Script(WRITE), Script(Say("Again.")))
        one, two = (nodes.start(plain=by_provider(provider)) for _ in range(2))
        async with client(two.url, "s") as bob, page(two.url, "s", hostKey=KEY, holds=True) as workbook:
            with contextlib.suppress(LinkLost):
                async with client(one.url, "s") as ann:
                    await ask(ann)
                    await workbook.until("executing")
                    one.end(signal.SIGKILL)
            assert (await bob.until("tool_complete"))["outcome"] == "interrupted"
            assert (await bob.until("done"))["outcome"] == "interrupted"
            workbook.go_on()
            late = await workbook.until("answered")
            assert late["accepted"] is False and "call_closed" in str(late["error"])
            await bob.send("m-2")
            assert (await bob.until("done", 2))["outcome"] == "completed"
        assert len(workbook.all("executing")) == 1
        assert [request.refused for request in provider.requests] == [None] * 2
