"""The settings of the providers: keys, addresses, models, who may be asked, who answers instead, prices and windows.

Variables of a provider keep the names that everybody knows (`OPENAI_API_KEY`); the rest are settings as all others.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY"}
"""The variable of the key that a provider needs."""
NAMES = ("demo", *KEYS, "ollama")

Names = Annotated[tuple[str, ...], NoDecode]
"""A list, in the environment with commas or white space between."""
Tokens = Annotated[int, Field(ge=1_000, le=1_000_000_000)]


class Price(BaseModel):
    """What a model costs, in dollars for a million tokens. Cache tokens cost as input if nothing is said of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cache_read: float | None = Field(default=None, ge=0, alias="cacheRead", allow_inf_nan=False)
    cache_write: float | None = Field(default=None, ge=0, alias="cacheWrite", allow_inf_nan=False)


class ProviderSettings(BaseSettings):
    """What `Settings` has of providers."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    # Keys and addresses come first: the default of `provider` looks at them.
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias=KEYS["anthropic"], description="your Anthropic key"
    )
    anthropic_base_url: str | None = Field(
        default=None, validation_alias="ANTHROPIC_BASE_URL", description="an http:// or https:// address"
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=KEYS["openai"], description="your OpenAI key, or that of OPENAI_BASE_URL"
    )
    openai_base_url: str | None = Field(
        default=None, validation_alias="OPENAI_BASE_URL", description="an http:// or https:// address"
    )
    openai_api: Literal["responses", "chat"] | None = Field(
        default=None,
        description="responses or chat (Chat Completions): by which of its APIs OpenAI is asked; "
        "the default is responses, and chat if there is OPENAI_BASE_URL",
    )
    gemini_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(KEYS["gemini"], "GOOGLE_API_KEY"),
        description="your Gemini key",
    )
    gemini_base_url: str | None = Field(
        default=None, validation_alias="GEMINI_BASE_URL", description="an http:// or https:// address"
    )
    ollama_base_url: str | None = Field(
        default=None, validation_alias="OLLAMA_BASE_URL", description="an http:// or https:// address"
    )
    provider: str = Field(
        default_factory=lambda known: _first_known(known),
        min_length=1,
        description="demo (needs no key), anthropic, openai, gemini or ollama; the default is the first that has a key",
    )
    model: str | None = Field(default=None, min_length=1, description="the name of one of the provider's models")
    anthropic_model: str | None = Field(
        default=None, min_length=1, description="the model that Anthropic is asked for by default"
    )
    openai_model: str | None = Field(
        default=None, min_length=1, description="the model that OpenAI, or OPENAI_BASE_URL, is asked for by default"
    )
    gemini_model: str | None = Field(
        default=None, min_length=1, description="the model that Gemini is asked for by default"
    )
    ollama_model: str | None = Field(
        default=None, min_length=1, description="the model that Ollama is asked for by default"
    )
    anthropic_thinking: bool = Field(
        default=False,
        description="true (models of Anthropic think, and show a summary of it) or false (as the model does)",
    )
    anthropic_citations: bool = Field(
        default=True,
        description="true (answers of Anthropic's say which passages of users' documents they rest on) or false",
    )
    providers_allowed: Names = Field(
        default=(), description="a list of the providers that sessions may use, or nothing for all"
    )
    models_allowed: Names = Field(
        default=(),
        description="a list of the models that sessions may use besides the default ones, or nothing for all; "
        "gpt-* stands for all that begin so",
    )
    fallback_providers: Names = Field(
        default=(),
        description="a list of providers (PROVIDER or PROVIDER/MODEL) that are asked in turn while another is down",
    )
    prices: Annotated[dict[str, Price], NoDecode] = Field(
        default={},
        description='JSON with the dollars for a million tokens: {"MODEL": {"input": 3, "output": 15, '
        '"cacheRead": 0.3, "cacheWrite": 3.75}}',
    )
    context_windows: Annotated[dict[str, Tokens], NoDecode] = Field(
        default={}, description='JSON with the tokens, from 1000, that a request may have: {"MODEL": 32000}'
    )
    provider_wait_s: Annotated[float, Field(gt=0, le=86_400)] = Field(
        default=10.0,
        description="a number of seconds: how long a provider may take to begin before users are told of it",
    )

    @field_validator("anthropic_api_key", "openai_api_key", "gemini_api_key")
    @classmethod
    def _check_key(cls, key: SecretStr | None, about: ValidationInfo) -> SecretStr | None:
        text = key.get_secret_value() if key is not None else "none"
        name = (about.field_name or "").upper()
        if not text.strip():
            raise sentence(f"{name} is empty: set it to your key, or unset it and the demo provider answers.")
        if re.search(r"\s", text):
            raise sentence(f"{name} holds a space or a line break: set it to the key alone, in one line.")
        if not text.isascii() or not text.isprintable():
            raise sentence(f"{name} holds characters that no key has: copy it again.")
        return key

    @field_validator("anthropic_base_url", "openai_base_url", "gemini_base_url", "ollama_base_url")
    @classmethod
    def _check_base_url(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", url):
            raise ValueError("not an address")
        return url

    @field_validator("providers_allowed", "models_allowed", "fallback_providers", mode="before")
    @classmethod
    def _split_names(cls, words: object) -> object:
        return tuple(filter(None, re.split(r"[,\s]+", words))) if isinstance(words, str) else words

    @field_validator("prices", "context_windows", mode="before")
    @classmethod
    def _read_table(cls, table: object) -> object:
        return json.loads(table) if isinstance(table, str) else table

    @model_validator(mode="after")
    def _check_provider(self) -> "ProviderSettings":
        key = KEYS.get(self.provider)
        if key is not None and not self.has_key(self.provider):
            also = " (or OPENAI_BASE_URL, for a server that needs none)" if self.provider == "openai" else ""
            raise sentence(
                f"The provider {self.provider} needs a key: set {key}{also}, or use --provider demo (HUBLINE_PROVIDER)."
            )
        if self.providers_allowed and self.provider not in self.providers_allowed:
            raise sentence(
                f"--providers-allowed (HUBLINE_PROVIDERS_ALLOWED) leaves out {self.provider}, which is the provider "
                "(--provider): add it, or choose another."
            )
        return self

    def has_key(self, provider: str) -> bool:
        """Whether there is what this provider must have to be asked. Of an unknown one, that is nothing."""
        if provider == "openai" and self.openai_base_url is not None:
            return True
        return provider not in KEYS or getattr(self, f"{provider}_api_key") is not None

    @property
    def is_ollama_wanted(self) -> bool:
        """Whether a setting names Ollama: it needs no key that could say so."""
        named = (self.provider, *self.providers_allowed, *(source_of(name)[0] for name in self.fallback_providers))
        return self.ollama_base_url is not None or "ollama" in named

    def default_model(self, provider: str) -> str | None:
        """The model that is asked for where a session names none, if a setting says so."""
        if self.model is not None and provider == self.provider:
            return self.model
        found: str | None = getattr(self, f"{provider}_model", None)
        return found


def source_of(name: str) -> tuple[str, str | None]:
    """The provider and the model, if there is one, of an entry of `fallback_providers`."""
    provider, _, model = name.partition("/")
    return provider, model or None


def sentence(text: str) -> PydanticCustomError:
    """An error of a setting that says all by itself."""
    # Braces are the template's own syntax; what a user gave may hold some.
    return PydanticCustomError("sentence", "{text}", {"text": text})


def _first_known(known: Mapping[str, object]) -> str:
    for name in NAMES[1:]:
        if known.get(f"{name}_api_key") or (name in ("openai", "ollama") and known.get(f"{name}_base_url")):
            return name
    return "demo"
