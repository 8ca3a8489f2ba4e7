"""The long form: `python -m tests.chaos --faults 1000 --seed 7`. Prints a report; ends with 1 if anything is wrong."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, Report, chaos


class _Progress:
    def __init__(self) -> None:
        self._told = 0  # of the findings

    def __call__(self, report: Report) -> None:
        counts = report.counts
        say(
            f"{sum(report.faults.values())} faults, {counts['messages accepted']} messages, "
            f"{counts['journal entries']} entries, {counts['findings']} findings, {report.seconds:.0f} s, "
            f"quiet after {report.quiet_s[-1]:.1f} s"
        )
        for finding in report.findings[self._told :]:
            say(f"  {finding}")
        self._told = len(report.findings)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    options.add_argument("--faults", type=int, default=1000)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options.add_argument("--sessions", type=int, default=50)
    options.add_argument("--pause-s", type=float, default=10.0, help="the longest that Redis is paused")
    options.add_argument("--report", type=Path, help="where the report goes; without it, to standard output")
    chosen = options.parse_args()
    plan = Plan(chosen.seed, faults=chosen.faults, sessions=chosen.sessions, pause_s=chosen.pause_s)
    say(f"seed {plan.seed}")
    with tempfile.TemporaryDirectory(prefix="chaos") as folder:
        report = asyncio.run(chaos(plan, Path(folder), _Progress()))
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    if chosen.report is None:
        print(text)
    else:
        chosen.report.write_text(text + "\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
