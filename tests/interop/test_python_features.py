"""PyPI's `pysignalr` and `signalrcore`: all that they support of the features, by every transport that they have."""

import asyncio
import json
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from pysignalr.client import SignalRClient
from pysignalr.exceptions import AuthorizationError
from pysignalr.messages import CompletionMessage
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

from tests.interop.feature_stage import FeatureStage, open_feature_stage
from tests.interop.test_python_clients import ROOT, TIMEOUT_S, PySignalR, both_encodings

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

VALUES: list[object] = [None, True, 1, -2.5, 2**53 - 1, "é 🌍", [1, [2, []]], {"a": {"b": None}}]
FAILED = "An unexpected error occurred invoking '{}' on the server. HubException: {}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def features(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeatureStage]:
    async with open_feature_stage(tmp_path_factory.mktemp("certificate")) as stage:
        yield stage


class Received:
    """What handlers of a client got, in order."""

    def __init__(self, client: SignalRClient, *names: str) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        for name in names:
            client.on(name, self._put)

    async def _put(self, arguments: Any) -> None:
        self._queue.put_nowait(arguments)

    async def next(self) -> Any:
        return await asyncio.wait_for(self._queue.get(), TIMEOUT_S)


@asynccontextmanager
async def running(client: SignalRClient) -> AsyncIterator[PySignalR]:
    opened = asyncio.Event()

    async def on_open() -> None:
        opened.set()

    client.on_open(on_open)
    run = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await opened.wait()
        yield PySignalR(client)
    finally:
        run.cancel()
        await asyncio.wait([run])


def client_of(url: str, encoding: str, **options: Any) -> SignalRClient:
    protocol = JSONProtocol() if encoding == "json" else MessagepackProtocol()
    return SignalRClient(f"{url}/hub", protocol, retry_sleep=0.05, **options)


@both_encodings
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_pysignalr(features: FeatureStage, encoding: str, scheme: str) -> None:
    features.reset()
    url = features.http if scheme == "http" else features.https
    trusting = ssl.create_default_context(cafile=str(features.certificate))
    secure: dict[str, Any] = {"ssl": trusting} if scheme == "https" else {}
    # Its `access_token_factory` is asked only once it has connected, for the next time.
    client = client_of(url, encoding, headers={"X-HEADER": "VALUE", "Authorization": "Bearer ann"}, **secure)
    received = Received(client, "Message", "Told")
    client.on("Result", _answer)
    async with running(client) as hub:
        for value in VALUES:
            assert await hub.invoke("Echo", value) == value
        assert (await hub.invoke("Whoami"))[1] == "ann"
        assert await hub.invoke("Header", "X-HEADER") == "VALUE"
        assert await hub.invoke("Nothing") is None
        assert await hub.error_of("ThrowHubException", "no") == FAILED.format("ThrowHubException", "no")
        assert await hub.error_of("NoSuchMethod") == "Unknown hub method 'NoSuchMethod'"
        await client.send("Note", ["sent"])  # type: ignore[list-item]  # its annotation knows objects only
        assert await features.call("noted", []) == "sent"
        await hub.invoke("InvokeWithString", "hello")
        assert await received.next() == ["hello"]
        await hub.invoke("Join", "abc")
        await hub.invoke("Tell", "group", "abc", "to the group")
        assert await received.next() == ["to the group"]
        items: list[Any] = await hub.stream("Items", [*range(200), *VALUES])
        assert items == [*range(200), *VALUES]
        async with client.client_stream("NoteAll") as upload:
            for text in ("a", "b", "c"):
                await upload.send(text)
        assert await features.call("noted", []) == "a b c"
        assert await hub.invoke("Ask", "Result", 7) == [7, "answered"]
        assert "HubException" in await hub.error_of("Ask", "Unheard", 7)
        assert await hub.invoke("LengthOf", "x" * 30_000) == 30_000


async def _answer(arguments: list[Any]) -> list[Any]:
    return [*arguments, "answered"]


@both_encodings
async def test_pysignalr_stream_that_fails(features: FeatureStage, encoding: str) -> None:
    async with running(client_of(features.http, encoding)) as hub:
        items: asyncio.Queue[Any] = asyncio.Queue()

        async def on_next(item: Any) -> None:
            items.put_nowait(item)

        async def on_error(message: CompletionMessage) -> None:
            items.put_nowait(message.error)

        await hub.client.stream("StreamRefuse", ["no"], on_next, None, on_error)
        assert await asyncio.wait_for(items.get(), TIMEOUT_S) == 1
        error = await asyncio.wait_for(items.get(), TIMEOUT_S)
        assert error == "An error occurred on the server while streaming results. HubException: no"


@both_encodings
async def test_pysignalr_comes_back(features: FeatureStage, encoding: str) -> None:
    client = client_of(features.http, encoding)
    async with running(client) as hub:
        first = (await hub.invoke("Whoami"))[0]
        again = asyncio.Event()

        async def on_open() -> None:
            again.set()

        client.on_open(on_open)
        await features.call("close_all", [])
        await asyncio.wait_for(again.wait(), TIMEOUT_S)
        assert (await hub.invoke("Whoami"))[0] != first


async def test_pysignalr_without_a_token(features: FeatureStage) -> None:
    client = SignalRClient(f"{features.http}/guarded", retry_sleep=0.01, retry_count=1)
    with pytest.raises(AuthorizationError):
        await asyncio.wait_for(client.run(), TIMEOUT_S)


@pytest.mark.parametrize(
    ("encoding", "transport"),
    [
        ("json", "WebSockets"),
        ("messagepack", "WebSockets"),
        ("json", "ServerSentEvents"),
        ("json", "LongPolling"),
        # Its long polling with MessagePack raises before it connects.
    ],
)
async def test_signalrcore(features: FeatureStage, encoding: str, transport: str) -> None:
    features.reset()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.interop.signalrcore_features", features.http, encoding, transport,
        cwd=ROOT, stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        found = json.loads(await process.stdout.readline())
        assert found.pop("values") is True
        assert found.pop("header") == "VALUE"
        assert found.pop("error") == FAILED.format("ThrowHubException", "no")
        assert found.pop("unknown") == "Unknown hub method 'NoSuchMethod'"
        assert found.pop("empty") is None
        if transport == "LongPolling":
            assert found == {}
            return
        assert found == {"message": ["hello"], "group": ["to the group"], "stream": True, "large": 20_000}
        if encoding == "json":
            assert await features.call("noted", []) == "a b c"
        await features.call("close_all", [])
        process.stdin.write(b"closed\n")
        assert json.loads(await process.stdout.readline()) == {"again": "again"}
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
