"""The interface of a provider, and what goes in and comes out.

A provider is asked for one step (one model request) at a time. The runner executes tools between steps and asks again
with the history grown by the results.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from hub.chat.parts import Access, Citation, Json, Message, Usage


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as a model sees it. `input_schema` is a JSON Schema of type object."""

    name: str
    description: str
    input_schema: Mapping[str, Json]
    access: Access
    title: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One model request.

    `messages` are the session's, oldest first, without those that are superseded or wait; the last is the user's, or
    the answer under way if this is not the first step (its tool calls then all have their outcome). Every part carries
    the `step` it came from. `client_errors` are errors that the client reported since its last request.
    `files` are the bytes of the users' files, by id; of those that are not there the model is told the name.
    """

    session_id: str
    run_id: str
    model: str
    system: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    client_errors: Sequence[str] = ()
    step: int = 0
    files: Mapping[str, bytes] = {}


class TextDelta(msgspec.Struct, frozen=True):
    """More text. `block` tells one block of the step from the next; blocks never interleave with others of their own
    kind."""

    block: int
    text: str


class Cited(msgspec.Struct, frozen=True):
    """What passages of a block of text rest on. The passages have come before."""

    block: int
    citations: Sequence[Citation]


class ThinkingDelta(msgspec.Struct, frozen=True):
    """More thinking."""

    block: int
    text: str


class ThinkingEnd(msgspec.Struct, frozen=True):
    """A thinking block is whole: its signature, or its redacted content, to be returned unchanged."""

    block: int
    signature: str | None = None
    redacted: str | None = None


class ToolCallStart(msgspec.Struct, frozen=True):
    """The model begins a tool call. `call_id` is the provider's, unique in the step; where another call of the session
    has it already, the hub gives this one a new id, by which the history then knows it."""

    call_id: str
    name: str


class ToolCallDelta(msgspec.Struct, frozen=True):
    """A piece of the JSON of a call's arguments."""

    call_id: str
    delta: str


class ToolCallEnd(msgspec.Struct, frozen=True):
    """The call is whole. `arguments` is None if what came is not a JSON object (`error` says why); such a call is
    answered as failed and never run. A call without its end was cut off, and is never run either."""

    call_id: str
    arguments: Mapping[str, Json] | None
    error: str | None = None


FinishReason = Literal["stop", "tool_calls", "max_output", "refused", "pause", "context_full"]


class StepEnd(msgspec.Struct, frozen=True):
    """The proper end of a step; always the last event. Without it the stream was cut off.

    `pause`: the same request is to be sent again, with what came appended. `detail` is the provider's own reason, as it
    calls it.
    """

    reason: FinishReason
    usage: Usage
    detail: str | None = None


class UsageSoFar(msgspec.Struct, frozen=True):
    """What is known before the end, so that a stopped run can be accounted for; later ones replace earlier ones."""

    usage: Usage


Delta = (
    TextDelta | Cited | ThinkingDelta | ThinkingEnd | ToolCallStart | ToolCallDelta | ToolCallEnd | UsageSoFar | StepEnd
)


class Provider(Protocol):
    """One source of answers. Used from one event loop."""

    name: str
    """As in settings and events: "anthropic", "demo"."""

    default_model: str

    def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Ask for one step.

        Nothing is sent before the first `__anext__`. Closing the generator, or cancelling the task that waits in it,
        closes the connection to the provider at once. Raises `ProviderError`, also in mid-stream; a stream that ends
        without its proper end raises `ProviderError("provider_truncated", …)`. The provider retries nothing itself.
        """
        ...

    async def close(self) -> None:
        """Release connections. No stream is open any more."""
        ...
