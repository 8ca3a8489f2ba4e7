"""The servers under measurement, each a process of its own on the server's core."""

import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench import machine
from tests.bench.peers import install
from tests.running import Running, running

ROOT = Path(__file__).parents[2]
_PYTHONPATH = {"PYTHONPATH": str(ROOT)}


@contextmanager
def hub(backplane: str, *flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """`hubline serve` on "memory" or "sqlite", answered by the source unless the flags say otherwise."""
    url = "memory://" if backplane == "memory" else "sqlite:///hub.db"
    provider = () if "--provider" in flags else ("--provider", "source")
    command = (sys.executable, "-m", "tests.bench.hub_process", "serve")
    with tempfile.TemporaryDirectory() as folder:
        settings = ("--backplane", url, "--log-level", "error", *provider, *flags)
        extra = {**_PYTHONPATH, **(environment or {})}
        with running(Path(folder), *settings, command=command, environment=extra) as server:
            yield server
            server.end(signal.SIGINT)


@contextmanager
def starlette() -> Iterator[Running]:
    with _other((sys.executable, "-m", "tests.bench.starlette_process"), _PYTHONPATH) as server:
        yield server


@contextmanager
def fastapi() -> Iterator[Running]:
    with _other((sys.executable, "-m", "tests.bench.fastapi_process"), _PYTHONPATH) as server:
        yield server


@contextmanager
def ai_sdk() -> Iterator[Running]:
    """Raises `PeerMissing`."""
    program = str(install.node() / "ai_server.mjs")
    command = ("taskset", "-c", str(machine.SERVER_CORE), install.node_program("node"), program)
    with _other(command, {"NODE_ENV": "production"}) as server:
        yield server


@contextmanager
def _other(command: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[Running]:
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), command=command, environment=environment) as server,
    ):
        yield server
