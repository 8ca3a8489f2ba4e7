"""The provider for OpenAI and for whatever speaks its Chat Completions: Gemini, Ollama, any compatible server.

A `Preset` says how one of them differs; what a server turns out not to know is left out of the next request. `provider`
is the way in.
"""

from hub.providers.openai.presets import GEMINI, OLLAMA, OPENAI, Preset
from hub.providers.openai.provider import OpenAIProvider

__all__ = ["GEMINI", "OLLAMA", "OPENAI", "OpenAIProvider", "Preset"]
