"""Random interleavings of calls, streams, uploads, cancels, losses: each id is answered once, nothing is left over."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from hub.protocol.messages import CancelInvocation, Completion, StreamItem
from hub.server.hub import Hub, immediate
from hub.server.options import HubOptions
from tests.server.conftest import Serve
from tests.server.wire import Wire, until


class Mixed(Hub):
    async def quick(self) -> int:
        return 1

    async def slow(self) -> int:
        for _ in range(5):
            await asyncio.sleep(0)
        return 2

    @immediate
    async def now(self) -> int:
        await asyncio.sleep(0)
        return 3

    async def ask(self) -> object:
        return await self.clients.caller.invoke("Name")

    async def broken(self) -> None:
        raise ValueError("x")

    async def count(self) -> AsyncIterator[int]:
        for i in range(5):
            yield i
            await asyncio.sleep(0)

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])


PLAIN = ["Quick", "Slow", "Now", "Ask", "Broken", "Nope"]


@pytest.mark.parametrize("seed", range(20))
async def test_every_call_is_answered_once(serve: Serve, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(seed)
    server = await serve(Mixed, HubOptions(max_parallel_invocations=chance.choice([1, 3])))
    wire = Wire(server).open()
    asked: list[str] = []
    answered: Counter[str] = Counter()

    def read() -> None:
        while wire.unread:
            message = wire.take()
            if isinstance(message, Completion):
                answered[message.invocation_id] += 1
            elif not isinstance(message, StreamItem) and chance.random() < 0.9:
                invocation_id = getattr(message, "invocation_id", None)
                wire.write(Completion(str(invocation_id), result="ann", has_result=True))
            elif not isinstance(message, StreamItem):
                wire.write(Completion(str(getattr(message, "invocation_id", None)), "no"))

    for step in range(200):
        invocation_id = f"i{step}"
        action = chance.choice(["call", "call", "stream", "upload", "cancel", "turn"])
        if action == "call":
            wire.invoke(chance.choice(PLAIN), id=invocation_id)
        elif action == "stream":
            wire.stream("Count", id=invocation_id)
        elif action == "upload":
            wire.invoke("Total", id=invocation_id, streams=(f"u{step}",))
            wire.write(StreamItem(f"u{step}", 1), Completion(f"u{step}"))
        elif action == "cancel" and asked:
            wire.write(CancelInvocation(chance.choice(asked[-5:])))
        if action in ("call", "stream", "upload"):
            asked.append(invocation_id)
        if chance.random() < 0.5:
            await asyncio.sleep(0)
            read()
    if seed % 4 == 0:
        wire.connection.lost(ConnectionError("gone"))
        await wire.connection.finished
    else:

        def all_answered() -> bool:
            read()
            return len(answered) == len(asked)

        await until(all_answered)
        assert set(answered.values()) == {1}
        assert set(answered) == set(asked)
        wire.connection.close()
        await wire.connection.finished
    assert server.metrics.streams_now == 0
    assert {record.message for record in caplog.records} <= {"hub method failed"}
