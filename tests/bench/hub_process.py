"""`hubline serve`, with the benchmarks' source among its providers: `python -m tests.bench.hub_process serve …`.

SIGUSR1 collects garbage, so that memory can be read without it.
"""

import gc
import os
import signal
import sys

from hub import cli, serve
from hub.app import Hubline
from hub.config import Settings
from tests.bench import machine, sampling
from tests.bench.source import Source


class HublineWithSource(Hubline):
    @classmethod
    def from_settings(cls, settings: Settings) -> Hubline:
        return Hubline(settings=settings, providers={"source": Source()})


def main() -> int:
    machine.pin(machine.SERVER_CORE)
    signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
    # Everything else is as `hubline serve` does it.
    setattr(serve, "Hubline", HublineWithSource)  # noqa: B010  # to assign to a class is an error to mypy
    with sampling.to_file(os.environ.get("BENCH_SAMPLES")):
        return cli.main()


if __name__ == "__main__":
    sys.exit(main())
