"""What only Anthropic's wire says of a failure (what all have in common: `test_failures`)."""

import pytest

from tests.provider_server.script import (
    ErrorEvent,
    Raw,
    Refuse,
    Say,
    Script,
    Truncate,
)
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import anthropic, ask, text_of
from tests.providers.speakers import failure, works_again


async def test_no_credit_is_the_accounts_trouble(provider_server: ProviderServer) -> None:
    provider_server.add(Refuse(400, message="Your credit balance is too low"))
    async with anthropic(provider_server) as provider:
        _, error = await failure(provider, ask())
    assert (error.code, error.retryable) == ("provider_auth", False)


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
        came, error = await failure(provider, ask())
        assert text_of(came) == ("" if first else "Half")
        assert (error.code, error.retryable) == (code, retryable)
        assert "It said so" in error.text
        await works_again(provider_server, provider, ask())


async def test_an_error_event_that_cannot_be_read(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Raw(b"event: error\ndata: <oops>\n\n")))
    async with anthropic(provider_server) as provider:
        _, error = await failure(provider, ask())
    assert error.code == "provider_overloaded"


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
            came, error = await failure(provider, ask())
            assert text_of(came) == expected
            assert (error.code, error.retryable) == ("provider_truncated", True)
        await works_again(provider_server, provider, ask())


async def test_a_stop_without_a_reason_is_truncated(provider_server: ProviderServer) -> None:
    stop = Raw(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    provider_server.add(Script(Say("x"), stop))
    async with anthropic(provider_server) as provider:
        _, error = await failure(provider, ask())
    assert error.code == "provider_truncated"


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
        came, error = await failure(provider, ask())
        assert text_of(came) == "Half"
        assert error.code == "provider_truncated"
        await works_again(provider_server, provider, ask())
