"""Decides whether a tool call may run, and asks where that is needed (design, section 3.6).

permit ──autonomy, the arguments, what was granted──> allowed
       ──approval_needed──> waiting ──approved──> allowed, perhaps with edited arguments
                                    ──denied, or nobody answered in time──> not allowed
                                    ──edited to what needs an approval of its own──> waiting, the next attempt
                                    ──stop──> cancelled; whoever closes the run answers the call
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hub.chat import events
from hub.chat.parts import Access, ApprovalScope, Json, Session
from hub.runs import lives
from hub.runs.answer import resolution
from hub.runs.answer.answers import Answers
from hub.runs.answer.resolution import EXPIRED, Resolution
from hub.runs.answer.rights import Rights
from hub.runs.answer.text import repaired_json
from hub.runs.answer.wall_time import WallTime
from hub.runs.ask import RunAsk
from hub.runs.drive.writer import EventWriter
from hub.runs.environment import RunEnvironment
from hub.runs.sessions import Grant
from hub.tools.base import Tool, ToolError
from hub.tools.policy.arguments import check_arguments
from hub.tools.policy.autonomy import Decision, NeedsApproval, Run, decide
from hub.tools.policy.findings import Finding

logger = logging.getLogger("hub.runs")

Arguments = Mapping[str, Json]


@dataclass(frozen=True)
class Permit:
    """That a call may run, with these arguments; or that it may not (None), and why, for the model."""

    arguments: Arguments | None
    why: str = ""


@dataclass(frozen=True)
class _Waiting:
    """A call that waits for its approval."""

    tool: Tool
    attempt: int
    each_time: bool


class Approvals:
    """The approvals of one run."""

    def __init__(
        self,
        environment: RunEnvironment,
        session: Session,
        run_id: str,
        ask: RunAsk,
        writer: EventWriter,
        answers: Answers,
        rights: Rights,
        wall_time: WallTime,
    ) -> None:
        self._env = environment
        self._session = session
        self._run_id = run_id
        self._ask = ask
        self._writer = writer
        self._answers = answers
        self._rights = rights
        self._wall_time = wall_time
        self._granted: set[tuple[str, Access]] = set()  # for the rest of this run
        self._waiting: dict[str, _Waiting] = {}  # by call id

    async def permit(self, tool: Tool, call_id: str, arguments: Arguments) -> Permit:
        """Whether the call may run; its arguments fit the tool's schema. Takes as long as people take."""
        attempt = 0
        decision = await self._decision(tool, arguments)
        while isinstance(decision, NeedsApproval):
            attempt += 1
            answer = await self._answered(tool, call_id, arguments, decision, attempt)
            if answer is None:
                return Permit(None, f"Nobody approved it within {self._env.limits.approval_s:g} s.")
            if not answer.approve:
                self._resolved(call_id, answer, arguments, "call")
                return Permit(None, answer.reason or "")
            edited = None if answer.arguments is None else repaired_json(answer.arguments)
            if edited is not None and not _is_same(edited, arguments):
                # What the next approval is about is shown with it: the arguments before, if the edited ones are wrong.
                again = self._again(tool, edited, decision)
                if again is not None:
                    arguments, decision = arguments if again.is_wrong else edited, again.decision
                    continue
                arguments = edited
            # What was found in these very arguments is allowed this once.
            scope: ApprovalScope = "call" if decision.each_time else answer.scope
            self._resolved(call_id, answer, arguments, scope)
            await self._remember(tool, answer, scope)
            return Permit(arguments)
        return Permit(arguments)

    async def _decision(self, tool: Tool, arguments: Arguments) -> Decision:
        spec = tool.spec
        autonomy, is_granted = await self._rights.of(self._ask.author, self._ask.autonomy, spec.name, spec.access)
        decision = decide(autonomy, spec.access, _findings(tool, arguments))
        if isinstance(decision, NeedsApproval) and not decision.each_time:
            if is_granted or (spec.name, spec.access) in self._granted:
                return Run()
        return decision

    def _again(self, tool: Tool, edited: Arguments, decision: NeedsApproval) -> "_Again | None":
        """Why edited arguments have to be approved by themselves; None if they need not."""
        wrong = problem_of(tool, edited)
        if wrong is not None:
            reason = f"The edited arguments were not taken. {wrong} The ones before still stand."
            return _Again(NeedsApproval(reason, each_time=decision.each_time), is_wrong=True)
        found = decide("agent-yolo", tool.spec.access, _findings(tool, edited))
        if isinstance(found, NeedsApproval):
            reason = f"The edited arguments need an approval of their own. {found.reason}"
            return _Again(NeedsApproval(reason, each_time=True), is_wrong=False)
        return None

    async def _answered(
        self, tool: Tool, call_id: str, arguments: Arguments, needed: NeedsApproval, attempt: int
    ) -> Resolution | None:
        """Ask, and wait for the first answer; None if nobody gave one in time."""
        wait_s = self._env.limits.approval_s
        now = self._env.now_ms()
        self._waiting[call_id] = _Waiting(tool, attempt, needed.each_time)
        try:
            with self._wall_time.standing_still():
                self._writer.write(
                    events.ApprovalNeeded(
                        self._run_id,
                        call_id,
                        arguments,
                        needed.reason,
                        expires_at=now + round(wait_s * 1000),
                        attempt=attempt,
                        host_name=tool.host_name,
                        time=now,
                    )
                )
                try:
                    async with asyncio.timeout(wait_s):
                        body = await self._answers.wait(lives.approval_key(self._session, call_id, attempt))
                except TimeoutError:
                    # Decided where answers are: one that was accepted elsewhere in this moment counts.
                    body = await self._rights.answer(call_id, attempt, EXPIRED)
        finally:
            del self._waiting[call_id]
        return resolution.decode(body)

    def _resolved(self, call_id: str, answer: Resolution, arguments: Arguments, scope: ApprovalScope) -> None:
        self._writer.write(
            events.ApprovalResolved(
                self._run_id, call_id, answer.approve, arguments, by=answer.by, scope=scope, time=self._env.now_ms()
            )
        )

    async def _remember(self, tool: Tool, answer: Resolution, scope: ApprovalScope) -> None:
        """Ask no more about this tool, as far as was said; calls that wait already are answered alike."""
        if scope == "call":
            return
        name, access = tool.spec.name, tool.spec.access
        self._granted.add((name, access))
        alike = Resolution(approve=True, by=answer.by, scope="call").encode()
        for call_id, waiting in list(self._waiting.items()):
            if waiting.tool.spec == tool.spec and not waiting.each_time:
                body = await self._rights.answer(call_id, waiting.attempt, alike)
                self._answers.put({lives.approval_key(self._session, call_id, waiting.attempt): body})
        if scope == "session":
            await self._rights.grant(Grant(name, access, answer.by))


@dataclass(frozen=True)
class _Again:
    decision: NeedsApproval
    is_wrong: bool  # the edited arguments do not fit the schema


def problem_of(tool: Tool, arguments: Arguments) -> str | None:
    """Why the tool does not take these arguments; None if it does."""
    try:
        tool.check(arguments)
    except ToolError as error:
        return str(error)
    except Exception:
        # A tool's check may be the application's code, too: what it raises is this call's problem, not the run's.
        logger.exception("the arguments of tool %s could not be checked", tool.spec.name)
        return "The arguments could not be checked; the hub's log says why."
    return None


def _findings(tool: Tool, arguments: Arguments) -> Sequence[Finding]:
    return check_arguments(tool.own_name or tool.spec.name, arguments, access=tool.spec.access)


def _is_same(one: Arguments, other: Arguments) -> bool:
    """As JSON: True is not 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
