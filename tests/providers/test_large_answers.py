"""Answers of a hostile size or shape, through the real SDKs: cut off or refused, and the session goes on."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hub.providers.anthropic import MAX_EVENT_BYTES
from hub.providers.base import ThinkingEnd, ToolCallEnd
from hub.providers.citing import MAX_CITATIONS
from hub.runs.limits import RunLimits
from tests.provider_server.script import CallTool, Raw, Redacted, Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import collect, text_of
from tests.providers.hubs import Event, anthropic_at, chatting, notices, one, openai_at, responses_at, text
from tests.providers.speakers import ANTHROPIC, GEMINI, OPENAI, RESPONSES, Speaker, failure
from tests.providers.test_citations import CHARS, FILES, asking, cited

LIMITS = RunLimits()
MEGABYTE = "z" * 1_000_000
SETTINGS: Mapping[str, Callable[[ProviderServer], dict[str, object]]] = {
    "anthropic": anthropic_at,
    "chat": openai_at,
    "responses": responses_at,
}
each_wire = pytest.mark.parametrize("wire", SETTINGS)
DEEP = "[" * 200_000 + "]" * 200_000


async def half(value: float) -> float:
    """Half of a value."""
    return value / 2


def error_of(events: list[Event]) -> Any:
    return one(events, "done").get("error", {}).get("code")


@each_wire
async def test_a_text_without_end_is_cut_off_and_the_next_message_is_answered(
    provider_server: ProviderServer, wire: str
) -> None:
    provider_server.add(Script(Say(*[MEGABYTE] * 6)))
    provider_server.add(Script(Say("Fine.")))
    async with chatting(SETTINGS[wire](provider_server)) as chat:
        events = await chat.ask("go on")
        done = one(events, "done")
        assert (done["outcome"], done["error"]["code"], done["error"]["retryable"]) == (
            "failed",
            "provider_truncated",
            False,
        )
        assert "max_answer_chars" in done["error"]["message"]
        assert len(text(events)) == LIMITS.max_answer_chars
        assert notices(events) == []
        assert text(await chat.ask("again")) == "Fine."


@each_wire
async def test_a_call_without_end_is_cut_off_and_never_run(provider_server: ProviderServer, wire: str) -> None:
    provider_server.add(Script(CallTool("half", pieces=['{"value": "', *["z" * 250_000] * 6, '"}'])))
    provider_server.add(Script(Say("Fine.")))
    async with chatting(SETTINGS[wire](provider_server), half) as chat:
        events = await chat.ask("go on")
        assert error_of(events) == "provider_truncated"
        assert one(events, "tool_complete")["outcome"] == "interrupted"
        assert sum(len(event.get("delta", "")) for event in events if event["type"] == "tool_input") <= 1_000_000
        assert text(await chat.ask("again")) == "Fine."


@each_wire
async def test_calls_without_number_are_cut_off(provider_server: ProviderServer, wire: str) -> None:
    calls = [CallTool("half", {"value": number}) for number in range(LIMITS.max_step_calls + 1)]
    provider_server.add(Script(*calls))
    provider_server.add(Script(Say("Fine.")))
    async with chatting(SETTINGS[wire](provider_server), half) as chat:
        events = await chat.ask("go on")
        assert error_of(events) == "provider_truncated"
        assert len([event for event in events if event["type"] == "tool_start"]) == LIMITS.max_step_calls
        assert {event["outcome"] for event in events if event["type"] == "tool_complete"} == {"interrupted"}
        assert text(await chat.ask("again")) == "Fine."


async def test_parts_without_number_are_cut_off(provider_server: ProviderServer) -> None:
    provider_server.add(Script(*[Redacted()] * (LIMITS.max_step_parts + 1)))
    async with chatting(anthropic_at(provider_server)) as chat:
        events = await chat.ask("go on")
        assert error_of(events) == "provider_truncated"
        assert len({event["part"] for event in events if event["type"] == "thinking"}) == LIMITS.max_step_parts


@each_wire
@pytest.mark.parametrize(
    "arguments", ['{"value": ' + "9" * 400 + "}", '{"value": ' + "9" * 5_000 + "}", f'{{"v": {DEEP}}}']
)
async def test_arguments_that_no_client_could_read_fail_their_call(
    provider_server: ProviderServer, wire: str, arguments: str
) -> None:
    provider_server.add(Script(CallTool("half", pieces=[arguments])))
    provider_server.add(Script(Say("So be it.")))
    async with chatting(SETTINGS[wire](provider_server), half) as chat:
        events = await chat.ask("halve it")
        complete = one(events, "tool_complete")
        assert (complete["outcome"], one(events, "done")["outcome"]) == ("failed", "completed")
        assert complete["error"].startswith("The arguments are not ")
        assert text(events) == "So be it."


@pytest.mark.parametrize("speaker", [ANTHROPIC, OPENAI, RESPONSES], ids=lambda speaker: str(speaker.name))
async def test_a_frame_that_is_nested_without_end_is_not_the_format(speaker: Speaker) -> None:
    name = "content_block_delta"  # of which Anthropic's reader looks; OpenAI's look at all
    async with speaker.server() as server, speaker.provider(server) as provider:
        frame = f'event: {name}\ndata: {{"type": "{name}", "delta": {DEEP}, "choices": {DEEP}}}\n\n'
        server.add(Script(Say("One. "), Raw(frame.encode())))
        came, error = await failure(provider, speaker.ask())
        assert text_of(came) == "One. "
        assert error.code == "provider_truncated"


@pytest.mark.parametrize("speaker", [OPENAI, RESPONSES], ids=lambda speaker: str(speaker.name))
async def test_citations_beyond_the_bound_are_not_looked_at(speaker: Speaker) -> None:
    """Nor is the text put together for each of them: the pieces are joined once."""
    one_of_many = {"type": "url_citation", "url": "https://a.example/", "title": "A", "start_index": 0, "end_index": 1}
    many = [{"type": "url_citation", "url_citation": one_of_many, **one_of_many}] * (MAX_CITATIONS + 20)
    async with speaker.server() as server, speaker.provider(server) as provider:
        server.add(Script(Say(*"abc", cites=many)))
        deltas = await collect(provider, speaker.ask())
    assert text_of(deltas) == "abc"
    assert len(cited(deltas)) == MAX_CITATIONS


def chunk(**call: object) -> Raw:
    """A chunk of Chat Completions with a piece of a call."""
    return Raw(b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}).encode() + b"\n\n")


def nested(levels: int) -> object:
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


async def test_nothing_that_is_nested_too_deep_is_kept_of_a_call() -> None:
    """It would go back with each request that follows, and nothing could write it."""
    async with GEMINI.server() as server, GEMINI.provider(server) as provider:
        deep, shallow = {"deep": nested(200)}, {"google": {"thought_signature": "s"}}
        server.add(
            Script(
                chunk(id="c1", function={"name": "half", "arguments": deep}, extra_content=deep),
                chunk(id="c2", function={"name": "half", "arguments": {"value": 4}}, extra_content=shallow),
            )
        )
        deltas = await collect(provider, GEMINI.ask())
    first, second = (delta for delta in deltas if isinstance(delta, ToolCallEnd))
    assert (first.arguments, second.arguments) == (None, {"value": 4})
    assert first.error is not None and first.error.startswith("The arguments are not valid JSON")
    (kept,) = (delta.signature for delta in deltas if isinstance(delta, ThinkingEnd))
    assert kept == json.dumps({"c2": shallow}, separators=(",", ":"))


@pytest.mark.parametrize("pieces", [2, 12_000])
async def test_calls_that_never_name_their_tool_are_not_held_for_ever(pieces: int) -> None:
    size = 600_000 if pieces == 2 else 1
    async with OPENAI.server() as server, OPENAI.provider(server) as provider:
        server.add(Script(*[chunk(index=0, function={"arguments": "z" * size})] * pieces))
        _, error = await failure(provider, OPENAI.ask())
    assert (error.code, "do not name their tools" in error.text) == ("provider_truncated", True)


async def test_citations_of_a_passage_are_not_held_for_ever(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("7", cites=[CHARS] * (MAX_CITATIONS + 1))))
    async with ANTHROPIC.provider(provider_server) as provider:
        deltas = await collect(provider, asking(*FILES))
    assert len(cited(deltas)) == MAX_CITATIONS


async def test_an_event_without_end_is_cut_off(provider_server: ProviderServer) -> None:
    """The SDK's decoder holds what comes until the event is whole."""
    endless = [Raw(MEGABYTE.encode())] * (MAX_EVENT_BYTES // len(MEGABYTE) + 1)
    provider_server.add(Script(Say("One. "), Raw(b"data: "), *endless, Say("Two.")))
    async with ANTHROPIC.provider(provider_server) as provider:
        came, error = await failure(provider, ANTHROPIC.ask())
    assert (text_of(came), error.code) == ("One. ", "provider_truncated")
    assert "larger than is taken" in error.text
