"""What is counted for each user of a session, whoever pays for the whole."""

import asyncio
from typing import Any

import pytest

from hub import config
from hub.app import Hubline
from hub.server.testing import TestClient
from tests.hosts.stage import ANN, BOB
from tests.provider_server.script import ErrorEvent, Say, Script, ScriptUsage
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, one

PRICES = '{"claude-*": {"input": 3, "output": 15, "cacheRead": 0.3}}'
MILLION = 1_000_000


async def asked(client: TestClient, session_id: str, message_id: str) -> dict[str, Any]:
    """The usage of one answer."""
    found = []
    async for event in client.stream("Chat", session_id, {"messageId": message_id, "content": "How much?"}, {}):
        assert isinstance(event, dict)
        found.append(event)
    usage = one(found, "done")["usage"]
    assert isinstance(usage, dict)
    return usage


@pytest.mark.parametrize("prices", [PRICES, None], ids=["priced", "unknown"])
async def test_each_user_and_the_session_have_their_sums(provider_server: ProviderServer, prices: str | None) -> None:
    counted = ScriptUsage(input_tokens=1000, cache_read_input_tokens=2000)
    provider_server.add(
        Script(Say("Four."), usage=counted),
        Script(Say("Five."), usage=counted),
        Script(Say("Half of it" * 10, ErrorEvent("api_error", "Broken")), usage=counted),
    )
    settings = {"backplane": "memory://", **anthropic_at(provider_server), "provider": "anthropic"}
    app = Hubline(settings=config.load({**settings, **({} if prices is None else {"prices": prices})}))
    async with app.lifespan(), app.test_client(user=ANN) as ann, app.test_client(user=BOB) as bob:
        opened = await ann.invoke("OpenSession", {})
        assert isinstance(opened, dict)
        session_id = opened["sessionId"]
        await ann.invoke("ShareSession", session_id, "bob", "editor")
        of_ann = [await asked(ann, session_id, "m1"), await asked(ann, session_id, "m2")]
        of_bob = await asked(bob, session_id, "m3")
        session = await all_counted(ann, session_id)
    assert of_bob["estimated"] and of_bob["outputTokens"] >= 25, "a broken answer is paid for too"
    by_user = {name.removeprefix("north/"): usage for name, usage in session["usageByUser"].items()}
    assert set(by_user) == {"ann", "bob"}
    for field in ("inputTokens", "outputTokens", "cacheReadTokens"):
        assert by_user["ann"][field] == of_ann[0][field] + of_ann[1][field]
        assert by_user["bob"][field] == of_bob[field]
        assert session["usage"][field] == by_user["ann"][field] + by_user["bob"][field]
    if prices is None:
        assert not any("cost" in usage for usage in (*of_ann, of_bob, *by_user.values(), session["usage"]))
    else:
        expected = (1000 * 3 + 2000 * 0.3 + of_bob["outputTokens"] * 15) / MILLION
        assert by_user["bob"]["cost"] == pytest.approx(expected)
        assert session["usage"]["cost"] == pytest.approx(by_user["ann"]["cost"] + by_user["bob"]["cost"])


async def all_counted(client: TestClient, session_id: str) -> dict[str, Any]:
    """The session, once all three answers are counted in it, which is after their `done`."""
    async with asyncio.timeout(30):
        while True:  # a change of the session has no event that could be waited for
            session = await client.invoke("GetSession", session_id)
            assert isinstance(session, dict)
            if session["usage"]["inputTokens"] == 3000:
                return session
