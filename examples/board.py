"""A board whose cards everybody moves, live. Serve it with `uvicorn board:app`."""

from collections.abc import AsyncIterator
from typing import Protocol

from pydantic import BaseModel
from starlette.applications import Starlette

from hub import Hub, HubServer


class Row(BaseModel):
    card: str
    place: int


class BoardClient(Protocol):
    async def card_moved(self, card: str, to: int) -> None: ...  # connection.on("CardMoved", …)


class Board(Hub[BoardClient]):  # one instance per connection
    async def on_connected(self) -> None:
        await self.groups.add("board")

    async def move(self, card: str, to: int) -> bool:  # invoke("Move", "a", 3)
        await self.clients.others_in_group("board").card_moved(card, to)
        return True

    async def ticks(self, n: int) -> AsyncIterator[int]:  # stream("Ticks", 5); cancelling closes the generator
        for i in range(n):
            yield i

    async def load(self, rows: AsyncIterator[Row]) -> int:  # invoke("Load", subject): a stream from the client
        return sum([row.place async for row in rows])


server = HubServer(anonymous_allowed=True)  # authenticate=… for anything but this machine
server.add("/board", Board)
app = Starlette(routes=server.routes(), lifespan=server.lifespan)
