"""The node's side of client tools: it claims and sends the calls of the hosts that it has, and takes what they answer.

Execute ──the connection is here──> claiming ──first──> sent: ExecuteTool
                                    claiming ──another one was, or the call is over──> nothing
sent    ──Over with a reason──> CancelTool
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from hub.backplane.base import Backplane
from hub.chat.parts import Json, Session, ToolCallPart, WireStruct
from hub.chat.transcript import SNAPSHOT_MESSAGES
from hub.errors import BackplaneAway, CallError
from hub.runs.access import Access
from hub.runs.drive.supervisor import Supervisor
from hub.runs.environment import RunEnvironment
from hub.runs.hosts import answers, records, said
from hub.runs.hosts.answers import CLOSED, Claim, Delivered
from hub.runs.hosts.here import HostsHere
from hub.runs.hosts.records import Registration
from hub.runs.hosts.store import HostStore
from hub.runs.loading import load
from hub.tools.client_side import ClientTool, check_tools

logger = logging.getLogger("hub.runs")

Push = Callable[[str, str, bytes], None]
"""Invoke a method, with one argument in JSON, at a connection of this node; one that has ended gets nothing."""

MAX_CALLS = 1_000
"""Calls that are remembered; over it the oldest is forgotten: what stands in the inbox still decides."""

NOT_HOST = "This connection is not the host of the call. Register its tools first, with the same name and hostKey."
ENDED = "The call has ended; what it comes to now is not taken."


class HostWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a client offers."""

    name: str
    tools: Sequence[ClientTool]
    document: str | None = None
    host_key: str | None = None


class HostAnswer(WireStruct, frozen=True, kw_only=True):
    host_id: str


class Heard(WireStruct, frozen=True, kw_only=True):
    """Whether what the host said counts."""

    accepted: bool


class _Call(WireStruct, frozen=True, kw_only=True):
    """The argument of ExecuteTool."""

    session_id: str
    call_id: str
    run_id: str
    name: str
    arguments: msgspec.Raw
    timeout_s: float


class _Cancel(WireStruct, frozen=True, kw_only=True):
    """The argument of CancelTool."""

    session_id: str
    call_id: str
    reason: str


@dataclass
class _Told:
    """A call that came to this node."""

    host_id: str
    attempt: int
    is_sent: bool = False
    is_over: bool = False
    fraction: float | None = None
    note: str | None = None


class Hosting:
    """RegisterTools, ToolProgress and ToolResult, with all their rules."""

    def __init__(
        self, environment: RunEnvironment, backplane: Backplane, access: Access, supervisor: Supervisor
    ) -> None:
        self._env = environment
        self._limits = environment.limits.hosts
        self._backplane = backplane
        self._access = access
        self._supervisor = supervisor
        store = HostStore(backplane.directory, environment.now_ms)
        self._here = HostsHere(store, backplane.bus, self._limits, self._hear)
        self._push: Push = lambda connection_id, target, argument: None
        self._calls: dict[tuple[str, str], _Told] = {}  # by session and call id, oldest first
        self._claiming: set[asyncio.Task[None]] = set()

    def push_by(self, push: Push) -> None:
        """How clients of this node are reached."""
        self._push = push

    # ------------------------------------------------------------------------------------------------- from clients

    async def register(self, user: str, session_id: str, connection_id: str, wish: HostWish) -> HostAnswer:
        """From now on this connection executes these tools; without any, it executes none of that host's any more."""
        session = await self._access.editor(session_id, user)
        check_tools(wish.tools)
        created_at, key = session.created_at, wish.host_key
        new_id = self._env.new_id("host")
        wanted = Registration(
            host_id=new_id if key is None else records.host_id_of(session_id, created_at, user, wish.name, key),
            name=wish.name,
            user=user,
            connection_id=connection_id,
            tools=wish.tools,
            document=wish.document,
            has_key=key is not None,
        )
        act = self._here.register if wish.tools else self._here.withdraw
        return HostAnswer(host_id=await act(session, wanted))

    async def progress(
        self, user: str, session_id: str, connection_id: str, call_id: str, fraction: float | None, note: str | None
    ) -> Heard:
        """Raises `not_host`, and `call_closed` once the call has ended."""
        session = await self._access.editor(session_id, user)
        told = self._calls.get((session_id, call_id))
        if told is None or told.is_over or not self._here.has(session_id, connection_id, told.host_id):
            if await self._has_ended(session, connection_id, call_id):
                raise CallError("call_closed", ENDED)
        if told is not None:
            told.fraction, told.note = fraction, note
        progressed = said.Progressed(call_id, fraction, note)
        self._backplane.bus.publish(said.drivers_channel(session_id), said.encode(progressed))
        return Heard(accepted=True)

    async def result(
        self, user: str, session_id: str, connection_id: str, call_id: str, result: Json, error: str | None
    ) -> Heard:
        """Raises `not_host`; `too_large` (the call fails with that); `call_closed` once the call has ended without."""
        session = await self._access.editor(session_id, user)
        too_large = None
        size = len(msgspec.json.encode(result))
        if size > self._limits.max_result_bytes:
            limit = self._limits.max_result_bytes
            too_large = f"The tool's result has {size} bytes; the limit max_tool_result_bytes is {limit}."
            result, error = None, f"{too_large} Ask for less of it."
        told = self._calls.get((session_id, call_id))
        mine = Delivered(
            token=self._env.new_id("result"),
            result=result,
            error=error,
            fraction=None if told is None else told.fraction,
            note=None if told is None else told.note,
        )
        has_ended = await self._has_ended(session, connection_id, call_id)
        body = CLOSED if has_ended else answers.encode(mine)
        first = await self._backplane.inbox.answer(session_id, answers.result_key(session, call_id), body)
        self._supervisor.touch(session_id)
        if first == CLOSED:
            raise CallError("call_closed", ENDED)
        if first != body:
            return Heard(accepted=False)
        if too_large is not None:
            raise CallError("too_large", f"{too_large} The call has failed with that.")
        return Heard(accepted=True)

    async def leave(self, connection_id: str) -> None:
        """The connection has ended; its hosts have the grace time to be back."""
        await self._here.leave(connection_id)

    async def forget(self, session: Session) -> None:
        """The session was deleted."""
        await self._here.forget(session)

    async def _has_ended(self, session: Session, connection_id: str, call_id: str) -> bool:
        """Whether a call of this connection's host is over. Raises `not_host`, and `call_closed` for an unknown one."""
        session_id = session.session_id
        call = await self._call(session_id, call_id)
        told = self._calls.get((session_id, call_id))
        host_id = told.host_id if told is not None else None if call is None else call.host
        if host_id is None:
            # Nobody is told of a call that is not there; to others, that is all that there is to say.
            if self._here.is_host(session_id, connection_id):
                raise CallError("call_closed", "There is no such call here, or it ended long ago.")
            raise CallError("not_host", NOT_HOST)
        if not self._here.has(session_id, connection_id, host_id):
            raise CallError("not_host", NOT_HOST)
        if call is None:
            return told is None or told.is_over
        if call.state in ("pending", "approval") and told is None:
            raise CallError("conflict", "This call may not run yet. Wait for ExecuteTool.")
        return call.state not in ("pending", "approval", "running")

    async def _call(self, session_id: str, call_id: str) -> ToolCallPart | None:
        transcript, _ = await load(self._backplane.journal, session_id, newest=SNAPSHOT_MESSAGES)
        return transcript.call(call_id)

    # ------------------------------------------------------------------------------------------------- from drivers

    def _hear(self, session_id: str, message: said.ToHosts) -> None:
        match message:
            case said.Execute():
                if self._here.has(session_id, message.connection_id, message.host_id):
                    self._execute(session_id, message)
            case said.Over():
                self._end(session_id, message)

    def _end(self, session_id: str, over: said.Over) -> None:
        told = self._calls.get((session_id, over.call_id))
        if told is not None:
            told.is_over = True
        if over.reason is None or (told is not None and not told.is_sent):
            return
        # The page that runs it may be back on another connection than was told.
        cancel = msgspec.json.encode(_Cancel(session_id=session_id, call_id=over.call_id, reason=over.reason))
        for connection_id in self._here.connections(session_id, over.host_id):
            self._push(connection_id, "CancelTool", cancel)

    def _execute(self, session_id: str, execute: said.Execute) -> None:
        key = session_id, execute.call_id
        told = self._calls.get(key)
        if told is not None and (told.is_over or told.attempt >= execute.attempt):
            return  # it was sent again, while it is being claimed
        told = _Told(execute.host_id, execute.attempt)
        self._calls[key] = told
        while len(self._calls) > MAX_CALLS:
            del self._calls[next(iter(self._calls))]
        task = asyncio.create_task(self._claim(session_id, execute, told), name=f"claim {execute.call_id}")
        self._claiming.add(task)
        task.add_done_callback(self._claiming.discard)

    async def _claim(self, session_id: str, execute: said.Execute, told: _Told) -> None:
        mine = answers.encode(Claim(execute.host_id, execute.connection_id))
        key = answers.claim_key(execute.created_at, execute.call_id, execute.attempt)
        first = None
        while first is None and not told.is_over:
            try:
                first = await self._backplane.inbox.answer(session_id, key, mine)
            except BackplaneAway as error:  # it may have been claimed: what is claimed must be sent
                logger.warning("session %s: a call could not be claimed (%s)", session_id, error)
                await asyncio.sleep(self._limits.look_s)
        self._supervisor.touch(session_id)
        if first != mine or told.is_over:
            return
        told.is_sent = True
        call = _Call(
            session_id=session_id,
            call_id=execute.call_id,
            run_id=execute.run_id,
            name=execute.name,
            arguments=msgspec.Raw(execute.arguments),
            timeout_s=execute.timeout_s,
        )
        self._push(execute.connection_id, "ExecuteTool", msgspec.json.encode(call))
