"""The settings of the providers: lists and tables, in the environment and as flags, and what a wrong one is told."""

import pytest

from hub import config
from hub.errors import SettingsError
from hub.offering import WINDOWS, prices, windows
from hub.provider_settings import Price
from hub.runs.prices import entry

KEY = "sk-proj-0123456789"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("ANTHROPIC", "OPENAI", "GEMINI", "GOOGLE", "OLLAMA"):
        monkeypatch.delenv(f"{provider}_API_KEY", raising=False)
        monkeypatch.delenv(f"{provider}_BASE_URL", raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prices", "three dollars"),
        ("prices", "[3]"),
        ("prices", '{"m": 3}'),
        ("prices", '{"m": {"input": 3}}'),
        ("prices", '{"m": {"input": -3, "output": 1}}'),
        ("prices", '{"m": {"input": 3, "output": Infinity}}'),
        ("prices", '{"m": {"input": 3, "output": 1, "cache": 1}}'),
        ("context_windows", "32000"),
        ("context_windows", '{"m": 10}'),
        ("context_windows", '{"m": "many"}'),
        ("provider_wait_s", "0"),
        ("openai_model", ""),
        ("anthropic_thinking", "sometimes"),
    ],
)
def test_a_wrong_one_is_named_and_told_what_it_must_be(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        config.load({name: value})
    text = str(caught.value)
    assert text.startswith(f"{config.flag_of(name)} (HUBLINE_{name.upper()}) must be ")
    assert text.endswith(".")


def test_tables_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBLINE_PRICES", '{"m": {"input": 3, "output": 15, "cacheRead": 0.3}}')
    monkeypatch.setenv("HUBLINE_CONTEXT_WINDOWS", '{"m": 32000}')
    monkeypatch.setenv("HUBLINE_MODELS_ALLOWED", "m, gpt-*")
    settings = config.load()
    assert settings.prices == {"m": Price(input=3, output=15, cacheRead=0.3)}
    assert (settings.context_windows, settings.models_allowed) == ({"m": 32000}, ("m", "gpt-*"))
    assert prices(settings)["m"].cache_write is None


def test_what_a_setting_says_of_a_window_goes_first() -> None:
    table = windows(config.load({"context_windows": {"claude-small": 9_000, "gpt-*": 50_000}}))
    assert entry(table, "anthropic", "claude-small") == 9_000
    assert entry(table, "anthropic", "claude-other") == WINDOWS["anthropic/claude-*"]
    assert entry(table, "openai", "gpt-5.5") == 50_000
    assert entry(table, "ollama", "claude-other") is None


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "GEMINI_API_KEY"])
@pytest.mark.parametrize(("key", "says"), [(" ", "is empty"), (f"{KEY} x", "space"), (f"{KEY}\x07", "characters")])
def test_a_malformed_key_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str, says: str
) -> None:
    monkeypatch.setenv(name, key)
    with pytest.raises(SettingsError, match=f"^{name} .*{says}") as caught:
        config.load()
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "GEMINI_BASE_URL", "OLLAMA_BASE_URL"])
def test_a_malformed_address_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "localhost:8080")
    with pytest.raises(SettingsError, match=f"^{name} must be an http:// or https:// address"):
        config.load()


def test_the_other_name_of_a_key_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    settings = config.load()
    assert settings.provider == "gemini"
    assert KEY not in repr(settings)


def test_no_key_has_a_flag() -> None:
    assert {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"} <= set(config.secret_variables())
