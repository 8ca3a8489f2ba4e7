"""`hubline serve`, with the hub of the wire benchmarks at /bench: `python -m tests.bench.wire.hub_process serve …`.

All is as the product has it, but for the limit of calls: one load connection stands for many users.
"""

import asyncio
import sys

from hub import Hub, Hubline, HubOptions, cli, serve
from hub.config import Settings
from tests.bench.peers.python.sources import stream
from tests.bench.source import Source


def _add_bench(app: Hubline) -> None:
    streams_running: set[asyncio.Task[None]] = set()  # sources outlive the call, and the connection that began them

    @app.hub("/bench", HubOptions(max_invocations_per_s=0))
    class Bench(Hub):
        async def echo(self, text: str) -> str:
            return text

        async def join(self, group: str) -> None:
            await self.groups.add(group)

        async def publish(self, group: str, payload: str) -> None:
            await self.clients.group(group).send("Event", payload)

        async def stream(self, streams: int, per_second: float, seconds: float, characters: int) -> None:
            clients = app.clients(Bench)

            async def send(group: str, text: str) -> None:
                await clients.group(group).send("Event", text)

            task = asyncio.create_task(stream(send, streams, per_second, seconds, characters))
            streams_running.add(task)
            task.add_done_callback(streams_running.discard)


class HublineWithBench(Hubline):
    @classmethod
    def from_settings(cls, settings: Settings) -> Hubline:
        app = Hubline(settings=settings, providers={"source": Source()})
        _add_bench(app)
        return app


def main() -> int:
    # Everything else is as `hubline serve` does it.
    setattr(serve, "Hubline", HublineWithBench)  # noqa: B010  # to assign to a class is an error to mypy
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
