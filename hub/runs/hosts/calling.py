"""The driver's side of a call to a client: sends it until it is claimed, and waits for what comes of it.

    sending ──claimed by the connection it was sent to──> claimed
    sending ──its host is gone for good: the claim is closed──> failed, it was not run
    claimed ──result──> success or failed
    claimed ──its connection ended; a read; the host is there again──> sending, the next attempt
    claimed ──its connection ended, no result and no progress within the grace: the result is closed──> interrupted
    any     ──too long: the result is closed──> timed_out, and CancelTool
    any     ──cancelled──> closed, and CancelTool; whoever closes the run answers the call

Which connections there are is read from the store at every tick: what is said over the bus only makes it faster.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeVar

import msgspec

from hub.backplane.base import Backplane
from hub.chat.parts import Json, Session
from hub.errors import BackplaneAway
from hub.runs.answer.answers import Answers
from hub.runs.hosts import answers, said
from hub.runs.hosts.answers import CLOSED, Claim, Delivered
from hub.runs.hosts.limits import HostLimits
from hub.runs.hosts.progress import Progress
from hub.runs.hosts.records import StoredHost
from hub.runs.hosts.tools import HostsNow, Offer
from hub.tools.base import ToolContext, ToolError, Unfinished

logger = logging.getLogger("hub.runs")

T = TypeVar("T")

CLOSE_S = 2.0
"""How long a call that was cancelled may take to be closed, for who cancelled it waits."""


class Calling:
    """The calls of one run to its session's hosts."""

    def __init__(
        self,
        backplane: Backplane,
        hosts: HostsNow,
        session: Session,
        given: Answers,
        limits: HostLimits,
        now_ms: Callable[[], int],
    ) -> None:
        self.backplane = backplane
        self.hosts = hosts
        self.session = session
        self.given = given
        self.limits = limits
        self.now_ms = now_ms

    async def execute(self, offer: Offer, arguments: Mapping[str, Json], context: ToolContext) -> Json:
        """The host's result. Raises `ToolError` with what the model is to read."""
        call = _HostedCall(self, offer, arguments, context)
        channel = said.drivers_channel(self.session.session_id)
        subscription = await self.patiently(lambda: self.backplane.bus.subscribe(channel, call.hear))
        try:
            return await call.run()
        finally:
            subscription.close()
            call.close()

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """While the store is away nothing is decided by guessing."""
        while True:
            try:
                return await ask()
            except BackplaneAway as error:
                logger.warning("session %s: a call waits for the backplane (%s)", self.session.session_id, error)
                await asyncio.sleep(self.limits.look_s)


class _HostedCall:
    """One call."""

    def __init__(self, calling: Calling, offer: Offer, arguments: Mapping[str, Json], context: ToolContext) -> None:
        self._calling = calling
        self._limits = calling.limits
        self._now_ms = calling.now_ms
        self._offer = offer
        self._arguments = msgspec.json.encode(arguments)
        self._context = context
        self._call_id = context.call_id
        self._progress = Progress(context.report, self._limits.progress_s)
        self._changed = asyncio.Event()  # look at the hosts again
        self._host: StoredHost | None = None  # as it was read last
        self._attempt = 1
        self._claim: Claim | None = None  # of this attempt
        self._ended_at: int | None = None  # when the claiming connection ended
        self._worked_at = 0  # when the host reported progress last
        self._began_at = calling.now_ms()
        self._blind_at = 0  # when the hosts could not be read last: nor could they say that they are there

    def hear(self, raw: bytes) -> None:
        match said.to_drivers(raw):
            case said.Progressed(call_id, fraction, note) if call_id == self._call_id:
                self._worked_at = self._now_ms()
                self._progress.report(fraction, note)
            case said.Changed():
                self._changed.set()

    def close(self) -> None:
        self._progress.close()

    async def run(self) -> Json:
        try:
            try:
                async with asyncio.timeout(self._offer.timeout_s) as limit:
                    return self._taken(await self._delivered())
            except TimeoutError:
                if not limit.expired():
                    raise
                return self._taken(await self._close("timed_out"))
        except asyncio.CancelledError:
            self._say_over("stopped")
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._answer(self._result_key, CLOSED)
                    await self._answer(self._claim_key, CLOSED)
            except (BackplaneAway, TimeoutError) as error:
                logger.warning("call %s: it could not be closed (%s)", self._call_id, error)
            raise

    # --------------------------------------------------------------------------------------------- until a result

    async def _delivered(self) -> Delivered:
        """What the host delivers. Raises `ToolError` if there is nobody who could."""
        result = asyncio.create_task(self._calling.given.wait(self._result_key))
        claim = asyncio.create_task(self._calling.given.wait(self._claim_key))
        try:
            while not result.done():
                self._changed.clear()
                has_seen = await self._look()
                if self._claim is None and claim.done():
                    self._claim = answers.claim(claim.result())
                if not has_seen:
                    pass  # nothing is decided by what was so before
                elif self._claim is None:
                    await self._send()
                elif self._is_lost(self._claim):
                    if not self._may_run_again(self._claim):
                        if self._is_grace_over():
                            return await self._close("interrupted")
                    else:
                        self._attempt += 1
                        self._claim = self._ended_at = None
                        claim = asyncio.create_task(self._calling.given.wait(self._claim_key))
                        continue
                await self._pause(result, claim)
            first = answers.delivered(result.result())
            assert first is not None  # only this call closes its result, and stops
            return first
        finally:
            result.cancel()
            claim.cancel()

    async def _look(self) -> bool:
        """Read the host as it is now; False if that could not be done."""
        try:
            self._host = await self._calling.hosts.one(self._offer.host_id)
        except BackplaneAway as error:
            logger.warning("call %s: its host could not be looked for (%s)", self._call_id, error)
            self._blind_at = self._now_ms()
            return False
        return True

    async def _send(self) -> None:
        """To the newest connection, if there is one; each time again, for the one before may not have come through."""
        host = self._host
        if host is None:
            if self._now_ms() <= max(self._blind_at + self._limits.grace_ms, self._began_at + self._limits.settle_ms):
                return  # it was offered a moment ago, and may be about to say that it is there
            first = await self._calling.patiently(lambda: self._answer(self._claim_key, CLOSED))
            self._claim = answers.claim(first)
            if self._claim is None:
                name = self._offer.host_name
                raise ToolError(f"{name} is not connected any more. The call was not run: nothing was changed.")
            return
        connection_id = host.newest(now=self._now_ms(), silent_ms=self._limits.silent_ms)
        if connection_id is not None:
            self._say(
                said.Execute(
                    host_id=host.host_id,
                    connection_id=connection_id,
                    call_id=self._call_id,
                    run_id=self._context.run_id,
                    created_at=self._calling.session.created_at,
                    attempt=self._attempt,
                    name=self._offer.name,
                    arguments=self._arguments,
                    timeout_s=self._offer.timeout_s,
                )
            )

    def _is_lost(self, claim: Claim) -> bool:
        """Whether the connection that was told has ended."""
        now = self._now_ms()
        ended_at: int | None = now
        if self._host is not None:
            ended_at = self._host.ended_at(claim.connection_id, now=now, silent_ms=self._limits.silent_ms)
        if ended_at is None:
            self._ended_at = None
            return False
        self._ended_at = ended_at if self._ended_at is None else min(ended_at, self._ended_at)
        return True

    def _may_run_again(self, claim: Claim) -> bool:
        """A read may, on another connection."""
        if self._offer.access == "write" or self._host is None:
            return False
        newest = self._host.newest(now=self._now_ms(), silent_ms=self._limits.silent_ms)
        return newest not in (None, claim.connection_id)

    def _is_grace_over(self) -> bool:
        assert self._ended_at is not None
        since = max(self._ended_at, self._worked_at, self._blind_at)
        return self._now_ms() - since > self._limits.grace_ms

    async def _pause(self, *awaited: asyncio.Task[bytes]) -> None:
        """Until there is something to do, or one tick."""
        changed = asyncio.create_task(self._changed.wait())
        waiting: list[asyncio.Task[bytes] | asyncio.Task[bool]] = [changed]
        waiting.extend(task for task in awaited if not task.done())
        try:
            await asyncio.wait(waiting, timeout=self._limits.tick_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()

    # ------------------------------------------------------------------------------------------------- at its end

    async def _close(self, outcome: Literal["interrupted", "timed_out"]) -> Delivered:
        """Take no result any more; one that was taken before counts. Raises `Unfinished`, or `ToolError` if the call
        was never sent."""
        first = answers.delivered(await self._calling.patiently(lambda: self._answer(self._result_key, CLOSED)))
        if first is not None:
            return first
        claimed = answers.claim(await self._calling.patiently(lambda: self._answer(self._claim_key, CLOSED)))
        self._say_over(outcome)
        name = self._offer.host_name
        limit = f"{self._offer.timeout_s:g} s"
        if claimed is None and self._attempt == 1:
            text = f"{name} did not take the call within {limit}. It was not run: nothing was changed."
        elif outcome == "timed_out":
            text = f"{name} did not finish within {limit}.{self._warning}"
        else:
            text = f"{name} lost its connection while it ran the call, and was not back in time.{self._warning}"
        raise Unfinished(outcome, text)

    @property
    def _warning(self) -> str:
        if self._offer.access == "read":
            return " The call only reads: it can be made again."
        return " The call may have been run: look at what is there before you make it again."

    def _taken(self, delivered: Delivered) -> Json:
        self._progress.end(delivered.fraction, delivered.note)
        self._say_over(None)
        if delivered.error is not None:
            raise ToolError(delivered.error)
        return delivered.result

    @property
    def _claim_key(self) -> str:
        return answers.claim_key(self._calling.session.created_at, self._call_id, self._attempt)

    @property
    def _result_key(self) -> str:
        return answers.result_key(self._calling.session, self._call_id)

    async def _answer(self, key: str, body: bytes) -> bytes:
        return await self._calling.backplane.inbox.answer(self._calling.session.session_id, key, body)

    def _say_over(self, reason: str | None) -> None:
        self._say(said.Over(self._call_id, self._offer.host_id, reason))

    def _say(self, message: said.ToHosts) -> None:
        channel = said.hosts_channel(self._calling.session.session_id)
        self._calling.backplane.bus.publish(channel, said.encode(message))
