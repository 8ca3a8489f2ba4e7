"""The servers under measurement, each a process of its own on the server's core."""

import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
    command = (sys.executable, "-m", "tests.bench.starlette_process")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), command=command, environment=_PYTHONPATH) as server,
    ):
        yield server
