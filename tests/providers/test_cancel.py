"""Stopping: wherever a step is, closing it closes the connection to the provider, which goes on working."""

import asyncio
from collections.abc import Callable

import pytest

from hub.providers.base import Delta, Provider, TextDelta, ThinkingDelta, ToolCallDelta, UsageSoFar
from tests.provider_server.script import CallTool, Gate, Say, Script, Stall, Think
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import text_of
from tests.providers.speakers import Speaker, works_again

Place = tuple[Callable[[Gate], Script], type[Delta] | None]

PLACES: dict[str, Place] = {
    "before the headers": (lambda gate: Script(Say("x"), before_headers=gate), None),
    "after the beginning": (lambda gate: Script(gate, Say("x")), UsageSoFar),
    "mid thinking": (lambda gate: Script(Think("hm", gate, "hm")), ThinkingDelta),
    "mid text": (lambda gate: Script(Say("some", gate, "more")), TextDelta),
    "mid tool input": (lambda gate: Script(CallTool("sum", pieces=['{"col', gate, 'umn": 1}'])), ToolCallDelta),
    "between blocks": (lambda gate: Script(Say("some"), gate, Say("more")), TextDelta),
}


def seen(speaker: Speaker, kind: type[Delta]) -> type[Delta]:
    """What is seen at a place where a delta of this kind is sent."""
    return UsageSoFar if kind is ThinkingDelta and not speaker.shows_thinking else kind


class Reader:
    """Reads a step in a task of its own."""

    def __init__(self, provider: Provider, speaker: Speaker) -> None:
        self.deltas: list[Delta] = []
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._run(provider, speaker))

    async def _run(self, provider: Provider, speaker: Speaker) -> None:
        async for delta in provider.stream(speaker.ask()):
            self.deltas.append(delta)
            self.changed.set()

    async def came(self, kind: type[Delta] | None) -> None:
        while kind is not None and not any(isinstance(delta, kind) for delta in self.deltas):
            self.changed.clear()
            await self.changed.wait()


@pytest.mark.parametrize("place", PLACES)
async def test_cancelling_the_task_closes_the_connection(
    speaker: Speaker, spoken_to: ProviderServer, place: str
) -> None:
    make, kind = PLACES[place]
    gate = Gate()
    spoken_to.add(make(gate))
    async with speaker.provider(spoken_to) as provider:
        reader = Reader(provider, speaker)
        await gate.reached.wait()
        await reader.came(kind and seen(speaker, kind))
        reader.task.cancel()
        await asyncio.wait([reader.task])
        assert reader.task.cancelled()
        await spoken_to.requests[0].closed_by_client.wait()
        await works_again(spoken_to, provider, speaker.ask())


@pytest.mark.parametrize("place", [place for place, (_, kind) in PLACES.items() if kind is not None])
async def test_closing_the_generator_closes_the_connection(
    speaker: Speaker, spoken_to: ProviderServer, place: str
) -> None:
    make, kind = PLACES[place]
    assert kind is not None
    gate = Gate()
    spoken_to.add(make(gate))
    async with speaker.provider(spoken_to) as provider:
        stream = provider.stream(speaker.ask())
        async for delta in stream:
            if isinstance(delta, seen(speaker, kind)):
                break
        await stream.aclose()
        await spoken_to.requests[0].closed_by_client.wait()
        await works_again(spoken_to, provider, speaker.ask())


async def test_a_timeout_of_the_caller_closes_the_connection(speaker: Speaker, spoken_to: ProviderServer) -> None:
    spoken_to.add(Script(Say("x", Stall())))
    async with speaker.provider(spoken_to) as provider:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as limit:
                async for delta in provider.stream(speaker.ask()):
                    if isinstance(delta, TextDelta):
                        limit.reschedule(asyncio.get_running_loop().time())
        await spoken_to.requests[0].closed_by_client.wait()


async def test_cancelling_before_anything_was_sent_opens_nothing(speaker: Speaker, spoken_to: ProviderServer) -> None:
    async with speaker.provider(spoken_to) as provider:
        reader = Reader(provider, speaker)
        await asyncio.sleep(0)  # it has begun, and loads the SDK
        reader.task.cancel()
        await asyncio.wait([reader.task])
        assert spoken_to.requests == []
        await works_again(spoken_to, provider, speaker.ask())


async def test_stopping_one_leaves_the_others_alone(speaker: Speaker, spoken_to: ProviderServer) -> None:
    gates = [Gate() for _ in range(5)]
    spoken_to.add(*(Script(Say("a", gate, "b")) for gate in gates))
    async with speaker.provider(spoken_to) as provider:
        readers = [Reader(provider, speaker) for _ in gates]
        for gate in gates:
            await gate.reached.wait()
        readers[2].task.cancel()
        await asyncio.wait([readers[2].task])
        for gate in gates:
            gate.open()
        others = [reader for reader in readers if reader is not readers[2]]
        await asyncio.gather(*(reader.task for reader in others))
        assert {text_of(reader.deltas) for reader in others} == {"ab"}
        assert sum(request.closed_by_client.is_set() for request in spoken_to.requests) == 1


async def test_closing_after_the_end_counts_as_no_stop(speaker: Speaker, spoken_to: ProviderServer) -> None:
    async with speaker.provider(spoken_to) as provider:
        stream = provider.stream(speaker.ask())
        deltas = [delta async for delta in stream]
        await stream.aclose()
        assert deltas
    assert not spoken_to.requests[0].closed_by_client.is_set()
    assert spoken_to.requests[0].answered.is_set()
