"""The providers that talk to the local provider server, for the tests that all of them pass."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import pytest

from hub.errors import ProviderError
from hub.providers import openai
from hub.providers.anthropic import AnthropicProvider
from hub.providers.base import Delta, Provider, Request, TextDelta
from tests.provider_server import openai_rules, rules
from tests.provider_server.openai_rules import Style
from tests.provider_server.script import Gate, Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import ask, collect, text_of


@dataclass(frozen=True)
class Speaker:
    """One provider, and how the server that it asks speaks. `make` takes the address, the key and the inactivity."""

    name: str
    label: str
    model: str
    make: Callable[[str, str, float], Provider]
    style: Style = openai_rules.OPENAI
    path: str = ""
    shows_thinking: bool = False

    @property
    def setting(self) -> str:
        """What settings call it."""
        return self.name.partition(" ")[0]

    def server(self, *, window_tokens: int = rules.WINDOW_TOKENS) -> ProviderServer:
        return ProviderServer(style=self.style, window_tokens=window_tokens)

    @asynccontextmanager
    async def provider(
        self, server: ProviderServer, *, inactivity_s: float = 30.0, api_key: str | None = None, path: str | None = None
    ) -> AsyncIterator[Provider]:
        url = server.base_url + (self.path if path is None else path)
        provider = self.make(url, api_key or server.api_key, inactivity_s)
        try:
            yield provider
        finally:
            await provider.close()

    def ask(self) -> Request:
        return ask(model=self.model)


def _anthropic(url: str, api_key: str, inactivity_s: float) -> Provider:
    return AnthropicProvider(api_key, base_url=url, inactivity_s=inactivity_s)


def _by(preset: openai.Preset, api: openai.Api | None = None) -> Callable[[str, str, float], Provider]:
    """A provider whose preset's own address is the server's, so that it speaks as it does there."""

    def make(url: str, api_key: str, inactivity_s: float) -> Provider:
        there = msgspec.structs.replace(preset, base_url=url)
        return openai.OpenAIProvider(there, api_key, api=api, inactivity_s=inactivity_s)

    return make


ANTHROPIC = Speaker("anthropic", "Anthropic", rules.MODELS[0], _anthropic, shows_thinking=True)
OPENAI = Speaker("openai", "OpenAI", "gpt-5.5", _by(openai.OPENAI, "chat"), openai_rules.OPENAI, "/v1")
RESPONSES = Speaker("openai responses", "OpenAI", "gpt-5.5", _by(openai.OPENAI), openai_rules.OPENAI, "/v1", True)
GEMINI = Speaker("gemini", "Gemini", "gemini-3.8-flash", _by(openai.GEMINI), openai_rules.GEMINI, "/v1")
OLLAMA = Speaker("ollama", "Ollama", "gpt-oss:20b", _by(openai.OLLAMA), openai_rules.OLLAMA, "/v1", True)

SPEAKERS = (ANTHROPIC, OPENAI, RESPONSES, GEMINI, OLLAMA)


async def failure(
    provider: Provider, request: Request, *, gate: Gate | None = None
) -> tuple[list[Delta], ProviderError]:
    """What came, and then the error. Opens `gate` once the first text has come."""
    came: list[Delta] = []
    with pytest.raises(ProviderError) as caught:
        async for delta in provider.stream(request):
            came.append(delta)
            if gate is not None and isinstance(delta, TextDelta):
                gate.open()
    return came, caught.value


async def works_again(server: ProviderServer, provider: Provider, request: Request) -> None:
    server.add(Script(Say("Fine.")))
    assert text_of(await collect(provider, request)) == "Fine."
