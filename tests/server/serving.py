"""ASGI servers in processes of their own, and a plain SignalR client of the example's board."""

import asyncio
import contextlib
import json
import socket
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from websockets.asyncio.client import connect

from tests.running import clean_environment
from tests.server.live import RawClient

ROOT = Path(__file__).parent.parent.parent

SERVERS = {
    "uvicorn": ("uvicorn", "{app}", "--port", "{port}", "--ws", "auto"),
    "hypercorn": ("hypercorn", "{app}", "--bind", "127.0.0.1:{port}"),
    "granian": ("granian", "{app}", "--interface", "asgi", "--port", "{port}", "--host", "127.0.0.1"),
}


class Served:
    """One server with one application."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.output: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.output)

    async def request(self, method: str, path: str) -> tuple[int, str]:
        return await asyncio.to_thread(self._request, method, path)

    def _request(self, method: str, path: str) -> tuple[int, str]:
        asked = urllib.request.Request(f"http://{self.host}{path}", method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @asynccontextmanager
    async def client(self, path: str) -> AsyncIterator[RawClient]:
        """Negotiates, connects, shakes hands."""
        status, body = await self.request("POST", f"{path}/negotiate?negotiateVersion=1")
        assert status == 200, body
        token = json.loads(body)["connectionToken"]
        async with connect(f"ws://{self.host}{path}?id={token}") as connection:
            client = RawClient(connection)
            assert await client.handshake() == {}
            yield client


@asynccontextmanager
async def served(server: str, app: str, folder: Path) -> AsyncIterator[Served]:
    """Serve `module:name`, warnings being errors. Fails if the process writes of an error at its end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = [word.format(app=app, port=port) for word in SERVERS[server]]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", *arguments,
        cwd=folder, env=clean_environment(folder, {"PYTHONPATH": str(ROOT)}), stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    found = Served(f"127.0.0.1:{port}")
    assert process.stdout is not None
    reading = asyncio.create_task(_read(process.stdout, found.output))
    try:
        async with asyncio.timeout(60):
            while not await _answers(port):
                assert process.returncode is None, found.text
                await asyncio.sleep(0.05)
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)
        await reading
    assert "Traceback" not in found.text, found.text


async def _read(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return True


async def play_board(server: Served, path: str) -> None:
    """Calls, a send to others, a stream, a cancelled stream and an upload."""
    async with server.client(path) as ann, server.client(path) as bob:
        await ann.write({"type": 1, "invocationId": "1", "target": "Move", "arguments": ["a", 3]})
        assert await ann.read() == {"type": 3, "invocationId": "1", "result": True}
        assert await bob.read() == {"type": 1, "target": "CardMoved", "arguments": ["a", 3]}
        await ann.write({"type": 4, "invocationId": "2", "target": "Ticks", "arguments": [2]})
        assert [(await ann.read()).get("item") for _ in range(2)] == [0, 1]
        assert await ann.read() == {"type": 3, "invocationId": "2"}
        await ann.write({"type": 4, "invocationId": "3", "target": "Ticks", "arguments": [10**9]})
        assert (await ann.read())["item"] == 0
        await ann.write({"type": 5, "invocationId": "3"})
        while (await ann.read())["type"] == 2:
            pass
        await ann.write(
            {"type": 1, "invocationId": "4", "target": "Load", "arguments": [], "streamIds": ["5"]},
            {"type": 2, "invocationId": "5", "item": {"Card": "a", "Place": 40}},
            {"type": 2, "invocationId": "5", "item": {"card": "b", "place": 2}},
            {"type": 3, "invocationId": "5"},
        )
        assert await ann.read() == {"type": 3, "invocationId": "4", "result": 42}
