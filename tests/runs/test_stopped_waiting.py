"""A run that is stopped while it waits begins and ends in one append: no snapshot shows it beside another."""

import asyncio
from collections.abc import Sequence

from hub.backplane.base import Backplane, Entry
from hub.chat import events
from hub.providers.base import TextDelta
from tests.runs.node import Node, until


async def test_it_begins_and_ends_in_one_append(backplane: Backplane) -> None:
    node = Node(backplane)
    node.provider.scripts = [[TextDelta(0, "par"), asyncio.Event()]]
    batches: list[list[events.Stored | None]] = []

    def receive(entries: Sequence[Entry]) -> None:
        batches.append([events.decode(entry.payload) for entry in entries])

    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.backplane.journal.follow("ses", receive)
        await node.send("one")
        two = await node.send("two")
        await until(lambda: bool(recorder.of(events.Text)) and bool(recorder.of(events.MessageQueued)))
        await node.stop(two.run_id)
        await until(lambda: bool(recorder.done(two.run_id)))
    [batch] = [batch for batch in batches if any(_is_of(event, two.run_id) for event in batch)]
    assert [type(event) for event in batch] == [events.MessageChanged, events.RunStarted, events.Done]


def _is_of(event: events.Stored | None, run_id: str) -> bool:
    return isinstance(event, events.RunStarted | events.Done) and event.run_id == run_id
