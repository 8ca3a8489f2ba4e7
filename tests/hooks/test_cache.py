"""The cache of answers: what is kept, by what it is found, how it is bounded, and how a hit looks."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.chat.parts import NO_USAGE, Citation, Json, Message, TextPart
from hub.errors import ProviderError
from hub.hooks.base import Found
from hub.hooks.cache import ENTRY_BYTES, ResponseCache, key_of
from hub.hooks.output import Output
from hub.hooks.registry import Hooks
from hub.providers.base import Cited, Delta, Request, TextDelta, ThinkingDelta, ThinkingEnd, ToolSpec
from hub.runs.asking import Wish
from hub.runs.chats import SettingsWish
from tests.runs.node import Node, Recorder, until
from tests.runs.scripted import Act, call, end, says
from tests.runs.tools import counting_tools


def caching(**bounds: float) -> Hooks:
    return Hooks(cache=ResponseCache(**{"max_entries": 10, **bounds}))  # type: ignore[arg-type]  # numbers all


class Asked:
    """A node with a cache, and sessions in which the same is asked."""

    def __init__(self, *scripts: Sequence[Act], hooks: Hooks | None = None) -> None:
        self.node = Node(MemoryBackplane(), hooks=hooks or caching(), tools=counting_tools())
        self.node.provider.scripts = list(scripts)

    async def ask(
        self, session_id: str, text: str = "hi", *, user: str = "acme/ann", system: str = "", **more: object
    ) -> Recorder:
        await self.node.open(session_id, user=user, wish=SettingsWish(autonomy="agent-yolo", system=system))
        recorder = await self.node.record(session_id)
        await self.node.send(text, session_id=session_id, user=user, **more)  # type: ignore[arg-type]  # the wish
        await self.node.idle()
        return recorder

    @property
    def requests(self) -> int:
        return len(self.node.provider.streams)


async def test_a_hit_is_an_ordinary_answer_marked_as_given_before() -> None:
    asked = Asked([ThinkingDelta(0, "h"), ThinkingDelta(0, "m"), ThinkingEnd(0, "sig"), *says("one ", "two")])
    async with asked.node.running():
        first = await asked.ask("first")
        second = await asked.ask("second", user="acme/bob")
    assert asked.requests == 1
    [done] = second.done()
    assert (done.outcome, done.finish_reason, done.usage) == ("completed", "stop", NO_USAGE)
    assert second.types(done.run_id) == ["run_started", "step", "notice", "thinking", "thinking", "text", "done"]
    assert second.of(events.Notice)[0].code == "cached"
    assert [event.delta for event in second.of(events.Text)] == ["one two"]
    answers = [list(recorder.fold().messages.values())[-1]["parts"] for recorder in (first, second)]
    assert answers[0] == answers[1]


async def test_it_is_off_by_default() -> None:
    asked = Asked(hooks=Hooks())
    async with asked.node.running():
        await asked.ask("first")
        await asked.ask("second")
    assert asked.requests == 2


@pytest.mark.parametrize(
    "other",
    [{"text": "ho"}, {"user": "other/ann"}, {"system": "Be brief."}, {"wish": Wish(model="script-2")}],
    ids=["text", "organisation", "system", "model"],
)
async def test_what_differs_is_asked(other: dict[str, object]) -> None:
    asked = Asked()
    async with asked.node.running():
        await asked.ask("first")
        await asked.ask("second", **other)  # type: ignore[arg-type]  # one of its arguments
    assert asked.requests == 2


async def test_users_without_an_organisation_share_no_answers() -> None:
    asked = Asked()
    async with asked.node.running():
        for number, user in enumerate(("ann", "bob", "ann", "/x/y", "/x/z")):
            await asked.ask(f"session {number}", user=user)
    assert asked.requests == 4


async def test_what_was_said_before_counts() -> None:
    asked = Asked(says("a"), says("b"), says("c"), says("d"))
    async with asked.node.running():
        await asked.ask("first", "hi")
        await asked.ask("first", "and?")
        await asked.ask("second", "hi")
        await asked.ask("second", "and?")
        await asked.ask("third", "and?")
    assert asked.requests == 3


async def test_what_a_hook_found_counts() -> None:
    hooks = caching()
    texts = iter(["rain", "rain", "sun"])
    hooks.add_context(name="weather")(lambda question: [Found(text=next(texts), title="Weather")])
    asked = Asked(hooks=hooks)
    async with asked.node.running():
        for number in range(3):
            await asked.ask(f"session {number}")
    assert asked.requests == 2


FAILURE = ProviderError("provider_auth", "No.")


@pytest.mark.parametrize(
    "scripts",
    [
        [[TextDelta(0, "one"), *call("c1"), end("tool_calls")], says("two")],
        [[TextDelta(0, "one"), FAILURE]],
        [[TextDelta(0, "one")]],
        [[TextDelta(0, "one"), end("max_output")]],
        [[TextDelta(0, "one"), end("refused")]],
        [[end()]],
    ],
    ids=["tools", "failed", "truncated", "limit", "refused", "empty"],
)
async def test_no_other_answer_is_kept(scripts: list[list[Act]]) -> None:
    asked = Asked(*scripts)
    async with asked.node.running():
        await asked.ask("first")
        requests = asked.requests
        second = await asked.ask("second")
    assert asked.requests == requests + 1
    assert second.done()[0].outcome == "completed"


async def test_a_stopped_answer_is_not_kept() -> None:
    asked = Asked([TextDelta(0, "one"), asyncio.Event()])
    node = asked.node
    async with node.running():
        await node.open("first")
        recorder = await node.record("first")
        await node.send("hi", session_id="first")
        await until(lambda: bool(recorder.of(events.Text)))
        await node.stop(session_id="first")
        await node.idle()
        await asked.ask("second", user="ann")
    assert asked.requests == 2


async def test_an_answer_that_was_stopped_after_its_last_delta_is_not_kept() -> None:
    hooks = caching()
    is_at_end = asyncio.Event()

    @hooks.on_output(timeout_s=60.0)
    async def slow(output: Output) -> None:
        async for _ in output:
            pass
        is_at_end.set()
        await asyncio.Event().wait()

    asked = Asked(hooks=hooks)
    node = asked.node
    async with node.running():
        await node.open("first")
        recorder = await node.record("first")
        await node.send("hi", session_id="first")
        await is_at_end.wait()
        await node.stop(session_id="first")
        await node.idle()
    assert recorder.done()[0].outcome == "stopped"
    assert hooks.cache is not None and len(hooks.cache) == 0


async def test_who_asks_anew_gets_another_answer_which_is_then_given() -> None:
    asked = Asked(says("old"), says("new"))
    async with asked.node.running():
        await asked.ask("first")
        await asked.node.chats.asking.regenerate("acme/ann", "first", "again", None)
        await asked.node.idle()
        second = await asked.ask("second")
    assert asked.requests == 2
    assert [event.delta for event in second.of(events.Text)] == ["new"]


async def test_an_answer_that_is_too_old_is_not_given() -> None:
    asked = Asked(hooks=caching(max_age_s=5.0))
    async with asked.node.running():
        await asked.ask("first")
        asked.node.clock.ahead_ms += 4_000
        await asked.ask("second")
        assert asked.requests == 1
        asked.node.clock.ahead_ms += 2_000
        await asked.ask("third")
    assert asked.requests == 2


def test_entries_are_bounded_and_the_longest_unused_goes() -> None:
    cache = ResponseCache(max_entries=2)
    deltas: list[Delta] = [TextDelta(0, "x")]
    cache.put(b"a", deltas, 0)
    cache.put(b"b", deltas, 0)
    assert cache.get(b"a", 0) is not None
    cache.put(b"c", deltas, 0)
    assert [cache.get(key, 0) is not None for key in (b"a", b"b", b"c")] == [True, False, True]
    assert (len(cache), cache.bytes) == (2, 2 * (ENTRY_BYTES + 1))


def test_bytes_are_bounded() -> None:
    cache = ResponseCache(max_entries=100, max_bytes=3 * ENTRY_BYTES)
    cache.put(b"a", [TextDelta(0, "é" * 100), ThinkingEnd(0, "s" * 50)], 0)
    assert cache.bytes == ENTRY_BYTES + 250
    cache.put(b"b", [TextDelta(0, "x" * 2 * ENTRY_BYTES)], 0)
    assert (cache.get(b"a", 0), len(cache), cache.bytes) == (None, 1, 3 * ENTRY_BYTES)
    cache.put(b"b", [TextDelta(0, "x" * 3 * ENTRY_BYTES)], 0)  # too long: and the old one is no longer true
    assert (len(cache), cache.bytes) == (0, 0)


def test_citations_count() -> None:
    cache = ResponseCache(max_entries=9)
    cache.put(b"a", [TextDelta(0, "x"), Cited(0, [Citation(source="web", title="A")])], 0)
    assert cache.bytes == ENTRY_BYTES + 1 + len('[{"source":"web","title":"A"}]')


async def test_a_hit_rests_on_what_the_answer_did() -> None:
    asked = Asked([TextDelta(0, "one"), Cited(0, [Citation(source="web", title="A")]), end()])
    async with asked.node.running():
        answers = [await asked.ask(session_id) for session_id in ("first", "second")]
    assert asked.requests == 1
    parts = [list(recorder.fold().messages.values())[-1]["parts"] for recorder in answers]
    assert parts == [[{"type": "text", "text": "one", "citations": [{"source": "web", "title": "A"}]}]] * 2


TOOL = ToolSpec("look", "Looks.", {"type": "object"}, "read")


def request(context: Json = None, tools: Sequence[ToolSpec] = (TOOL,), **more: object) -> Request:
    message = Message(
        message_id="m",
        role="user",
        author="u",
        parts=[TextPart("hi")],
        status="complete",
        created_at=1,
        context=context,
    )
    whole = Request(session_id="s", run_id="r", model="m", system="", messages=[message], tools=tools)
    return msgspec.structs.replace(whole, **more)


CHANGES: dict[str, Callable[[], Request]] = {
    "context": lambda: request(context={"sheet": "B"}),
    "tool's description": lambda: request(tools=[msgspec.structs.replace(TOOL, description="Looks well.")]),
    "tool's schema": lambda: request(tools=[msgspec.structs.replace(TOOL, input_schema={"type": "object", "x": 1})]),
    "no tools": lambda: request(tools=()),
    "system": lambda: request(system="Be brief."),
    "errors of the client": lambda: request(client_errors=["It broke."]),
    "model": lambda: request(model="n"),
    "no message": lambda: request(messages=[]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_a_model_sees_is_part_of_the_key(change: str) -> None:
    assert key_of("o/u", "p", CHANGES[change]()) != key_of("o/u", "p", request())


def test_ids_and_the_order_of_keys_are_no_part_of_the_key() -> None:
    one = request(context={"a": 1, "b": 2}, session_id="s1", run_id="r1")
    two = request(context={"b": 2, "a": 1}, session_id="s2", run_id="r2")
    assert key_of("o/u", "p", one) == key_of("o/v", "p", two)
    assert key_of("o/u", "p", one) != key_of("o/u", "q", one)
