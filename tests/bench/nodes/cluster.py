"""Several nodes of one hub on a Redis of their own, each a process, for the benchmarks."""

import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.backplane.redis_server import RedisServer
from tests.bench.servers import ROOT
from tests.running import Running, running

_COMMAND = (sys.executable, "-m", "tests.bench.hub_process", "serve")
_SECRET = "forty characters that all nodes share!!!"


@dataclass(frozen=True)
class Cluster:
    redis: RedisServer
    nodes: Sequence[Running]

    def of_redis(self, section: str, name: str) -> int:
        """A number of INFO."""
        for line in self.redis.ask_all("INFO", section).splitlines():
            if line.startswith(f"{name}:"):
                return int(line.partition(":")[2])
        raise AssertionError(f"Redis does not tell {name}")


@contextmanager
def cluster(count: int, *flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """`count` nodes, answered by the source unless the flags say otherwise. Redis holds all in memory only."""
    provider = () if "--provider" in flags else ("--provider", "source")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        redis = RedisServer(Path(folder) / "redis")
        redis.start()
        stack.callback(redis.kill)
        extra = {
            "PYTHONPATH": str(ROOT),
            "HUBLINE_BACKPLANE": f"{redis.url}/0",
            "HUBLINE_TOKEN_SECRET": _SECRET,
            **(environment or {}),
        }
        nodes = []
        for number in range(count):
            place = Path(folder) / f"node{number}"
            place.mkdir()
            settings = ("--log-level", "error", *provider, *flags)
            nodes.append(stack.enter_context(running(place, *settings, command=_COMMAND, environment=extra)))
        yield Cluster(redis, nodes)
        for node in nodes:
            node.process.send_signal(signal.SIGINT)
        for node in nodes:
            node.process.wait(30)
