"""WebSockets under a real uvicorn: what arrives on the wire."""

import asyncio
from collections.abc import AsyncIterator

from websockets.asyncio.client import connect

from hub.server.hub import Hub
from tests.server.conftest import Serve
from tests.server.live import RawClient, serve_live


class Echo(Hub):
    async def echo(self, value: object) -> object:
        return value

    async def count(self, to: int) -> AsyncIterator[int]:
        for i in range(to):
            yield i


async def test_client_without_negotiation_calls_and_streams(serve: Serve) -> None:
    async with serve_live(await serve(Echo)) as address, connect(f"ws://{address}/hub") as socket:
        client = RawClient(socket)
        assert await client.handshake() == {}
        await client.write({"type": 1, "invocationId": "1", "target": "Echo", "arguments": ["hi"]})
        assert await client.read() == {"type": 3, "invocationId": "1", "result": "hi"}
        await client.write({"type": 4, "invocationId": "2", "target": "Count", "arguments": [2]})
        assert [await client.read() for _ in range(3)] == [
            {"type": 2, "invocationId": "2", "item": 0},
            {"type": 2, "invocationId": "2", "item": 1},
            {"type": 3, "invocationId": "2"},
        ]
        await client.write({"type": 7})
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1000
