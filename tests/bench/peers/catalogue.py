"""The peers that the wire benchmarks hold the hub against, and what two others put on the wire for streamed text."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.peers import aspnet, install
from tests.bench.wire.peer import Peer, PeerMissing


def _node(program: str) -> Callable[[], list[str]]:
    def prepare() -> list[str]:
        return ["env", "NODE_ENV=production", install.node_program("node"), str(install.node() / program)]

    return prepare


def _python(module: str) -> Callable[[], list[str]]:
    def prepare() -> list[str]:
        path = f"PYTHONPATH={install.ROOT}"
        return ["env", path, str(install.python()), "-m", f"tests.bench.peers.python.{module}"]

    return prepare


PEERS: list[Peer] = [
    Peer("Node socket.io", "socketio", _node("socketio_server.mjs")),
    Peer("Node ws", "signalr", _node("ws_server.mjs")),
    Peer("python-socketio", "socketio", _python("socketio_server")),
    Peer("Starlette", "signalr", _python("starlette_server")),
    Peer("uvicorn", "signalr", _python("uvicorn_server")),
    Peer("socketify", "signalr", _python("socketify_server")),
    Peer("ASP.NET Core SignalR 3.1", "signalr", aspnet.command),
]


@dataclass(frozen=True)
class WireBytes:
    """How many bytes `characters` code points of streamed text took; `what` says in which form."""

    bytes: int
    characters: int
    what: str


def _streamed(program: str, deltas: Sequence[str]) -> list[WireBytes]:
    done = subprocess.run(
        [*_node(program)()], input=json.dumps(list(deltas)), capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise PeerMissing(f"{program}: {done.stderr.strip()[-300:]}")
    return [WireBytes(**one) for one in json.loads(done.stdout)]


def ai_sdk_stream(deltas: Sequence[str]) -> list[WireBytes]:
    """The Vercel AI SDK's UI message stream: its body, and the body with HTTP's chunk framing; no response head."""
    return _streamed("ai_stream.mjs", deltas)


def socketio_stream(deltas: Sequence[str]) -> list[WireBytes]:
    """socket.io: each delta an event {type, runId, messageId, part, delta} in a WebSocket frame."""
    return _streamed("socketio_stream.mjs", deltas)
