"""Where no hook is set, nothing stands between a provider and a watcher."""

from collections.abc import AsyncGenerator

from hub.backplane.base import Fence
from hub.backplane.memory import MemoryBackplane
from hub.chat.events import Stored
from hub.errors import BackplaneError
from hub.hooks.cache import ResponseCache
from hub.hooks.registry import Hooks
from hub.hooks.rollout import Rollout
from hub.providers.base import Delta, Request
from hub.runs.answer.hooked import Hooked
from hub.runs.answer.sources import Source
from hub.runs.ask import RunAsk
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.runs.limits import RunLimits
from hub.tools.toolset import Toolset
from tests.runs.node import Node
from tests.runs.scripted import ScriptedProvider

ASK = RunAsk(message_id="m", answer_id="a", author="ann", provider="scripted", model="script-1")
REQUEST = Request(session_id="ses", run_id="run", model="script-1", system="", messages=[])


class OneStream(ScriptedProvider):
    """Gives the same stream to whoever asks, so that it can be told from another."""

    def __init__(self) -> None:
        super().__init__()
        self.given = super().stream(REQUEST)

    def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        return self.given


def _ignore(event: Stored | BackplaneError | None) -> None:
    return None


async def is_the_providers_own(hooks: Hooks) -> bool:
    """Whether a run reads the provider's stream itself, without a task or a listener beside it."""
    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        session = await node.open()
    environment = RunEnvironment(
        limits=RunLimits(), tools=Toolset(), now_ms=node.clock.now_ms, new_id=lambda prefix: prefix, hooks=hooks
    )
    writer = EventWriter(node.backplane.journal, "ses", Fence(1, "node"), on_event=_ignore, on_lost=_ignore)
    hooked = Hooked(environment, session, "run", ASK, writer)
    await hooked.prepare(list)
    provider = OneStream()
    stream = hooked.stream(Source(provider, "script-1"), REQUEST)
    return stream is provider.given and hooked.on_prose is None


async def test_a_run_reads_the_providers_own_stream() -> None:
    assert await is_the_providers_own(Hooks())
    assert await is_the_providers_own(Hooks(streaming=Rollout("streaming", 100)))
    assert not await is_the_providers_own(Hooks(cache=ResponseCache(max_entries=1)))
    assert not await is_the_providers_own(Hooks(streaming=Rollout("streaming", 0)))
