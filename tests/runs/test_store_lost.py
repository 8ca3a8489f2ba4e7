"""A store that comes back without its tail has forgotten what was asked last."""

import asyncio

import msgspec

from hub.backplane.base import Backplane, Fence, Leases, Settle, Work
from hub.chat import events
from hub.providers.base import TextDelta
from tests.runs import invariants
from tests.runs.faults import FaultyBackplane, FaultyLeases
from tests.runs.node import Node, until


class ForgetfulLeases(FaultyLeases):
    """Of a store that does not know of some asks: the next one is then the active one."""

    forgotten = ""  # a run

    async def renew(
        self, session_id: str, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None = None, appended: int = 0
    ) -> Work:
        work = await super().renew(session_id, fence, now=now, lease_ms=lease_ms, settle=settle, appended=appended)
        asks = [known for known in work.asks if known.ask.run_id != self.forgotten]
        return msgspec.structs.replace(
            work, asks=[msgspec.structs.replace(known, state="active") for known in asks[:1]] + asks[1:]
        )


class Forgetful(FaultyBackplane):
    def __init__(self, inner: Backplane) -> None:
        super().__init__(inner)
        self.forgetting = ForgetfulLeases(inner.leases, self.faults)
        self.leases: Leases = self.forgetting  # type: ignore[assignment]  # the base's type is the faulty one


async def test_a_run_that_the_store_forgot_ends_before_the_next_begins(backplane: Backplane) -> None:
    line = Forgetful(backplane)
    node = Node(line)
    node.provider.scripts = [[TextDelta(0, "par"), asyncio.Event()]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        one = await node.send("one")
        await until(lambda: bool(recorder.of(events.Text)))
        line.forgetting.forgotten = one.run_id
        two = await node.send("two")
        await until(lambda: bool(recorder.done(two.run_id)))
        await node.idle()
    assert [(done.run_id, done.outcome) for done in recorder.done()] == [
        (one.run_id, "interrupted"),
        (two.run_id, "completed"),
    ]
    invariants.check(recorder.entries)
