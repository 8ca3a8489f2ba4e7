"""socketify (uWebSockets behind Python): its topics are the groups."""

from typing import Any

from socketify import (  # type: ignore[import-not-found]  # installed in the peers' own environment only
    App,
    AppListenOptions,
    OpCode,
)

from tests.bench.peers.python.records import HANDSHAKE_ANSWER, Invocation, completion, event, read
from tests.bench.peers.python.sources import stream
from tests.bench.peers.python.uvicorn_serve import more_files, port

app = App()


async def publish(group: str, payload: str) -> None:
    app.publish(group, event(payload), OpCode.TEXT)


# `socket` is socketify's WebSocket, which has no types here.
def answer(socket: Any, asked: Invocation) -> None:
    result: object = None
    match asked.target, asked.arguments:
        case "Echo", [text]:
            result = text
        case "Join", [group]:
            socket.subscribe(group)
        case "Publish", [group, payload]:
            app.publish(group, event(payload), OpCode.TEXT)
        case "Stream", [streams, per_second, seconds, characters]:
            app.run_async(stream(publish, streams, per_second, seconds, characters))
    if asked.invocation_id is not None:
        socket.send(completion(asked.invocation_id, result), OpCode.TEXT)


def on_message(socket: Any, text: str, _opcode: int) -> None:
    for asked in read(text):
        if asked is None:
            socket.send(HANDSHAKE_ANSWER, OpCode.TEXT)
        else:
            answer(socket, asked)


if __name__ == "__main__":
    more_files()
    number = port()
    app.ws("/bench", {"message": on_message})
    app.listen(AppListenOptions(port=number, host="127.0.0.1"), lambda _: print(f"ready {number}", flush=True))
    app.run()
