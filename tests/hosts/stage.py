"""A hub in this process, clients that execute tools for it, and what its runs came to."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from hub.app import Hubline
from hub.chat.parts import Json
from hub.config import load
from hub.providers.base import ToolSpec
from hub.server.auth import User
from hub.server.testing import TestClient
from tests.runs.node import until
from tests.runs.scripted import Act, ScriptedProvider, call, end, says

ANN = User(id="ann", organisation="north")
BOB = User(id="bob", organisation="north")
KEY = "a-secret-of-this-page"
WAIT_S = 60.0

Object = dict[str, Json]


def app_with(provider: ScriptedProvider, **settings: object) -> Hubline:
    wanted = {"backplane": "memory://", "provider": provider.name, "host_grace_s": 0.3, **settings}
    return Hubline(settings=load(wanted), providers={provider.name: provider})


def reads(call_id: str = "c1", name: str = "read_range") -> list[Act]:
    return [*call(call_id, name, range="A1"), end("tool_calls")]


def writes(call_id: str = "c1", name: str = "write_range") -> list[Act]:
    return [*call(call_id, name, range="A1", values=[[1]]), end("tool_calls")]


def scripted(*steps: Sequence[Act]) -> ScriptedProvider:
    provider = ScriptedProvider()
    provider.scripts = [*steps, says("done")]
    return provider


def shown(provider: ScriptedProvider, step: int = 0) -> list[ToolSpec]:
    """The tools that a model was shown."""
    return [spec for spec in provider.streams[step].request.tools if "(In " in spec.description]


@dataclass
class Watcher:
    """All events of a session, as one client sees them."""

    events: list[Object] = field(default_factory=list)

    def of(self, kind: str) -> list[Object]:
        return [event for event in self.events if event["type"] == kind]

    async def done(self, count: int = 1) -> Object:
        await until(lambda: len(self.of("done")) >= count)
        return self.of("done")[count - 1]

    @property
    def notes(self) -> list[str]:
        """Of the progress of calls."""
        return [str(event.get("note")) for event in self.of("tool_progress")]

    @property
    def outcomes(self) -> dict[str, str]:
        return {str(event["callId"]): str(event["outcome"]) for event in self.of("tool_complete")}


@asynccontextmanager
async def watching(client: TestClient, session_id: str) -> AsyncIterator[Watcher]:
    watcher = Watcher()

    async def watch() -> None:
        async for event in client.stream("Watch", session_id, None):
            watcher.events.append(cast(Object, event))

    task = asyncio.create_task(watch())
    await until(lambda: bool(watcher.events))
    yield watcher
    task.cancel()
    await asyncio.wait([task])


async def opened(client: TestClient, autonomy: str = "agent-yolo") -> str:
    answer = await client.invoke("OpenSession", {"autonomy": autonomy})
    assert isinstance(answer, dict)
    return str(answer["sessionId"])


async def register(
    client: TestClient,
    session_id: str,
    *names: str,
    name: str = "Budget.xlsx",
    key: str | None = KEY,
    tools: Sequence[Mapping[str, Json]] | None = None,
) -> str:
    """Offer ready-made tools, or others."""
    offered = [{"name": one} for one in names] if tools is None else tools
    answer = await client.invoke("RegisterTools", session_id, {"name": name, "hostKey": key, "tools": offered})
    assert isinstance(answer, dict)
    return str(answer["hostId"])


async def told(client: TestClient, method: str = "ExecuteTool") -> Object:
    async with asyncio.timeout(WAIT_S):
        argument = (await client.next(method))[0]
    assert isinstance(argument, dict)
    return argument


async def result(client: TestClient, session_id: str, call_id: str = "c1", **said: Json) -> bool:
    """Whether it was accepted."""
    answer = await client.invoke("ToolResult", session_id, call_id, said)
    assert isinstance(answer, dict)
    return bool(answer["accepted"])


async def send(client: TestClient, session_id: str, message_id: str = "m1") -> Object:
    answer = await client.invoke("SendMessage", session_id, {"messageId": message_id, "content": "go"})
    assert isinstance(answer, dict)
    return answer
