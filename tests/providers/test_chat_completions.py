"""What servers that speak Chat Completions send, each in its own way, and what the hub makes of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.chat.parts import Json
from hub.errors import ProviderError
from hub.providers.base import (
    Delta,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageSoFar,
)
from hub.providers.openai.frames import EventCutter, FrameTooLarge, WholeCutter
from hub.providers.openai.request import parameters
from tests.provider_server.openai_player import chunk
from tests.provider_server.openai_rules import check_schema
from tests.provider_server.script import Raw, Refuse, Say, Script, ScriptUsage, Truncate
from tests.providers.anthropic_setup import collect, text_of
from tests.providers.speakers import OPENAI, failure


async def came_of(*deltas: Mapping[str, Any], reason: str | None = "stop") -> list[Delta]:
    """What becomes of an answer of chunks with these deltas, whose last one has the reason."""
    async with OPENAI.server() as server, OPENAI.provider(server) as provider:
        server.add(Script(*(chunk(delta) for delta in deltas), chunk({}, reason), Truncate()))
        return await collect(provider, OPENAI.ask())


def calls(deltas: Sequence[Delta]) -> list[tuple[str, Mapping[str, Json] | None]]:
    """Name and arguments of each call that is whole."""
    names = {delta.call_id: delta.name for delta in deltas if isinstance(delta, ToolCallStart)}
    return [(names[delta.call_id], delta.arguments) for delta in deltas if isinstance(delta, ToolCallEnd)]


def piece(arguments: Json = "", *, name: str | None = None, **rest: Any) -> dict[str, Any]:
    """A delta with a piece of a call."""
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {"tool_calls": [{**rest, "function": function}]}


A, B = {"column": "A"}, {"column": "B"}
WHOLE = {"a": json.dumps(A), "b": json.dumps(B)}


@pytest.mark.parametrize(
    "pieces",
    [
        [
            piece(name="sum", index=0, id="c0"),
            piece(name="sum", index=1, id="c1"),
            piece('{"column":', index=0),
            piece(WHOLE["b"], index=1),
            piece('"A"}', index=0),
        ],
        [piece(WHOLE["a"], name="sum", index=0, id="c0"), piece(WHOLE["b"], name="sum", index=0, id="c1")],
        [piece(WHOLE["a"], name="sum", index=0), piece(WHOLE["b"], name="sum", index=0)],
        [piece(WHOLE["a"], name="sum"), piece(WHOLE["b"], name="sum")],
        [piece(A, name="sum", id="c0"), piece(B, name="sum", id="c1")],
        [piece(name="sum", index=0), piece(WHOLE["a"], index=0, id="late"), piece(WHOLE["b"], name="sum", id="c1")],
        [piece('{"col', index=0, id="c0"), piece('umn": "A"}', index=0, name="sum"), piece(WHOLE["b"], name="sum")],
        [piece(WHOLE["a"], name="sum", id="c0"), piece(WHOLE["b"], name="sum", id="c1"), piece("", id="c0")],
    ],
    ids=[
        "in_turn",
        "one_index",
        "one_index_no_ids",
        "neither",
        "arguments_are_an_object",
        "id_after_the_first_piece",
        "name_after_the_arguments",
        "an_empty_piece_more",
    ],
)
async def test_calls_are_told_apart(pieces: list[dict[str, Any]]) -> None:
    deltas = await came_of(*pieces, reason="tool_calls")
    assert calls(deltas) == [("sum", A), ("sum", B)]
    ids = [delta.call_id for delta in deltas if isinstance(delta, ToolCallStart)]
    assert len(set(ids)) == 2 and all(ids)
    assert isinstance(deltas[-1], StepEnd) and deltas[-1].reason == "tool_calls"


async def test_pieces_of_arguments_make_the_whole() -> None:
    deltas = await came_of(piece(name="sum", id="c0", index=0), piece('{"column": "', index=0), piece('A"}', index=0))
    said = "".join(delta.delta for delta in deltas if isinstance(delta, ToolCallDelta))
    assert json.loads(said) == A
    assert isinstance(deltas[-1], StepEnd) and deltas[-1].reason == "tool_calls", "though it said `stop`"


async def test_a_call_without_a_name_fails_by_itself() -> None:
    deltas = await came_of(piece(WHOLE["a"], index=0, id="c0"), piece(WHOLE["b"], name="sum", index=1, id="c1"))
    assert [arguments for _, arguments in calls(deltas)] == [None, B]


async def test_of_a_call_that_was_cut_off_there_is_no_end() -> None:
    pieces = [piece(WHOLE["a"], name="sum", index=0, id="c0"), piece("{}", name="sum", index=1, id="c1")]
    deltas = await came_of(*pieces, reason="length")
    assert calls(deltas) == [("sum", A)]
    assert isinstance(deltas[-1], StepEnd) and deltas[-1].reason == "max_output"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_thinking_of_either_field_is_thinking(field: str) -> None:
    deltas = await came_of({field: "I "}, {field: "count."}, {"content": "Three."})
    thoughts = [delta.text for delta in deltas if isinstance(delta, ThinkingDelta)]
    assert ("".join(thoughts), text_of(deltas)) == ("I count.", "Three.")
    assert [delta.signature for delta in deltas if isinstance(delta, ThinkingEnd)] == [field]


async def test_content_may_be_a_list_of_parts() -> None:
    """As Mistral's is, with its thinking."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "I count."}]}
    deltas = await came_of({"content": [thinking]}, {"content": [{"type": "text", "text": "Three."}]})
    assert [delta.text for delta in deltas if isinstance(delta, ThinkingDelta)] == ["I count."]
    assert text_of(deltas) == "Three."


async def test_a_refusal_in_a_field_of_its_own_is_shown_and_ends_as_one() -> None:
    deltas = await came_of({"refusal": "I cannot "}, {"refusal": "help."})
    assert text_of(deltas) == "I cannot help."
    end = deltas[-1]
    assert isinstance(end, StepEnd) and (end.reason, end.detail) == ("refused", "I cannot help.")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        ("eos", "stop"),
        ("length", "max_output"),
        ("MAX_TOKENS", "max_output"),
        ("content_filter", "refused"),
        ("content_filter: RECITATION", "refused"),
        ("SAFETY", "refused"),
        ("PROHIBITED_CONTENT", "refused"),
        ("model_context_window_exceeded", "context_full"),
    ],
)
async def test_every_reason_to_end(reason: str, expected: str) -> None:
    end = (await came_of({"content": "Half"}, reason=reason))[-1]
    assert isinstance(end, StepEnd) and (end.reason, end.detail) == (expected, reason)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("error", "provider_overloaded"),
        ("insufficient_system_resource", "provider_overloaded"),
        ("MALFORMED_FUNCTION_CALL", "provider_overloaded"),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", "provider_overloaded"),
        ("MISSING_THOUGHT_SIGNATURE", "provider_overloaded"),
        ("abort", "provider_truncated"),
        (None, "provider_truncated"),
    ],
)
async def test_a_reason_that_is_no_proper_end(reason: str | None, code: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await came_of({"content": "Half"}, reason=reason)
    assert (caught.value.code, caught.value.retryable) == (code, True)


async def test_no_call_runs_that_the_server_could_not_read() -> None:
    """As Gemini says of calls that its model wrote wrong."""
    pieces = [piece(WHOLE["a"], name="sum", id="c0")]
    with pytest.raises(ProviderError, match="malformed_function_call"):
        await came_of(*pieces, reason="MALFORMED_FUNCTION_CALL")


async def test_unknown_things_are_passed_over() -> None:
    odd = [
        b"event: event_of_tomorrow\ndata: {}\n\n",
        b": a comment\n\nid: 7\nretry: 10\n\n",
        b'data: {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"audio": {"id": "x"}, "tomorrow": 1}, "logprobs": {}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": null, "tool_calls": null}}], "obfuscation": "aJ4"}\n\n',
    ]
    async with OPENAI.server() as server, OPENAI.provider(server) as provider:
        server.add(Script(*map(Raw, odd), Say("One", *map(Raw, odd), " two")))
        deltas = await collect(provider, OPENAI.ask())
    assert text_of(deltas) == "One two"
    assert {type(delta) for delta in deltas} == {TextDelta, UsageSoFar, StepEnd}


async def test_what_was_read_from_the_cache_is_no_input() -> None:
    async with OPENAI.server() as server, OPENAI.provider(server) as provider:
        counted = ScriptUsage(input_tokens=100, cache_read_input_tokens=900, cache_creation_input_tokens=50)
        server.add(Script(Say("x"), usage=counted))
        usage = (await collect(provider, OPENAI.ask()))[-1].usage  # type: ignore[union-attr]  # the end's
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (100, 900, 50)
    assert not usage.estimated


async def test_without_counts_they_are_estimated() -> None:
    end = (await came_of({"content": "word " * 100}))[-1]
    assert isinstance(end, StepEnd)
    assert end.usage.estimated and end.usage.input_tokens > 0 and 100 <= end.usage.output_tokens <= 150


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "after_s"),
    [
        (Refuse(429, type="insufficient_quota"), "provider_auth", False, None),
        (Refuse(400, type="INVALID_ARGUMENT", message="API key not valid."), "provider_auth", False, None),
        (Refuse(400, type="content_policy_violation"), "refused", False, None),
        (Refuse(400, type="context_length_exceeded"), "context_too_long", False, None),
        (Refuse(422, message="the request exceeds the available context size"), "context_too_long", False, None),
        (Refuse(429, headers={"retry-after-ms": "1500"}), "provider_rate_limited", True, 1.5),
        (Refuse(429, message="Please try again in 1m2.5s."), "provider_rate_limited", True, 62.5),
        (Refuse(429, message="try again in 320ms"), "provider_rate_limited", True, 0.32),
        (
            Refuse(429, body=b'[{"error": {"code": 429, "details": [{"retryDelay": "7s"}]}}]'),
            "provider_rate_limited",
            True,
            7.0,
        ),
        (Refuse(500, body=b'{"error": "busy"}'), "provider_overloaded", True, None),
        (Refuse(503, body=b'[{"error": {"status": "UNAVAILABLE"}}]'), "provider_overloaded", True, None),
        (Refuse(404, type="model_not_found", message="The model does not exist"), "internal", False, None),
    ],
)
async def test_what_an_error_says(answer: Refuse, code: str, retryable: bool, after_s: float | None) -> None:
    async with OPENAI.server() as server, OPENAI.provider(server) as provider:
        server.add(answer)
        _, error = await failure(provider, OPENAI.ask())
    assert (error.code, error.retryable, error.retry_after_s) == (code, retryable, after_s)


# -------------------------------------------------------------------------------------------------------- frames


def events(*pieces: bytes) -> list[bytes]:
    cutter = EventCutter()
    return [found for data in pieces for found in cutter.feed(data)] + cutter.rest()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@given(st.data())
def test_events_come_whole_wherever_the_bytes_are_cut(end: bytes, data: st.DataObject) -> None:
    lines = [b": ping", b"", b"event: x", b"data: one", b"", b"data:two", b"data: more", b"id: 7", b"", b"data: last"]
    whole = end.join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert events(*pieces) == [b"one", b"two\nmore", b"last"]


def test_what_has_no_end_is_not_kept_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.providers.openai.frames.MAX_FRAME_BYTES", 100)
    for cutter in (EventCutter(), WholeCutter()):
        with pytest.raises(FrameTooLarge):
            for _ in range(20):
                cutter.feed(b"data: 1234")


def test_schemas_are_made_what_these_servers_take() -> None:
    odd: dict[str, Json] = {
        "anyOf": [{"required": ["a"]}],
        "properties": {"a": {"type": "array"}, "type": {"type": ["array", "null"]}, "enum": {"enum": ["array"]}},
    }
    check_schema(parameters(odd))
    check_schema(parameters({}))
    assert parameters(odd)["properties"]["enum"] == {"enum": ["array"]}
