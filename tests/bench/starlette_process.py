"""What the hub is compared with: the WebSocket endpoint that one writes with Starlette, from the same source.

A run's watchers connect to `/runs/NAME`; then one of them sends a plan, and each delta
goes to all of them by `send_json`. `/alone/NAME` asks the same of the source and sends nothing: what the source itself
costs.
"""

import asyncio
import sys
import time
from collections.abc import Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.bench import machine
from tests.bench.source import read_plan, texts

watchers: dict[str, list[WebSocket]] = {}


def text_event(text: str, offset: int) -> Mapping[str, object]:
    """The fields that the hub's event has."""
    return {
        "type": "text",
        "runId": "run_0123456789abcdef0123",
        "messageId": "msg_0123456789abcdef0123",
        "part": 0,
        "delta": text,
        "time": time.time_ns() // 1_000_000,
        "offset": offset,
    }


async def run(websocket: WebSocket) -> None:
    await websocket.accept()
    name: str = websocket.path_params["name"]
    others = watchers.setdefault(name, [])
    others.append(websocket)
    try:
        plan = read_plan(await websocket.receive_text())
        offset = 0
        async for text in texts(plan):
            offset += 1
            item = text_event(text, offset)
            for watcher in others:
                await watcher.send_json({"type": 2, "invocationId": "w", "item": item})
        for watcher in others:
            await watcher.send_json({"type": 2, "invocationId": "w", "item": {"type": "done"}})
    except WebSocketDisconnect:
        return  # the one that watches only: it has nothing to say
    finally:
        watchers.pop(name, None)


async def alone(websocket: WebSocket) -> None:
    await websocket.accept()
    async for _ in texts(read_plan(await websocket.receive_text())):
        pass
    await websocket.send_json({"type": 2, "invocationId": "w", "item": {"type": "done"}})


class Server(uvicorn.Server):
    async def startup(self, sockets: object = None) -> None:
        await super().startup(None)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}", flush=True)


def serve(app: ASGIApp) -> None:
    # As `hub.serve` sets it.
    config = uvicorn.Config(
        app,
        port=int(sys.argv[sys.argv.index("--port") + 1]),
        lifespan="off",
        ws="websockets-sansio",
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve())


def main() -> None:
    machine.pin(machine.SERVER_CORE)
    serve(Starlette(routes=[WebSocketRoute("/runs/{name}", run), WebSocketRoute("/alone/{name}", alone)]))


if __name__ == "__main__":
    main()
