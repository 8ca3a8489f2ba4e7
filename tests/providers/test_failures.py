"""Every way in which any provider or the way to it can fail, and what the run is told."""

import asyncio
import ssl
from contextlib import aclosing

import pytest

from hub.providers.base import StepEnd
from hub.providers.failures import MAX_TEXT, Sanitiser, from_connection, refusal, retry_after_s
from tests.provider_server.script import (
    Abort,
    End,
    ErrorEvent,
    Gate,
    Pace,
    Ping,
    Refuse,
    Say,
    Script,
    Stall,
    Truncate,
)
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import ask, collect, text_of, user
from tests.providers.speakers import Speaker, failure, works_again

SHORT_S = 0.5


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "after_s"),
    [
        (Refuse(401), "provider_auth", False, None),
        (Refuse(402), "provider_auth", False, None),
        (Refuse(403), "provider_auth", False, None),
        (Refuse(429, headers={"retry-after": "17"}), "provider_rate_limited", True, 17.0),
        (Refuse(429), "provider_rate_limited", True, None),
        (Refuse(529, headers={"retry-after": "2.5"}), "provider_overloaded", True, 2.5),
        (Refuse(500), "provider_overloaded", True, None),
        (Refuse(502, body=b"<html>Bad gateway</html>"), "provider_overloaded", True, None),
        (Refuse(503, body=b""), "provider_overloaded", True, None),
        (Refuse(504), "provider_overloaded", True, None),
        (Refuse(413), "context_too_long", False, None),
        (Refuse(400, message="prompt is too long: 9 tokens > 8 maximum"), "context_too_long", False, None),
        (Refuse(400, message="messages.0: what?"), "internal", False, None),
        (Refuse(404, message="no such model"), "internal", False, None),
        (Refuse(418, body=b"\xff\xfe"), "internal", False, None),
    ],
)
async def test_an_error_status(
    speaker: Speaker, spoken_to: ProviderServer, answer: Refuse, code: str, retryable: bool, after_s: float | None
) -> None:
    spoken_to.add(answer)
    async with speaker.provider(spoken_to) as provider:
        came, error = await failure(provider, speaker.ask())
        assert came == []
        assert (error.code, error.retryable, error.retry_after_s) == (code, retryable, after_s)
        assert speaker.label in error.text or code == "context_too_long"
        assert len(spoken_to.requests) == 1  # nothing is tried again here
        await works_again(spoken_to, provider, speaker.ask())


@pytest.mark.parametrize("first", [True, False])
async def test_overloaded_in_the_middle(speaker: Speaker, spoken_to: ProviderServer, first: bool) -> None:
    error_event = ErrorEvent("overloaded_error", "It said so")
    spoken_to.add(Script(error_event) if first else Script(Say("Half", error_event)))
    async with speaker.provider(spoken_to) as provider:
        came, error = await failure(provider, speaker.ask())
        assert text_of(came) == ("" if first else "Half")
        assert (error.code, error.retryable) == ("provider_overloaded", True)
        assert "It said so" in error.text
        await works_again(spoken_to, provider, speaker.ask())


async def test_a_clean_end_that_is_not_the_proper_one(speaker: Speaker, spoken_to: ProviderServer) -> None:
    spoken_to.add(Script(Truncate()), Script(Say("Half", Truncate())))
    async with speaker.provider(spoken_to) as provider:
        for expected in ("", "Half"):
            came, error = await failure(provider, speaker.ask())
            assert text_of(came) == expected
            assert (error.code, error.retryable) == ("provider_truncated", True)
        await works_again(spoken_to, provider, speaker.ask())


async def test_a_key_that_is_quoted_is_not_told(speaker: Speaker, spoken_to: ProviderServer) -> None:
    said = f"the key {spoken_to.api_key} is bad,\nas is sk-ant-other-123 and Bearer abc.def " + "x" * 1000
    spoken_to.add(Refuse(401, message=said), Script(Say("a", ErrorEvent("api_error", said))))
    async with speaker.provider(spoken_to) as provider:
        for _ in range(2):
            _, error = await failure(provider, speaker.ask())
            assert spoken_to.api_key not in error.text
            assert "sk-ant" not in error.text and "abc.def" not in error.text and "\n" not in error.text
            assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


async def test_the_prompt_is_longer_than_the_window(speaker: Speaker) -> None:
    long = user("word " * 1000)
    async with speaker.server(window_tokens=500) as server, speaker.provider(server) as provider:
        _, error = await failure(provider, ask(long, model=speaker.model))
        assert error.code == "context_too_long"
        await works_again(server, provider, speaker.ask())


async def test_a_key_that_is_refused(speaker: Speaker, spoken_to: ProviderServer) -> None:
    async with speaker.provider(spoken_to, api_key="sk-wrong-key") as provider:
        _, error = await failure(provider, speaker.ask())
    assert error.code == "provider_auth"
    assert "sk-wrong" not in error.text


@pytest.mark.parametrize("reset", [True, False])
async def test_an_abrupt_close_before_the_headers(speaker: Speaker, spoken_to: ProviderServer, reset: bool) -> None:
    spoken_to.add(Script(before_headers=Abort(reset=reset)))
    async with speaker.provider(spoken_to) as provider:
        _, error = await failure(provider, speaker.ask())
        assert (error.code, error.retryable) == ("provider_unreachable", True)
        await works_again(spoken_to, provider, speaker.ask())


@pytest.mark.parametrize("reset", [True, False])
async def test_an_abrupt_close_in_the_middle(speaker: Speaker, spoken_to: ProviderServer, reset: bool) -> None:
    gate = Gate()
    spoken_to.add(Script(Say("Half", gate, Abort(reset=reset))))
    async with speaker.provider(spoken_to) as provider:
        came, error = await failure(provider, speaker.ask(), gate=gate)
        assert text_of(came) == "Half"
        assert (error.code, error.retryable) == ("provider_truncated", True)
        await works_again(spoken_to, provider, speaker.ask())


@pytest.mark.parametrize(
    "script",
    [Script(before_headers=Stall()), Script(Stall()), Script(Say("Half", Stall())), Script(Say("Half"), Stall())],
)
async def test_a_stall(speaker: Speaker, spoken_to: ProviderServer, script: Script) -> None:
    spoken_to.add(script)
    async with speaker.provider(spoken_to, inactivity_s=SHORT_S) as provider:
        _, error = await failure(provider, speaker.ask())
        assert (error.code, error.retryable) == ("inactive", True)
        assert "0.5 s" in error.text
        await spoken_to.requests[0].closed_by_client.wait()
        await works_again(spoken_to, provider, speaker.ask())


async def test_pings_are_signs_of_life(speaker: Speaker, spoken_to: ProviderServer) -> None:
    slow = [Pace(0.25), *(item for _ in range(6) for item in (Ping(), "x"))]  # longer in all than silence may last
    spoken_to.add(Script(Say(*slow)))
    async with speaker.provider(spoken_to, inactivity_s=1.0) as provider:
        assert text_of(await collect(provider, speaker.ask())) == "xxxxxx"


async def test_a_connection_is_used_again_though_the_asker_leaves_at_the_end_of_the_step(
    speaker: Speaker, spoken_to: ProviderServer
) -> None:
    async with speaker.provider(spoken_to) as provider:
        for _ in range(3):
            async with aclosing(provider.stream(speaker.ask())) as stream:
                async for delta in stream:
                    if isinstance(delta, StepEnd):
                        break
        assert len(spoken_to.requests) == 3
        assert spoken_to.connections_made == 1


async def test_an_answer_that_ended_but_whose_connection_stalls_is_whole(
    speaker: Speaker, spoken_to: ProviderServer
) -> None:
    spoken_to.add(Script(Say("All."), End("end_turn"), Stall()))
    async with speaker.provider(spoken_to) as provider:
        assert text_of(await collect(provider, speaker.ask())) == "All."
        await spoken_to.requests[0].closed_by_client.wait()


async def test_nobody_listens(speaker: Speaker) -> None:
    server = ProviderServer()
    await server.start()
    await server.close()
    async with speaker.provider(server) as provider:
        _, error = await failure(provider, speaker.ask())
    assert (error.code, error.retryable) == ("provider_unreachable", True)


async def test_the_name_does_not_exist(speaker: Speaker) -> None:
    provider = speaker.make("http://hubline.invalid", "key", SHORT_S * 20)
    _, error = await failure(provider, speaker.ask())
    await provider.close()
    assert error.code == "provider_unreachable"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_other_side_speaks_neither_http_nor_tls(speaker: Speaker, scheme: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = speaker.make(f"{scheme}://127.0.0.1:{port}", "key", SHORT_S * 20)
    _, error = await failure(provider, speaker.ask())
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
    error = refusal("Anthropic", "overloaded", Sanitiser("key")("x" * 10_000))
    assert len(error.text) < MAX_TEXT + 100
