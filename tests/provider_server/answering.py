"""The wires that the provider server speaks: what each demands of a request, and how it answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tests.provider_server import openai_rules, responses_rules, rules
from tests.provider_server.anthropic_player import AnthropicPlayer
from tests.provider_server.openai_player import OpenAIPlayer, WholePlayer
from tests.provider_server.openai_rules import Style
from tests.provider_server.player import Player
from tests.provider_server.responses_player import ResponsesPlayer, WholeResponsePlayer
from tests.provider_server.rules import VERSIONS, Broken, Signer
from tests.provider_server.script import Refuse, Script
from tests.provider_server.wire import Exchange


class Wire(ABC):
    """One format of requests and answers."""

    path: str

    @abstractmethod
    def check_headers(self, headers: Mapping[str, str], api_key: str) -> Refuse | None: ...

    @abstractmethod
    def check_body(self, body: object, window_tokens: int) -> Refuse | None: ...

    @abstractmethod
    def player(self, exchange: Exchange, script: Script, body: Mapping[str, Any]) -> Player: ...

    @abstractmethod
    def error(self, refuse: Refuse) -> object:
        """Its JSON."""


def _bearer(headers: Mapping[str, str]) -> str:
    return headers.get("authorization", "").removeprefix("Bearer ")


class AnthropicWire(Wire):
    """The Messages API."""

    path = "/v1/messages"

    def __init__(self, models: Sequence[str], signer: Signer) -> None:
        self._models = models
        self._signer = signer

    def check_headers(self, headers: Mapping[str, str], api_key: str) -> Refuse | None:
        """`x-api-key` (or a bearer token, as newer SDKs send it) and version."""
        if (headers.get("x-api-key") or _bearer(headers)) != api_key:
            return Refuse(401, message="invalid x-api-key")
        if headers.get("anthropic-version") not in VERSIONS:
            return Refuse(400, message="anthropic-version: is required and must be a known version")
        return None

    def check_body(self, body: object, window_tokens: int) -> Refuse | None:
        try:
            rules.check_body(body, signer=self._signer, models=self._models, window_tokens=window_tokens)
        except Broken as broken:
            return Refuse(400, message=str(broken))
        return None

    def player(self, exchange: Exchange, script: Script, body: Mapping[str, Any]) -> Player:
        return AnthropicPlayer(exchange, script, body, self._signer)

    def error(self, refuse: Refuse) -> object:
        error = {"type": refuse.error_type, "message": refuse.message}
        return {"type": "error", "error": error, "request_id": "req_local"}


class OpenAIWire(Wire):
    """Chat Completions, as `style` says."""

    path = "/v1/chat/completions"

    def __init__(self, style: Style, signer: Signer) -> None:
        self.style = style
        self._signer = signer

    def check_headers(self, headers: Mapping[str, str], api_key: str) -> Refuse | None:
        if _bearer(headers) == api_key:
            return None
        if self.style.signs:  # as Gemini says it
            return Refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        return Refuse(401, "invalid_api_key", "Incorrect API key provided")

    def check_body(self, body: object, window_tokens: int) -> Refuse | None:
        try:
            self._check_rules(body, window_tokens)
        except openai_rules.UnknownField as unknown:
            return Refuse(self.style.refusal_status, message=str(unknown), param=unknown.field)
        except openai_rules.TooLong as long:
            return Refuse(400, "context_length_exceeded", str(long))
        except Broken as broken:
            return Refuse(400, message=str(broken))
        return None

    def _check_rules(self, body: object, window_tokens: int) -> None:
        openai_rules.check_body(body, self.style, signer=self._signer, window_tokens=window_tokens)

    def player(self, exchange: Exchange, script: Script, body: Mapping[str, Any]) -> Player:
        streams = body.get("stream", False) and self.style.streams == "yes"
        return (OpenAIPlayer if streams else WholePlayer)(exchange, script, body, self.style, self._signer)

    def error(self, refuse: Refuse) -> object:
        told: dict[str, object] = {
            "message": refuse.message,
            "type": refuse.error_type,
            "param": refuse.param,
            "code": refuse.type,
        }
        return [{"error": told}] if self.style.lists_errors else {"error": told}


class ResponsesWire(OpenAIWire):
    """The Responses API, as `style` says; its errors are those of Chat Completions."""

    path = "/v1/responses"

    def _check_rules(self, body: object, window_tokens: int) -> None:
        responses_rules.check_body(body, self.style, signer=self._signer, window_tokens=window_tokens)

    def player(self, exchange: Exchange, script: Script, body: Mapping[str, Any]) -> Player:
        streams = body.get("stream", False) and self.style.streams == "yes"
        return (ResponsesPlayer if streams else WholeResponsePlayer)(exchange, script, body, self._signer)
