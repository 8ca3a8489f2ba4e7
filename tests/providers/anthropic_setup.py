"""Requests and messages for the tests of the Anthropic provider."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from hub.chat.parts import Json, Message, MessageStatus, Part, TextPart, ThinkingPart, ToolCallPart, ToolState
from hub.providers.anthropic import AnthropicProvider
from hub.providers.base import Delta, Provider, Request, TextDelta, ThinkingDelta, ThinkingEnd, ToolSpec
from tests.provider_server.rules import MODELS
from tests.provider_server.server import ProviderServer

TOOL = ToolSpec("sum", "Adds a column up.", {"type": "object", "properties": {"column": {"type": "string"}}}, "read")


@asynccontextmanager
async def anthropic(
    server: ProviderServer, *, thinking: bool = False, inactivity_s: float = 30.0
) -> AsyncIterator[AnthropicProvider]:
    provider = AnthropicProvider(server.api_key, base_url=server.base_url, thinking=thinking, inactivity_s=inactivity_s)
    try:
        yield provider
    finally:
        await provider.close()


def user(text: str, *, context: Json = None) -> Message:
    return Message(
        message_id="u",
        role="user",
        author="ann",
        parts=[TextPart(text)],
        status="complete",
        created_at=0,
        context=context,
    )


def answer(*parts: Part, provider: str = "anthropic", status: MessageStatus = "complete") -> Message:
    return Message(
        message_id="a",
        role="assistant",
        author=MODELS[0],
        parts=parts,
        status=status,
        created_at=0,
        provider=provider,
    )


def call(
    call_id: str = "toolu_1",
    state: ToolState = "success",
    *,
    name: str = "sum",
    arguments: Mapping[str, Json] | None = None,
    result: Json = None,
    error: str | None = None,
    step: int = 0,
) -> ToolCallPart:
    return ToolCallPart(
        call_id=call_id,
        name=name,
        arguments=arguments,
        state=state,
        result=result,
        error=error,
        access="write",
        host="server",
        step=step,
    )


def ask(
    *messages: Message,
    tools: Sequence[ToolSpec] = (TOOL,),
    system: str = "Be brief.",
    client_errors: Sequence[str] = (),
    model: str = MODELS[0],
) -> Request:
    return Request(
        session_id="s",
        run_id="r",
        model=model,
        system=system,
        messages=messages or (user("How much is it?"),),
        tools=tools,
        client_errors=client_errors,
    )


async def collect(provider: Provider, request: Request) -> list[Delta]:
    return [delta async for delta in provider.stream(request)]


def text_of(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def thought(deltas: Sequence[Delta]) -> list[ThinkingPart]:
    """The thinking of a step as parts, in order."""
    texts: dict[int, str] = {}
    parts: list[ThinkingPart] = []
    for delta in deltas:
        if isinstance(delta, ThinkingDelta):
            texts[delta.block] = texts.get(delta.block, "") + delta.text
        elif isinstance(delta, ThinkingEnd):
            parts.append(ThinkingPart(texts.get(delta.block, ""), 0, delta.signature, delta.redacted))
    return parts
