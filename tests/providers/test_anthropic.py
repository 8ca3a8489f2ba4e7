"""The Anthropic provider on the real SDK, against the local provider server."""

import json
import logging
import subprocess
import sys

import pytest
from opentelemetry import trace

from hub.chat.parts import TextPart
from hub.errors import SettingsError
from hub.providers.anthropic import AnthropicProvider
from hub.providers.base import (
    Delta,
    Provider,
    StepEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolSpec,
    UsageSoFar,
)
from tests.provider_server.rules import SIGNER
from tests.provider_server.script import (
    CallTool,
    End,
    Ping,
    Raw,
    Redacted,
    Say,
    Script,
    ScriptUsage,
    StopReason,
    Think,
    unknown_event,
)
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import TOOL, answer, anthropic, ask, call, collect, text_of, thought, user


def end_of(deltas: list[Delta]) -> StepEnd:
    end = deltas[-1]
    assert isinstance(end, StepEnd)
    assert sum(isinstance(delta, StepEnd) for delta in deltas) == 1
    return end


async def test_it_streams_text_and_ends(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("Hello", ", ", "you."), Say(" And more.")))
    async with anthropic(provider_server) as provider:
        checked: Provider = provider
        deltas = [delta async for delta in checked.stream(ask())]
    assert [(d.block, d.text) for d in deltas if isinstance(d, TextDelta)] == [
        (0, "Hello"),
        (0, ", "),
        (0, "you."),
        (1, " And more."),
    ]
    assert end_of(deltas).reason == "stop"
    assert end_of(deltas).detail == "end_turn"


async def test_nothing_is_sent_before_the_first_item_is_asked_for(provider_server: ProviderServer) -> None:
    async with anthropic(provider_server) as provider:
        stream = provider.stream(ask())
        await stream.aclose()
    assert provider_server.requests == []
    assert provider_server.open_connections == 0


async def test_the_request_is_what_the_api_wants(provider_server: ProviderServer) -> None:
    async with anthropic(provider_server, thinking=True) as provider:
        await collect(provider, ask())
    request = await provider_server.next_request()
    assert request.refused is None
    assert request.body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert request.body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert [tool["name"] for tool in request.body["tools"]] == ["sum"]
    assert request.body["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}


async def test_tool_calls_come_in_pieces_and_whole(provider_server: ProviderServer) -> None:
    provider_server.add(
        Script(
            Say("I add."),
            CallTool("sum", call_id="toolu_a", pieces=["", '{"column"', ': "B', '"}']),
            CallTool("sum", call_id="toolu_b", pieces=[]),
        )
    )
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    assert [d for d in deltas if isinstance(d, ToolCallStart | ToolCallDelta | ToolCallEnd)] == [
        ToolCallStart("toolu_a", "sum"),
        ToolCallDelta("toolu_a", '{"column"'),
        ToolCallDelta("toolu_a", ': "B'),
        ToolCallDelta("toolu_a", '"}'),
        ToolCallEnd("toolu_a", {"column": "B"}),
        ToolCallStart("toolu_b", "sum"),
        ToolCallEnd("toolu_b", {}),
    ]
    assert end_of(deltas).reason == "tool_calls"


async def test_a_tool_whose_name_anthropic_would_refuse_is_called_by_its_own_name(
    provider_server: ProviderServer,
) -> None:
    odd = ToolSpec("Budget 2026.read range", "Reads.", {"type": "object"}, "read")
    async with anthropic(provider_server) as provider:
        await collect(provider, ask(tools=[TOOL, odd]))
        sent = (await provider_server.next_request()).body["tools"][1]["name"]
        provider_server.add(Script(CallTool(sent, {})))
        deltas = await collect(provider, ask(tools=[TOOL, odd]))
    assert [d.name for d in deltas if isinstance(d, ToolCallStart)] == ["Budget 2026.read range"]


@pytest.mark.parametrize("pieces", [['{"column": "B"'], ['{"column": "B"}'], [], ["{}"]])
@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
async def test_a_call_that_was_cut_off_has_no_end(
    provider_server: ProviderServer, reason: StopReason, pieces: list[str]
) -> None:
    first = CallTool("sum", {"column": "A"}, call_id="first")
    provider_server.add(Script(first, CallTool("sum", call_id="last", pieces=pieces), End(reason)))
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    assert [d.call_id for d in deltas if isinstance(d, ToolCallEnd)] == ["first"]


@pytest.mark.parametrize("piece", ['{"column": ', "[1, 2]", '"text"', "{'a': 1}", '{"a": NaN', "[" * 100_000])
async def test_arguments_that_are_no_object_are_an_error(provider_server: ProviderServer, piece: str) -> None:
    provider_server.add(Script(CallTool("sum", call_id="c", pieces=[piece])))
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    (end,) = [d for d in deltas if isinstance(d, ToolCallEnd)]
    assert end.arguments is None
    assert end.error is not None and end.error.startswith("The arguments are not")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "max_output"),
        ("pause_turn", "pause"),
        ("refusal", "refused"),
        ("model_context_window_exceeded", "context_full"),
        ("reason_of_tomorrow", "stop"),
    ],
)
async def test_every_stop_reason(provider_server: ProviderServer, reason: str, expected: str) -> None:
    provider_server.add(Script(Say("So far."), End(reason)))
    async with anthropic(provider_server) as provider:
        end = end_of(await collect(provider, ask()))
    assert end.reason == expected
    assert end.detail == reason


async def test_a_refusal_says_why(provider_server: ProviderServer) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No exploits."}
    provider_server.add(Script(Say("I"), End("refusal", stop_details=details)))
    async with anthropic(provider_server) as provider:
        end = end_of(await collect(provider, ask()))
    assert (end.reason, end.detail) == ("refused", "cyber: No exploits.")


async def test_usage_keeps_the_cache_apart_and_is_estimated_until_the_end(provider_server: ProviderServer) -> None:
    usage = ScriptUsage(input_tokens=7, cache_read_input_tokens=100, cache_creation_input_tokens=20)
    provider_server.add(Script(Say(*["x" * 500] * 10), End("end_turn", output_tokens=1234), usage=usage))
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    so_far = [delta.usage for delta in deltas if isinstance(delta, UsageSoFar)]
    assert [each.output_tokens for each in so_far] == [1, 500, 1000]
    final = end_of(deltas).usage
    for each in (*so_far, final):
        assert (each.input_tokens, each.cache_read_tokens, each.cache_write_tokens) == (7, 100, 20)
    assert all(each.estimated for each in so_far)
    assert (final.output_tokens, final.estimated) == (1234, False)


async def test_thinking_goes_round_trip(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Think("Let me ", "see…"), Redacted(), CallTool("sum", {"column": "B"}, call_id="c")))
    async with anthropic(provider_server, thinking=True) as provider:
        parts = thought(await collect(provider, ask()))
        assert [(part.text, part.signature) for part in parts] == [
            ("Let me see…", SIGNER.sign("Let me see…")),
            ("", None),
        ]
        history = [user("How much?"), answer(*parts, call("c", arguments={"column": "B"}, result=7))]
        provider_server.add(Script(Think("Seven."), Say("It is 7.")))
        deltas = await collect(provider, ask(*history))
        again = thought(deltas)
        history[1] = answer(*history[1].parts, *again, TextPart("It is 7.", 1))
        await collect(provider, ask(*history, user("Sure?")))
    bodies = [request.body["messages"] for request in provider_server.requests]
    assert [block["type"] for block in bodies[1][1]["content"]] == ["thinking", "redacted_thinking", "tool_use"]
    assert [message["role"] for message in bodies[2]] == ["user", "assistant", "user", "assistant", "user"]


@pytest.mark.parametrize("delivery", ["drip", "cut_utf8"])
async def test_bytes_may_be_cut_anywhere(provider_server: ProviderServer, delivery: str) -> None:
    said = "Größe: 漢字 😀 — fin"
    script = Script(Think("hmm 🤔"), Say(said, said), CallTool("sum", {"column": "Ä😀"}))
    script.delivery = "drip" if delivery == "drip" else "cut_utf8"
    provider_server.add(script)
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    assert text_of(deltas) == said * 2
    assert [d.arguments for d in deltas if isinstance(d, ToolCallEnd)] == [{"column": "Ä😀"}]


async def test_no_delta_ends_inside_a_character(provider_server: ProviderServer) -> None:
    provider_server.add(
        Script(
            Think("a\ud83d", "\ude00b"),
            Say("\ud83d", "\ude00", " x\ud83d", "y", "\ude00", "end\ud83d"),
            CallTool("sum", call_id="c", pieces=['{"column": "\ud83d', '\ude00"}']),
        )
    )
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    texts = [d.text for d in deltas if isinstance(d, TextDelta)]
    assert texts == ["😀", " x", "\ufffdy", "\ufffd", "end", "\ufffd"]
    assert thought(deltas)[0].text == "a😀b"
    assert [d.arguments for d in deltas if isinstance(d, ToolCallEnd)] == [{"column": "😀"}]


async def test_pings_and_unknown_things_are_passed_over(provider_server: ProviderServer) -> None:
    block = '{"type": "content_block_start", "index": 9, "content_block": {"type": "server_tool_use", "id": "x"}}'
    delta = '{"type": "content_block_delta", "index": 9, "delta": {"type": "input_json_delta", "partial_json": "{"}}'
    unknown_block = (
        f"event: content_block_start\ndata: {block}\n\nevent: content_block_delta\ndata: {delta}\n\n"
        'event: content_block_stop\ndata: {"type": "content_block_stop", "index": 9}\n\n'
    )
    citation = (
        "event: content_block_delta\n"
        'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {}}}\n\n'
    )
    provider_server.add(
        Script(
            Ping(),
            unknown_event(),
            Raw(unknown_block.encode()),
            Raw(b": a comment\n\ndata: without a name\n\n"),
            Say("One", Ping(), unknown_event(), Raw(citation.encode()), " two"),
        )
    )
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    assert text_of(deltas) == "One two"
    assert {type(delta) for delta in deltas} == {TextDelta, UsageSoFar, StepEnd}


async def test_the_connection_is_used_again(provider_server: ProviderServer) -> None:
    async with anthropic(provider_server) as provider:
        for _ in range(3):
            await collect(provider, ask())
            assert provider_server.open_connections == 1


async def test_no_trace_headers_are_sent(provider_server: ProviderServer) -> None:
    context = trace.SpanContext(0xA, 0xB, is_remote=False, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
    async with anthropic(provider_server) as provider:
        with trace.use_span(trace.NonRecordingSpan(context)):
            await collect(provider, ask())
    headers = (await provider_server.next_request()).headers
    assert not {"traceparent", "tracestate", "baggage"} & set(headers)


async def test_the_environment_does_not_choose_the_server(
    provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
    async with anthropic(provider_server) as provider:
        assert end_of(await collect(provider, ask())).reason == "stop"


async def test_the_key_is_in_no_log(provider_server: ProviderServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with anthropic(provider_server) as provider:
        await collect(provider, ask())
    assert caplog.records
    assert provider_server.api_key not in caplog.text


def test_importing_the_provider_does_not_import_the_sdk() -> None:
    code = "import sys, hub.providers.anthropic; print('anthropic' in sys.modules, 'httpx2' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False False"


@pytest.mark.parametrize(
    "key", ["", "  ", "\n", "sk-ant-abc\n", "sk ant", "sk-ant-\u00e9", "sk-ant-\x00", " sk-ant-abc"]
)
def test_a_malformed_key_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        AnthropicProvider(key)
    text = str(caught.value)
    assert text.startswith("ANTHROPIC_API_KEY is ")
    assert text.count(".") == 1 and "\n" not in text
    assert not key.strip() or key.strip() not in text


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://x:99999", "not a url"])
def test_a_malformed_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="address of Anthropic"):
        AnthropicProvider("key", base_url=url)


async def test_a_long_argument_is_parsed_once(provider_server: ProviderServer) -> None:
    values = {"column": [f"value {number}" for number in range(5_000)]}
    text = json.dumps(values)
    provider_server.add(
        Script(CallTool("sum", call_id="c", pieces=[text[i : i + 10] for i in range(0, len(text), 10)]))
    )
    async with anthropic(provider_server) as provider:
        deltas = await collect(provider, ask())
    assert [d.arguments for d in deltas if isinstance(d, ToolCallEnd)] == [values]
