"""One node in a process of its own: the chat hub, and a board that tests call from everywhere. Settings come from the
environment. Says its address once it serves."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import uvicorn

from hub import Hub, Hubline

app = Hubline()


@app.hub("/board")
class Board(Hub):
    async def echo(self, value: object) -> object:
        return value

    async def where(self) -> int:
        """The process that has the caller's connection."""
        return os.getpid()

    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    async def sum(self, items: AsyncIterator[int]) -> int:
        return sum([item async for item in items])

    async def join(self, group: str) -> None:
        await self.groups.add(group)

    async def tell(self, group: str, count: int) -> None:
        for number in range(count):
            await self.clients.group(group).news(number)


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)


if __name__ == "__main__":
    takeover = "hub.server.transports.uvicorn_takeover"
    config = uvicorn.Config(
        app, port=0, http=f"{takeover}:HttpProtocol", ws=f"{takeover}:WebSocketProtocol", log_level="warning"
    )
    asyncio.run(Server(config).serve())
