"""How much one answer may hold, whatever its provider sends: what journal, watchers and the next request carry."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from hub.errors import ProviderError
from hub.providers.base import (
    Cited,
    Delta,
    StepEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageSoFar,
)
from hub.runs.limits import RunLimits

StepDelta = TextDelta | Cited | ThinkingDelta | ThinkingEnd | ToolCallStart | ToolCallDelta | ToolCallEnd


class AnswerBounds:
    """Counts one answer, over all its steps. `begin_step` before each request, `take` before each delta is written."""

    def __init__(self, limits: RunLimits) -> None:
        self._limits = limits
        self._chars = 0  # of all that the answer keeps
        self._blocks: set[tuple[bool, int]] = set()  # of the step
        self._arguments: dict[str, int] = {}  # of the step: characters by call id

    def begin_step(self) -> None:
        self._blocks.clear()
        self._arguments.clear()

    def take(self, delta: StepDelta) -> None:
        """Raises `ProviderError` for a delta that is too much; it is not to be written."""
        self._chars += _chars(delta)
        self._hold(self._chars, "max_answer_chars", self._limits.max_answer_chars)
        match delta:
            case TextDelta() | Cited():
                self._blocks.add((False, delta.block))
            case ThinkingDelta() | ThinkingEnd():
                self._blocks.add((True, delta.block))
            case ToolCallStart():
                self._arguments[delta.call_id] = 0
                self._hold(len(self._arguments), "max_step_calls", self._limits.max_step_calls)
            case ToolCallDelta():
                self._arguments[delta.call_id] += len(delta.delta)
                self._hold(self._arguments[delta.call_id], "max_argument_chars", self._limits.max_argument_chars)
            case ToolCallEnd():
                return  # its pieces are counted
        self._hold(len(self._blocks) + len(self._arguments), "max_step_parts", self._limits.max_step_parts)

    async def over(self, stream: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        """A step's stream, for who reads it to its end before anything of it is written."""
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                if not isinstance(delta, UsageSoFar | StepEnd):
                    self.take(delta)
                yield delta

    def _hold(self, count: int, name: str, limit: int) -> None:
        if count > limit:
            text = f"The provider's answer is larger than is taken: it was cut off at {name} ({limit}). Ask for less."
            raise ProviderError("provider_truncated", text)


def _chars(delta: StepDelta) -> int:
    match delta:
        case TextDelta() | ThinkingDelta():
            return len(delta.text)
        case ThinkingEnd():
            return len(delta.signature or "") + len(delta.redacted or "")
        case ToolCallStart():
            return len(delta.call_id) + len(delta.name)
        case ToolCallDelta():
            return len(delta.delta)
        case Cited():
            return sum(len(one.title or "") + len(one.quote or "") + len(one.url or "") for one in delta.citations)
        case ToolCallEnd():
            return 0
