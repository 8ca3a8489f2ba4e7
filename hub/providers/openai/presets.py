"""Who is spoken to in OpenAI's ways, and how each differs from the others."""

from typing import Literal

import msgspec

LimitField = Literal["max_completion_tokens", "max_tokens"]
Api = Literal["responses", "chat"]
"""By which of OpenAI's APIs: Responses, or Chat Completions, which all servers speak."""


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """One of those who speak it. `label` is what users know it by."""

    name: str
    label: str
    base_url: str
    default_model: str
    key_setting: str
    """The setting that holds its key."""
    needs_key: bool = True
    is_openai: bool = False
    """Knows `prompt_cache_key`, and to leave out the padding of its deltas."""
    signs_calls: bool = False
    """Its tool calls carry a signature of the thinking behind them, and are refused without."""
    limit_field: LimitField = "max_tokens"
    api: Api = "chat"

    def at(self, base_url: str | None) -> "Preset":
        """The same at another address, where somebody else may answer: of OpenAI's, any compatible server."""
        if base_url is None or base_url.rstrip("/") == self.base_url:
            return self
        if not self.is_openai:
            return msgspec.structs.replace(self, base_url=base_url)
        return msgspec.structs.replace(
            self, base_url=base_url, label="The model server", needs_key=False, is_openai=False, api="chat"
        )


OPENAI = Preset(
    name="openai",
    label="OpenAI",
    base_url="https://api.openai.com/v1",
    default_model="gpt-5.5",
    key_setting="OPENAI_API_KEY",
    is_openai=True,
    limit_field="max_completion_tokens",
    api="responses",
)
GEMINI = Preset(
    name="gemini",
    label="Gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    default_model="gemini-3.8-flash",
    key_setting="GEMINI_API_KEY",
    signs_calls=True,
)
OLLAMA = Preset(
    name="ollama",
    label="Ollama",
    base_url="http://127.0.0.1:11434/v1",
    default_model="gpt-oss:20b",
    key_setting="OLLAMA_API_KEY",
    needs_key=False,
)
