"""Runs the demo provider as the runner does: steps, tools between them, messages that grow."""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Json, Message, Part, TextPart, ThinkingPart, ToolCallPart
from hub.providers.base import (
    Delta,
    Request,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolSpec,
)
from hub.providers.demo import DemoProvider
from hub.tools.base import ToolContext, ToolError
from hub.tools.tables import table_tools
from hub.tools.toolset import Toolset

MAX_STEPS = 4
TOOLS = Toolset(table_tools())


def user(text: str, context: Json = None, message_id: str = "u1") -> Message:
    return Message(
        message_id=message_id,
        role="user",
        author="ann",
        parts=[TextPart(text)],
        status="complete",
        created_at=0,
        context=context,
    )


def assistant(parts: Sequence[Part], message_id: str = "a1") -> Message:
    return Message(
        message_id=message_id, role="assistant", author="demo", parts=list(parts), status="stopped", created_at=0
    )


def request(
    messages: Sequence[Message], *, tools: Sequence[ToolSpec] | None = None, step: int = 0, run_id: str = "r1"
) -> Request:
    return Request(
        session_id="s1",
        run_id=run_id,
        model="demo",
        system="",
        messages=messages,
        tools=TOOLS.specs() if tools is None else tools,
        step=step,
    )


async def step_of(provider: DemoProvider, asked: Request) -> list[Delta]:
    return [delta async for delta in provider.stream(asked)]


def text_in(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def parts_of(deltas: Sequence[Delta], step: int) -> list[Part]:
    """The parts of one step, its calls pending."""
    parts: list[Part] = []
    thinking = "".join(delta.text for delta in deltas if isinstance(delta, ThinkingDelta))
    if thinking:
        parts.append(ThinkingPart(thinking, step=step))
    if text_in(deltas):
        parts.append(TextPart(text_in(deltas), step=step))
    names = {delta.call_id: delta.name for delta in deltas if isinstance(delta, ToolCallStart)}
    parts += [
        ToolCallPart(
            call_id=delta.call_id,
            name=names[delta.call_id],
            arguments=delta.arguments,
            state="pending",
            access="read",
            host="server",
            step=step,
        )
        for delta in deltas
        if isinstance(delta, ToolCallEnd)
    ]
    return parts


async def executed(call: ToolCallPart) -> ToolCallPart:
    """The call with its outcome, from the real tool."""
    tool = TOOLS.get(call.name)
    assert tool is not None
    assert call.arguments is not None
    try:
        result = await tool.run(call.arguments, tool_context(call.call_id))
    except ToolError as error:
        return msgspec.structs.replace(call, state="failed", error=str(error))
    return msgspec.structs.replace(call, state="success", result=result)


def tool_context(call_id: str = "c1") -> ToolContext:
    return ToolContext(
        user="ann",
        organisation=None,
        session_id="s1",
        run_id="r1",
        call_id=call_id,
        report=lambda fraction, note: None,
    )


async def run(messages: Sequence[Message], *, tools: Sequence[ToolSpec] | None = None) -> Message:
    """A whole answer to the last message, tools run."""
    provider = DemoProvider(0)
    parts: list[Part] = []
    for step in range(MAX_STEPS):
        history = [*messages, assistant(parts)] if parts else list(messages)
        deltas = await step_of(provider, request(history, tools=tools, step=step))
        end = deltas[-1]
        assert isinstance(end, StepEnd)
        parts += [await executed(part) if isinstance(part, ToolCallPart) else part for part in parts_of(deltas, step)]
        if end.reason != "tool_calls":
            return assistant(parts)
    raise AssertionError("the demo did not come to an end")


def said(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


def calls_in(message: Message) -> list[ToolCallPart]:
    return [part for part in message.parts if isinstance(part, ToolCallPart)]
