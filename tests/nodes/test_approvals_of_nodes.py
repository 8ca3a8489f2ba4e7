"""An approval that is asked for on one node is answered on any, once; its node's death ends the call."""

import asyncio
import contextlib
import signal

import pytest

from hub.errors import HubError
from hub.terminal.link import LinkLost, record_of
from tests.nodes.nodes import Nodes
from tests.nodes.test_two_nodes import Client, by_provider, client
from tests.provider_server.script import CallTool, Say, Script
from tests.provider_server.server import ProviderServer

CALL = CallTool("read_table", {"text": "a,b\n1,2"}, call_id="toolu_1")


async def ask(who: Client, message_id: str) -> None:
    """In the mode `ask` every call waits."""
    await who.link.invoke("UpdateSession", "s", {"autonomy": "ask"})
    await who.send(message_id)


async def test_the_first_answer_wins_on_any_node(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        # No node dies here, and none that is slow is to be taken for dead.
        one = nodes.start(plain=by_provider(provider), LEASE_S="30")
        two = nodes.start(plain=by_provider(provider), LEASE_S="30")
        async with client(one.url, "s") as ann, client(two.url, "s") as bob:
            for number, (first, second) in enumerate(((ann, bob), (bob, ann)), start=1):
                provider.add(Script(CALL), Script(Say("Two columns.")))
                await ask(ann, f"m-{number}")
                call_id = (await bob.until("approval_needed", number))["callId"]
                assert call_id == ("toolu_1" if number == 1 else "toolu_1_2")
                yes, no = {"approve": True}, {"approve": False}
                answers = await asyncio.gather(
                    first.link.invoke("ResolveApproval", "s", call_id, yes),
                    second.link.invoke("ResolveApproval", "s", call_id, no),
                )
                given = [record_of(answer) for answer in answers]
                assert sorted(map(repr, (answer["accepted"] for answer in given))) == ["False", "True"]
                assert given[0]["resolution"] == given[1]["resolution"]
                winner = record_of(given[0]["resolution"])
                for each in (ann, bob):
                    complete = await each.until("tool_complete", number)
                    assert complete["outcome"] == ("success" if winner["approve"] else "denied")
                    assert (await each.until("done", number))["outcome"] == "completed"
        assert [request.refused for request in provider.requests] == [None] * 4


async def test_a_call_whose_node_dies_while_it_waits_is_interrupted(nodes: Nodes) -> None:
    async with ProviderServer() as provider:
        provider.add(Script(CALL))
        one = nodes.start(plain=by_provider(provider))
        two = nodes.start(plain=by_provider(provider))
        async with client(two.url, "s") as bob:
            with contextlib.suppress(LinkLost):
                async with client(one.url, "s") as ann:
                    await ask(ann, "m-1")
                    await bob.until("approval_needed")
                    one.end(signal.SIGKILL)
            assert (await bob.until("tool_complete"))["outcome"] == "interrupted"
            assert (await bob.until("done"))["outcome"] == "interrupted"
            with pytest.raises(HubError, match=r"\[call_closed\]"):
                await bob.link.invoke("ResolveApproval", "s", "toolu_1", {"approve": True})
            await bob.send("m-2")
            assert (await bob.until("done", 2))["outcome"] == "completed"
        assert [request.refused for request in provider.requests] == [None] * 2
