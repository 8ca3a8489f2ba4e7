"""What one connection is made of, what its hub sees of it, and how it ends. How it lives is in `connection`."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum

from hub.errors import CallError, HandshakeError, ProtocolError
from hub.protocol.codec import Codec
from hub.protocol.messages import Close, Invocation
from hub.protocol.negotiate import TRANSFER_FORMATS, TransportName
from hub.protocol.server import ServerProtocol
from hub.server import calls
from hub.server.asking import Asking
from hub.server.auth import Refused, User
from hub.server.auth.expiry import Expiry
from hub.server.dispatch import Dispatcher
from hub.server.hub import AnyHub, HttpFacts
from hub.server.inject import Scope
from hub.server.intake import Intake
from hub.server.liveness import Liveness
from hub.server.outbox import Outbox, Writer
from hub.server.resending import ResendingOutbox
from hub.server.served import ServedHub
from hub.server.tasks import OwnedTasks

log = logging.getLogger("hub.server")

_CLOSED_WITH_ERROR = "Connection closed with an error."


class State(Enum):
    HANDSHAKE = "handshake"
    CONNECTING = "connecting"
    OPEN = "open"
    CLOSED = "closed"


class ClosingConnection(ABC):
    """See the module. Not to be made by itself."""

    __slots__ = (
        *("_codec", "_connecting", "_dispatcher", "_expiry", "_hub", "_inactive_since", "_intake"),
        *("_is_polled", "_items", "_liveness", "_lost_by", "_opened_at", "_options", "_protocol", "_resending"),
        *("_scope", "_served", "_stateful", "_tasks", "_was_connected", "_writer", "asking", "connection_id"),
        *("finished", "groups", "http", "on_detached", "outbox", "state", "user"),
    )

    def __init__(
        self, served: ServedHub, writer: Writer, *, connection_id: str, user: User, http: HttpFacts,
        transport: TransportName = "WebSockets", stateful: bool = False,
    ) -> None:  # fmt: skip
        options = served.options
        self.connection_id = connection_id
        self.user = user
        self.http = http
        self._items: dict[str, object] | None = None  # from the first use on
        self.groups: set[str] | None = None  # once it has been in one; written by the registry only
        self.state = State.HANDSHAKE
        self.outbox = Outbox(writer, options.outbox_max_bytes, self._overflow)
        self.asking = Asking(self._send_invocation)
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._served = served
        self._writer = writer
        self._options = options
        self._protocol = ServerProtocol(
            max_receive_bytes=options.max_receive_bytes,
            transfer_formats=TRANSFER_FORMATS[transport],
            protocols=options.protocols,
            detailed_errors=options.detailed_errors,
        )
        self._codec: Codec | None = None  # from the handshake on
        self._hub: AnyHub | None = None  # once it is made, after the handshake
        self._scope: Scope | None = None  # from the handshake on, if the hub needs what is provided
        self._dispatcher: Dispatcher | None = None  # once the hub is made
        self._expiry: Expiry | None = None  # once it has a token that ends
        self.go_on_as(user)
        self._tasks = OwnedTasks()
        self._connecting: asyncio.Task[None] | None = None  # runs on_connected
        self._was_connected = False  # on_connected has succeeded, so on_disconnected must run
        self._intake = Intake(self._read)
        self._is_polled = transport == "LongPolling"
        self._stateful = stateful  # was negotiated
        self._resending: ResendingOutbox | None = None  # the outbox, if the handshake is of version 2 as well
        self._inactive_since: float | None = None  # while no socket is attached
        self._lost_by: Exception | None = None  # why it was last detached
        self.on_detached: Callable[[], None] = _nothing  # set by the attached socket; called once, when it is no more
        self._opened_at = served.wheel.now
        self._liveness = Liveness(options, served.wheel.now)
        served.wheel.add(self)

    @abstractmethod
    def tick(self, now: float) -> None:
        """Called about once a second."""

    @abstractmethod
    def _leave(self) -> None:
        """It has finished: the server forgets it."""

    @abstractmethod
    def _read(self, data: bytes) -> None:
        """What came, when it may be read."""

    # ----------------------------------------------------------------------------------------- as the hub sees it

    @property
    def items(self) -> dict[str, object]:
        if self._items is None:
            self._items = {}
        return self._items

    @property
    def is_closed(self) -> bool:
        return self.state is State.CLOSED

    @property
    def aborted(self) -> bool:
        return self.state is State.CLOSED

    @property
    def codec(self) -> Codec:
        """Raises RuntimeError before the handshake."""
        return self._protocol.codec if self._codec is None else self._codec

    def abort(self) -> None:
        self.close(allow_reconnect=False)

    async def refresh(self, token: str) -> int | None:
        user = await self._served.gate.refresh(token, self.user, self.http.path)
        try:
            self._served.check_user(user)
        except Refused as refused:
            raise CallError("forbidden", str(refused)) from refused
        self.go_on_as(user)
        return user.expires_at

    def come_again(self, user: User) -> None:
        """A poll, or a re-attached WebSocket, has come with the user's token of now. Raises Refused (403).

        A client may still send the token that it began with: one that ends sooner than the known one changes nothing.
        """
        self._served.check_user(user)
        if self.user.expires_at is not None and (user.expires_at is None or user.expires_at > self.user.expires_at):
            self.go_on_as(user)

    def go_on_as(self, user: User) -> None:
        """The same user, by another token."""
        self.user = user
        if self._expiry is not None:
            self._expiry.renew(user)
        elif user.expires_at is not None and self._options.close_on_expiry:
            self._expiry = Expiry(user, self._options.token_warning_s)

    def _send_invocation(self, message: Invocation) -> None:
        self.outbox.send(self.codec.encode(message))

    def _tell_detached(self) -> None:
        on_detached, self.on_detached = self.on_detached, _nothing
        on_detached()

    # -------------------------------------------------------------------------------------------------------- ending

    def close(self, error: str | None = None, *, allow_reconnect: bool = True, reason: Exception | None = None) -> None:
        """Close from this side. `error` goes to the client, `reason` to `on_disconnected`."""
        if self.state is State.CLOSED:
            return
        if self._codec is not None:
            self.outbox.last(self._codec.encode(Close(error, allow_reconnect)))
        self._writer.close()
        self._end(reason)

    def _break(self, error: ProtocolError) -> None:
        if isinstance(error, HandshakeError):
            self._refuse_handshake(self._protocol.handshake_reply, error)
            return
        self._served.metrics.protocol_errors += 1
        log.info("connection closed by a protocol error", extra={"hub": self._served.path, "reason": str(error)})
        self.outbox.last(self._protocol.close_for(error))
        self._writer.close()
        self._end(error)

    def _refuse_handshake(self, reply: bytes, error: Exception) -> None:
        self._served.metrics.handshakes_failed += 1
        self.outbox.last(reply)
        self._writer.close()
        self._end(error)

    def _overflow(self, backlog_bytes: int) -> None:
        limit = self._options.outbox_max_bytes
        self._cut(f"over {limit} bytes wait, the limit (outbox_max_bytes)", backlog_bytes)

    def _cut(self, why: str, backlog_bytes: int) -> None:
        """The client does not keep up. It is told if it can be, then cut; nobody waits for it."""
        error = ConnectionError(f"The client does not keep up: {why}.")
        self._served.metrics.slow_consumers += 1
        log.warning(
            "slow consumer cut",
            extra={
                "hub": self._served.path,
                "connection_id": self.connection_id,
                "user": self.user.id,
                "reason": why,
                "backlog_bytes": backlog_bytes,
                "max_bytes": self._options.outbox_max_bytes,
            },
        )
        self._writer.write(self.codec.encode(Close(f"{_CLOSED_WITH_ERROR} {error}", True)))
        self._writer.abort()
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self.outbox.close()
        self._served.wheel.remove(self)
        self._intake.clear()
        self._tell_detached()
        self._served.tasks.start(self._finish(error))

    async def _finish(self, error: Exception | None) -> None:
        timeout_s = self._options.close_timeout_s
        try:
            if self._dispatcher is not None:
                self._dispatcher.stop()
            if self._connecting is not None and not self._connecting.done():
                # It ends by itself, so that `on_disconnected` finds all or nothing of what it did.
                await asyncio.wait([self._connecting], timeout=timeout_s)
            await self._tasks.cancel(timeout_s)
            await self._served.life.end(self._hub if self._was_connected else None, self._scope, error)
        except Exception as caught:
            log.error("on_disconnected failed", exc_info=caught, extra={"hub": self._served.path})
        finally:
            self._served.registry.remove(self)
            self._leave()
            if not self.finished.done():
                self.finished.set_result(None)

    def _explain(self, error: Exception) -> str:
        return calls.with_cause(_CLOSED_WITH_ERROR, error, self._options.detailed_errors)


def _nothing() -> None:
    pass
