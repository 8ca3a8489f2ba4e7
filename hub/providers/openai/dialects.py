"""The two APIs of OpenAI's that are spoken: how each is asked, and how its answers are read."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from hub.chat.parts import Json
from hub.providers.base import Delta, Request
from hub.providers.openai import request as chat
from hub.providers.openai.calls import Calls
from hub.providers.openai.errors import Failures, Said
from hub.providers.openai.presets import Api, Preset
from hub.providers.openai.responses import request as responses
from hub.providers.openai.responses.stream import ResponseReader
from hub.providers.openai.stream import StreamReader

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import httpx2
    from openai import AsyncOpenAI

NOT_KEPT = frozenset({responses.REASONING})
"""What is left out of one request only: it was this session's."""
_GROWING = ("input", "messages", "tools")


class Reader(Protocol):
    """Reads the frames of one answer: see `StreamReader`."""

    began: bool
    has_ended: bool

    @property
    def is_done(self) -> bool: ...

    def read(self, data: bytes) -> list[Delta]: ...

    def finish(self) -> list[Delta]: ...


class ToBody(Protocol):
    def __call__(
        self, request: Request, preset: Preset, *, max_tokens: int | None, left_out: frozenset[str] = frozenset()
    ) -> dict[str, Json]: ...


class ToReader(Protocol):
    def __call__(self, calls: Calls, failures: Failures, *, sent_characters: int) -> Reader: ...


class Answered(Protocol):
    """What the SDK gives for a request whose answer is read by ourselves."""

    @property
    def http_response(self) -> "httpx2.Response": ...


class Dialect(msgspec.Struct, frozen=True):
    """One of the two. `refused_field` says what a refused request may do without; `send` is the SDK's."""

    to_body: ToBody
    refused_field: Callable[[int, Said, Mapping[str, Json]], str | None]
    reader: ToReader
    send: "Callable[[AsyncOpenAI, dict[str, Json]], AbstractAsyncContextManager[Answered]]"


def as_written(body: Mapping[str, Json]) -> dict[str, Json]:
    """The arguments of the SDK's `create` that send `body`, byte for byte what they would be without this.

    The SDK looks through all that it is given for what has another form on the wire, type by type, while the loop
    stands still: seconds for a long history. It leaves `extra_body` alone, and puts it in the place of the fields that
    it replaces.
    """
    growing = {field: body[field] for field in _GROWING if field in body}
    return {**body, **{field: [] for field in growing}, "extra_body": growing}


def _send_chat(client: "AsyncOpenAI", body: dict[str, Json]) -> "AbstractAsyncContextManager[Answered]":
    return client.chat.completions.with_streaming_response.create(**as_written(body))


def _send_responses(client: "AsyncOpenAI", body: dict[str, Json]) -> "AbstractAsyncContextManager[Answered]":
    return client.responses.with_streaming_response.create(**as_written(body))


DIALECTS: Mapping[Api, Dialect] = {
    "chat": Dialect(chat.to_body, chat.refused_field, StreamReader, _send_chat),
    "responses": Dialect(responses.to_body, responses.refused_field, ResponseReader, _send_responses),
}
