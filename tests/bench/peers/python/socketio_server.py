"""python-socketio as an ASGI application on uvicorn: its rooms are the groups."""

import socketio  # type: ignore[import-not-found]  # installed in the peers' own environment only

from tests.bench.peers.python.sources import stream
from tests.bench.peers.python.uvicorn_serve import serve

server = socketio.AsyncServer(async_mode="asgi")


async def echo(_sid: str, text: str) -> str:
    return text


async def join(sid: str, group: str) -> tuple[None]:
    await server.enter_room(sid, group)
    return (None,)  # An acknowledgement with one argument, null; None would be one without arguments.


async def publish(group: str, payload: str) -> None:
    await server.emit("Event", payload, room=group)


async def on_publish(_sid: str, group: str, payload: str) -> None:
    await publish(group, payload)


async def on_stream(_sid: str, streams: int, per_second: float, seconds: float, characters: int) -> tuple[None]:
    server.start_background_task(stream, publish, streams, per_second, seconds, characters)
    return (None,)


server.on("Echo", echo)
server.on("Join", join)
server.on("Publish", on_publish)
server.on("Stream", on_stream)

if __name__ == "__main__":
    serve(socketio.ASGIApp(server))
