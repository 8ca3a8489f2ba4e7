"""Runs the tool calls of one run: each in a task of its own, each answered exactly once."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from hub.chat import events
from hub.chat.parts import Json, Session, ToolCallPart, ToolOutcome
from hub.runs.answer.approvals import Approvals, problem_of
from hub.runs.answer.executing import TookTooLong, executed
from hub.runs.answer.step import WholeCall
from hub.runs.answer.text import repaired, repaired_json
from hub.runs.ask import RunAsk
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.runs.hosts.progress import Progress
from hub.tools.base import KeepFile, Tool, ToolContext, ToolError, Tools

logger = logging.getLogger("hub.runs")

INTERRUPTED = "The run ended before this call was finished."
CUT_OFF = "The call was not finished: it was cut off, or its tool gave up without an answer. Make it again."


class Calls:
    """The tool calls of one run."""

    def __init__(
        self,
        environment: RunEnvironment,
        tools: Tools,
        session: Session,
        run_id: str,
        ask: RunAsk,
        writer: EventWriter,
        approvals: Approvals,
        keep: KeepFile,
    ) -> None:
        self._keep = keep
        self._env = environment
        self._tools = tools
        self._approvals = approvals
        self._session = session
        self._run_id = run_id
        self._ask = ask
        self._writer = writer
        self._began: dict[str, int] = {}  # call id: when it began to run
        self._contexts: dict[str, ToolContext] = {}  # by call id, of those that run

    async def run_all(self, calls: Sequence[WholeCall]) -> None:
        """Run a step's calls side by side; returns when each has its outcome. Cancelled, it cancels them all."""
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(self._run(call), name=f"tool {call.call_id}")

    def close_open(self, calls: Sequence[ToolCallPart], why: str) -> None:
        """Answer the calls that never will be, so that the history stays valid for the next request."""
        for call in calls:
            self._complete(call.call_id, "interrupted", error=why)

    def _put_out(self, call_id: str) -> str | None:
        """What the tool has put out so far."""
        context = self._contexts.get(call_id)
        return None if context is None or context.put_out is None else repaired(context.put_out)

    async def _run(self, call: WholeCall) -> None:
        self._began[call.call_id] = self._env.now_ms()
        if call.arguments is None:
            self._complete(call.call_id, "failed", error=call.error or "The arguments are not a JSON object.")
            return
        tool = self._tools.get(call.name)
        if tool is None:
            self._complete(call.call_id, "failed", error=f"There is no tool called {call.name}.")
            return
        wrong = problem_of(tool, call.arguments)
        if wrong is not None:  # nobody is asked about a call that cannot run
            self._complete(call.call_id, "failed", error=wrong)
            return
        permit = await self._approvals.permit(tool, call.call_id, call.arguments)
        if permit.arguments is None:
            self._complete(call.call_id, "denied", error=permit.why)
        else:
            self._began[call.call_id] = self._env.now_ms()  # how long people took is no time of the tool
            await self._execute(tool, call.call_id, permit.arguments)

    async def _execute(self, tool: Tool, call_id: str, arguments: Mapping[str, Json]) -> None:
        progress = Progress(
            lambda fraction, note: self._progress(call_id, fraction, note), self._env.limits.hosts.progress_s
        )
        context = ToolContext(
            user=self._ask.author,
            organisation=self._ask.organisation,
            session_id=self._session.session_id,
            run_id=self._run_id,
            call_id=call_id,
            report=progress.report,
            keep=self._keep,
        )
        self._contexts[call_id] = context
        try:
            try:
                result = await executed(
                    tool.run(arguments, context),
                    f"tool {tool.spec.name}",
                    timeout_s=tool.timeout_s,
                    cancel_s=self._env.limits.cancel_s,
                    strays=self._env.strays,
                )
            finally:
                progress.end(None, None)  # before the call's end is told
        except ToolError as error:
            self._complete(call_id, error.outcome, error=str(error))
        except TookTooLong:
            self._complete(call_id, "timed_out", error=f"The tool did not finish within {tool.timeout_s:g} s.")
        except Exception:
            # A tool is the application's code: whatever it raises fails this call, not the run.
            self._broken(tool, call_id)
        else:
            try:
                result = repaired_json(result)
            except ValueError as error:
                self._complete(call_id, "failed", error=f"The tool has run, but its result is not taken: {error}.")
            else:
                self._complete(call_id, "success", result=result)

    def _broken(self, tool: Tool, call_id: str) -> None:
        logger.exception("tool %s failed in run %s", tool.spec.name, self._run_id)
        self._complete(call_id, "failed", error="The tool failed unexpectedly; the hub's log says how.")

    def _progress(self, call_id: str, fraction: float | None, note: str | None) -> None:
        if call_id in self._began:
            note = None if note is None else repaired(note)
            output, now = self._put_out(call_id), self._env.now_ms()
            self._writer.write(events.ToolProgress(self._run_id, call_id, fraction, note, output, time=now))

    def _complete(self, call_id: str, outcome: ToolOutcome, *, result: Json = None, error: str | None = None) -> None:
        now = self._env.now_ms()
        """The result is one that `repaired_json` made."""
        if outcome != "success":
            result = self._put_out(call_id)
        self._contexts.pop(call_id, None)
        self._writer.write(
            events.ToolComplete(
                self._run_id,
                call_id,
                outcome,
                duration_ms=now - self._began.pop(call_id, now),
                result=result,
                error=None if error is None else repaired(error),
                time=now,
            )
        )
