"""`python -m tests.bench [NAME …] [--quick] [--full]`: runs the benchmarks and prints their tables. Asserts nothing."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tests.bench import answer_path, delta_latency, machine, memory_per_run, run_cost, saturation, smooth, stop_latency
from tests.bench.nodes import across, bus, returning
from tests.bench.options import Options
from tests.bench.table import Table
from tests.bench.wire import suite as wire

BENCHMARKS: Mapping[str, Callable[[Options], list[Table]]] = {
    "delta_latency": delta_latency.run,
    "answer_path": answer_path.run,
    "run_cost": run_cost.run,
    "saturation": saturation.run,
    "memory_per_run": memory_per_run.run,
    "stop_latency": stop_latency.run,
    "smooth": smooth.run,
    "bus": bus.run,
    "across": across.run,
    "returning": returning.run,
    "wire": wire.run,
}

MANY_NODES = frozenset({"bus", "across", "returning"})
"""Not in the short form of all."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="The benchmarks: see tests/bench.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)} (default: all that need one node)"
    )
    parser.add_argument("--quick", action="store_true", help="a fraction of the rounds, to see that it works")
    parser.add_argument(
        "--full", action="store_true", help="also those of many nodes; of the wire, all peers and more rounds"
    )
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: choose of {', '.join(BENCHMARKS)}")
    options = Options(quick=chosen.quick, full=chosen.full)
    # So that all of them together take less than ten minutes.
    others = options if chosen.names or chosen.full else Options(quick=True)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine.described()}\n", flush=True)
    tables: list[Table] = []
    begin = time.monotonic()
    for name in chosen.names or [name for name in BENCHMARKS if chosen.full or name not in MANY_NODES]:
        started = time.monotonic()
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        tables += BENCHMARKS[name](options if name == "wire" else others)
        print(f"{time.monotonic() - started:.0f} s", flush=True, file=sys.stderr)
    print("\n".join(table.text() for table in tables))
    print(f"All of it took {time.monotonic() - begin:.0f} s.")


if __name__ == "__main__":
    main()
