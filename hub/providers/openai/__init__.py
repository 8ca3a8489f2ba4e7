"""The provider for OpenAI, by Responses or Chat Completions, and for all who speak the latter: Gemini, Ollama, others.

A `Preset` says how one of them differs; what a server turns out not to know is left out of the next request. `provider`
is the way in.
"""

from hub.providers.openai.presets import GEMINI, OLLAMA, OPENAI, Api, Preset
from hub.providers.openai.provider import OpenAIProvider

__all__ = ["GEMINI", "OLLAMA", "OPENAI", "Api", "OpenAIProvider", "Preset"]
