"""Starlette: the usual set of connections for each group, and a loop that sends them the text, encoded once."""

import asyncio
from collections import defaultdict

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from tests.bench.peers.python.records import HANDSHAKE_ANSWER, Invocation, completion, event, read
from tests.bench.peers.python.sources import stream
from tests.bench.peers.python.uvicorn_serve import serve


class Connections:
    def __init__(self) -> None:
        self._groups: defaultdict[str, set[WebSocket]] = defaultdict(set)
        self._streams: set[asyncio.Task[None]] = set()

    def join(self, group: str, socket: WebSocket) -> None:
        self._groups[group].add(socket)

    def leave(self, socket: WebSocket) -> None:
        for members in self._groups.values():
            members.discard(socket)

    async def publish(self, group: str, payload: str) -> None:
        text = event(payload)
        for socket in tuple(self._groups[group]):
            try:
                await socket.send_text(text)
            except (WebSocketDisconnect, WebSocketDisconnected):  # It goes now; it has gone before.
                self._groups[group].discard(socket)

    def stream(self, streams: int, per_second: float, seconds: float, characters: int) -> None:
        task = asyncio.create_task(stream(self.publish, streams, per_second, seconds, characters))
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)


connections = Connections()


async def answer(socket: WebSocket, asked: Invocation) -> None:
    result: object = None
    match asked.target, asked.arguments:
        case "Echo", [text]:
            result = text
        case "Join", [group]:
            connections.join(group, socket)
        case "Publish", [group, payload]:
            await connections.publish(group, payload)
        case "Stream", [streams, per_second, seconds, characters]:
            connections.stream(streams, per_second, seconds, characters)
    if asked.invocation_id is not None:
        await socket.send_text(completion(asked.invocation_id, result))


async def bench(socket: WebSocket) -> None:
    await socket.accept()
    try:
        async for text in socket.iter_text():
            for asked in read(text):
                if asked is None:
                    await socket.send_text(HANDSHAKE_ANSWER)
                else:
                    await answer(socket, asked)
    finally:
        connections.leave(socket)


if __name__ == "__main__":
    serve(Starlette(routes=[WebSocketRoute("/bench", bench)]))
