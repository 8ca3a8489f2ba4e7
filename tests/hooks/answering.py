"""One answer by a node with hooks."""

from collections.abc import Sequence

from hub.backplane.memory import MemoryBackplane
from hub.chat.parts import Message
from hub.hooks.registry import Hooks
from tests.runs import invariants
from tests.runs.node import Node, Recorder
from tests.runs.scripted import Act, ScriptedProvider
from tests.runs.tools import counting_tools


async def answer(
    hooks: Hooks, text: str, *scripts: Sequence[Act], provider: ScriptedProvider | None = None
) -> tuple[Node, Recorder]:
    """Ask once, let it end, check all invariants."""
    node = Node(MemoryBackplane(), tools=counting_tools(), hooks=hooks, provider=provider)
    node.provider.scripts = list(scripts)
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send(text)
        await node.idle()
        page = await node.chats.history("ann", "ses", before=None, limit=10)
        invariants.check(recorder.entries, page.messages)
    assert node.provider.open_streams == 0
    return node, recorder


async def first_message(hooks: Hooks, text: str) -> tuple[ScriptedProvider, Message]:
    """Ask once; the provider, and the user's message as it is stored."""
    node = Node(MemoryBackplane(), hooks=hooks)
    async with node.running():
        await node.open()
        await node.send(text)
        await node.idle()
        page = await node.chats.history("ann", "ses", before=None, limit=10)
    return node.provider, page.messages[0]


def types_of_run(recorder: Recorder) -> list[str]:
    """Of the one run's events: titles come when they come."""
    return recorder.types(recorder.done()[0].run_id)
