"""Every way in which Anthropic or the way to it can fail, and what the run is told."""

import asyncio
import ssl

import pytest

from hub.errors import ProviderError
from hub.providers.anthropic import AnthropicProvider
from hub.providers.anthropic_errors import refused
from hub.providers.base import Delta, TextDelta
from hub.providers.failures import MAX_TEXT, Sanitiser, from_connection, retry_after_s
from tests.provider_server.script import (
    Abort,
    End,
    ErrorEvent,
    Gate,
    Pace,
    Ping,
    Raw,
    Refuse,
    Say,
    Script,
    Stall,
    Truncate,
)
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import anthropic, ask, collect, text_of, user

SHORT_S = 0.2


async def failure(
    provider: AnthropicProvider, *, gate: Gate | None = None, request_text: str = "Hi"
) -> tuple[list[Delta], ProviderError]:
    """What came, and then the error. Opens `gate` once the first text has come."""
    came: list[Delta] = []
    with pytest.raises(ProviderError) as caught:
        async for delta in provider.stream(ask(user(request_text))):
            came.append(delta)
            if gate is not None and isinstance(delta, TextDelta):
                gate.open()
    return came, caught.value


async def works_again(server: ProviderServer, provider: AnthropicProvider) -> None:
    server.add(Script(Say("Fine.")))
    assert text_of(await collect(provider, ask())) == "Fine."


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "after_s"),
    [
        (Refuse(401), "provider_auth", False, None),
        (Refuse(402), "provider_auth", False, None),
        (Refuse(403), "provider_auth", False, None),
        (Refuse(400, message="Your credit balance is too low"), "provider_auth", False, None),
        (Refuse(429, headers={"retry-after": "17"}), "provider_rate_limited", True, 17.0),
        (Refuse(429), "provider_rate_limited", True, None),
        (Refuse(529), "provider_overloaded", True, None),
        (Refuse(529, headers={"retry-after": "2.5"}), "provider_overloaded", True, 2.5),
        (Refuse(500), "provider_overloaded", True, None),
        (Refuse(502, body=b"<html>Bad gateway</html>"), "provider_overloaded", True, None),
        (Refuse(503, body=b""), "provider_overloaded", True, None),
        (Refuse(504), "provider_overloaded", True, None),
        (Refuse(413), "context_too_long", False, None),
        (Refuse(400, message="prompt is too long: 9 tokens > 8 maximum"), "context_too_long", False, None),
        (Refuse(400, message="messages.0: what?"), "internal", False, None),
        (Refuse(404, message="model: claude-nothing"), "internal", False, None),
        (Refuse(418, body=b"\xff\xfe"), "internal", False, None),
    ],
)
async def test_an_error_status(
    provider_server: ProviderServer, answer: Refuse, code: str, retryable: bool, after_s: float | None
) -> None:
    provider_server.add(answer)
    async with anthropic(provider_server) as provider:
        came, error = await failure(provider)
        assert came == []
        assert (error.code, error.retryable, error.retry_after_s) == (code, retryable, after_s)
        assert len(provider_server.requests) == 1  # nothing is tried again here
        await works_again(provider_server, provider)


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        ("overloaded_error", "provider_overloaded", True),
        ("api_error", "provider_overloaded", True),
        ("timeout_error", "provider_overloaded", True),
        ("rate_limit_error", "provider_rate_limited", True),
        ("authentication_error", "provider_auth", False),
        ("permission_error", "provider_auth", False),
        ("billing_error", "provider_auth", False),
        ("invalid_request_error", "internal", False),
    ],
)
@pytest.mark.parametrize("first", [True, False])
async def test_an_error_event(
    provider_server: ProviderServer, kind: str, code: str, retryable: bool, first: bool
) -> None:
    error_event = ErrorEvent(kind, "It said so")
    provider_server.add(Script(error_event) if first else Script(Say("Half", error_event)))
    async with anthropic(provider_server) as provider:
        came, error = await failure(provider)
        assert text_of(came) == ("" if first else "Half")
        assert (error.code, error.retryable) == (code, retryable)
        assert "It said so" in error.text
        await works_again(provider_server, provider)


async def test_an_error_event_that_cannot_be_read(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Raw(b"event: error\ndata: <oops>\n\n")))
    async with anthropic(provider_server) as provider:
        _, error = await failure(provider)
    assert error.code == "provider_overloaded"


async def test_the_prompt_is_longer_than_the_window() -> None:
    async with ProviderServer(window_tokens=500) as server, anthropic(server) as provider:
        _, error = await failure(provider, request_text="word " * 1000)
        assert error.code == "context_too_long"
        await works_again(server, provider)


async def test_a_key_that_is_refused(provider_server: ProviderServer) -> None:
    provider = AnthropicProvider("sk-ant-wrong-key", base_url=provider_server.base_url)
    _, error = await failure(provider)
    await provider.close()
    assert error.code == "provider_auth"
    assert "sk-ant" not in error.text


async def test_a_key_that_is_quoted_is_not_told(provider_server: ProviderServer) -> None:
    said = f"the key {provider_server.api_key} is bad,\nas is sk-ant-other-123 and Bearer abc.def " + "x" * 1000
    provider_server.add(Refuse(401, message=said), Script(Say("a", ErrorEvent("api_error", said))))
    async with anthropic(provider_server) as provider:
        for _ in range(2):
            _, error = await failure(provider)
            assert provider_server.api_key not in error.text
            assert "sk-ant" not in error.text and "abc.def" not in error.text and "\n" not in error.text
            assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


async def test_a_clean_end_without_message_stop(provider_server: ProviderServer) -> None:
    reason = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
    in_an_event = Raw(b'event: content_block_delta\ndata: {"type": "content_bl')
    provider_server.add(
        Script(Truncate()),
        Script(Say("Half", Truncate())),
        Script(Say("Half", in_an_event, Truncate())),
        Script(Say("All"), Raw(reason), Truncate()),
    )
    async with anthropic(provider_server) as provider:
        for expected in ("", "Half", "Half", "All"):
            came, error = await failure(provider)
            assert text_of(came) == expected
            assert (error.code, error.retryable) == ("provider_truncated", True)
        await works_again(provider_server, provider)


async def test_a_stop_without_a_reason_is_truncated(provider_server: ProviderServer) -> None:
    stop = Raw(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    provider_server.add(Script(Say("x"), stop))
    async with anthropic(provider_server) as provider:
        _, error = await failure(provider)
    assert error.code == "provider_truncated"


@pytest.mark.parametrize("reset", [True, False])
async def test_an_abrupt_close_before_the_headers(provider_server: ProviderServer, reset: bool) -> None:
    provider_server.add(Script(before_headers=Abort(reset=reset)))
    async with anthropic(provider_server) as provider:
        _, error = await failure(provider)
        assert (error.code, error.retryable) == ("provider_unreachable", True)
        await works_again(provider_server, provider)


@pytest.mark.parametrize("reset", [True, False])
async def test_an_abrupt_close_in_the_middle(provider_server: ProviderServer, reset: bool) -> None:
    gate = Gate()
    provider_server.add(Script(Say("Half", gate, Abort(reset=reset))))
    async with anthropic(provider_server) as provider:
        came, error = await failure(provider, gate=gate)
        assert text_of(came) == "Half"
        assert (error.code, error.retryable) == ("provider_truncated", True)
        await works_again(provider_server, provider)


@pytest.mark.parametrize(
    "script",
    [Script(before_headers=Stall()), Script(Stall()), Script(Say("Half", Stall())), Script(Say("Half"), Stall())],
)
async def test_a_stall(provider_server: ProviderServer, script: Script) -> None:
    provider_server.add(script)
    async with anthropic(provider_server, inactivity_s=SHORT_S) as provider:
        _, error = await failure(provider)
        assert (error.code, error.retryable) == ("inactive", True)
        assert "0.2 s" in error.text
        await provider_server.requests[0].closed_by_client.wait()
        await works_again(provider_server, provider)


async def test_pings_are_signs_of_life(provider_server: ProviderServer) -> None:
    slow = [Pace(SHORT_S / 2), *(item for _ in range(4) for item in (Ping(), "x"))]
    provider_server.add(Script(Say(*slow)))
    async with anthropic(provider_server, inactivity_s=SHORT_S) as provider:
        assert text_of(await collect(provider, ask())) == "xxxx"


async def test_an_answer_that_ended_but_whose_connection_stalls_is_whole(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("All."), End("end_turn"), Stall()))
    async with anthropic(provider_server) as provider:
        assert text_of(await collect(provider, ask())) == "All."
        await provider_server.requests[0].closed_by_client.wait()


@pytest.mark.parametrize(
    "data",
    [
        b'event: content_block_delta\ndata: {"type": oops\n\n',
        b'event: content_block_delta\ndata: {"index": "zero"}\n\n',
        b"event: content_block_delta\ndata: \xff\xff\n\n",
        b"event: content_block_delta\ndata: " + b"[" * 100_000 + b"\n\n",
    ],
)
async def test_what_cannot_be_read_is_truncated(provider_server: ProviderServer, data: bytes) -> None:
    provider_server.add(Script(Say("Half", Raw(data))))
    async with anthropic(provider_server) as provider:
        came, error = await failure(provider)
        assert text_of(came) == "Half"
        assert error.code == "provider_truncated"
        await works_again(provider_server, provider)


async def test_nobody_listens() -> None:
    server = ProviderServer()
    await server.start()
    await server.close()
    async with anthropic(server) as provider:
        _, error = await failure(provider)
    assert (error.code, error.retryable) == ("provider_unreachable", True)


async def test_the_name_does_not_exist() -> None:
    provider = AnthropicProvider("key", base_url="http://hubline.invalid")
    _, error = await failure(provider)
    await provider.close()
    assert error.code == "provider_unreachable"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_other_side_speaks_neither_http_nor_tls(scheme: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = AnthropicProvider("key", base_url=f"{scheme}://127.0.0.1:{port}")
    _, error = await failure(provider)
    await provider.close()
    server.close()
    await server.wait_closed()
    assert (error.code, error.retryable) == ("provider_unreachable", True)


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    outer = OSError("connect failed")
    outer.__cause__ = ssl.SSLCertVerificationError("self-signed")
    error = from_connection("Anthropic", outer, began=False)
    assert (error.code, error.retryable) == ("provider_unreachable", False)
    assert "certificate" in error.text


def test_causes_in_a_ring_end() -> None:
    one, two = OSError("one"), OSError("two")
    one.__cause__, two.__cause__ = two, one
    assert from_connection("Anthropic", one, began=False).code == "provider_unreachable"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("soon", None), ("-1", None), ("nan", None), ("3", 3.0), ("0", 0.0), ("1e9", 86_400.0)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds


def test_foreign_text_is_bounded() -> None:
    error = refused(500, None, "x" * 10_000, Sanitiser("key"))
    assert len(error.text) < MAX_TEXT + 100
