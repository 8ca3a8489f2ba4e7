"""Makes one answer: asks the provider step by step, runs the tools between the steps, writes the events.

A runner writes exactly one `run_started` and one `done`, whatever happens to it, unless its node dies or loses the
session's lease (then whoever adopts the session writes the `done`).

    begin ──step──> asking ──tool calls──> calling ──all answered──> asking …
                    asking ──end──────────> done: completed, limit or failed
                    any    ──stop─────────> done: stopped      (the provider's stream is closed by the cancellation)
                    any    ──node leaves──> done: interrupted
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from hub.chat import events
from hub.chat.parts import NO_USAGE, FilePart, Message, RunError, RunOutcome, Session, Timing, ToolCallPart, Usage
from hub.chat.transcript import Transcript
from hub.errors import ProviderError, RunErrorCode
from hub.providers.base import FinishReason, Provider, Request, StepEnd, UsageSoFar
from hub.runs.answer import history
from hub.runs.answer.answers import Answers
from hub.runs.answer.approvals import Approvals
from hub.runs.answer.bounds import AnswerBounds
from hub.runs.answer.calls import CUT_OFF, INTERRUPTED, Calls
from hub.runs.answer.context import Context
from hub.runs.answer.hooked import Hooked
from hub.runs.answer.rights import Rights
from hub.runs.answer.sources import Source, Sources
from hub.runs.answer.step import StepWriter
from hub.runs.answer.text import repaired
from hub.runs.answer.wall_time import WallTime
from hub.runs.ask import RunAsk
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.runs.files.sent import SentFiles
from hub.runs.files.store import SessionFiles
from hub.runs.hosts.tools import SessionTools
from hub.runs.prices import entry, priced

logger = logging.getLogger("hub.runs")
_FACTS = ": code=%(code)s provider=%(provider)s model=%(model)s run=%(run)s session=%(session)s"
"""In the text, since an embedded app's own log shows no more than that; `hub.log` makes pairs of them."""

CHARS_PER_TOKEN = 4
"""What the output of an answer that was cut off is estimated by."""

TEXT_OF_CODE: Mapping[RunErrorCode, str] = {
    "wall_time": "The answer took longer than is allowed. Ask for less at once, or raise the limit",
    "max_steps": "The answer took more steps than are allowed. Continue it, or raise the limit",
    "max_output": "The answer reached the length that the model may write at once. Continue it.",
    "refused": "The model declined to answer.",
    "context_too_long": "The conversation no longer fits into the model's window. Start a new session.",
    "internal": "Something went wrong in the hub. Ask again; the hub's log says what happened.",
}


@dataclass(frozen=True)
class Ending:
    """How a run ended: all that its `done` says beyond what the runner counted."""

    outcome: RunOutcome
    finish_reason: str | None = None
    error: RunError | None = None


def failed(
    code: RunErrorCode, *, outcome: RunOutcome = "failed", finish_reason: str | None = None, limit: str = ""
) -> Ending:
    """`limit` says the name and the number of the limit that was hit."""
    text = f"{TEXT_OF_CODE[code]} {limit}." if limit else TEXT_OF_CODE[code]
    error = RunError(code=code, message=text, retryable=outcome == "limit")
    return Ending(outcome, finish_reason, error)


_ENDINGS: Mapping[FinishReason, Ending] = {
    "stop": Ending("completed", "stop"),
    "max_output": failed("max_output", outcome="limit", finish_reason="max_output"),
    "refused": failed("refused", finish_reason="refused"),
    "context_full": failed("context_too_long", finish_reason="context_full"),
}
"""What ends a run. A step that ends with tool calls or a pause goes on."""


class Runner:
    """One run: `begin`, then `run` in a task of its own. Who cancels that task before it took its first step calls
    `finish`."""

    def __init__(
        self,
        environment: RunEnvironment,
        session: Session,
        run_id: str,
        ask: RunAsk,
        transcript: Transcript,
        writer: EventWriter,
        answers: Answers,
        rights: Rights,
        tools: SessionTools,
        files: SentFiles,
        kept: SessionFiles,
        *,
        epoch: str,
        asked_at: int,
    ) -> None:
        self.run_id = run_id
        self.author = ask.author
        self._env = environment
        self._limits = environment.limits
        self._session = session
        self._ask = ask
        self._transcript = transcript
        self._writer = writer
        self._epoch = epoch
        self._asked_at = asked_at
        self._started_at = 0  # set by `begin`
        self._first_delta_at: int | None = None
        self.usage = NO_USAGE  # of the whole run; set by `finish`
        self._usage = NO_USAGE  # of the steps that have ended
        self._step_usage: Usage | None = None  # of the step under way, as far as the provider has told it
        self._tools = tools
        self._files = files
        self._kept = kept
        self._wall_time = WallTime(environment.limits.wall_time_s)
        approvals = Approvals(environment, session, run_id, ask, writer, answers, rights, self._wall_time)
        self._calls = Calls(environment, self._tools, session, run_id, ask, writer, approvals, self._keep)
        self._context = Context()
        self._bounds = AnswerBounds(environment.limits)
        self._hooked = Hooked(environment, session, run_id, ask, writer)
        self._chars = 0  # of the step under way, if it was cut off
        self.stopped_by: str | None = None  # set by `stop`, before the task is cancelled
        self.is_done = False  # once `done` is written

    async def run(self, provider: Provider) -> None:
        """Make the answer, after `begin`. Returns when its `done` is written (and not yet stored)."""
        try:
            ending = await self._ending(provider)
            await self._hooked.ended(ending.outcome)
        except asyncio.CancelledError:
            # Whoever cancels wants the run to end, and it ends here: the cancellation has done its work.
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            ending = Ending("interrupted" if self.stopped_by is None else "stopped")
        self.finish(ending)
        self._hooked.cut(ending.outcome)

    def begin(self, before: Sequence[events.Stored] = ()) -> None:
        """Write `run_started`, and in the same append what comes before it."""
        self._started_at = self._env.now_ms()
        self._writer.write(
            *before,
            events.RunStarted(
                run_id=self.run_id,
                message_id=self._ask.answer_id,
                reply_to=self._ask.reply_to or self._ask.message_id,
                provider=self._ask.provider,
                model=self._ask.model,
                epoch=self._epoch,
                time=self._started_at,
            ),
            *(
                events.Notice(flag.code, repaired(flag.text), self.run_id, time=self._started_at)
                for flag in self._ask.flags
            ),
        )

    def finish(self, ending: Ending) -> None:
        """Close what is open and write `done`."""
        self.is_done = True
        now = self._env.now_ms()
        self._calls.close_open(self._open_calls(), INTERRUPTED)
        started = self._transcript.runs[self.run_id].started  # who has answered, by the notices since then
        provider, model = started.provider, started.model
        usage = self._usage.plus(self._cut_off_usage())
        usage = self.usage = priced(usage, self._env.prices, provider, model)
        is_chosen = (provider, model) == (self._ask.provider, self._ask.model)
        self._writer.write(
            events.Done(
                run_id=self.run_id,
                message_id=self._ask.answer_id,
                outcome=ending.outcome,
                finish_reason=ending.finish_reason,
                error=ending.error,
                usage=usage,
                timing=self._timing(now, usage),
                stopped_by=self.stopped_by,
                provider=None if is_chosen else provider,
                model=None if is_chosen else model,
                time=now,
            )
        )

    def _open_calls(self) -> list[ToolCallPart]:
        return self._transcript.runs[self.run_id].open_calls()

    async def _ending(self, provider: Provider) -> Ending:
        try:
            async with self._wall_time.start():
                return await self._steps(provider)
        except TimeoutError:
            if self._wall_time.is_over:
                limit = f"wall_time_s ({self._limits.wall_time_s:g} s)"
                self._warn("wall_time")
                return failed("wall_time", outcome="limit", limit=limit)
            logger.exception(f"run failed by a time-out of its own{_FACTS}", self._facts("internal"))
            return failed("internal")
        except ProviderError as error:
            self._warn(error.code)
            return Ending(
                "failed",
                error=RunError(
                    code=error.code,
                    message=repaired(error.text),
                    retryable=error.retryable,
                    retry_after_s=error.retry_after_s,
                ),
            )
        except Exception:
            # The one place where any error of a provider or of our own becomes the run's end: a run never dies silent.
            logger.exception(f"run failed{_FACTS}", self._facts("internal"))
            return failed("internal")

    def _warn(self, code: RunErrorCode, text: str = "run failed") -> None:
        # Neither the failure's text nor what was said: a provider may quote both there.
        logger.warning(f"{text}{_FACTS}", self._facts(code))

    def _facts(self, code: RunErrorCode) -> dict[str, str]:
        started = self._transcript.runs[self.run_id].started
        return {
            "code": code,
            "provider": started.provider,
            "model": started.model,
            "run": self.run_id,
            "session": self._session.session_id,
        }

    async def _steps(self, provider: Provider) -> Ending:
        await self._hooked.prepare(self._messages)
        sources = Sources(Source(provider, self._ask.model), self._env.fallbacks)
        max_steps = min(self._ask.max_steps or self._limits.max_steps, self._limits.max_steps)
        for index in range(max_steps):
            await self._tools.refresh()
            end, step = await self._step(sources, index)
            ending = _ENDINGS.get(end.reason)
            if ending is not None:
                return ending
            await self._calls.run_all(step.whole_calls)
            self._calls.close_open(self._open_calls(), CUT_OFF)
        return failed("max_steps", outcome="limit", limit=f"max_steps ({max_steps})")

    async def _step(self, sources: Sources, index: int) -> tuple[StepEnd, StepWriter]:
        """One model request, asked again after failures that come before its first delta; of another provider, if no
        delta of the run has come and this one stays down."""
        self._writer.write(events.Step(self.run_id, index, time=self._env.now_ms()))
        attempt = 0
        while True:
            step = StepWriter(
                self._env,
                self._tools,
                self.run_id,
                self._ask.answer_id,
                self._transcript,
                self._writer,
                self._bounds,
                on_prose=self._hooked.on_prose,
            )
            try:
                return await self._ask_provider(sources.current, index, step), step
            except ProviderError as error:
                wait_s = self._retry_wait_s(error, attempt)
                if step.has_begun:
                    raise
                if error.code == "context_too_long" and self._context.tighten():
                    continue
                if wait_s is not None:
                    attempt += 1
                    self._notice("retrying", f"The provider could not answer ({error.text}). Trying again.")
                    await asyncio.sleep(wait_s)
                elif self._first_delta_at is None and sources.moves_on(error):
                    attempt = 0
                    self._fall_back(sources.current, error)
                else:
                    raise

    def _fall_back(self, source: Source, error: ProviderError) -> None:
        """Say who answers instead."""
        self._warn(error.code, "run falls back")
        self._step_usage = None
        name, model = source.provider.name, source.model
        text = repaired(f"The provider could not answer ({error.text}). {name} answers instead, by {model}.")
        time = self._env.now_ms()
        self._writer.write(events.Notice("fallback_provider", text, self.run_id, name, model, time=time))

    async def _ask_provider(self, source: Source, index: int, step: StepWriter) -> StepEnd:
        request = self._request(source, index)
        request = msgspec.structs.replace(request, files=await self._files.of(request.messages))
        if news := self._context.news():
            self._notice("context_trimmed", news)
        waiting = asyncio.get_running_loop().call_later(self._limits.notice_wait_s, self._notice_waiting)
        try:
            async with aclosing(self._hooked.stream(source, request)) as stream:
                async for delta in stream:
                    if isinstance(delta, StepEnd):
                        self._usage = self._usage.plus(delta.usage)
                        self._context.learn(delta.usage)
                        self._step_usage = None
                        return delta
                    if isinstance(delta, UsageSoFar):
                        self._step_usage = delta.usage
                        continue
                    if self._first_delta_at is None:
                        self._first_delta_at = self._env.now_ms()
                    waiting.cancel()
                    step.write(delta)
        except asyncio.CancelledError:
            # What was asked may have to be paid for, though nothing was told yet.
            self._step_usage = self._step_usage or msgspec.structs.replace(NO_USAGE, estimated=True)
            raise
        finally:
            waiting.cancel()
            step.end()
            self._chars = step.chars
        raise ProviderError("provider_truncated", "The provider's answer broke off before its end. Ask again.")

    async def _keep(self, name: str, media_type: str, content: bytes) -> FilePart:
        """A file that a tool has made, as a part of the answer."""
        part = await self._kept.keep(self._session, name, media_type, content)
        place = self._transcript.runs[self.run_id].part_count
        told = (part.file_id, part.name, part.media_type, part.size)
        self._writer.write(events.FileAdded(self.run_id, self._ask.answer_id, place, *told, time=self._env.now_ms()))
        return part

    def _request(self, source: Source, index: int) -> Request:
        system, tools = self._session.system, self._tools.specs()
        client_errors = self._transcript.runs[self.run_id].client_errors
        return Request(
            session_id=self._session.session_id,
            run_id=self.run_id,
            model=source.model,
            system=system,
            messages=self._context.fit(
                self._hooked.with_found(self._messages()),
                entry(self._env.windows, source.provider.name, source.model),
                system=system,
                tools=tools,
                client_errors=client_errors,
            ),
            tools=tools,
            client_errors=client_errors,
            step=index,
        )

    def _messages(self) -> list[Message]:
        return history.of_request(self._transcript, self.run_id)

    def _retry_wait_s(self, error: ProviderError, attempt: int) -> float | None:
        """How long to wait before asking again; None if that is not to be done."""
        if not error.retryable or attempt >= self._limits.retries:
            return None
        wait_s = error.retry_after_s if error.retry_after_s is not None else self._limits.retry_base_s * 2**attempt
        return wait_s if wait_s <= self._limits.max_retry_after_s else None

    def stop(self, by: str, task: asyncio.Task[None]) -> None:
        """Stop the run whose `run` is `task`. The first one to stop it is named; later calls change nothing."""
        if self.stopped_by is None:
            self.stopped_by = by
            task.cancel()

    def _cut_off_usage(self) -> Usage:
        """What the step under way has cost, if it had no proper end: providers tell the output only there."""
        known = self._step_usage
        if known is None:
            return NO_USAGE
        output_tokens = max(known.output_tokens, self._chars // CHARS_PER_TOKEN)
        return msgspec.structs.replace(known, output_tokens=output_tokens, estimated=True)

    def _notice_waiting(self) -> None:
        self._notice("waiting_for_provider", "Still waiting for the model to begin.")

    def _notice(self, code: str, text: str) -> None:
        self._writer.write(events.Notice(code, repaired(text), self.run_id, time=self._env.now_ms()))

    def _timing(self, now: int, usage: Usage) -> Timing:
        first = self._first_delta_at
        spoken_ms = now - first if first is not None else 0
        return Timing(
            queued_ms=max(0, self._started_at - self._asked_at),
            first_delta_ms=None if first is None else first - self._started_at,
            total_ms=now - self._started_at,
            tokens_per_second=round(usage.output_tokens * 1000 / spoken_ms, 1) if spoken_ms > 0 else None,
        )
