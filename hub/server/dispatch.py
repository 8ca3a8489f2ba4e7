"""What a connection's messages do: one switch, and what is refused.

Messages are taken in order and never waited for. Completion, stream items, cancellation, ping and ack act at once; when
calls run, `running` says.

Rule for when it is full: with `max_queued_invocations` calls waiting, as many immediate ones running, or an upload
that is full, `blocked` is true, and its owner must give it no more messages until `on_unblocked` is called.
"""

import logging
from typing import assert_never

from hub.errors import HubError
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
from hub.server.auth.authorize import Asked, is_allowed, may_ask
from hub.server.auth.rates import InvocationLimit
from hub.server.binding import BindingError, BoundMethod
from hub.server.calls import Call
from hub.server.methods import MethodTable
from hub.server.metrics import ServerMetrics
from hub.server.options import HubOptions
from hub.server.outbox import Outbox
from hub.server.running import Owner, Running
from hub.server.streams import StreamSink
from hub.server.uploads import Upload


class Dispatcher(Running):
    """Of one connection, from its handshake on."""

    __slots__ = ("_asking", "_limit", "_methods")

    def __init__(
        self,
        owner: Owner,
        hub: object,
        methods: MethodTable[BoundMethod],
        options: HubOptions,
        outbox: Outbox,
        codec: Codec,
        asking: Asking,
        metrics: ServerMetrics,
        limit: InvocationLimit,
    ) -> None:
        super().__init__(owner, hub, options, outbox, codec, metrics)
        self._methods = methods
        self._asking = asking
        self._limit = limit

    def stop(self) -> None:
        super().stop()
        self._asking.fail("The connection was lost before the client answered.")

    def accept(self, message: HubMessage) -> None:
        """Act on a message. Close, Ack and Sequence belong to the connection and are ignored here."""
        match message:
            case Invocation():
                self.invoke(message)
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

    def invoke(self, message: Invocation) -> None:
        """`accept` of an invocation, with a shorter way for what most of them are: a plain call that may begin."""
        method = self._methods[message.target]
        if (
            method is None
            or not method.is_plain
            or message.stream_ids
            or not self._idle
            or self._slots <= 0
            or self._queue
            or message.invocation_id in self._active
        ):
            self._invoke(message, False)
            return
        self._metrics.invocations += 1
        if self._limit.is_any and (wait_s := self._limit.wait_s(False)):
            self._too_often(message.invocation_id, wait_s)
            return
        try:
            arguments = method.bind(message.arguments)
        except BindingError as error:
            self._not_bound(message, error)
            return
        self._begin(method, message.target, message.invocation_id, arguments)

    def _invoke(self, message: Invocation | StreamInvocation, wants_stream: bool) -> None:
        self._metrics.invocations += 1
        invocation_id = message.invocation_id or None
        if wants_stream and invocation_id is None:
            return  # a stream that nobody can be told of (M6)
        method = self._methods[message.target]
        if wait_s := self._limit.wait_s(method is not None and method.immediate):
            self._too_often(invocation_id, wait_s)
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
            self._not_bound(message, error)
            return
        if method.rules:
            asked = Asked(self._owner.user, method.name, tuple(bound), self._owner.items)
            if not is_allowed(method.rules, asked):
                self._refuse(invocation_id, calls.unauthorized(message.target))
                return
        self._run(self._make_call(method, message, invocation_id, bound))

    def _too_often(self, invocation_id: str | None, wait_s: float) -> None:
        self._metrics.invocations_limited += 1
        self._refuse(invocation_id, calls.too_often(wait_s, self._limit.hit))

    def _not_bound(self, message: Invocation | StreamInvocation, error: BindingError) -> None:
        """The client learns why only where details are on; who writes the hub must learn it in any case, so in words
        that are seen without a log of their own."""
        self._say(logging.WARNING, f"the arguments of {message.target[:100]!r} do not fit: {str(error)[:500]!r}", {})
        text = calls.not_bound(message.target, error, self._options.detailed_errors)
        self._refuse(message.invocation_id or None, text)

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
            self._drop_queued(call)
