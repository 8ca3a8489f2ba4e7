"""What a measurement needs of the machine: processes kept to cores, CPU time and memory of a process (Linux)."""

import os
import time
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1


def pin(core: int) -> None:
    """Keep this process, and what it starts, to one core. Does nothing where there is no such core."""
    if core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})


def unpin() -> None:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def cpu_s(pid: int) -> float:
    """User and system time of a process with all its threads, by its CPU clock: what utime and stime of /proc are the
    sum of, without their ticks of 10 ms."""
    return time.clock_gettime(~pid << 3 | 2)


def waited_s(pid: int) -> float:
    """How long the process's main thread was ready to run while something else had its core."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


def described() -> str:
    """The machine in one line."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    release = os.uname().release
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), Linux {release}, load before the start {load:.1f}"
