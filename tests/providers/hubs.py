"""A whole hub in memory whose providers ask local provider servers, and one user of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hub import config
from hub.app import Hubline
from hub.server.testing import TestClient
from hub.tools.schema import ToolFunction
from tests.provider_server.server import ProviderServer

Event = dict[str, Any]
"""An event as JSON has it."""


def openai_at(server: ProviderServer) -> dict[str, object]:
    return {"openai_api_key": server.api_key, "openai_base_url": server.openai_url}


def responses_at(server: ProviderServer) -> dict[str, object]:
    return {**openai_at(server), "openai_api": "responses"}


def anthropic_at(server: ProviderServer) -> dict[str, object]:
    return {"anthropic_api_key": server.api_key, "anthropic_base_url": server.base_url}


@dataclass
class Chatting:
    """A user in one session."""

    client: TestClient
    session_id: str
    sent: int = field(default=0)

    async def ask(self, text: str, **options: object) -> list[Event]:
        """The run's events from its start to its `done`."""
        self.sent += 1
        message = {"messageId": f"m{self.sent}", "content": text}
        found: list[Event] = []
        async for event in self.client.stream("Chat", self.session_id, message, options):
            assert isinstance(event, dict)
            found.append(event)
        return found

    async def counted(self, input_tokens: int) -> Event:
        """The session, once so many tokens are counted in it, which is after the `done` of a run."""
        async with asyncio.timeout(30):
            while True:  # a change of the session has no event that could be waited for
                session = await self.client.invoke("GetSession", self.session_id)
                assert isinstance(session, dict)
                if session["usage"]["inputTokens"] >= input_tokens:
                    return session


@asynccontextmanager
async def chatting(settings: Mapping[str, object], *tools: ToolFunction) -> AsyncIterator[Chatting]:
    app = Hubline(settings=config.load({"backplane": "memory://", **settings}))
    for tool in tools:
        app.tool()(tool)
    async with app.lifespan(), app.test_client() as client:
        opened = await client.invoke("OpenSession", {})
        assert isinstance(opened, dict)
        yield Chatting(client, opened["sessionId"])


def one(events: list[Event], kind: str) -> Event:
    found = [event for event in events if event["type"] == kind]
    assert len(found) == 1, found
    return found[0]


def notices(events: list[Event]) -> list[str]:
    return [event["code"] for event in events if event["type"] == "notice"]


def text(events: list[Event]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "text")
