"""Whatever a session may have been through, as messages: strategies for the histories that providers are sent."""

import math
from typing import get_args

from hypothesis import strategies as st

from hub.chat.parts import (
    FilePart,
    Json,
    Message,
    MessageStatus,
    Part,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolState,
)
from hub.providers.base import ToolSpec
from tests.provider_server.rules import SIGNER
from tests.providers.anthropic_setup import answer, call

OTHERS = ("reasoning", "reasoning_content", "{", '{"toolu_1": {"google": {"thought_signature": "forged"}}}')
"""Signatures as servers like OpenAI's leave them."""


def signed(text: str, step: int = 0) -> ThinkingPart:
    return ThinkingPart(text, step, SIGNER.sign(text))


any_text = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates too
sendable_text = st.text(max_size=12)
blank_or_text = st.one_of(st.sampled_from(["", " ", "\n\t", "\u00a0", "end "]), any_text)
any_json: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.integers(), st.sampled_from([True, 0.5, math.nan, math.inf]), st.floats(), any_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(any_text, inner, max_size=3)),
    max_leaves=6,
)
call_ids = st.one_of(st.sampled_from(["toolu_1", "toolu_2", "toolu_1_2", "", "call:1", "call.1"]), any_text)
names = st.one_of(st.sampled_from(["sum", "read range", "sum_2"]), any_text)
arguments = st.dictionaries(any_text, any_json, max_size=3)
steps = st.integers(0, 2)


@st.composite
def tool_calls(draw: st.DrawFn) -> ToolCallPart:
    return ToolCallPart(
        call_id=draw(call_ids),
        name=draw(names),
        arguments=draw(st.one_of(st.none(), arguments)),
        state=draw(st.sampled_from(get_args(ToolState))),
        result=draw(any_json),
        error=draw(st.one_of(st.none(), blank_or_text)),
        access=draw(st.sampled_from(["read", "write"])),
        host="server",
        step=draw(steps),
    )


@st.composite
def thinking_parts(draw: st.DrawFn, own: bool) -> ThinkingPart:
    text = draw(sendable_text)
    # What Anthropic made has its signature, or none if it was cut off; what others made may have anything.
    signatures = [SIGNER.sign(text), None] if own else ["forged", None, *OTHERS]
    redacted = draw(st.sampled_from([None, SIGNER.redact(text) if own else "forged"]))
    return ThinkingPart(text, draw(steps), draw(st.sampled_from(signatures)), redacted)


@st.composite
def usual_answers(draw: st.DrawFn) -> Message:
    """Steps as a model makes them: signed thinking, then text or a call."""
    parts: list[Part] = []
    for step in range(draw(st.integers(1, 2))):
        parts.append(signed(draw(sendable_text), step))
        parts.append(TextPart("Said.", step) if draw(st.booleans()) else call(arguments=draw(arguments), step=step))
    return answer(*parts)


@st.composite
def odd_messages(draw: st.DrawFn) -> Message:
    role = draw(st.sampled_from(["user", "assistant"]))
    provider = draw(st.sampled_from(["anthropic", "openai", "demo", None])) if role == "assistant" else None
    files = st.builds(FilePart, any_text, any_text, any_text, st.integers(0, 9), steps)
    texts = st.builds(TextPart, blank_or_text, steps)
    kinds: list[st.SearchStrategy[Part]] = [texts, files]
    if role == "assistant":
        kinds += [tool_calls(), thinking_parts(provider == "anthropic")]
    parts = draw(st.lists(st.one_of(kinds), max_size=6))
    if draw(st.booleans()):
        parts.sort(key=lambda part: part.step)
    return Message(
        message_id=draw(any_text),
        role="user" if role == "user" else "assistant",
        author="x",
        parts=parts,
        status=draw(st.sampled_from(get_args(MessageStatus))),
        created_at=0,
        provider=provider,
        context=draw(st.one_of(st.none(), any_json)),
    )


messages = st.one_of(odd_messages(), usual_answers())
tools = st.lists(
    st.builds(ToolSpec, names, any_text, st.just({"type": "object"}), st.just("read")), unique_by=lambda t: t.name
)
