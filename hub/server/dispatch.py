"""What a connection's messages do: one switch, and the order in which calls run.

Theory of operation (C1). Messages are taken in order and never waited for. Completion, stream items, cancellation,
ping and ack act at once. Calls of `immediate` methods start at once. All other calls start in the order in which
they came: plain ones when one of `max_parallel_invocations` slots is free, streams and calls with uploads without a
slot, in the background. A plain call that waits for a client's answer frees its slot (C3).

Rule for when it is full: with `max_queued_invocations` calls waiting, as many immediate ones running, or an upload
that is full, `blocked` is true, and its owner must give it no more messages until `on_unblocked` is called.
"""

import asyncio
import inspect
import logging
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar
from typing import Literal, Protocol, TypeAlias, assert_never

from hub.errors import BackplaneAway, HubError
from hub.protocol.codec import Codec
from hub.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
    StreamItem,
)
from hub.protocol.messages import (
    Sequence as SequenceMessage,
)
from hub.server import calls
from hub.server.asking import Asking
from hub.server.auth import User
from hub.server.auth.authorize import Asked, is_allowed, may_ask
from hub.server.auth.rates import InvocationLimit
from hub.server.binding import BindingError, BoundMethod
from hub.server.calls import Call
from hub.server.log_lines import LogLines
from hub.server.methods import fold
from hub.server.metrics import ServerMetrics
from hub.server.options import HubOptions
from hub.server.outbox import Outbox
from hub.server.streams import PushStream, StreamSink, drain_generator
from hub.server.uploads import Upload

log = logging.getLogger("hub.server")

Serving: TypeAlias = "tuple[Dispatcher, Call] | Literal['connecting'] | None"

current_call: ContextVar[Serving] = ContextVar("current_call", default=None)
"""The plain call that the running task serves, so that `invoke` on a client knows whose slot to free (C3)."""


class DispatchOwner(Protocol):
    """The connection, as far as dispatch needs it."""

    user: User
    items: dict[str, object]

    def own(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run it as a task of the connection: cancelled and awaited when that ends."""
        ...

    def on_unblocked(self) -> None: ...


class Dispatcher:
    """Of one connection, from its handshake on."""

    __slots__ = (
        *("_active", "_asking", "_codec", "_full_uploads", "_hub", "_idle", "_immediate", "_is_stopped"),
        *("_limit", "_lines", "_methods", "_metrics", "_options", "_outbox", "_owner", "_queue", "_running"),
        *("_slots", "_streams", "_uploads"),
    )

    def __init__(
        self,
        owner: DispatchOwner,
        hub: object,
        methods: Mapping[str, BoundMethod],
        options: HubOptions,
        outbox: Outbox,
        codec: Codec,
        asking: Asking,
        metrics: ServerMetrics,
        limit: InvocationLimit,
    ) -> None:
        self._owner = owner
        self._hub = hub
        self._methods = methods
        self._options = options
        self._outbox = outbox
        self._codec = codec
        self._asking = asking
        self._metrics = metrics
        self._limit = limit
        self._queue: list[Call] = []  # short: calls that have not started, in order
        self._active: dict[str, Call] = {}  # queued and running calls by invocation id
        self._uploads: dict[str, Upload] = {}  # open uploads by stream id
        self._slots = options.max_parallel_invocations  # free ones; below 0 after slots were freed and calls went on
        self._idle: list[asyncio.Future[Call]] = []  # workers that wait for a call
        self._full_uploads = 0
        self._streams = 0  # calls that hold no slot
        self._running = 0  # plain calls
        self._immediate = 0  # calls of immediate methods
        self._is_stopped = False  # set by `stop`
        self._lines = LogLines(log)

    @property
    def blocked(self) -> bool:
        limit = self._options.max_queued_invocations
        return self._full_uploads > 0 or len(self._queue) >= limit or self._immediate >= limit

    @property
    def busy(self) -> bool:
        """A plain call runs: the client's silence does not count (P2)."""
        return self._running > 0

    def accept(self, message: HubMessage) -> None:
        """Act on a message. Close, Ack and Sequence belong to the connection and are ignored here."""
        match message:
            case Invocation():
                self._invoke(message, False)
            case StreamInvocation():
                self._invoke(message, True)
            case StreamItem():
                if (upload := self._uploads.get(message.invocation_id)) is not None:
                    upload.push(message.item)
            case Completion():
                self._complete(message)
            case CancelInvocation():
                self._cancel(message.invocation_id)
            case Ping() | Close() | Ack() | SequenceMessage():
                pass
            case _:
                assert_never(message)

    def free_slot(self, call: Call) -> None:
        """A plain call waits for its client's answer: others may run meanwhile, and it goes on beside them."""
        if not (call.slot_freed or call.ended):
            call.slot_freed = True
            self._slots += 1
            self._pump()

    # ------------------------------------------------------------------------------------------------- accepting

    def _invoke(self, message: Invocation | StreamInvocation, wants_stream: bool) -> None:
        self._metrics.invocations += 1
        invocation_id = message.invocation_id or None
        if wants_stream and invocation_id is None:
            return  # a stream that nobody can be told of (M6)
        method = self._methods.get(fold(message.target))
        if wait_s := self._limit.wait_s(method is not None and method.immediate):
            self._metrics.invocations_limited += 1
            self._refuse(invocation_id, calls.too_often(wait_s, self._limit.hit))
            return
        if method is None:
            self._refuse(invocation_id, calls.unknown_method(message.target))
            return
        if method.rules and not may_ask(method.rules, self._owner.user):
            self._refuse(invocation_id, calls.unauthorized(message.target))
            return
        reason = self._objection(method, message, wants_stream)
        if reason is not None:
            self._refuse(invocation_id, reason)
            return
        try:
            bound = method.bind(message.arguments)
        except BindingError as error:
            self._refuse(invocation_id, calls.not_bound(message.target, error, self._options.detailed_errors))
            return
        if method.rules:
            asked = Asked(self._owner.user, method.name, tuple(bound), self._owner.items)
            if not is_allowed(method.rules, asked):
                self._refuse(invocation_id, calls.unauthorized(message.target))
                return
        call = self._make_call(method, message, invocation_id, bound)
        if invocation_id is not None:
            self._active[invocation_id] = call
        if method.immediate and not (method.streaming or call.uploads):
            self._immediate += 1
            self._owner.own(self._run_aside(call))
        else:
            self._queue.append(call)
            self._pump()

    def _objection(self, method: BoundMethod, message: Invocation | StreamInvocation, wants_stream: bool) -> str | None:
        """Why a call of a known method is refused before its arguments are looked at."""
        target, sent = message.target, len(message.stream_ids)
        if wants_stream != method.streaming:
            return calls.not_streaming(target) if wants_stream else calls.streaming(target)
        if sent != len(method.uploads):
            error = calls.wrong_uploads(sent, len(method.uploads))
            return calls.failed(target, error, self._options.detailed_errors)
        if message.invocation_id and message.invocation_id in self._active:
            return calls.in_use(message.invocation_id)
        for stream_id in message.stream_ids:
            if stream_id in self._uploads:
                return calls.in_use(stream_id)
        if (method.streaming or sent) and self._streams >= self._options.max_streams:
            return calls.too_many_streams(self._options.max_streams)
        return None

    def _make_call(
        self,
        method: BoundMethod,
        message: Invocation | StreamInvocation,
        invocation_id: str | None,
        bound: list[object],
    ) -> Call:
        uploads: dict[str, Upload] = {}
        for stream_id, convert in zip(message.stream_ids, method.uploads, strict=True):
            uploads[stream_id] = self._uploads[stream_id] = Upload(
                convert, self._options.stream_buffer_capacity, self._upload_full, self._upload_space
            )
        sink = None
        if method.streaming:
            assert invocation_id is not None  # see `_invoke`
            sink = StreamSink(self._outbox, self._codec, invocation_id)
        if uploads or method.streaming:
            self._streams += 1
            self._metrics.streams_opened += 1
            self._metrics.streams_now += 1
        arguments = bound if method.simple else method.arrange(bound, list(uploads.values()), sink)
        return Call(method, message.target, invocation_id, arguments, uploads, sink)

    def _complete(self, message: Completion) -> None:
        upload = self._uploads.pop(message.invocation_id, None)
        if upload is not None:
            upload.finish(None if message.error is None else HubError(message.error))
        else:
            self._asking.answer(message)

    def _cancel(self, invocation_id: str) -> None:
        call = self._active.get(invocation_id)
        if call is None or call.cancelled:
            return
        call.cancel()
        if call in self._queue:
            self._queue.remove(call)
            self._forget(call)
            self._answer(call, None if call.method.streaming else calls.cancelled(call.target))
            self._pump()  # what stood behind it may be one that needs no slot
            self._check_unblocked()

    # ----------------------------------------------------------------------------------------------------- order

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
            self._check_unblocked()
            if not aside:
                self._slots -= 1
                return call
            self._owner.own(self._run_stream(call) if call.method.streaming else self._run_aside(call))
        return None

    def _start(self, call: Call) -> None:
        while self._idle:
            worker = self._idle.pop()
            if not worker.done():
                worker.set_result(call)
                return
        self._owner.own(self._work(call))

    async def _work(self, first: Call) -> None:
        """One plain call after another, in one task."""
        call = first
        while True:
            current_call.set((self, call))
            await self._run_plain(call)
            if self._is_stopped:
                return  # the method has swallowed the cancellation of this task
            if not call.slot_freed:
                self._slots += 1
                if self._queue and (following := self._take()) is not None:
                    call = following
                    continue
            waiting: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
            self._idle.append(waiting)
            self._pump()  # may give this very worker its next call
            if not waiting.done() and len(self._idle) > self._options.max_parallel_invocations:
                self._idle.remove(waiting)
                return
            call = await waiting

    # --------------------------------------------------------------------------------------------------- running

    async def _run_plain(self, call: Call) -> None:
        self._running += 1
        error: str | None = None
        result: object = None
        try:
            call.begin()
            result = await call.method.function(self._hub, *call.arguments)
        except asyncio.CancelledError:
            if not call.cancelled or self._is_stopped:
                raise
            error = calls.cancelled(call.target)
        except Exception as caught:
            error = calls.failed(call.target, caught, self._options.detailed_errors)
            self._log_failure(call, caught)
        finally:
            self._running -= 1
            self._forget(call)
            if call.cancelled and call.task is not None:
                call.task.uncancel()
        self._answer(call, error, result, has_result=True)

    async def _run_aside(self, call: Call) -> None:
        """A plain call that holds no slot."""
        call.slot_freed = True
        current_call.set((self, call))
        try:
            await self._run_plain(call)
        finally:
            if call.method.immediate and not call.uploads:
                self._immediate -= 1
                self._check_unblocked()

    async def _run_stream(self, call: Call) -> None:
        error: str | None = None
        current_call.set(None)  # not that of whoever started this task
        try:
            call.begin()
            error = await self._stream(call)
        except asyncio.CancelledError:
            if not call.cancelled:
                raise
        finally:
            self._forget(call)
        self._answer(call, None if call.cancelled else error)

    async def _stream(self, call: Call) -> str | None:
        """Runs a stream to its end and returns the error that it failed with."""
        assert call.sink is not None
        keywords = {} if call.method.stream_keyword is None else {call.method.stream_keyword: call.sink}
        detailed = self._options.detailed_errors
        try:
            source = call.method.function(self._hub, *call.arguments, **keywords)
            if inspect.isawaitable(source):
                source = await source
        except Exception as caught:
            self._log_failure(call, caught)
            return calls.failed(call.target, caught, detailed)
        try:
            if isinstance(source, PushStream):
                await source.run(call.sink)
            else:
                await drain_generator(aiter(source), call.sink)
        except Exception as caught:
            self._log_failure(call, caught)
            return calls.stream_failed(caught, detailed)
        return None

    # ---------------------------------------------------------------------------------------------------- ending

    def stop(self) -> None:
        """The connection ends: nothing more is started. What runs is cancelled by the owner."""
        self._queue.clear()
        self._metrics.streams_now -= self._streams
        self._is_stopped = True
        self._asking.fail("The connection was lost before the client answered.")
        self._lines.end()

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

    def _answer(self, call: Call, error: str | None, result: object = None, has_result: bool = False) -> None:
        if error is not None:
            self._refuse(call.invocation_id, error)
        elif call.invocation_id is not None:
            completion = Completion(call.invocation_id, result=result, has_result=has_result)
            try:
                self._outbox.send(self._codec.encode(completion))
            except TypeError as caught:
                self._log_failure(call, caught)
                self._refuse(call.invocation_id, calls.failed(call.target, caught, self._options.detailed_errors))

    def _refuse(self, invocation_id: str | None, error: str) -> None:
        self._metrics.invocations_failed += 1
        if invocation_id is not None:
            self._outbox.send(self._codec.encode(Completion(invocation_id, error)))

    def _upload_full(self) -> None:
        self._full_uploads += 1

    def _upload_space(self) -> None:
        self._full_uploads -= 1
        self._check_unblocked()

    def _check_unblocked(self) -> None:
        if not self.blocked:
            self._owner.on_unblocked()

    def _log_failure(self, call: Call, error: Exception) -> None:
        if isinstance(error, HubError):
            facts = {"target": call.method.name, "reason": str(error)}
            self._lines.write(logging.INFO, "hub method refused", facts)
        elif isinstance(error, BackplaneAway):
            facts = {"target": call.method.name, "reason": str(error)}
            self._lines.write(logging.WARNING, "the backplane is away", facts)
        else:
            self._lines.write(logging.ERROR, "hub method failed", {"target": call.method.name}, error)
