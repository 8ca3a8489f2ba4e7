"""What is marked to be cached: each request begins as the one before ended, and says so where Anthropic looks."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.provider_server.script import Answer, CallTool, Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, one

MANY = 15
"""Calls of one step: with their results more blocks than are looked back over."""


def answer(body: Mapping[str, Any]) -> Answer:
    last = body["messages"][-1]["content"]
    if last[-1]["type"] == "tool_result" or "add" not in str(last):
        return Script(Say("Done."))
    return Script(Say("I add."), *(CallTool("add", {"left": number, "right": 1}) for number in range(MANY)))


async def add(left: int, right: int) -> int:
    """Adds."""
    return left + right


def marked(body: Mapping[str, Any]) -> Iterator[str]:
    """All that stands before and at each marker, as what is cached is found by."""
    blocks = [*body["tools"], *body["system"]]
    for message in body["messages"]:
        blocks += [{"role": message["role"], **block} for block in message["content"]]
    prefix = ""
    for block in blocks:
        plain = {name: value for name, value in block.items() if name != "cache_control"}
        prefix += json.dumps(plain, sort_keys=True)
        if "cache_control" in block:
            yield prefix


async def test_each_request_finds_all_of_the_one_before() -> None:
    async with ProviderServer(default=answer) as server:
        settings = {**anthropic_at(server), "provider": "anthropic"}
        async with chatting(settings, add) as chat:
            await chat.client.invoke("UpdateSession", chat.session_id, {"system": "Be brief."})
            for question in ("add", "thanks", "add again", "bye"):
                assert one(await chat.ask(question), "done")["outcome"] == "completed"
    bodies = [request.body for request in server.requests]
    assert [request.refused for request in server.requests] == [None] * 6
    for before, after in itertools.pairwise(bodies):
        newest = list(marked(before))[-1]
        assert newest in set(marked(after))
