"""PyPI's `pysignalr` and `signalrcore`, as they are: connect, invoke, stream, and read errors, in both encodings."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pysignalr.client import SignalRClient
from pysignalr.messages import CompletionMessage, Message
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

from tests.interop.stage import Stage

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

both_encodings = pytest.mark.parametrize("encoding", ["json", "messagepack"])
ROOT = Path(__file__).parents[2]
TIMEOUT_S = 20.0


def script(*rounds: object) -> str:
    return json.dumps({"mark": "python", "rounds": rounds}, separators=(",", ":"))


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "text")


class PySignalR:
    """Its callbacks, awaited."""

    def __init__(self, client: SignalRClient) -> None:
        self.client = client
        self._errors: asyncio.Queue[str] = asyncio.Queue()
        client.on_error(self._on_error)

    async def invoke(self, method: str, *arguments: Any) -> Any:
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        async def on_invocation(message: Message) -> None:
            answer.set_result(message)

        await self.client.send(method, list(arguments), on_invocation)
        message = await asyncio.wait_for(answer, TIMEOUT_S)
        assert isinstance(message, CompletionMessage)
        return message.result

    async def error_of(self, method: str, *arguments: Any) -> str:
        await self.client.send(method, list(arguments), self._nothing)
        return await asyncio.wait_for(self._errors.get(), TIMEOUT_S)

    async def stream(self, method: str, *arguments: Any) -> list[dict[str, Any]]:
        """All items, once the stream is complete."""
        items: list[dict[str, Any]] = []
        completed = asyncio.Event()

        async def on_next(item: Any) -> None:
            items.append(item)

        async def on_complete(_: Message) -> None:
            completed.set()

        await self.client.stream(method, list(arguments), on_next, on_complete)
        await asyncio.wait_for(completed.wait(), TIMEOUT_S)
        return items

    async def _nothing(self, _: Message) -> None: ...

    async def _on_error(self, message: CompletionMessage) -> None:
        await self._errors.put(str(message.error))


@asynccontextmanager
async def pysignalr(url: str, encoding: str) -> AsyncIterator[PySignalR]:
    protocol = JSONProtocol() if encoding == "json" else MessagepackProtocol()
    client = SignalRClient(f"{url}/hub", protocol)
    running = asyncio.create_task(client.run())
    try:
        yield PySignalR(client)
    finally:
        running.cancel()
        await asyncio.wait([running])


@both_encodings
async def test_pysignalr(stage: Stage, encoding: str) -> None:
    async with pysignalr(stage.url, encoding) as hub:
        session_id = (await hub.invoke("OpenSession", {"title": "By pysignalr"}))["sessionId"]
        message = {"messageId": "m1", "content": script([{"say": ["one ", "two"]}])}
        events = await hub.stream("Chat", session_id, message)
        assert text_of(events) == "one two"
        assert [event["type"] for event in events][-1] == "done"
        history = await hub.invoke("History", session_id)
        assert [message["role"] for message in history["messages"]] == ["user", "assistant"]
        assert (await hub.error_of("GetSession", "ses_none")).startswith("[session_not_found] ")
        assert await hub.error_of("Nothing") == "Unknown hub method 'Nothing'"
    assert stage.refused() == []


@both_encodings
async def test_signalrcore(stage: Stage, encoding: str) -> None:
    gate = f"signalrcore-{encoding}"
    # Nothing may come before it listens: the client loses what comes between the call and the subscription.
    content = script([{"before": gate}, {"say": ["one ", "two"]}])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.interop.signalrcore_client", stage.url, encoding, content, cwd=ROOT, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"subscribed\n"
        stage.gates[gate].open()
        found = json.loads(await process.stdout.readline())
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert text_of(found["items"]) == "one two"
    assert found["items"][-1]["type"] == "done"
    assert [message["role"] for message in found["history"]["messages"]] == ["user", "assistant"]
    assert found["error"].startswith("[session_not_found] ")
    assert stage.refused() == []
