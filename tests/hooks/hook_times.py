"""`python -m tests.hooks.hook_times`: what hooks cost, measured through a whole hub in one process. Asserts nothing."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

from hub import Output
from hub.app import Hubline
from hub.chat.parts import NO_USAGE
from hub.config import load
from hub.providers.base import Delta, Request, StepEnd, TextDelta
from hub.server.testing import TestClient
from tests.bench.table import Table, ms, percentile

HITS = 200
DELTAS = 2_000
TURNS_BEFORE = (0, 20)
ANSWER = "A sentence of an answer, as long as those of a model are. " * 20


class Quick:
    """A provider that answers at once, in `pieces` deltas."""

    name = "quick"
    default_model = "quick-1"

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self.asked = 0

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.asked += 1
        for _ in range(self._pieces):
            yield TextDelta(0, ANSWER)
            await asyncio.sleep(0)
        yield StepEnd("stop", NO_USAGE)

    async def close(self) -> None:
        return None


def hubline(provider: Quick, **settings: object) -> Hubline:
    wanted: Mapping[str, object] = {"provider": provider.name, "max_user_invocations_per_s": "0", **settings}
    return Hubline(settings=load({"max_invocations_per_s": "0", **wanted}), providers={provider.name: provider})


async def ask(client: TestClient, session_id: object, text: str) -> float:
    """Seconds from the call to the answer's `done`, and all between."""
    begin = time.perf_counter()
    async for event in client.stream("Chat", session_id, {"messageId": text, "content": text}, {}):
        assert isinstance(event, dict)
        if event["type"] == "done":
            assert event["outcome"] == "completed"
            return time.perf_counter() - begin
    raise AssertionError("no done")


async def hits(backplane: str, turns_before: int) -> Sequence[float]:
    """How long answers from the cache take, the same talk in session after session."""
    provider = Quick(1)
    app = hubline(provider, backplane=backplane, cached_answers="1000")
    texts = [f"question-{number}" for number in range(turns_before + 1)]
    times: list[float] = []
    async with app.lifespan(), app.test_client() as client:
        for _ in range(HITS // (turns_before + 1) + 2):
            opened = await client.invoke("OpenSession", {})
            assert isinstance(opened, dict)
            for text in texts:
                took = await ask(client, opened["sessionId"], text)
            times.append(took)
    assert provider.asked == len(texts)
    return times[1:]


async def answer_s(hooks: int) -> float:
    """How long an answer of many deltas takes, with so many output hooks."""
    app = hubline(Quick(DELTAS), backplane="memory://")

    async def read(output: Output) -> None:
        async for _ in output:
            pass

    for number in range(hooks):
        app.on_output(name=f"hook {number}")(read)
    async with app.lifespan(), app.test_client() as client:
        opened = await client.invoke("OpenSession", {})
        assert isinstance(opened, dict)
        await ask(client, opened["sessionId"], "warm-up")
        return await ask(client, opened["sessionId"], "again")


async def main() -> None:
    columns = ("store", "turns before", "hits", "median ms", "p99 ms")
    table = Table("Answers from the cache: from the call to `done` (aim: under 5 ms)", columns)
    with tempfile.TemporaryDirectory() as folder:
        for store in ("memory", "sqlite"):
            for turns in TURNS_BEFORE:
                address = "memory://" if store == "memory" else f"sqlite:///{Path(folder) / f'{turns}.db'}"
                times = await hits(address, turns)
                table.add(store, str(turns), str(len(times)), ms(percentile(times, 50)), ms(percentile(times, 99)))
    print(table.text())
    deltas = Table(f"Output hooks: an answer of {DELTAS} deltas", ("hooks", "µs per delta, best of 5"))
    for hooks in (0, 1, 3):
        deltas.add(str(hooks), f"{min([await answer_s(hooks) for _ in range(5)]) / DELTAS * 1e6:.1f}")
    print(deltas.text())


if __name__ == "__main__":
    asyncio.run(main())
