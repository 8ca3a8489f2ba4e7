"""A rollout by user, and the answer of those who have no streaming: in one piece, over the same events."""

import asyncio

import pytest

from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.errors import ProviderError
from hub.hooks.joined import MAX_PIECE_CHARS
from hub.hooks.registry import Hooks
from hub.hooks.rollout import Rollout
from hub.providers.base import TextDelta, ThinkingDelta, ThinkingEnd, UsageSoFar
from tests.hooks.answering import answer, types_of_run
from tests.runs.node import Node, until
from tests.runs.scripted import USAGE, call, end, says

USERS = [f"acme/user-{number}" for number in range(10_000)]
IN_ONE_PIECE = Hooks(streaming=Rollout("streaming", 0))


@pytest.mark.parametrize(
    ("percent", "least", "most"), [(0, 0, 0), (0.5, 20, 85), (25, 2300, 2700), (100, 10_000, 10_000)]
)
def test_about_so_many_users_have_it(percent: float, least: int, most: int) -> None:
    assert least <= sum(map(Rollout("streaming", percent).has, USERS)) <= most


def test_who_has_it_keeps_it_and_features_are_apart() -> None:
    few = {user for user in USERS if Rollout("a", 10).has(user)}
    many = {user for user in USERS if Rollout("a", 30).has(user)}
    others = {user for user in USERS if Rollout("b", 30).has(user)}
    assert few < many
    assert 700 < len(many & others) < 1100


def test_a_user_is_the_same_on_every_node_and_version() -> None:
    assert [Rollout("streaming", 50).has(user) for user in ("ann", "bob", "eve", "acme/ann")] == KNOWN


KNOWN = [True, False, True, False]


async def test_without_streaming_each_step_comes_in_one_piece_over_the_same_events() -> None:
    script = [
        UsageSoFar(USAGE),
        *(ThinkingDelta(0, piece) for piece in "hmm"),
        ThinkingEnd(0, "sig"),
        *(TextDelta(0, piece) for piece in "abc"),
        *call("c1"),
        end("tool_calls"),
    ]
    whole, pieces = (
        await answer(IN_ONE_PIECE, "hi", script, says(*"done")),
        await answer(Hooks(), "hi", script, says("done")),
    )
    assert [event.delta for event in whole[1].of(events.Text)] == ["abc", "done"]
    assert [event.delta for event in whole[1].of(events.Thinking)] == ["hmm", ""]
    folded = [list(recorder.fold().messages.values())[-1]["parts"] for _, recorder in (whole, pieces)]
    for part in (part for parts in folded for part in parts):
        part.pop("durationMs", None)
    assert folded[0] == folded[1]
    assert whole[1].done()[0].usage == pieces[1].done()[0].usage


async def test_nothing_is_shown_before_the_end_and_a_stop_shows_nothing() -> None:
    node = Node(MemoryBackplane(), hooks=IN_ONE_PIECE)
    node.provider.scripts = [[UsageSoFar(USAGE), TextDelta(0, "one"), asyncio.Event()]]
    async with node.running():
        await node.open()
        recorder = await node.record()
        await node.send("hi")
        await until(lambda: len(node.provider.streams[0].yielded) == 2 if node.provider.streams else False)
        await node.stop()
        await node.idle()
    assert recorder.of(events.Text) == []
    [done] = recorder.done()
    assert (done.outcome, done.usage.input_tokens, done.usage.estimated) == ("stopped", USAGE.input_tokens, True)
    assert node.provider.open_streams == 0


@pytest.mark.parametrize("is_truncated", [True, False])
async def test_what_came_before_a_failure_is_kept(is_truncated: bool) -> None:
    rest = [] if is_truncated else [ProviderError("provider_auth", "No.")]
    _, recorder = await answer(IN_ONE_PIECE, "hi", [TextDelta(0, "o"), TextDelta(0, "ne"), *rest])
    assert types_of_run(recorder) == ["run_started", "step", "text", "done"]
    assert recorder.of(events.Text)[0].delta == "one"
    assert recorder.done()[0].outcome == "failed"


async def test_a_very_long_piece_is_cut() -> None:
    _, recorder = await answer(IN_ONE_PIECE, "hi", says("x" * (2 * MAX_PIECE_CHARS), "y"))
    assert "".join(event.delta for event in recorder.of(events.Text)) == "x" * (2 * MAX_PIECE_CHARS) + "y"
    assert max(len(event.delta) for event in recorder.of(events.Text)) <= MAX_PIECE_CHARS
