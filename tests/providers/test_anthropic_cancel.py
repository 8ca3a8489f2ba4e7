"""Stopping: wherever a step is, closing it closes the connection to Anthropic, and the provider goes on working."""

import asyncio
from collections.abc import Callable

import pytest

from hub.providers.anthropic import AnthropicProvider
from hub.providers.base import Delta, TextDelta, ThinkingDelta, ToolCallDelta, UsageSoFar
from tests.provider_server.script import CallTool, Gate, Say, Script, Stall, Think
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import anthropic, ask, collect, text_of

Place = tuple[Callable[[Gate], Script], type[Delta] | None]

PLACES: dict[str, Place] = {
    "before the headers": (lambda gate: Script(Say("x"), before_headers=gate), None),
    "after message_start": (lambda gate: Script(gate, Say("x")), UsageSoFar),
    "mid thinking": (lambda gate: Script(Think("hm", gate, "hm")), ThinkingDelta),
    "mid text": (lambda gate: Script(Say("some", gate, "more")), TextDelta),
    "mid tool input": (lambda gate: Script(CallTool("sum", pieces=['{"col', gate, 'umn": 1}'])), ToolCallDelta),
    "between blocks": (lambda gate: Script(Say("some"), gate, Say("more")), TextDelta),
}


class Reader:
    """Reads a step in a task of its own."""

    def __init__(self, provider: AnthropicProvider) -> None:
        self.deltas: list[Delta] = []
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._run(provider))

    async def _run(self, provider: AnthropicProvider) -> None:
        async for delta in provider.stream(ask()):
            self.deltas.append(delta)
            self.changed.set()

    async def came(self, kind: type[Delta] | None) -> None:
        while kind is not None and not any(isinstance(delta, kind) for delta in self.deltas):
            self.changed.clear()
            await self.changed.wait()


async def works_again(server: ProviderServer, provider: AnthropicProvider) -> None:
    server.add(Script(Say("Fine.")))
    assert text_of(await collect(provider, ask())) == "Fine."


@pytest.mark.parametrize("place", PLACES)
async def test_cancelling_the_task_closes_the_connection(provider_server: ProviderServer, place: str) -> None:
    make, kind = PLACES[place]
    gate = Gate()
    provider_server.add(make(gate))
    async with anthropic(provider_server) as provider:
        reader = Reader(provider)
        await gate.reached.wait()
        await reader.came(kind)
        reader.task.cancel()
        await asyncio.wait([reader.task])
        assert reader.task.cancelled()
        await provider_server.requests[0].closed_by_client.wait()
        await works_again(provider_server, provider)


@pytest.mark.parametrize("place", [place for place, (_, kind) in PLACES.items() if kind is not None])
async def test_closing_the_generator_closes_the_connection(provider_server: ProviderServer, place: str) -> None:
    make, kind = PLACES[place]
    assert kind is not None
    gate = Gate()
    provider_server.add(make(gate))
    async with anthropic(provider_server) as provider:
        stream = provider.stream(ask())
        async for delta in stream:
            if isinstance(delta, kind):
                break
        await stream.aclose()
        await provider_server.requests[0].closed_by_client.wait()
        await works_again(provider_server, provider)


async def test_a_timeout_of_the_caller_closes_the_connection(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("x", Stall())))
    async with anthropic(provider_server) as provider:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as limit:
                async for delta in provider.stream(ask()):
                    if isinstance(delta, TextDelta):
                        limit.reschedule(asyncio.get_running_loop().time())
        await provider_server.requests[0].closed_by_client.wait()


async def test_cancelling_before_anything_was_sent_opens_nothing(provider_server: ProviderServer) -> None:
    async with anthropic(provider_server) as provider:
        reader = Reader(provider)
        await asyncio.sleep(0)  # it has begun, and loads the SDK
        reader.task.cancel()
        await asyncio.wait([reader.task])
        assert provider_server.requests == []
        await works_again(provider_server, provider)


async def test_stopping_one_leaves_the_others_alone(provider_server: ProviderServer) -> None:
    gates = [Gate() for _ in range(5)]
    provider_server.add(*(Script(Say("a", gate, "b")) for gate in gates))
    async with anthropic(provider_server) as provider:
        readers = [Reader(provider) for _ in gates]
        for gate in gates:
            await gate.reached.wait()
        readers[2].task.cancel()
        await asyncio.wait([readers[2].task])
        for gate in gates:
            gate.open()
        others = [reader for reader in readers if reader is not readers[2]]
        await asyncio.gather(*(reader.task for reader in others))
        assert {text_of(reader.deltas) for reader in others} == {"ab"}
        assert sum(request.closed_by_client.is_set() for request in provider_server.requests) == 1


async def test_closing_after_the_end_counts_as_no_stop(provider_server: ProviderServer) -> None:
    async with anthropic(provider_server) as provider:
        stream = provider.stream(ask())
        deltas = [delta async for delta in stream]
        await stream.aclose()
        assert deltas
    assert not provider_server.requests[0].closed_by_client.is_set()
    assert provider_server.requests[0].answered.is_set()
