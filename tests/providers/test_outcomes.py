"""Every failure mode through a whole hub, for every provider: the right `done`, what came is kept, and the next message
works, though the server is strict about what it is sent."""

import asyncio
import functools
import json
from collections.abc import Mapping, Sequence

import pytest

from tests.provider_server.script import Say, Script, Stall
from tests.providers.failing import INACTIVITY_S, Came, Mode, Stage, modes, stalls
from tests.providers.hubs import notices, one, text
from tests.providers.speakers import ANTHROPIC, OPENAI, SPEAKERS, Speaker

WALL_TIME_S = 3.0
PLAYED = modes()
STALLED = stalls()
CUT_OFF = ("provider_truncated", "provider_overloaded", "inactive")
"""What leaves the counts of tokens untold, so that they are estimated."""
STATUS = {"completed": "complete"}
"""Of the answer, where it is not called as the outcome."""


def checked(mode: Mode, came: Came | BaseException) -> None:
    if isinstance(came, BaseException):
        raise came
    done, error = came.done, came.done.get("error", {})
    assert (done["outcome"], error.get("code"), error.get("retryAfterS")) == (mode.outcome, mode.code, mode.after_s)
    assert notices(came.events) == list(mode.notices)
    assert text(came.events) == mode.kept
    answer = came.answer
    assert answer["status"] == STATUS.get(mode.outcome, mode.outcome)
    assert "".join(part["text"] for part in answer["parts"] if part["type"] == "text") == mode.kept
    assert [part["state"] for part in answer["parts"] if part["type"] == "tool_call"] == list(mode.calls)
    assert came.runs == mode.runs
    followed = one(came.followed, "done")
    assert (followed["outcome"], text(came.followed), notices(came.followed)) == ("completed", "Fine.", [])
    assert came.refused == []
    sent = json.dumps(came.bodies[-1], ensure_ascii=False)
    assert all(part["text"] in sent for part in answer["parts"] if part["type"] == "text")
    assert "I thi" not in sent, "thinking that was cut off is not signed"
    ends = [(body.get("messages") or body["input"])[-1].get("role") for body in came.bodies]
    assert ends.count("assistant") == (mode is PLAYED["paused"]), "models refuse to go on from their own words"
    if mode.stops:
        assert done["stoppedBy"] == "tester"
    usage = done["usage"]
    assert usage["estimated"] or not mode.stops
    if mode.kept and (mode.stops or mode.code in CUT_OFF):
        assert usage["estimated"] and usage["inputTokens"] > 0 and usage["outputTokens"] > 0


@functools.cache
def played(speaker: Speaker) -> Mapping[str, Came | BaseException]:
    """What came of every mode; all are played at once."""
    return asyncio.run(Stage(speaker, modes()).play())


@functools.cache
def stalled(speaker: Speaker) -> Mapping[str, Came | BaseException]:
    return asyncio.run(Stage(speaker, stalls(), provider_inactivity_s=INACTIVITY_S).play())


def each(there: Mapping[str, Mode], speakers: Sequence[Speaker] = SPEAKERS) -> pytest.MarkDecorator:
    """Every provider with every mode that it can have."""
    pairs = [(speaker, name) for speaker in speakers for name, mode in there.items() if mode.of(speaker)]
    return pytest.mark.parametrize(("asked", "name"), pairs, ids=[f"{asked.name}-{name}" for asked, name in pairs])


@each(PLAYED)
def test_failure(asked: Speaker, name: str) -> None:
    checked(PLAYED[name], played(asked)[name])


@each(STALLED)
def test_stall(asked: Speaker, name: str) -> None:
    checked(STALLED[name], stalled(asked)[name])


@functools.cache
def played_in_one_piece(speaker: Speaker) -> Mapping[str, Came | BaseException]:
    return asyncio.run(Stage(speaker, in_one_piece(), streaming_percent=0).play())


def in_one_piece() -> Mapping[str, Mode]:
    """What does not look at the answer while it comes."""
    return {name: mode for name, mode in modes().items() if mode.gate is None}


@each(in_one_piece(), (ANTHROPIC, OPENAI))
def test_failure_where_answers_are_not_streamed(asked: Speaker, name: str) -> None:
    """The other branch of the roll-out keeps the same contract."""
    came = played_in_one_piece(asked)[name]
    checked(PLAYED[name], came)
    assert isinstance(came, Came)
    steps = len([event for event in came.events if event["type"] == "step"])
    assert len([event for event in came.events if event["type"] == "text"]) <= steps


async def test_an_answer_takes_no_longer_than_it_may() -> None:
    def endless() -> Mode:
        return Mode([Script(Say("Half", Stall()))], "limit", "wall_time", kept="Half")

    speakers = (ANTHROPIC, OPENAI)
    plays = [Stage(speaker, {"endless": endless()}, wall_time_s=WALL_TIME_S).play() for speaker in speakers]
    for came in await asyncio.gather(*plays):
        checked(endless(), came["endless"])
