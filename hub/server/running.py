"""The calls of one connection from their arguments to their answers: the order in which they run.

Theory of operation (C1). Calls of `immediate` methods start at once. All other calls start in the order in which they
came: plain ones when one of `max_parallel_invocations` slots is free, streams and calls with uploads without a slot, in
the background. A plain call that waits for a client's answer frees its slot (C3). A plain call that nothing stands
before takes its first step at once (see `worker`).
"""

import asyncio
import inspect
import logging
from collections.abc import Coroutine, Mapping
from contextvars import Context
from typing import Protocol

from hub.errors import BackplaneAway, HubError
from hub.protocol.codec import Codec
from hub.protocol.messages import Completion
from hub.server import calls
from hub.server.auth import User
from hub.server.binding import BoundMethod
from hub.server.calls import Call
from hub.server.log_lines import LogLines
from hub.server.metrics import ServerMetrics
from hub.server.options import HubOptions
from hub.server.outbox import Outbox
from hub.server.streams import PushStream, drain_generator
from hub.server.uploads import Upload
from hub.server.worker import Method, Worker, current_call

log = logging.getLogger("hub.server")


class Owner(Protocol):
    """The connection, as far as its calls need it."""

    user: User

    @property
    def items(self) -> dict[str, object]: ...

    def own(self, work: Coroutine[object, object, None], context: Context | None = None) -> asyncio.Task[None]:
        """Run it as a task of the connection: cancelled and awaited when that ends. Without `context` in a copy of the
        one of now."""
        ...

    def on_unblocked(self) -> None: ...


class Running:
    """See the module. `blocked`: the queue, the immediate calls or an upload are full."""

    __slots__ = (
        *("_active", "_codec", "_full_uploads", "_hub", "_idle", "_immediate", "_is_stopped", "_lines", "_metrics"),
        *("_options", "_outbox", "_owner", "_queue", "_running", "_slots", "_streams", "_uploads", "blocked"),
    )

    def __init__(
        self, owner: Owner, hub: object, options: HubOptions, outbox: Outbox, codec: Codec, metrics: ServerMetrics
    ) -> None:
        self.blocked = False
        self._owner = owner
        self._hub = hub
        self._options = options
        self._outbox = outbox
        self._codec = codec
        self._metrics = metrics
        self._queue: list[Call] = []  # short: calls that have not started, in order
        self._active: dict[str, Call] = {}  # queued and running calls by invocation id
        self._uploads: dict[str, Upload] = {}  # open uploads by stream id
        self._slots = options.max_parallel_invocations  # free ones; below 0 after slots were freed and calls went on
        self._idle: list[Worker] = []
        self._full_uploads = 0
        self._streams = 0  # calls that hold no slot
        self._running = 0  # plain calls
        self._immediate = 0  # calls of immediate methods
        self._is_stopped = False  # set by `stop`
        self._lines: LogLines | None = None  # from the first line on

    @property
    def busy(self) -> bool:
        """A plain call runs: the client's silence does not count (P2)."""
        return self._running > 0

    def free_slot(self, call: Call) -> None:
        """A plain call waits for its client's answer: others may run meanwhile, and it goes on beside them."""
        if not (call.slot_freed or call.ended):
            call.slot_freed = True
            self._slots += 1
            self._pump()

    def stop(self) -> None:
        """The connection ends: nothing more is started. What runs is cancelled by the owner."""
        self._queue.clear()
        self._metrics.streams_now -= self._streams
        self._is_stopped = True
        if self._lines is not None:
            self._lines.end()

    # ----------------------------------------------------------------------------------------------------- order

    def _run(self, call: Call) -> None:
        """Take a call up, now or when its turn comes."""
        if call.invocation_id is not None:
            self._active[call.invocation_id] = call
        if call.method.immediate and not (call.method.streaming or call.uploads):
            self._immediate += 1
            self._owner.own(self._run_aside(call))
        else:
            self._queue.append(call)
            self._pump()
        self._look_if_blocked()

    def _pump(self) -> None:
        """Start what may start, in order."""
        while self._queue and (call := self._take()) is not None:
            self._start(call)

    def _take(self) -> Call | None:
        """The next plain call, if a slot is free. What needs none and stands before it is started."""
        queue = self._queue
        while queue:
            call = queue[0]
            aside = call.method.streaming or call.uploads
            if not aside and self._slots <= 0:
                return None
            del queue[0]
            self._look_if_blocked()
            if not aside:
                self._slots -= 1
                return call
            self._owner.own(self._run_stream(call) if call.method.streaming else self._run_aside(call))
        return None

    def _drop_queued(self, call: Call) -> None:
        """A call was cancelled before it began."""
        self._queue.remove(call)
        self._forget(call)
        self._answer(call, None if call.method.streaming else calls.cancelled(call.target))
        self._pump()  # what stood behind it may be one that needs no slot
        self._look_if_blocked()

    def _start(self, call: Call) -> None:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_idle:
                worker.give(call)
                return
        worker = Worker(call, self.free_slot)
        worker.task = self._owner.own(self._work(worker), worker.context)

    def _begin(self, method: BoundMethod, target: str, invocation_id: str | None, arguments: list[object]) -> None:
        """Take the first step of a plain call at once. Needs an idle worker, a free slot and that nothing waits.

        Where a task is running already, the call is queued after all.
        """
        worker = self._idle[-1]
        call = Call(method, target, invocation_id, arguments)
        if not worker.enter(call):
            self._run(call)
            return
        self._idle.pop()
        self._slots -= 1
        try:
            waits_for = worker.step(self._hub)
        except StopIteration as ended:
            call.ended = True
            if invocation_id is not None:
                try:
                    self._outbox.send(self._codec.completion(invocation_id, ended.value))
                except TypeError as caught:
                    self._refuse(invocation_id, self._failure(call, caught))
        except (Exception, asyncio.CancelledError) as caught:
            call.ended = True
            self._refuse(invocation_id, self._failure(call, caught))
        else:
            if invocation_id is not None:
                self._active[invocation_id] = call
            call.task = worker.task
            worker.hand_over(waits_for)
            return
        if not call.slot_freed:
            self._slots += 1
        self._idle.append(worker)
        if self._queue:
            self._pump()

    async def _work(self, worker: Worker) -> None:
        """One plain call after another, in one task."""
        begun: Method | None = None
        while True:
            call = worker.call
            await self._run_plain(call, begun)
            begun = None
            if self._is_stopped:
                return  # the method has swallowed the cancellation of this task
            if not call.slot_freed:
                self._slots += 1
            if worker.is_cancelled:
                self._pump()  # by another worker
                return
            if not call.slot_freed and self._queue and (following := self._take()) is not None:
                worker.call = following
                continue
            worker.rest()
            self._idle.append(worker)
            self._pump()  # may give this very worker its next call
            if worker.is_idle and len(self._idle) > self._options.max_parallel_invocations:
                self._idle.remove(worker)
                return
            begun = await worker.called()

    # --------------------------------------------------------------------------------------------------- running

    async def _run_plain(self, call: Call, begun: Method | None = None) -> None:
        self._running += 1
        error: str | None = None
        result: object = None
        try:
            if begun is None:
                call.begin()
                result = await call.method.function(self._hub, *call.arguments)
            else:
                result = await begun
        except asyncio.CancelledError as caught:
            if self._is_stopped:
                raise
            # If it was not the client, the method (or the application) has cancelled its own task: it has failed.
            error = calls.cancelled(call.target) if call.cancelled else self._failure(call, caught)
        except Exception as caught:
            error = self._failure(call, caught)
        finally:
            self._running -= 1
            self._forget(call)
            if call.cancelled and call.task is not None:
                call.task.uncancel()
        if error is None:
            self._answer_with(call, result)
        else:
            self._refuse(call.invocation_id, error)

    async def _run_aside(self, call: Call) -> None:
        """A plain call that holds no slot."""
        call.slot_freed = True
        current_call.set(None)  # it has no slot to free
        try:
            await self._run_plain(call)
        finally:
            if call.method.immediate and not call.uploads:
                self._immediate -= 1
                self._look_if_blocked()

    async def _run_stream(self, call: Call) -> None:
        error: str | None = None
        current_call.set(None)  # not that of whoever started this task
        try:
            call.begin()
            error = await self._stream(call)
        except asyncio.CancelledError as caught:
            if self._is_stopped:
                raise
            if not call.cancelled:  # as of plain calls
                self._failure(call, caught)
                error = calls.stream_failed(caught, self._options.detailed_errors)
        finally:
            self._forget(call)
        self._answer(call, None if call.cancelled else error)

    async def _stream(self, call: Call) -> str | None:
        """Runs a stream to its end and returns the error that it failed with."""
        assert call.sink is not None
        keywords = {} if call.method.stream_keyword is None else {call.method.stream_keyword: call.sink}
        try:
            source = call.method.function(self._hub, *call.arguments, **keywords)
            if inspect.isawaitable(source):
                source = await source
        except Exception as caught:
            return self._failure(call, caught)
        try:
            if isinstance(source, PushStream):
                await source.run(call.sink)
            else:
                await drain_generator(aiter(source), call.sink)
        except Exception as caught:
            self._failure(call, caught)
            return calls.stream_failed(caught, self._options.detailed_errors)
        return None

    # ---------------------------------------------------------------------------------------------------- ending

    def _forget(self, call: Call) -> None:
        call.ended = True
        if call.invocation_id is not None:
            self._active.pop(call.invocation_id, None)
        for stream_id, upload in call.uploads.items():
            self._uploads.pop(stream_id, None)
            upload.discard()
        if (call.uploads or call.method.streaming) and not self._is_stopped:
            self._streams -= 1
            self._metrics.streams_now -= 1

    def _answer(self, call: Call, error: str | None) -> None:
        """The completion of a call without a result."""
        if error is not None:
            self._refuse(call.invocation_id, error)
        elif call.invocation_id is not None:
            self._outbox.send(self._codec.encode(Completion(call.invocation_id)))

    def _answer_with(self, call: Call, result: object) -> None:
        if call.invocation_id is None:
            return
        try:
            self._outbox.send(self._codec.completion(call.invocation_id, result))
        except TypeError as caught:
            self._refuse(call.invocation_id, self._failure(call, caught))

    def _refuse(self, invocation_id: str | None, error: str) -> None:
        self._metrics.invocations_failed += 1
        if invocation_id is not None:
            self._outbox.send(self._codec.encode(Completion(invocation_id, error)))

    def _upload_full(self) -> None:
        self._full_uploads += 1
        self._look_if_blocked()

    def _upload_space(self) -> None:
        self._full_uploads -= 1
        self._look_if_blocked()

    def _look_if_blocked(self) -> None:
        limit, was_blocked = self._options.max_queued_invocations, self.blocked
        self.blocked = self._full_uploads > 0 or len(self._queue) >= limit or self._immediate >= limit
        if was_blocked and not self.blocked:
            self._owner.on_unblocked()

    def _say(self, level: int, text: str, facts: Mapping[str, object], error: BaseException | None = None) -> None:
        """Log it, as far as one connection may."""
        if self._lines is None:
            self._lines = LogLines(log)
        self._lines.write(level, text, facts, error)

    def _failure(self, call: Call, error: BaseException) -> str:
        """What its client is told of it; it is logged."""
        facts = {"target": call.method.name}
        if isinstance(error, HubError):
            self._say(logging.INFO, "hub method refused", {**facts, "reason": str(error)})
        elif isinstance(error, BackplaneAway):
            self._say(logging.WARNING, "the backplane is away", {**facts, "reason": str(error)})
        else:
            self._say(logging.ERROR, "hub method failed", facts, error)
        return calls.failed(call.target, error, self._options.detailed_errors)
