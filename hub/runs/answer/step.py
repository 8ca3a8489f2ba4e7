"""Writes one step's deltas as events: gives each block its part, mends the text, keeps the calls that are whole."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.chat import events
from hub.chat.parts import Json
from hub.chat.transcript import Transcript
from hub.providers.base import (
    Cited,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from hub.runs.answer.bounds import AnswerBounds, StepDelta
from hub.runs.answer.hooked import Prose
from hub.runs.answer.text import Surrogates, repaired, repaired_json
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.tools.base import Tools


@dataclass(frozen=True)
class WholeCall:
    """A tool call as the model made it; without arguments if they are no JSON object (`error` says why)."""

    call_id: str
    name: str
    arguments: Mapping[str, Json] | None
    error: str | None


class _Block:
    """Where a provider's block goes: its part, and what is held back of its text."""

    __slots__ = ("part", "surrogates", "thinks")

    def __init__(self, *, thinks: bool) -> None:
        self.part: int | None = None  # set when its first event is written
        self.thinks = thinks
        self.surrogates = Surrogates()


class StepWriter:
    """One model request's answer. After `end`, `whole_calls` are the tool calls to be run."""

    def __init__(
        self,
        environment: RunEnvironment,
        tools: Tools,
        run_id: str,
        answer_id: str,
        transcript: Transcript,
        writer: EventWriter,
        bounds: AnswerBounds,
        *,
        on_prose: Prose | None = None,
    ) -> None:
        self._env = environment
        self._tools = tools
        self._run_id = run_id
        self._answer_id = answer_id
        self._draft = transcript.runs[run_id]
        self._writer = writer
        self._bounds = bounds
        bounds.begin_step()
        self._on_prose = on_prose
        self._blocks: dict[tuple[bool, int], _Block] = {}
        self._inputs: dict[str, Surrogates] = {}  # by call id
        self._names: dict[str, str] = {}  # by call id
        self._transcript = transcript
        self._call_ids: dict[str, str] = {}  # the session's, by the provider's
        self.whole_calls: list[WholeCall] = []
        self.has_begun = False
        self.chars = 0  # of text and thinking written; what a stopped step's output is estimated by

    def write(self, delta: StepDelta) -> None:
        """Raises `ProviderError`, and writes nothing, for what the answer may not hold any more."""
        self.has_begun = True
        self._bounds.take(delta)
        match delta:
            case TextDelta():
                self._prose(delta.block, delta.text, thinks=False)
            case Cited():
                self._cited(delta)
            case ThinkingDelta():
                self._prose(delta.block, delta.text, thinks=True)
            case ThinkingEnd():
                self._thinking_end(delta)
            case ToolCallStart():
                self._tool_start(delta)
            case ToolCallDelta():
                self._tool_input(delta)
            case ToolCallEnd():
                self._tool_end(delta)

    def end(self) -> None:
        """Write what was held back. Called once, however the step ended."""
        for block in self._blocks.values():
            rest = block.surrogates.rest()
            if rest:
                self._write_prose(block, rest)

    def _prose(self, number: int, text: str, *, thinks: bool) -> None:
        block = self._block(number, thinks=thinks)
        mended = block.surrogates.mend(text)
        if mended:
            self._write_prose(block, mended)

    def _block(self, number: int, *, thinks: bool) -> _Block:
        block = self._blocks.get((thinks, number))
        if block is None:
            block = self._blocks[thinks, number] = _Block(thinks=thinks)
        return block

    def _part(self, block: _Block) -> int:
        if block.part is None:
            block.part = self._draft.part_count
        return block.part

    def _write_prose(self, block: _Block, text: str) -> None:
        self.chars += len(text)
        kind = events.Thinking if block.thinks else events.Text
        self._writer.write(kind(self._run_id, self._answer_id, self._part(block), text, time=self._env.now_ms()))
        if self._on_prose is not None:
            self._on_prose("thinking" if block.thinks else "text", text)

    def _cited(self, cited: Cited) -> None:
        block = self._block(cited.block, thinks=False)
        self._writer.write(
            events.Text(
                self._run_id,
                self._answer_id,
                self._part(block),
                "",
                citations=cited.citations,
                time=self._env.now_ms(),
            )
        )

    def _thinking_end(self, end: ThinkingEnd) -> None:
        if end.signature is None and end.redacted is None:
            return
        block = self._block(end.block, thinks=True)
        self._writer.write(
            events.Thinking(
                self._run_id,
                self._answer_id,
                self._part(block),
                block.surrogates.rest(),
                signature=end.signature,
                redacted=end.redacted,
                time=self._env.now_ms(),
            )
        )

    def _tool_start(self, start: ToolCallStart) -> None:
        tool = self._tools.get(start.name)
        call_id = self._call_ids[start.call_id] = self._transcript.free_call_id(repaired(start.call_id))
        self._inputs[call_id] = Surrogates()
        name = self._names[call_id] = repaired(start.name)
        self._writer.write(
            events.ToolStart(
                self._run_id,
                self._answer_id,
                self._draft.part_count,
                call_id,
                name,
                access="write" if tool is None else tool.spec.access,
                host="server" if tool is None else tool.host,
                title=None if tool is None else tool.spec.title,
                host_name=None if tool is None else tool.host_name,
                time=self._env.now_ms(),
            )
        )

    def _tool_input(self, piece: ToolCallDelta) -> None:
        call_id = self._call_ids[piece.call_id]
        mended = self._inputs[call_id].mend(piece.delta)
        if mended:
            self._writer.write(events.ToolInput(self._run_id, call_id, delta=mended, time=self._env.now_ms()))

    def _tool_end(self, end: ToolCallEnd) -> None:
        call_id = self._call_ids[end.call_id]
        arguments, problem = end.arguments, end.error
        if arguments is not None:
            try:
                arguments = repaired_json(arguments)
            except ValueError as error:
                arguments, problem = None, f"The arguments are not taken: {error}."
        self.whole_calls.append(WholeCall(call_id, self._names[call_id], arguments, problem))
        if arguments is not None:
            self._writer.write(events.ToolInput(self._run_id, call_id, arguments=arguments, time=self._env.now_ms()))
