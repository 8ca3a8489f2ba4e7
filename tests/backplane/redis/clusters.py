"""Several servers of the tests' own that belong together: a Cluster, and a master that a sentinel watches."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from tests.backplane.redis_server import RedisServer, free_port
from tests.backplane.steps import until

SOON = ("--repl-diskless-sync-delay", "0")
CLUSTER = (
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--cluster-replica-validity-factor",
    "0",
    *SOON,
)
SLOTS = 16_384


class Cluster:
    """Three masters, each with a third of the slots, and a replica of the first."""

    def __init__(self, folder: Path) -> None:
        self.masters = [RedisServer(folder / f"master{number}", *CLUSTER) for number in range(3)]
        self.replica = RedisServer(folder / "replica", *CLUSTER)

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.masters)

    async def start(self) -> None:
        for server in (*self.masters, self.replica):
            server.start()
        first = self.masters[0]
        for number, server in enumerate(self.masters):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            begin, end = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
            server.ask("CLUSTER", "ADDSLOTSRANGE", str(begin), str(end))
            server.ask("CLUSTER", "MEET", "127.0.0.1", str(first.port))
        self.replica.ask("CLUSTER", "MEET", "127.0.0.1", str(first.port))
        node_id = first.ask_all("CLUSTER", "MYID")
        await until(lambda: self.replica.ask("CLUSTER", "REPLICATE", node_id) == "+OK")
        await until(lambda: all(self._knows_all(server) for server in (*self.masters, self.replica)))
        await until(lambda: has_replica(first))

    def _knows_all(self, server: RedisServer) -> bool:
        info = server.ask_all("CLUSTER", "INFO")
        return "cluster_state:ok" in info and "cluster_known_nodes:4" in info

    def close(self) -> None:
        for server in (*self.masters, self.replica):
            server.kill()


class Watched:
    """A master, a replica, and one sentinel that promotes it."""

    def __init__(self, folder: Path, *, password: str = "", sentinel_password: str = "") -> None:
        guard = ("--requirepass", password, "--masterauth", password) if password else ()
        self.master = RedisServer(folder / "master", *SOON, *guard, password=password)
        of_master = ("--replicaof", f"127.0.0.1 {self.master.port}")
        self.replica = RedisServer(folder / "replica", *of_master, *SOON, *guard, password=password)
        self.port = free_port()
        self._folder = folder
        self._password = password
        self._sentinel_password = sentinel_password
        self._asked = RedisServer(folder, port=self.port, password=sentinel_password)
        self._sentinel: subprocess.Popen[bytes] | None = None  # while it runs

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/main"

    async def start(self) -> None:
        self.master.start()
        self.replica.start()
        settings = self._folder / "sentinel.conf"
        settings.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._folder}\nlogfile {self._folder}/sentinel.log\n"
            f"sentinel monitor main 127.0.0.1 {self.master.port} 1\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"
            + (f"sentinel auth-pass main {self._password}\n" if self._password else "")
            + (f"requirepass {self._sentinel_password}\n" if self._sentinel_password else "")
        )
        program = shutil.which("redis-server")
        assert program is not None
        await until(lambda: has_replica(self.master))
        words = [program, str(settings), "--sentinel"]
        self._sentinel = await asyncio.to_thread(subprocess.Popen, words, stdout=subprocess.DEVNULL)
        await until(lambda: "slaves=1" in self._asked.ask_all("INFO", "sentinel"))

    def names(self, server: RedisServer) -> bool:
        """Whether the sentinel gives it as the master."""
        return self._asked.ask_list("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")[1:] == [str(server.port)]

    def close(self) -> None:
        if self._sentinel is not None:
            self._sentinel.kill()
            self._sentinel.wait()
        self.master.kill()
        self.replica.kill()


def has_replica(server: RedisServer) -> bool:
    return "state=online" in server.ask_all("INFO", "replication")
