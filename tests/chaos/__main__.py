"""The long form: `python -m tests.chaos --faults 1000 --seed 7`. Prints a report; ends with 1 if anything is wrong."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, Report, chaos


def _progress(report: Report) -> None:
    print(
        f"{sum(report.faults.values())} faults, {report.counts['messages accepted']} messages, "
        f"{report.counts['journal entries']} entries, {len(report.findings)} findings, {report.seconds:.0f} s, "
        f"quiet after {report.quiet_s[-1]:.1f} s",
        file=sys.stderr,
        flush=True,
    )


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    options.add_argument("--faults", type=int, default=1000)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options.add_argument("--sessions", type=int, default=50)
    options.add_argument("--pause-s", type=float, default=10.0, help="the longest that Redis is paused")
    options.add_argument("--report", type=Path, help="where the report goes; without it, to standard output")
    chosen = options.parse_args()
    plan = Plan(chosen.seed, faults=chosen.faults, sessions=chosen.sessions, pause_s=chosen.pause_s)
    print(f"seed {plan.seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos") as folder:
        report = asyncio.run(chaos(plan, Path(folder), _progress))
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    if chosen.report is None:
        print(text)
    else:
        chosen.report.write_text(text + "\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
