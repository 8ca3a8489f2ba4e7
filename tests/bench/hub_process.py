"""`hubline serve`, with the benchmarks' source among its providers: `python -m tests.bench.hub_process serve …`.

BENCH_HOOKS names what hooks it has besides those that are settings: `context`, `output`.

SIGUSR1 collects garbage, so that memory can be read without it.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence

from hub import Found, Output, Question, cli, serve
from hub.app import Hubline
from hub.config import Settings
from tests.bench import machine, sampling
from tests.bench.source import Source


class HublineWithSource(Hubline):
    @classmethod
    def from_settings(cls, settings: Settings) -> Hubline:
        app = Hubline(settings=settings, providers={"source": Source()})
        hooks = os.environ.get("BENCH_HOOKS", "").split()
        if "context" in hooks:
            app.add_context()(find)
        if "output" in hooks:
            app.on_output()(read)
        return app


async def find(question: Question) -> Sequence[Found]:
    return [Found(text="What the question is about, in a sentence or two.", title="A page")]


async def read(output: Output) -> None:
    async for _ in output:
        pass


def main() -> int:
    machine.pin(machine.SERVER_CORE)
    signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
    # Everything else is as `hubline serve` does it.
    setattr(serve, "Hubline", HublineWithSource)  # noqa: B010  # to assign to a class is an error to mypy
    with sampling.to_file(os.environ.get("BENCH_SAMPLES")):
        return cli.main()


if __name__ == "__main__":
    sys.exit(main())
