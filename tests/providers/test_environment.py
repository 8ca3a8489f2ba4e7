"""What the SDKs would take from the environment, and the hub does not let them: it may be meant for other servers."""

import logging

import pytest

from hub.providers.base import StepEnd
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import collect
from tests.providers.speakers import Speaker

NOT_OURS = {
    "ANTHROPIC_API_KEY": "another-key",
    "ANTHROPIC_AUTH_TOKEN": "another-token",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
    "ANTHROPIC_CUSTOM_HEADERS": "x-not-ours: another-secret",
    "OPENAI_API_KEY": "another-key",
    "OPENAI_ADMIN_KEY": "another-key",
    "OPENAI_BASE_URL": "http://127.0.0.1:1",
    "OPENAI_ORG_ID": "another-organisation",
    "OPENAI_PROJECT_ID": "another-project",
    "OPENAI_CUSTOM_HEADERS": "x-not-ours: another-secret",
}


async def test_neither_the_server_nor_headers_come_from_it(
    speaker: Speaker, spoken_to: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NOT_OURS.items():
        monkeypatch.setenv(name, value)
    async with speaker.provider(spoken_to) as provider:
        assert isinstance((await collect(provider, speaker.ask()))[-1], StepEnd)
    headers = spoken_to.requests[0].headers
    assert "x-not-ours" not in headers
    assert not any("another" in value for value in headers.values())


async def test_the_key_is_in_no_log(
    speaker: Speaker, spoken_to: ProviderServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with speaker.provider(spoken_to) as provider:
        await collect(provider, speaker.ask())
    assert caplog.records
    assert spoken_to.api_key not in caplog.text
