"""One connection: the wire machine, the outbox and dispatch joined, from the transport's first byte to the last hook.

    HANDSHAKE ──good──▶ CONNECTING ──on_connected──▶ OPEN ──▶ CLOSED
        └── refused, timed out, lost ──────────────────────────▶ ┘

With stateful reconnect (signalr.md 1.6) CONNECTING and OPEN have an inactive form: the socket is lost, the hub and its
streams live on. `attach` with another socket within `disconnect_timeout_s` ends it, else the connection ends.

The transport calls `receive` with what came, in order, and reads no further while `paused`; and `lost` when the peer
has gone. Everything is synchronous except the hooks and methods of the hub, which run in tasks of the connection.
In CLOSED nothing is sent or dispatched any more; the end (cancel what runs, `on_disconnected`, leave all groups)
runs as a task of the server, and `finished` resolves after it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum

from hub.clock import now_ms
from hub.errors import CallError, HandshakeError, ProtocolError
from hub.protocol import handshake
from hub.protocol.codec import CODECS, Codec
from hub.protocol.handshake import HandshakeRequest
from hub.protocol.messages import Close, HubMessage, Invocation, Ping
from hub.protocol.negotiate import TRANSFER_FORMATS, TransportName
from hub.protocol.resend import ResendBuffer
from hub.protocol.server import ServerProtocol
from hub.server import calls
from hub.server.asking import Asking
from hub.server.auth import Refused, User
from hub.server.auth.expiry import Expiry
from hub.server.clients import HubClients
from hub.server.dispatch import Dispatcher, current_call
from hub.server.hub import AnyHub, HttpFacts
from hub.server.inject import Scope
from hub.server.intake import Intake
from hub.server.liveness import Liveness
from hub.server.outbox import Outbox, Writer
from hub.server.registry import ConnectionGroups
from hub.server.resending import ResendingOutbox
from hub.server.served import ServedHub
from hub.server.tasks import OwnedTasks

log = logging.getLogger("hub.server")

_PINGS = {name: codec.encode(Ping()) for name, codec in CODECS.items()}
_CLOSED_WITH_ERROR = "Connection closed with an error."


class State(Enum):
    HANDSHAKE = "handshake"
    CONNECTING = "connecting"
    OPEN = "open"
    CLOSED = "closed"


class HubConnection:
    """See the module. It is also the hub's `HubContext`."""

    __slots__ = (
        *("_codec", "_connecting", "_dispatcher", "_expiry", "_hub", "_inactive_since", "_intake"),
        *("_is_polled", "_liveness", "_lost_by", "_opened_at", "_options", "_protocol", "_resending"),
        *("_scope", "_served", "_stateful", "_tasks", "_was_connected", "_writer", "asking", "connection_id"),
        *("finished", "groups", "http", "items", "on_detached", "outbox", "state", "user"),
    )

    def __init__(
        self, served: ServedHub, writer: Writer, *, connection_id: str, user: User, http: HttpFacts,
        transport: TransportName = "WebSockets", stateful: bool = False,
    ) -> None:  # fmt: skip
        options = served.options
        self.connection_id = connection_id
        self.user = user
        self.http = http
        self.items: dict[str, object] = {}
        self.groups: set[str] = set()  # written by the registry only
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
        self._expiry = Expiry(user, options.token_warning_s) if options.close_on_expiry else None
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

    # ----------------------------------------------------------------------------------------- as the hub sees it

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

    # ------------------------------------------------------------------------------------------- from the transport

    @property
    def paused(self) -> bool:
        """The transport must read no further until `until_readable` returns."""
        return self._intake.is_full

    async def until_readable(self) -> None:
        """Returns when `paused` is over, or the connection is closed."""
        await self._intake.until_readable()

    def receive(self, data: bytes) -> None:
        """Bytes from the client, split or joined anywhere. Never raises."""
        if self.state is not State.CLOSED:
            self._liveness.has_heard = True
            self._intake.receive(data)

    def _read(self, data: bytes) -> None:
        if self.state is State.CLOSED:
            return
        try:
            messages = self._protocol.receive_data(data)
        except ProtocolError as error:
            self._break(error)
            return
        if messages and isinstance(messages[0], HandshakeRequest):
            messages = messages[1:]
            self._handshaken()
        handled: Sequence[HubMessage] = messages  # type: ignore[assignment]  # the handshake is only ever the first
        if self._resending is not None:
            try:
                handled = self._resending.sift(handled)
            except ProtocolError as error:
                self._break(error)
                return
        self._handle(handled)

    def lost(self, error: Exception | None) -> None:
        """The transport has ended: with None if the client closed it properly, else with the reason.

        What it sent before is still read, unless dispatch is full.
        """
        if self.state is not State.CLOSED and self._intake.when_read(lambda: self.lost(error)):
            return
        if error is not None and self._resending is not None:
            self._detach(self._resending, error)
            return
        if error is None and self._protocol.has_partial:
            error = ProtocolError("The connection ended inside a message.")
        self._writer.abort()
        self._end(error)

    # -------------------------------------------------------------------------------------------- stateful reconnect

    @property
    def may_reattach(self) -> bool:
        """Another socket may take over."""
        return self._resending is not None and self.state is not State.CLOSED

    def attach(self, writer: Writer) -> None:
        """Go on by a new socket (S4), whether the loss of the old one was noticed or not. Needs `may_reattach`."""
        assert self._resending is not None
        if self._inactive_since is None:
            self._detach(self._resending, ConnectionError("The client came with another socket."))
        self._inactive_since = None
        self._writer = writer
        writer.transfer_format = self.codec.transfer_format
        self._liveness.restart(self._served.wheel.now)
        self._served.metrics.reattached += 1
        self._resending.attach(writer)

    def _detach(self, resending: ResendingOutbox, error: Exception) -> None:
        if self.state is State.CLOSED or self._inactive_since is not None:
            return
        self._inactive_since = self._served.wheel.now
        self._lost_by = error
        self._intake.clear_bulk()  # the client will send it again
        self._protocol.drop_partial()
        resending.detach()
        self._writer.abort()
        self._tell_detached()

    def _tell_detached(self) -> None:
        on_detached, self.on_detached = self.on_detached, _nothing
        on_detached()

    # ---------------------------------------------------------------------------------------------------- messages

    def _handle(self, messages: Sequence[HubMessage]) -> None:
        """Handle messages in order until dispatch is full; the rest is held."""
        intake = self._intake
        if intake.held:
            intake.held = [*intake.held, *messages]
            return
        dispatcher = self._dispatcher
        for index, message in enumerate(messages):
            if self.state is not State.OPEN or dispatcher is None or dispatcher.blocked:
                if self.state is not State.CLOSED:
                    intake.held = messages[index:]
                return
            if type(message) is Close:
                self._writer.close()
                self._end(None)
                return
            if type(message) is Ping:
                self._liveness.pinged(self._served.wheel.now)
            dispatcher.accept(message)
        if self._protocol.error is not None:
            self._break(self._protocol.error)

    def on_unblocked(self) -> None:
        if self._intake.held:
            # Not at once: this is called from inside dispatch.
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        held, self._intake.held = self._intake.held, ()
        if self.state is not State.CLOSED:
            self._handle(held)
        if not self._intake.held:
            self._intake.go_on()

    def own(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        return self._tasks.start(work)

    def _send_invocation(self, message: Invocation) -> None:
        self.outbox.send(self.codec.encode(message))

    # --------------------------------------------------------------------------------------------------- beginning

    def _handshaken(self) -> None:
        served, codec = self._served, self._protocol.codec
        self._codec = codec
        self._writer.transfer_format = codec.transfer_format
        self.outbox.send(self._protocol.handshake_reply)
        if self._stateful and self._protocol.version == 2:
            buffer = ResendBuffer(self._options.stateful_reconnect_buffer_bytes)
            self.outbox = self._resending = ResendingOutbox(
                self._writer, self._options.outbox_max_bytes, self._overflow, buffer, codec
            )
        self._scope = served.life.scope(self)
        served.registry.add(self)
        self.state = State.CONNECTING
        if not served.life.is_immediate:
            self._connecting = self._tasks.start(self._connect())
            return
        try:
            hub = served.life.make_now(self._scope)
        except Exception as error:
            self._not_made(error)
            return
        self._prepare(hub)
        self._connected()

    def _not_made(self, error: Exception) -> None:
        log.error("the hub cannot be made", exc_info=error, extra={"hub": self._served.path})
        self.close(self._explain(error), allow_reconnect=False, reason=error)

    def _prepare(self, hub: AnyHub) -> None:
        served = self._served
        self._hub = hub
        hub.context = self
        hub.groups = ConnectionGroups(served.registry, self.connection_id)
        hub.clients = HubClients(served.registry, self.connection_id, served.make_proxy)
        self._dispatcher = Dispatcher(
            self, hub, served.methods, self._options, self.outbox, self.codec, self.asking, served.metrics,
            served.limit_for(self.user),
        )  # fmt: skip

    async def _connect(self) -> None:
        current_call.set("connecting")
        life = self._served.life
        try:
            hub = await life.make(self._scope)
        except Exception as error:
            self._not_made(error)
            return
        self._prepare(hub)
        try:
            await life.connect(hub)
        except Exception as error:
            log.error("on_connected failed", exc_info=error, extra={"hub": self._served.path})
            self.close(self._explain(error), allow_reconnect=False, reason=error)
            return
        self._was_connected = True
        if self.state is State.CONNECTING:
            current_call.set(None)
            self._connected()
            self._go_on()

    def _connected(self) -> None:
        self._was_connected = True
        self.state = State.OPEN

    # ------------------------------------------------------------------------------------------------------ timeouts

    def tick(self, now: float) -> None:
        if self.state is State.HANDSHAKE:
            if now - self._opened_at >= self._options.handshake_timeout_s:
                self._refuse_handshake(handshake.reply(handshake.CANCELED), TimeoutError(handshake.CANCELED))
            return
        if self.state is State.CLOSED:
            return
        if self._expiry is not None and self._expiry.expires_at is not None and not self._check_expiry(self._expiry):
            return
        if self._inactive_since is not None:
            if now - self._inactive_since >= self._options.disconnect_timeout_s:
                self._end(self._lost_by)
            return
        liveness = self._liveness
        if liveness.is_silent(now, self._intake.is_full or (self._dispatcher is not None and self._dispatcher.busy)):
            self._time_out()
            return
        if self._resending is not None:
            self._resending.send_ack()
        if self._is_polled:
            return  # no pings (P1), and it takes what there is when it polls
        if liveness.wants_ping(now, self.outbox):
            self._ping()
        if liveness.is_stuck(now, self.outbox):
            limit = self._options.transport_send_timeout_s
            self._cut(
                f"it has taken nothing for {limit} s, the limit (transport_send_timeout_s)", self.outbox.waiting_bytes
            )

    def _ping(self) -> None:
        ping = _PINGS[self.codec.name]
        if self._resending is None:
            self.outbox.send(ping)
        else:
            self._resending.send_uncounted(ping)

    def _check_expiry(self, expiry: Expiry) -> bool:
        """Warn or close when the token ends; whether the connection goes on."""
        match expiry.due(now_ms()):
            case "warn":
                self._send_invocation(Invocation("TokenExpiring", ({"expiresAt": expiry.expires_at},)))
            case "end":
                self._served.metrics.tokens_expired += 1
                error = CallError("token_expired", "The token has ended. Connect again with a new one.")
                self.close(str(error), reason=error)
                return False
            case "nothing":
                pass
        return True

    def _time_out(self) -> None:
        self._served.metrics.client_timeouts += 1
        error = TimeoutError(
            f"The client has sent nothing for {self._options.client_timeout_s} s, the limit (client_timeout_s)."
        )
        self.close(self._explain(error), reason=error)

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
            if not self.finished.done():
                self.finished.set_result(None)

    def _explain(self, error: Exception) -> str:
        return calls.with_cause(_CLOSED_WITH_ERROR, error, self._options.detailed_errors)


def _nothing() -> None:
    pass
