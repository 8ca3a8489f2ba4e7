"""Settings: where they come from, and the one sentence that a wrong one is answered with."""

from pathlib import Path

import pytest

from hub import config
from hub.config import Settings
from hub.errors import SettingsError

KEY = "sk-ant-test-0123456789"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HUBLINE_{name.upper()}", raising=False)
    for provider in ("ANTHROPIC", "OPENAI", "GEMINI", "GOOGLE", "OLLAMA"):
        monkeypatch.delenv(f"{provider}_API_KEY", raising=False)
        monkeypatch.delenv(f"{provider}_BASE_URL", raising=False)


def refusal(flags: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        config.load(flags)
    return str(caught.value)


def is_one_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text and ". " not in text and "pydantic" not in text.lower()


def test_defaults_serve_this_machine_without_a_key() -> None:
    settings = config.load()
    assert (settings.host, settings.port, settings.provider) == ("127.0.0.1", 8000, "demo")
    assert settings.database_file == Path("hubline.db")
    assert settings.is_loopback
    assert settings.idle_stop_s is None


def test_the_environment_sets_and_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBLINE_PORT", "9000")
    monkeypatch.setenv("HUBLINE_MAX_STEPS", "7")
    monkeypatch.setenv("HUBLINE_ALLOWED_ORIGINS", "https://a.example, https://b.example:8443")
    assert config.load().port == 9000
    settings = config.load({"port": "9001"})
    assert (settings.port, settings.max_steps) == (9001, 7)
    assert settings.allowed_origins == ("https://a.example", "https://b.example:8443")


def test_a_key_makes_anthropic_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert config.load().provider == "anthropic"
    assert config.load({"provider": "demo"}).provider == "demo"


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert KEY not in repr(config.load())
    monkeypatch.setenv("ANTHROPIC_API_KEY", f"{KEY}\nother")
    with pytest.raises(SettingsError) as caught:
        config.load()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_no_secret_has_a_flag() -> None:
    assert config.flag_of("anthropic_api_key") is None
    assert config.flag_of("demo_pace") == "--demo-pace"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "is empty"),
        ("  \t", "is empty"),
        (f"{KEY}\n", "line break"),
        ("sk-ant two", "space"),
        ("sk-ant-schlüssel", "characters that no key has"),
        ("sk-ant-\x07", "characters that no key has"),
    ],
)
def test_a_malformed_key_is_refused(monkeypatch: pytest.MonkeyPatch, key: str, says: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    text = refusal()
    assert is_one_sentence(text)
    assert "ANTHROPIC_API_KEY" in text
    assert says in text
    assert "sk-ant" not in text


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "http://", "http://a b"])
def test_a_malformed_base_url_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    assert refusal() == "ANTHROPIC_BASE_URL must be an http:// or https:// address."


BAD = [
    ("port", "abc"),
    ("port", "-1"),
    ("port", "65536"),
    ("port", ""),
    ("port", "8000.5"),
    ("host", ""),
    ("workers", "0"),
    ("workers", "two"),
    ("workers", "2"),
    ("backplane", ""),
    ("backplane", "sqlite:///"),
    ("backplane", "sqlite://hub.db"),
    ("backplane", "postgres://db"),
    ("backplane", "memory://x"),
    ("backplane", "redis://"),
    ("backplane", "redis+tor://a"),
    ("backplane", "redis://localhost"),  # and no HUBLINE_TOKEN_SECRET
    ("retention_s", "0"),
    ("away_hold_s", "-1"),
    ("provider", ""),
    ("model", ""),
    ("keyfile", "key.pem"),
    ("trusted_proxies", "balancer.example"),
    ("trusted_proxies", "10.0.0.0/99"),
    ("allowed_origins", "example.org"),
    ("allowed_origins", "https://example.org/path"),
    ("log_level", "loud"),
    ("detailed_errors", "perhaps"),
    ("demo_pace", "-1"),
    ("demo_pace", "nan"),
    ("max_receive_bytes", "1"),
    ("outbox_max_bytes", "lots"),
    ("handshake_timeout_s", "0"),
    ("keep_alive_s", "inf"),
    ("max_queued_runs", "0"),
    ("max_steps", "0"),
    ("wall_time_s", "-5"),
    ("idle_stop_s", "0"),
    ("idle_stop_s", "never"),
    ("lease_s", "0.01"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_one_sentence_that_names_flag_and_variable(name: str, value: str) -> None:
    text = refusal({name: value})
    assert is_one_sentence(text)
    assert f"--{name.replace('_', '-')}" in text
    assert f"HUBLINE_{name.upper()}" in text


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in BAD if value])
def test_a_bad_variable_is_refused_as_a_bad_flag_is(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"HUBLINE_{name.upper()}", value)
    assert refusal() == refusal({name: value})


def test_what_was_given_is_quoted_and_cut() -> None:
    assert "not 'abc'" in refusal({"port": "abc"})
    assert len(refusal({"port": "9" * 10_000})) < 250
    assert "{y}" in refusal({"backplane": "x{y}"})


def test_nodes_that_share_redis_need_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "redis+sentinel://:hidden@a:1,b:2/main/3"
    assert "HUBLINE_TOKEN_SECRET" in refusal({"backplane": url})
    monkeypatch.setenv("HUBLINE_TOKEN_SECRET", "short")
    assert refusal({"backplane": url}).startswith("HUBLINE_TOKEN_SECRET must be a secret of 32 bytes")
    monkeypatch.setenv("HUBLINE_TOKEN_SECRET", "s" * 32)
    settings = config.load({"backplane": url, "workers": "2"})
    assert settings.is_shared
    assert settings.database_file is None
    assert "s" * 32 not in repr(settings)


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    assert "hidden" not in refusal({"backplane": "reds://:hidden@host"})


def test_anthropic_needs_a_key() -> None:
    assert "ANTHROPIC_API_KEY" in refusal({"provider": "anthropic"})


def test_an_unknown_setting_is_refused() -> None:
    assert "colour" in refusal({"colour": "red"})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.example.org", False),
    ],
)
def test_which_addresses_are_loopback(host: str, loopback: bool) -> None:
    assert config.load({"host": host}).is_loopback is loopback


@pytest.mark.parametrize(
    ("url", "file"),
    [("memory://", None), ("sqlite:///a/b.db", Path("a/b.db")), ("sqlite:////var/hub.db", Path("/var/hub.db"))],
)
def test_the_database_file_of_a_backplane_url(url: str, file: Path | None) -> None:
    assert config.load({"backplane": url}).database_file == file


def test_idle_stop_can_be_switched_off_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBLINE_IDLE_STOP_S", "60")
    assert config.load().idle_stop_s == 60
    assert config.load({"idle_stop_s": "off"}).idle_stop_s is None


def test_every_setting_says_what_it_must_be() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HUBLINE_BAKPLANE", "HUBLINE_BACKPLANE"),
        ("HUBLINE_LOGLEVEL", "HUBLINE_LOG_LEVEL"),
        ("HUBLINE_ALLOWED_ORIGIN", "HUBLINE_ALLOWED_ORIGINS"),
        ("HUBLINE_DRAIN", "HUBLINE_DRAIN_S"),
        ("HUBLINE_TOKEN_SECRETS", "HUBLINE_TOKEN_SECRET"),
        ("HUBLINE_TOKENS", "HUBLINE_TOKEN"),
        ("hubline_prot", "HUBLINE_PORT"),
    ],
)
def test_a_misspelled_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "s3cret")
    said = refusal()
    assert name in said
    assert f"{meant} may be meant" in said
    assert is_one_sentence(said)
    assert "s3cret" not in said


@pytest.mark.parametrize("name", ["HUBLINE_SERVICE_HOST", "HUBLINE_PORT_8000_TCP_ADDR", "HUBLINE_CHAOS_SEED"])
def test_a_variable_of_others_is_named_and_ignored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    monkeypatch.setenv(name, "s3cret")
    config.load()
    (record,) = caplog.records
    assert record.getMessage() == f"There is no setting {name}: it is ignored."


def test_our_own_variables_and_those_of_no_one_are_known(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("HUBLINE_TOKEN", "HUBLINE_WORKER", "hubline_port", "MY_HUBLINE_PROT"):
        monkeypatch.setenv(name, "1")
    assert config.load().port == 1
    assert not caplog.records


def test_a_misspelled_argument_is_refused() -> None:
    assert refusal({"bakplane": "memory://"}) == "There is no setting bakplane: backplane may be meant."
    assert "`hubline serve --help` lists them" in refusal({"colour": "red"})
