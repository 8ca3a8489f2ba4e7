"""What a message between nodes costs: publishing and receiving on Redis, beside redis-py and two others' adapters."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.backplane.redis_server import RedisServer
from tests.bench import machine
from tests.bench.options import Options
from tests.bench.peers import install
from tests.bench.servers import ROOT
from tests.bench.table import Table, spread
from tests.bench.wire.peer import PeerMissing

BATCHES = (1, 16, 256)
COUNT = 20_000
SLOW_COUNT = 3_000
"""Of who takes its time between two messages."""
_PATIENCE_S = 120

Command = Callable[[str], Sequence[str]]
"""Of a role: publish, append or receive."""


def run(options: Options) -> list[Table]:
    machine.pin(machine.SERVER_CORE)
    rounds = 1 if options.quick else 3
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        try:
            contenders = _contenders()
            tables.append(_publishing(f"{redis.url}/0", contenders, rounds))
            tables.append(_receiving(f"{redis.url}/0", contenders, rounds))
        finally:
            redis.kill()
    return tables


def _contenders() -> dict[str, tuple[str, Command | None]]:
    """By name: the role that publishes, and how each end is started; None if it is not to be had."""
    found: dict[str, tuple[str, Command | None]] = {
        "hub, bus": ("publish", lambda role: (sys.executable, "-m", "tests.bench.nodes.ends", "hub", role)),
        "hub, journal": ("append", lambda role: (sys.executable, "-m", "tests.bench.nodes.ends", "hub", role)),
        "redis-py": ("publish", lambda role: (sys.executable, "-m", "tests.bench.nodes.ends", "redis-py", role)),
    }
    try:
        interpreter = str(install.python())
        program = str(install.HERE / "python" / "socketio_redis.py")
        found["python-socketio, AsyncRedisManager"] = ("publish", lambda role: (interpreter, program, role))
    except PeerMissing as missing:
        found[f"python-socketio: {missing}"] = ("publish", None)
    try:
        folder = install.node()
        node = install.node_program("node")
        found["Node socket.io, redis-adapter"] = (
            "publish",
            lambda role: (node, str(folder / "socketio_redis.mjs"), role),
        )
    except PeerMissing as missing:
        found[f"Node socket.io: {missing}"] = ("publish", None)
    return found


def _publishing(url: str, contenders: dict[str, tuple[str, Command | None]], rounds: int) -> Table:
    table = Table(
        "bus: messages published per CPU-second of a node, by how many at once (aim: >= 250,000 when batched)",
        ("who", *map(str, BATCHES)),
        notes=[
            "100 bytes each, to 16 groups. The hub's bus: packed by group and turn, written and answered. Its journal: "
            "the fence checked, stored, numbered and published, answered; 16 sessions, one append of each at a time, "
            "256 being 16 events of each. The encoding of an event is in neither. redis-py: pipelines but for 1."
        ],
    )
    for name, (role, command) in contenders.items():
        cells = []
        for batch in BATCHES if command else ():
            assert command is not None
            count = _count(name)
            spent = [_publish(command(role), url, count, batch) for _ in range(rounds)]
            cells.append(spread([count / seconds for seconds in spent], 0))
        table.add(name, *(cells or ["not measured"] * len(BATCHES)))
    return table


def _receiving(url: str, contenders: dict[str, tuple[str, Command | None]], rounds: int) -> Table:
    table = Table(
        "bus: messages received per CPU-second of a node, by how many at once (aim: >= 1,000,000 when batched)",
        ("who", *map(str, BATCHES)),
        notes=["Up to whoever listens for the group. A socket.io adapter's own packet is decoded in it, as it comes."],
    )
    for name, (role, command) in contenders.items():
        if role != "publish":
            continue
        cells = []
        for batch in BATCHES if command else ():
            assert command is not None
            count = _count(name)
            cells.append(spread([count / _receive(command, url, count, batch) for _ in range(rounds)], 0))
        table.add(name, *(cells or ["not measured"] * len(BATCHES)))
    return table


def _count(name: str) -> int:
    return SLOW_COUNT if name.startswith("python-socketio") else COUNT


def _publish(command: Sequence[str], url: str, count: int, batch: int) -> float:
    done = subprocess.run(
        [*command, url, str(count), str(batch)], cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE_S
    )
    assert done.returncode == 0, done.stderr[-500:]
    return float(done.stdout.split()[-1])


def _receive(command: Command, url: str, count: int, batch: int) -> float:
    receiving = subprocess.Popen(
        [*command("receive"), url, str(count), str(batch)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert receiving.stdin is not None
    assert receiving.stdout is not None
    with receiving:
        assert receiving.stdout.readline() == "ready\n"
        _publish(command("publish"), url, count, batch)
        _settle(receiving.pid)
        receiving.stdin.write("\n")
        receiving.stdin.flush()
        return float(receiving.stdout.readline())


def _settle(pid: int) -> None:
    """Wait until a process has done all that it has to do: it spends no time any more."""
    before = -1.0
    while (now := machine.cpu_s(pid)) - before > 0.001:
        before = now
        subprocess.run(["sleep", "0.1"], check=True)
