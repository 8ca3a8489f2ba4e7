"""OpenAI by its Responses API: what only that one has. What all providers do alike is in the tests of all speakers."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from hub.chat.parts import Message, Part, TextPart, ThinkingPart, ToolCallPart
from hub.providers import openai
from hub.providers.base import (
    Delta,
    Provider,
    Request,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageSoFar,
)
from tests.provider_server.openai_rules import Style
from tests.provider_server.responses_player import response_event
from tests.provider_server.rules import Signer
from tests.provider_server.script import (
    CallTool,
    End,
    Gate,
    Raw,
    Redacted,
    Refuse,
    Say,
    Script,
    ScriptUsage,
    Think,
    Truncate,
)
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import answer, ask, collect, text_of, user
from tests.providers.hubs import chatting, one, openai_at, responses_at
from tests.providers.speakers import RESPONSES, failure

MODEL = RESPONSES.model


@asynccontextmanager
async def asked(server: ProviderServer, **options: Any) -> AsyncIterator[Provider]:
    """Asks the server as OpenAI itself is asked."""
    async with RESPONSES.provider(server, **options) as provider:
        yield provider


def request(*messages: Message) -> Request:
    return ask(*messages, model=MODEL)


def parts_of(deltas: Sequence[Delta]) -> list[Part]:
    """A step's deltas as the parts that the hub keeps."""
    texts: dict[tuple[bool, int], str] = {}
    ends: dict[int, ThinkingEnd] = {}
    names: dict[str, str] = {}
    order: list[tuple[bool, int] | ToolCallPart] = []
    for delta in deltas:
        match delta:
            case TextDelta() | ThinkingDelta() | ThinkingEnd():
                key = not isinstance(delta, TextDelta), delta.block
                if key not in texts:
                    order.append(key)
                texts[key] = texts.get(key, "") + (delta.text if not isinstance(delta, ThinkingEnd) else "")
                if isinstance(delta, ThinkingEnd):
                    ends[delta.block] = delta
            case ToolCallStart():
                names[delta.call_id] = delta.name
            case ToolCallEnd():
                call = ToolCallPart(
                    call_id=delta.call_id,
                    name=names[delta.call_id],
                    arguments=delta.arguments,
                    state="success",
                    result=7,
                    access="read",
                    host="server",
                )
                order.append(call)
            case _:
                pass
    return [
        one
        if isinstance(one, ToolCallPart)
        else ThinkingPart(texts[one], signature=ends[one[1]].signature)
        if one[0]
        else TextPart(texts[one])
        for one in order
    ]


def answered(deltas: Sequence[Delta]) -> Message:
    return answer(*parts_of(deltas), provider="openai", status="streaming")


def input_of(server: ProviderServer, place: int = -1) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = server.requests[place].body["input"]
    return found


def signatures(deltas: Sequence[Delta]) -> list[dict[str, str]]:
    return [json.loads(delta.signature) for delta in deltas if isinstance(delta, ThinkingEnd) and delta.signature]


async def test_the_request_has_all_and_leaves_nothing_there(provider_server: ProviderServer) -> None:
    async with asked(provider_server) as provider:
        await collect(provider, request())
    body = provider_server.requests[0].body
    assert provider_server.requests[0].refused is None
    assert (body["store"], body["stream"], body["stream_options"]) == (False, True, {"include_obfuscation": False})
    assert (body["include"], body["reasoning"]) == (["reasoning.encrypted_content"], {"summary": "auto"})
    assert (body["instructions"], body["prompt_cache_key"]) == ("Be brief.", "s")
    assert body["input"] == [{"type": "message", "role": "user", "content": "How much is it?"}]
    assert (body["tools"][0]["name"], body["tools"][0]["strict"]) == ("sum", False)
    assert "max_output_tokens" not in body


async def test_a_bound_of_the_answer_is_told(provider_server: ProviderServer) -> None:
    provider = openai.OpenAIProvider(
        openai.OPENAI, "key", base_url=provider_server.openai_url, api="responses", max_tokens=99
    )
    provider_server.api_key = "key"
    await collect(provider, request())
    await provider.close()
    body = provider_server.requests[0].body
    assert body["max_output_tokens"] == 99
    assert "prompt_cache_key" not in body and "stream_options" not in body  # others do not know them


async def test_reasoning_is_shown_and_goes_back_with_the_call_it_led_to(provider_server: ProviderServer) -> None:
    """The strict server refuses a call without its reasoning, and reasoning that is not as it was."""
    provider_server.add(
        Script(Think("I need ", "the sum."), Say("Let me see."), CallTool("sum", {"column": "B"})),
        Script(Redacted(), CallTool("sum", {"column": "C"}), CallTool("sum", {"column": "D"})),
        Script(Say("21.")),
    )
    async with asked(provider_server) as provider:
        first = await collect(provider, request())
        assert [d.text for d in first if isinstance(d, ThinkingDelta)] == ["I need ", "the sum."]
        history = [user("How much?"), answered(first)]
        second = await collect(provider, request(*history))
        assert not any(isinstance(delta, ThinkingDelta) for delta in second)
        assert [set(kept) for kept in signatures([*first, *second])] == [{"id", "encrypted_content"}] * 2
        later = [*history[1].parts, *(msgspec.structs.replace(part, step=1) for part in parts_of(second))]
        third = await collect(provider, request(history[0], answer(*later, provider="openai", status="streaming")))
        assert text_of(third) == "21."
    assert [asked.refused for asked in provider_server.requests] == [None] * 3
    kinds = [item["type"] for item in input_of(provider_server)]
    assert kinds == [
        *("message", "reasoning", "message", "function_call", "function_call_output"),
        *("reasoning", "function_call", "function_call", "function_call_output", "function_call_output"),
    ]
    assert input_of(provider_server)[1]["summary"] == [{"type": "summary_text", "text": "I need the sum."}]


async def test_reasoning_that_led_to_nothing_or_is_not_whole_stays_here(provider_server: ProviderServer) -> None:
    gate = Gate()
    provider_server.add(Script(Think("I wonder."), Think("And I", gate, Truncate())))
    async with asked(provider_server) as provider:
        stream = provider.stream(request())
        came = []
        async for delta in stream:
            came.append(delta)
            if isinstance(delta, ThinkingDelta) and delta.text == "And I":
                break
        await stream.aclose()
        assert len(signatures(came)) == 1
        stopped = answer(ThinkingPart("I wonder.", signature=signature_in(came)), provider="openai", status="stopped")
        await collect(provider, request(user("Why?"), stopped, user("Go on.")))
    assert provider_server.requests[1].refused is None
    assert [item["type"] for item in input_of(provider_server)] == ["message", "message"]


def signature_in(deltas: Sequence[Delta]) -> str | None:
    return next(delta.signature for delta in deltas if isinstance(delta, ThinkingEnd))


async def test_reasoning_that_the_server_cannot_read_is_left_out(provider_server: ProviderServer) -> None:
    """It was made by another account: the request is sent again without it, and later ones of other sessions with."""
    async with ProviderServer(signer=Signer(b"other")) as other, asked(other) as provider:
        other.add(Script(Think("hm"), Say("Yes.")))
        foreign = answered(await collect(provider, request()))
    provider_server.add(Script(Think("hm"), Say("No.")))
    async with asked(provider_server) as provider:
        own = answered(await collect(provider, request()))
        for earlier, types in ((foreign, ["message"] * 3), (own, ["message", "reasoning", "message", "message"])):
            assert text_of(await collect(provider, request(user("1"), earlier, user("Really?")))) == "You said: Really?"
            assert [item["type"] for item in input_of(provider_server)] == types
    assert ["verified" in (asked.refused or "") for asked in provider_server.requests] == [False, True, False, False]


async def test_an_answer_that_is_there_twice_sends_its_reasoning_once(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Think("hm"), Say("Yes.")))
    async with asked(provider_server) as provider:
        given = answered(await collect(provider, request()))
        await collect(provider, request(user("1"), given, user("2"), given, user("3")))
    assert provider_server.requests[1].refused is None
    assert sum(item["type"] == "reasoning" for item in input_of(provider_server)) == 1


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("reasoning", "Unsupported parameter: 'reasoning.summary' is not supported with this model."),
        ("reasoning", "Your organization must be verified to generate reasoning summaries."),
        ("include", "Encrypted content is not supported with this model."),
        ("prompt_cache_key", "Unknown parameter: 'prompt_cache_key'."),
        ("stream_options", "Unknown parameter: 'stream_options'."),
    ],
)
async def test_what_a_model_does_not_take_is_left_out_from_then_on(
    provider_server: ProviderServer, refused: str, message: str
) -> None:
    provider_server.add(Refuse(400, message=message))
    async with asked(provider_server) as provider:
        for _ in range(2):
            await collect(provider, request())
    assert [refused in asked.body for asked in provider_server.requests] == [True, False, False]


async def test_a_server_that_knows_only_the_half_of_it_is_asked_for_that() -> None:
    style = Style(refuses=frozenset({"include", "reasoning", "prompt_cache_key", "stream_options"}))
    async with ProviderServer(style=style) as server, asked(server) as provider:
        assert text_of(await collect(provider, request())) == "You said: How much is it?"
        assert len(server.requests) == 5


@pytest.mark.parametrize("streams", ["ignores", "refuses"])
async def test_a_server_that_does_not_stream_answers_in_one_piece(streams: Any) -> None:
    async with ProviderServer(style=Style(streams=streams)) as server, asked(server) as provider:
        server.add(
            Script(Think("Hm. ", "So."), Say("I lo", "ok 📈."), CallTool("sum", {"column": "B"})),
            Script(Say("Half"), End("max_tokens")),
            Script(Say("Half"), Truncate()),
        )
        deltas = await collect(provider, request())
        thinking, said, call = parts_of(deltas)
        assert (thinking, said) == (ThinkingPart("Hm. So.", signature=signature_in(deltas)), TextPart("I look 📈."))
        assert isinstance(call, ToolCallPart) and call.arguments == {"column": "B"}
        end = deltas[-1]
        assert isinstance(end, StepEnd) and end.reason == "tool_calls" and not end.usage.estimated
        limited = await collect(provider, request())
        assert isinstance(limited[-1], StepEnd) and limited[-1].reason == "max_output"
        _, error = await failure(provider, request())
        assert error.code == "provider_truncated"


async def test_usage_tells_the_cache_apart(provider_server: ProviderServer) -> None:
    usage = ScriptUsage(input_tokens=100, cache_read_input_tokens=30, cache_creation_input_tokens=20)
    provider_server.add(Script(Say("x" * 9_000), usage=usage))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
    end = deltas[-1]
    assert isinstance(end, StepEnd)
    told = end.usage
    assert (told.input_tokens, told.cache_read_tokens, told.cache_write_tokens) == (100, 30, 20)
    assert (told.output_tokens, told.estimated) == (2_250, False)
    so_far = [delta.usage for delta in deltas if isinstance(delta, UsageSoFar)]
    assert [usage.output_tokens for usage in so_far] == [0, 2_250] and all(usage.estimated for usage in so_far)


REASONS: dict[str, tuple[list[Any], str, str | None]] = {
    "max_output": ([Say("Half"), End("max_tokens")], "max_output", "max_output_tokens"),
    "filtered": ([Say("Half"), End("refusal")], "refused", "content_filter"),
    "refused": (
        [
            response_event("response.refusal.delta", output_index=0, content_index=0, delta="I can"),
            response_event("response.refusal.delta", output_index=0, content_index=0, delta="not."),
        ],
        "refused",
        "I cannot.",
    ),
    "refused in one piece": (
        [
            response_event(
                "response.output_item.done",
                output_index=0,
                item={"type": "message", "id": "m", "content": [{"type": "refusal", "refusal": "I cannot."}]},
            )
        ],
        "refused",
        "I cannot.",
    ),
}


@pytest.mark.parametrize("why", REASONS)
async def test_why_it_ended(provider_server: ProviderServer, why: str) -> None:
    steps, reason, detail = REASONS[why]
    provider_server.add(Script(*steps))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
    end = deltas[-1]
    assert isinstance(end, StepEnd)
    assert (end.reason, end.detail) == (reason, detail)
    assert text_of(deltas) == (detail if why.startswith("refused") else "Half")


async def test_a_call_that_was_cut_off_is_not_run_though_it_parses(provider_server: ProviderServer) -> None:
    provider_server.add(Script(CallTool("sum", {}), CallTool("sum", pieces=["{", "}"]), End("max_tokens")))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
    assert len([delta for delta in deltas if isinstance(delta, ToolCallStart)]) == 2
    assert len([delta for delta in deltas if isinstance(delta, ToolCallEnd)]) == 1


def failed(**error: object) -> Raw:
    return response_event("response.failed", response={"status": "failed", "error": error})


FAILURES: dict[str, tuple[Raw, str, bool, float | None]] = {
    "server_error": (failed(code="server_error", message="Oh"), "provider_overloaded", True, None),
    "rate_limit": (
        failed(code="rate_limit_exceeded", message="Rate limit reached. Please try again in 2.5s."),
        "provider_rate_limited",
        True,
        2.5,
    ),
    "no error": (response_event("response.failed", response={"status": "failed"}), "provider_overloaded", True, None),
    "policy": (failed(code="bio_policy", message="No"), "refused", False, None),
    "prompt": (failed(code="invalid_prompt", message="No"), "refused", False, None),
    "image": (failed(code="invalid_image_format", message="Not an image"), "internal", False, None),
    "window": (failed(code="context_length_exceeded", message="long"), "context_too_long", False, None),
    "event": (
        response_event("error", code="server_error", message="It said so", param=None, sequence_number=3),
        "provider_overloaded",
        True,
        None,
    ),
    "nested event": (
        response_event("error", error={"type": "rate_limit_error", "code": None, "message": "try again in 4s"}),
        "provider_rate_limited",
        True,
        4.0,
    ),
    "no json": (Raw(b"data: {\n\n"), "provider_truncated", True, None),
    "not its format": (Raw(b'data: {"type": 5}\n\n'), "provider_truncated", True, None),
    "given up": (
        response_event("response.completed", response={"status": "cancelled"}),
        "provider_truncated",
        True,
        None,
    ),
    "done without an end": (Raw(b"data: [DONE]\n\n"), "provider_truncated", True, None),
}


@pytest.mark.parametrize("what", FAILURES)
async def test_a_failure_in_the_middle(provider_server: ProviderServer, what: str) -> None:
    raw, code, retryable, after_s = FAILURES[what]
    provider_server.add(Script(Say("Half"), raw, Truncate()))
    async with asked(provider_server) as provider:
        came, error = await failure(provider, request())
    assert text_of(came) == "Half"
    assert (error.code, error.retryable, error.retry_after_s) == (code, retryable, after_s)


async def test_what_its_deltas_left_out_is_taken_from_the_item(provider_server: ProviderServer) -> None:
    """Compatible servers send some items whole; and what is unknown is passed over."""
    items = [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": t} for t in ("One.", "Two.")]},
        {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "All."}, {"type": "of_tomorrow"}]},
        {"type": "function_call", "id": "fc_1", "name": "sum", "arguments": {"column": "B"}},
        {"type": "web_search_call", "id": "ws_1", "action": {}},
    ]
    events = [
        response_event("response.output_item.done", output_index=place, item=item) for place, item in enumerate(items)
    ]
    provider_server.add(Script(*events, response_event("response.of_tomorrow", delta={"x": 1})))
    async with asked(provider_server) as provider:
        thinking, said, call = parts_of(await collect(provider, request()))
    assert (thinking, said) == (ThinkingPart("One.\n\nTwo."), TextPart("All."))
    assert isinstance(call, ToolCallPart)
    assert (call.call_id, call.arguments) == ("fc_1", {"column": "B"})


async def test_a_summary_s_parts_are_paragraphs_and_halves_of_characters_are_joined(
    provider_server: ProviderServer,
) -> None:
    pieces = [(0, "One \ud83d"), (0, "\ude00."), (1, "Two"), (1, " \ud83d"), (2, "Three")]
    events = [
        response_event("response.reasoning_summary_text.delta", output_index=0, summary_index=part, delta=piece)
        for part, piece in pieces
    ]
    halves = [
        response_event("response.output_text.delta", output_index=1, content_index=0, delta=half)
        for half in ("a\ud83d", "\ude00", "\ud83d")
    ]
    provider_server.add(Script(*events, *halves))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ThinkingDelta))
    assert thought == "One 😀.\n\nTwo \N{REPLACEMENT CHARACTER}\n\nThree"
    assert text_of(deltas) == "a😀\N{REPLACEMENT CHARACTER}"


async def test_arguments_of_two_calls_may_come_in_turn(provider_server: ProviderServer) -> None:
    def more(place: int, piece: str) -> Raw:
        return response_event("response.function_call_arguments.delta", output_index=place, delta=piece)

    def begins(place: int) -> Raw:
        item = {"type": "function_call", "call_id": f"c{place}", "name": "sum", "arguments": ""}
        return response_event("response.output_item.added", output_index=place, item=item)

    pieces = [more(0, '{"column"'), more(1, "{"), more(0, ': "B"}'), more(1, "}")]
    done = [response_event("response.function_call_arguments.done", output_index=place) for place in (0, 1)]
    provider_server.add(Script(begins(0), begins(1), *pieces, *done))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
    assert [(d.call_id, d.delta) for d in deltas if isinstance(d, ToolCallDelta)] == [
        ("c0", '{"column"'),
        ("c1", "{"),
        ("c0", ': "B"}'),
        ("c1", "}"),
    ]
    assert [d.arguments for d in deltas if isinstance(d, ToolCallEnd)] == [{"column": "B"}, {}]


CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "sum", "arguments": ""}
BEGUN = response_event("response.output_item.added", output_index=0, item=CALL)


@pytest.mark.parametrize(
    "whole",
    [
        response_event("response.function_call_arguments.done", output_index=0, arguments='{"column": "B"}'),
        response_event("response.output_item.done", output_index=0, item={**CALL, "arguments": '{"column": "B"}'}),
        response_event(
            "response.completed",
            response={"status": "completed", "output": [{**CALL, "arguments": {"column": "B"}, "status": "completed"}]},
        ),
    ],
    ids=["its arguments", "the item", "the answer"],
)
async def test_a_call_is_whole_once_that_is_said(provider_server: ProviderServer, whole: Raw) -> None:
    provider_server.add(Script(BEGUN, whole))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
    assert [d.arguments for d in deltas if isinstance(d, ToolCallEnd)] == [{"column": "B"}]
    assert "".join(d.delta for d in deltas if isinstance(d, ToolCallDelta)) == '{"column": "B"}'


@pytest.mark.parametrize(
    "rest",
    [
        [],
        [response_event("response.function_call_arguments.delta", output_index=0, delta="{}")],
        [response_event("response.output_item.done", output_index=0, item={**CALL, "status": "incomplete"})],
    ],
    ids=["nothing", "arguments that parse", "an item that is not whole"],
)
async def test_a_call_that_never_was_whole_is_cut_off_though_the_answer_ended(
    provider_server: ProviderServer, rest: list[Raw]
) -> None:
    provider_server.add(Script(BEGUN, *rest))
    async with asked(provider_server) as provider:
        came, error = await failure(provider, request())
    assert error.code == "provider_truncated"
    assert not any(isinstance(delta, ToolCallEnd) for delta in came)


async def test_the_phase_of_what_was_said_goes_back(provider_server: ProviderServer) -> None:
    item = {"type": "message", "id": "m", "role": "assistant", "content": [], "phase": "commentary"}
    begins = response_event("response.output_item.added", output_index=0, item=item)
    piece = response_event("response.output_text.delta", output_index=0, content_index=0, delta="I look.")
    provider_server.add(Script(begins, piece, CallTool("sum", {})))
    async with asked(provider_server) as provider:
        deltas = await collect(provider, request())
        assert signatures(deltas) == [{"phase": "commentary"}]
        await collect(provider, request(user("How much?"), answered(deltas)))
    assert provider_server.requests[1].refused is None
    said = input_of(provider_server)[1]
    assert said == {"type": "message", "role": "assistant", "content": "I look.", "phase": "commentary"}


def test_who_is_asked_by_which() -> None:
    assert openai.OPENAI.api == "responses"
    assert openai.OPENAI.at("https://api.openai.com/v1/").api == "responses"
    assert openai.OPENAI.at("http://127.0.0.1:8080/v1").api == "chat"
    assert (openai.GEMINI.api, openai.OLLAMA.api) == ("chat", "chat")


async def test_the_setting_chooses(provider_server: ProviderServer) -> None:
    async with chatting(openai_at(provider_server)) as chat:
        await chat.ask("hello")
    async with chatting(responses_at(provider_server)) as chat:
        provider_server.add(Script(Think("Hm."), Say("Well.")))
        events = await chat.ask("hello")
        assert one(events, "done")["outcome"] == "completed"
        assert [event["delta"] for event in events if event["type"] == "thinking" and event["delta"]] == ["Hm."]
    assert ["input" in asked.body for asked in provider_server.requests] == [False, True]
