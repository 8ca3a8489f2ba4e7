"""The board of the design's first page, whole: calls, groups, streams, uploads, sends from outside."""

from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel

from hub.protocol.codec import CodecName
from hub.server.hub import Hub
from hub.server.testing import TestClient
from tests.server.conftest import Serve


class Row(BaseModel):
    card: str
    place: int


class Board(Hub):
    async def on_connected(self) -> None:
        await self.groups.add("board")

    async def move(self, card: str, to: int) -> bool:
        await self.clients.others_in_group("board").card_moved(card, to)
        return True

    async def ticks(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    async def load(self, rows: AsyncIterator[Row]) -> int:
        return sum([row.place async for row in rows])


async def rows() -> AsyncIterator[dict[str, object]]:
    for place in range(25):
        yield {"Card": "a", "place": place}


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_board(serve: Serve, protocol: CodecName) -> None:
    server = await serve(Board)
    async with (
        TestClient(server, "/hub", user="ann", protocol=protocol) as ann,
        TestClient(server, "/hub", user="bob", protocol=protocol) as bob,
    ):
        assert await ann.invoke("Move", "a", 3) is True
        assert await bob.next("CardMoved") == ["a", 3]
        assert [tick async for tick in ann.stream("Ticks", 5)] == [0, 1, 2, 3, 4]
        assert await ann.invoke("Load", rows()) == sum(range(25))
        await server.clients(Board).group("board").card_moved("b", 1)
        assert await ann.next("cardMoved") == ["b", 1]
        assert await bob.next("CardMoved") == ["b", 1]
    assert server.connections == []
