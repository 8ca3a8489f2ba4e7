"""uvicorn without a framework: an ASGI application that keeps the `send` of each member of a group."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.bench.peers.python.records import HANDSHAKE_ANSWER, Invocation, completion, event, read
from tests.bench.peers.python.sources import stream
from tests.bench.peers.python.uvicorn_serve import serve

# An ASGI event; its values are what its type says.
Event = Mapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

groups: defaultdict[str, set[Send]] = defaultdict(set)
streaming: set[asyncio.Task[None]] = set()


def sending(text: str) -> Event:
    return {"type": "websocket.send", "text": text}


async def publish(group: str, payload: str) -> None:
    message = sending(event(payload))
    for send in tuple(groups[group]):
        try:
            await send(message)
        except OSError:  # The client has gone.
            groups[group].discard(send)


async def answer(send: Send, asked: Invocation) -> None:
    result: object = None
    match asked.target, asked.arguments:
        case "Echo", [text]:
            result = text
        case "Join", [group]:
            groups[group].add(send)
        case "Publish", [group, payload]:
            await publish(group, payload)
        case "Stream", [streams, per_second, seconds, characters]:
            task = asyncio.create_task(stream(publish, streams, per_second, seconds, characters))
            streaming.add(task)
            task.add_done_callback(streaming.discard)
    if asked.invocation_id is not None:
        await send(sending(completion(asked.invocation_id, result)))


async def app(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] != "websocket" or scope["path"] != "/bench":
        await send({"type": "websocket.close"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for asked in read(message["text"]):
                if asked is None:
                    await send(sending(HANDSHAKE_ANSWER))
                else:
                    await answer(send, asked)
    finally:
        for members in groups.values():
            members.discard(send)


if __name__ == "__main__":
    serve(app)
