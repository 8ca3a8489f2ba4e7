"""Runs the load generator once, and reads what it measured."""

import subprocess

import msgspec

from tests.bench import machine
from tests.bench.wire.build import programs
from tests.bench.wire.rows import RowFailed, Serving

PATIENCE_S = 150.0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run. CPU and memory are the server's but for `load_cpu_s`; delays are of whole rounds, echoes or texts."""

    seconds: float
    count: int
    server_cpu_s: float
    rss_kb: int
    load_cpu_s: float = 0.0
    bytes: int = 0
    rss_before_kb: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    cut: int = 0
    cut_after_s: float = -1.0

    @property
    def per_cpu_s(self) -> float:
        return self.count / self.server_cpu_s

    @property
    def core(self) -> float:
        """The server's share of its core."""
        return self.server_cpu_s / self.seconds

    @property
    def load_core(self) -> float:
        return self.load_cpu_s / self.seconds


def measure(serving: Serving, workload: str, *, warm_s: float = 0.5, seconds: float = 2.0, **options: int) -> Measured:
    """Raises RowFailed with the load generator's own words when anything that it checks is not so."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    machine.pin(machine.LOAD_CORE)
    command = [str(programs() / "load"), workload, f"--port={serving.port}", f"--pid={serving.pid}"]
    command += [f"--dialect={serving.dialect}", f"--warm={warm_s}", f"--seconds={seconds}", *flags]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise RowFailed(f"{workload} had not ended after {PATIENCE_S:.0f} s") from None
    if done.returncode != 0:
        raise RowFailed(f"{workload}: {done.stderr.strip()[-200:] or f'exit code {done.returncode}'}")
    measured = msgspec.json.decode(done.stdout, type=Measured)
    if measured.count == 0 or measured.server_cpu_s <= 0:
        raise RowFailed(f"{workload}: nothing came in {seconds:g} s")
    return measured
