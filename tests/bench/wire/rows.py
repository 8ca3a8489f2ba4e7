"""The servers of the wire benchmarks: the hub, the limit, and the peers, each a process on the server's core."""

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import machine
from tests.bench.servers import ROOT
from tests.bench.wire.build import programs
from tests.bench.wire.peer import Dialect, Peer
from tests.running import running

HUB = "hub"
LIMIT = "C send loop"
COALESCED = "C send loop, coalesced"
START_S = 60.0


class RowFailed(Exception):
    """Why a row has no figure, in one sentence."""


@dataclass(frozen=True)
class Serving:
    port: int
    pid: int
    dialect: Dialect
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """`warm_s`: what a fresh process needs before it runs at its speed."""

    name: str
    serve: Callable[[], contextlib.AbstractContextManager[Serving]]
    warm_s: float = 0.5


def hub_row() -> Row:
    return Row(HUB, _hub)


def limit_row(*, coalesces: bool = False) -> Row:
    flags = ["--coalesce"] if coalesces else []
    return Row(
        COALESCED if coalesces else LIMIT, lambda: _started("signalr", lambda: [str(programs() / "limit"), *flags])
    )


def peer_row(peer: Peer) -> Row:
    # The JIT of .NET compiles hot methods anew after some time.
    warm_s = 3.0 if peer.name.startswith("ASP.NET") else 0.5
    return Row(peer.name, lambda: _started(peer.dialect, peer.prepare), warm_s)


@contextlib.contextmanager
def _on_server_core() -> Iterator[None]:
    """What is started here inherits the server's core."""
    machine.pin(machine.SERVER_CORE)
    try:
        yield
    finally:
        machine.pin(machine.LOAD_CORE)


@contextlib.contextmanager
def _hub() -> Iterator[Serving]:
    command = (sys.executable, "-m", "tests.bench.wire.hub_process", "serve")
    settings = ("--backplane", "memory://", "--provider", "source", "--log-level", "warning")
    environment = {"PYTHONPATH": str(ROOT)}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with _on_server_core():
            server = stack.enter_context(running(Path(folder), *settings, command=command, environment=environment))
        yield Serving(server.port, server.process.pid, "signalr", server.log)


@contextlib.contextmanager
def _started(dialect: Dialect, command: Callable[[], list[str]]) -> Iterator[Serving]:
    port = _free_port()
    argv = [*command(), "--port", str(port)]
    with tempfile.TemporaryFile("w+") as errors:
        with _on_server_core():
            process = subprocess.Popen(
                argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert process.stdout is not None
        overdue = threading.Timer(START_S, process.kill)  # ends the reading below
        overdue.start()
        try:
            if process.stdout.readline() != f"ready {port}\n":
                process.kill()
                process.wait()
                errors.seek(0)
                last = [line for line in errors.read().splitlines() if line.strip()][-1:]
                raise RowFailed(f"did not start: {' '.join(last) or 'it said nothing'}")
            overdue.cancel()
            yield Serving(port, process.pid, dialect)
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        finally:
            overdue.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
