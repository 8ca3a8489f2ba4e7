"""How the ASGI servers run: uvicorn with its automatic choices (uvloop, websockets' sans-I/O protocol), quiet."""

import argparse
import resource
import socket
from typing import Any

import uvicorn


def port() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    chosen: int = parser.parse_args().port
    return chosen


def more_files() -> None:
    """Thousands of connections need as many file descriptors as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"ready {self.config.port}", flush=True)


# `app` is what uvicorn takes: any ASGI application.
def serve(app: Any) -> None:
    more_files()
    _Server(uvicorn.Config(app, host="127.0.0.1", port=port(), log_level="warning", backlog=4096)).run()
