"""Makes the providers and hooks that the settings ask for: a part of `app`; only the two name concrete classes."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import SecretStr

from hub.config import Settings
from hub.errors import SettingsError
from hub.hooks.base import InputFunction
from hub.hooks.cache import ResponseCache
from hub.hooks.injection import injection_flag
from hub.hooks.registry import Hooks
from hub.hooks.rollout import Rollout
from hub.hooks.size import size_check
from hub.provider_settings import KEYS, NAMES, source_of
from hub.providers.anthropic import AnthropicProvider
from hub.providers.base import Provider
from hub.providers.demo import DemoProvider
from hub.providers.openai import GEMINI, OLLAMA, OPENAI, Api, OpenAIProvider, Preset
from hub.runs.answer.sources import Source
from hub.runs.asking import Providers
from hub.runs.prices import Price

WINDOWS: Mapping[str, int] = {
    "anthropic/claude-*": 200_000,
    "openai/gpt-5*": 272_000,
    "openai/gpt-4.1*": 1_000_000,
    "openai/gpt-4o*": 128_000,
    "gemini/gemini-*": 1_000_000,
}
"""Tokens that a request may have, where the setting `context_windows` says nothing of a model."""


def providers(settings: Settings, given: Mapping[str, Provider]) -> Providers:
    """Those of the settings, and those that the application gives, which win. Raises SettingsError."""
    known: dict[str, Provider] = {"demo": DemoProvider(settings.demo_pace)}
    without_key = {name: variable for name, variable in KEYS.items() if not settings.has_key(name)}
    if settings.anthropic_api_key is not None:
        known["anthropic"] = _anthropic(settings, settings.anthropic_api_key)
    if "openai" not in without_key:
        known["openai"] = _compatible(
            settings, OPENAI, settings.openai_api_key, settings.openai_base_url, settings.openai_api
        )
    if "gemini" not in without_key:
        known["gemini"] = _compatible(settings, GEMINI, settings.gemini_api_key, settings.gemini_base_url)
    if settings.is_ollama_wanted:
        known["ollama"] = _compatible(settings, OLLAMA, None, settings.ollama_base_url)
    known |= given
    allowed = settings.providers_allowed or tuple({**known, **without_key, settings.provider: None})
    for name in allowed:
        if name not in known and name not in without_key:
            flag = "provider" if name == settings.provider else "providers-allowed"
            raise SettingsError(
                f"There is no provider {name}: --{flag} (HUBLINE_{_upper(flag)}) must be "
                f"{_any({*known, *NAMES}, without_key)}."
            )
    return Providers(
        {name: provider for name, provider in known.items() if name in allowed},
        settings.provider,
        without_key={name: variable for name, variable in without_key.items() if name in allowed and name not in given},
        models_allowed=settings.models_allowed,
    )


def fallbacks(settings: Settings, offered: Mapping[str, Provider]) -> Sequence[Source]:
    """Whom to ask, with which model, while another is down. Raises SettingsError."""
    chain = []
    for entry in settings.fallback_providers:
        name, model = source_of(entry)
        provider = offered.get(name)
        if provider is None:
            key = f" and {KEYS[name]} is not set" if name in KEYS and not settings.has_key(name) else ""
            raise SettingsError(
                f"--fallback-providers (HUBLINE_FALLBACK_PROVIDERS) names {name}{key}: it must be {_any(offered, {})}."
            )
        chain.append(Source(provider, model or provider.default_model))
    return chain


def hooks(settings: Settings) -> Hooks:
    """Those that the settings turn on."""
    cache = None
    if settings.cached_answers:
        cache = ResponseCache(
            max_entries=settings.cached_answers,
            max_bytes=settings.cached_answers_bytes,
            max_age_s=settings.cached_answer_age_s,
        )
    percent = settings.streaming_percent
    found = Hooks(cache=cache, streaming=None if percent == 100 else Rollout("streaming", percent))
    if settings.max_message_chars:
        found.input_check(name="size")(size_check(settings.max_message_chars))
    if settings.redact_pii:
        found.input_check(name="pii", timeout_s=30.0)(_redactor(settings))
    if settings.flag_injections:
        found.input_check(name="injection", fails="open")(injection_flag())
    return found


def _redactor(settings: Settings) -> InputFunction:
    try:
        from hub.hooks.pii import redactor
    except ImportError as error:
        raise SettingsError(
            "--redact-pii (HUBLINE_REDACT_PII) needs the extra hubline[pii]: install it, or unset this."
        ) from error
    return redactor(settings.redact_pii, settings.pii_regions)


def prices(settings: Settings) -> Mapping[str, Price]:
    """By model."""
    return {name: Price(**price.model_dump()) for name, price in settings.prices.items()}


def windows(settings: Settings) -> Mapping[str, int]:
    """By model, in tokens; what the setting says goes first."""
    return {
        **settings.context_windows,
        **{name: WINDOWS[name] for name in WINDOWS if name not in settings.context_windows},
    }


def _anthropic(settings: Settings, key: SecretStr) -> Provider:
    provider = AnthropicProvider(
        key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        thinking=settings.anthropic_thinking,
        citations=settings.anthropic_citations,
        inactivity_s=settings.provider_inactivity_s,
    )
    provider.default_model = settings.default_model("anthropic") or provider.default_model
    return provider


def _compatible(
    settings: Settings, preset: Preset, key: SecretStr | None, base_url: str | None, api: Api | None = None
) -> Provider:
    return OpenAIProvider(
        preset,
        None if key is None else key.get_secret_value(),
        base_url=base_url,
        default_model=settings.default_model(preset.name),
        api=api,
        inactivity_s=settings.provider_inactivity_s,
    )


def _any(names: Iterable[str], without_key: Mapping[str, str]) -> str:
    """With what those need that cannot be had yet."""
    shown = (f"{name} (set {without_key[name]})" if name in without_key else name for name in sorted(names))
    return f"one of {', '.join(shown)}"


def _upper(flag: str) -> str:
    return flag.upper().replace("-", "_")
