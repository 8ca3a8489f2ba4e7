"""Which provider and model answer: by settings, by session, by message; and what cannot be had is said."""

import logging
from pathlib import Path

import pytest

from hub import config
from hub.app import Hubline
from hub.errors import HubError, SettingsError
from tests.provider_server import openai_rules
from tests.provider_server.script import Gate, Say, Script, Think
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, notices, one, openai_at, text
from tests.running import running

GOOGLE_KEY = "AIzaSyA-0123456789_abcdefghijklmnopqrs"


def names(app: Hubline) -> set[str]:
    return set(app.providers.offered)


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("ANTHROPIC", "OPENAI", "GEMINI", "GOOGLE", "OLLAMA"):
        monkeypatch.delenv(f"{provider}_API_KEY", raising=False)
        monkeypatch.delenv(f"{provider}_BASE_URL", raising=False)


async def test_openai_answers_once_it_has_a_key(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("Four.")))
    async with chatting({**openai_at(provider_server), "model": "gpt-6-luna"}) as chat:
        events = await chat.ask("2 + 2?")
    started = one(events, "run_started")
    assert (started["provider"], started["model"], text(events)) == ("openai", "gpt-6-luna", "Four.")
    assert provider_server.requests[0].body["model"] == "gpt-6-luna"
    assert provider_server.requests[0].headers["authorization"] == f"Bearer {provider_server.api_key}"


async def test_a_message_chooses_for_itself_and_a_session_for_all(provider_server: ProviderServer) -> None:
    both = {**openai_at(provider_server), **anthropic_at(provider_server)}
    async with chatting({**both, "provider": "demo", "openai_model": "gpt-5.5"}) as chat:
        first = one(await chat.ask("hello"), "run_started")
        second = one(await chat.ask("hello", provider="openai"), "run_started")
        await chat.client.invoke("UpdateSession", chat.session_id, {"provider": "openai", "model": "gpt-6-luna"})
        third = one(await chat.ask("hello"), "run_started")
        fourth = one(await chat.ask("hello", provider="anthropic"), "run_started")
    asked = [(run["provider"], run["model"]) for run in (first, second, third, fourth)]
    assert asked[0][0] == "demo"
    assert asked[1:3] == [("openai", "gpt-5.5"), ("openai", "gpt-6-luna")]
    assert asked[3][0] == "anthropic"
    assert [request.refused for request in provider_server.requests] == [None, None, None]


async def test_gemini_and_ollama_are_asked_at_their_addresses() -> None:
    async with ProviderServer(style=openai_rules.GEMINI, api_key=GOOGLE_KEY) as server:
        at = {"gemini_api_key": GOOGLE_KEY, "gemini_base_url": server.openai_url}
        async with chatting({**at, "ollama_base_url": server.openai_url}) as chat:
            assert text(await chat.ask("tea")) == "You said: tea"
            error = one(await chat.ask("tea", provider="ollama"), "done")["error"]
    assert error["code"] == "provider_auth"  # Gemini's server wants a key, and Ollama has none
    async with ProviderServer(style=openai_rules.OLLAMA, api_key="no-key-needed") as server:
        async with chatting({"ollama_base_url": server.openai_url}) as chat:
            events = await chat.ask("tea")
    assert (one(events, "run_started")["provider"], text(events)) == ("ollama", "You said: tea")


async def test_anthropic_thinks_if_it_is_set(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Think("I wonder."), Say("Yes.")))
    async with chatting({**anthropic_at(provider_server), "anthropic_thinking": True}) as chat:
        events = await chat.ask("Really?")
    assert "thinking" in {event["type"] for event in events}
    assert provider_server.requests[0].body["thinking"]["type"] == "adaptive"


def test_the_first_key_says_who_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Hubline(backplane="memory://").settings.provider == "demo"
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://127.0.0.1:11434/v1")
    assert Hubline(backplane="memory://").settings.provider == "ollama"
    monkeypatch.setenv("GOOGLE_API_KEY", GOOGLE_KEY)
    assert Hubline(backplane="memory://").settings.provider == "gemini"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
    assert Hubline(backplane="memory://").settings.provider == "openai"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")
    app = Hubline(backplane="memory://")
    assert app.settings.provider == "anthropic"
    assert names(app) == {"demo", "anthropic", "openai", "gemini", "ollama"}


@pytest.mark.parametrize("provider", ["anthropic", "openai", "gemini"])
async def test_a_missing_key_is_named(provider: str) -> None:
    async with chatting({}) as chat:
        with pytest.raises(HubError, match=rf"^\[provider_missing_key\] .*{provider.upper()}_API_KEY"):
            await chat.ask("hello", provider=provider)
    with pytest.raises(SettingsError, match=f"needs a key: set {provider.upper()}_API_KEY"):
        Hubline(backplane="memory://", provider=provider)


async def test_what_is_not_allowed_names_what_is(provider_server: ProviderServer) -> None:
    settings = {**openai_at(provider_server), **anthropic_at(provider_server)}
    allowed = {"providers_allowed": "openai,demo", "models_allowed": "gpt-6*,gpt-oss:20b", "openai_model": "gpt-5.5"}
    async with chatting({**settings, **allowed, "provider": "openai"}) as chat:
        with pytest.raises(HubError, match=r"^\[provider_not_allowed\] .*: demo, openai\.$"):
            await chat.ask("hello", provider="anthropic")
        with pytest.raises(HubError, match=r"^\[provider_not_allowed\] .*: gpt-5\.5, gpt-6\*, gpt-oss:20b\.$"):
            await chat.client.invoke("UpdateSession", chat.session_id, {"model": "gpt-7"})
        for model in ("gpt-5.5", "gpt-6-luna", "gpt-oss:20b"):
            assert one(await chat.ask("hello", model=model), "done")["outcome"] == "completed"
        with pytest.raises(HubError, match="provider_not_allowed"):
            await chat.ask("hello", model="gpt-5.5-mini")


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "nobody"},
        {"providers_allowed": "demo,nobody"},
        {"providers_allowed": "ollama"},
        {"fallback_providers": "nobody"},
        {"fallback_providers": "openai/gpt-5.5"},
    ],
)
def test_a_setting_that_names_nobody_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"(provider|providers-allowed|fallback-providers) ") as caught:
        Hubline(settings=config.load({"backplane": "memory://", **wrong}))
    assert str(caught.value).endswith(".")


def test_a_provider_that_nobody_knows_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError) as caught:
        Hubline(backplane="memory://", provider="antropic", openai_base_url="http://127.0.0.1:1")
    assert str(caught.value) == (
        "There is no provider antropic: --provider (HUBLINE_PROVIDER) must be one of "
        "anthropic (set ANTHROPIC_API_KEY), demo, gemini (set GEMINI_API_KEY), ollama, openai."
    )


@pytest.mark.parametrize("key", ["sk-proj-0123456789abcdef", GOOGLE_KEY])
async def test_a_refused_key_ends_as_such_and_is_told_to_nobody(
    provider_server: ProviderServer, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with chatting({"openai_api_key": key, "openai_base_url": provider_server.openai_url}) as chat:
        events = await chat.ask("hello")
    done = one(events, "done")
    assert (done["outcome"], done["error"]["code"], done["error"]["retryable"]) == ("failed", "provider_auth", False)
    assert key not in str(events)
    assert key not in caplog.text


def test_the_banner_says_who_answers_where(tmp_path: Path, provider_server: ProviderServer) -> None:
    environment = {"OPENAI_BASE_URL": provider_server.openai_url, "OPENAI_API_KEY": "sk-proj-0123456789"}
    with running(tmp_path, "--model", "gpt-5.5", environment=environment) as server:
        assert server.end() == 0
    assert f"openai at {provider_server.openai_url}, model gpt-5.5" in server.banner
    assert "sk-proj" not in server.banner + "".join(server.log)


async def test_users_are_told_that_a_provider_is_waited_for(provider_server: ProviderServer) -> None:
    gate = Gate()
    provider_server.add(Script(Say("At last."), before_headers=gate))
    async with chatting({**openai_at(provider_server), "provider_wait_s": 0.01}) as chat:
        message = {"messageId": "m", "content": "hello"}
        events = []
        async for event in chat.client.stream("Chat", chat.session_id, message):
            assert isinstance(event, dict)
            events.append(event)
            if event["type"] == "notice":
                gate.open()
    assert notices(events) == ["waiting_for_provider"]
    assert text(events) == "At last."
