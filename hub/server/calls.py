"""One invocation under way, and the texts that its failure has (signalr.md 1.3)."""

import asyncio
from collections.abc import Mapping

import msgspec

from hub.errors import BackplaneAway, CallError, HubError, away_to_clients
from hub.server.binding import BoundMethod
from hub.server.streams import StreamSink
from hub.server.uploads import Upload


class Call(msgspec.Struct, eq=False):
    """From the moment that its arguments are bound until its completion is sent."""

    method: BoundMethod
    target: str
    """As the client wrote it; errors repeat it."""
    invocation_id: str | None
    arguments: list[object]
    uploads: Mapping[str, Upload] = {}
    sink: StreamSink | None = None
    """Of streaming methods."""
    task: asyncio.Task[None] | None = None
    """Set in the task that runs it, before anything of it can be cancelled."""
    cancelled: bool = False
    """By the client; set before the task is cancelled."""
    ended: bool = False
    """Its completion is about to be sent, or the connection ends."""
    slot_freed: bool = False
    """It waits, or has waited, for a client's answer (C3)."""

    def begin(self) -> None:
        """It runs in this task from now on. Raises CancelledError if it is a plain one that was cancelled before.

        A stream that was cancelled before begins all the same, and is cancelled where it first waits: what it does at
        its end, however early that comes, it has been asked for. Clients call and cancel in one piece.
        """
        self.task = asyncio.current_task()
        if not self.cancelled:
            return
        if self.sink is None or self.task is None:
            raise asyncio.CancelledError
        self.task.cancel()

    def cancel(self) -> None:
        """The client cancels it.

        A task that has not taken its first step must not be cancelled: it would end without running any of its code.
        """
        self.cancelled = True
        if self.sink is not None:
            self.sink.cancelled_by_client = True
        if self.task is not None:
            self.task.cancel()


def unknown_method(target: str) -> str:
    return f"Unknown hub method '{target}'"


def not_bound(target: str, error: Exception, detailed: bool) -> str:
    text = f"Failed to invoke '{target}' due to an error on the server."
    return f"{text} InvalidDataException: {error}" if detailed else text


def failed(target: str, error: BaseException, detailed: bool) -> str:
    return with_cause(f"An unexpected error occurred invoking '{target}' on the server.", error, detailed)


def stream_failed(error: BaseException, detailed: bool) -> str:
    return with_cause("An error occurred on the server while streaming results.", error, detailed)


def cancelled(target: str) -> str:
    """Of a plain call that its client cancelled (C4).

    The reference server raises the cancellation inside the method, whose failure is then answered like any other.
    """
    return f"An unexpected error occurred invoking '{target}' on the server."


def not_streaming(target: str) -> str:
    return f"The client attempted to invoke the non-streaming '{target}' method with a streaming invocation."


def streaming(target: str) -> str:
    return f"The client attempted to invoke the streaming '{target}' method with a non-streaming invocation."


def wrong_uploads(sent: int, expected: int) -> HubError:
    return HubError(f"Client sent {sent} stream(s), Hub method expects {expected}.")


def unauthorized(target: str) -> str:
    return f"Failed to invoke '{target}' because user is unauthorized"


def too_often(wait_s: float, hit: str) -> str:
    """`hit`: name and number of the limit."""
    return str(CallError("rate_limited", f"Too many calls: {hit}. Send fewer.", retry_after_s=wait_s))


def in_use(invocation_id: str) -> str:
    return f"Invocation ID '{invocation_id}' is already in use."


def too_many_streams(limit: int) -> str:
    return f"This connection has {limit} streams already, which is the limit (max_streams)."


def with_cause(text: str, error: BaseException, detailed: bool) -> str:
    """`text`, and what may be told of why: `HubError` always, others in detail only; `CallError` verbatim and alone,
    and so an unreachable backplane, which is nobody's mistake and may be there again in a moment."""
    if isinstance(error, BackplaneAway):
        error = away_to_clients()
    if isinstance(error, CallError):
        return str(error)
    if isinstance(error, HubError):
        return f"{text} HubException: {error}"
    return f"{text} {type(error).__name__}: {error}" if detailed else text
