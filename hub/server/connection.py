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
from collections.abc import Coroutine, Sequence
from contextvars import Context

from hub.clock import now_ms
from hub.errors import CallError, ProtocolError
from hub.protocol import handshake
from hub.protocol.codec import CODECS
from hub.protocol.handshake import HandshakeRequest
from hub.protocol.messages import Close, HubMessage, Invocation, Ping
from hub.protocol.resend import ResendBuffer
from hub.server.auth.expiry import Expiry
from hub.server.clients import HubClients
from hub.server.closing import ClosingConnection, State
from hub.server.dispatch import Dispatcher
from hub.server.hub import AnyHub
from hub.server.outbox import Writer
from hub.server.registry import ConnectionGroups
from hub.server.resending import ResendingOutbox
from hub.server.worker import current_call

log = logging.getLogger("hub.server")

_PINGS = {name: codec.encode(Ping()) for name, codec in CODECS.items()}
_HANDSHAKE, _OPEN, _CLOSED = State.HANDSHAKE, State.OPEN, State.CLOSED  # for the way that each message takes


class HubConnection(ClosingConnection):
    """See the module. It is also the hub's `HubContext`."""

    __slots__ = ()

    # ------------------------------------------------------------------------------------------- from the transport

    @property
    def paused(self) -> bool:
        """The transport must read no further until `until_readable` returns."""
        intake = self._intake
        return bool(intake.held) or intake.has_bulk

    async def until_readable(self) -> None:
        """Returns when `paused` is over, or the connection is closed."""
        await self._intake.until_readable()

    def turn_begins(self) -> None:
        """What is received from now on comes in another turn of the event loop than what was before."""
        self._intake.slice_bytes = 0

    def receive(self, data: bytes) -> None:
        """Bytes from the client, split or joined anywhere. Never raises."""
        if self.state is not _CLOSED:
            self._liveness.has_heard = True
            if self._intake.may_pass(len(data)):
                self._read(data)
            else:
                self._intake.hold(data)

    def _read(self, data: bytes) -> None:
        if self.state is _CLOSED:
            return
        try:
            messages = self._protocol.receive_data(data)
        except ProtocolError as error:
            self._break(error)
            return
        if self.state is _HANDSHAKE and messages and isinstance(messages[0], HandshakeRequest):
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

    # ---------------------------------------------------------------------------------------------------- messages

    def _handle(self, messages: Sequence[HubMessage]) -> None:
        """Handle messages in order until dispatch is full; the rest is held."""
        intake = self._intake
        if intake.held:
            intake.held = [*intake.held, *messages]
            return
        dispatcher = self._dispatcher
        for index, message in enumerate(messages):
            if self.state is not _OPEN or dispatcher is None or dispatcher.blocked:
                if self.state is not _CLOSED:
                    intake.held = messages[index:]
                return
            if type(message) is Invocation:
                dispatcher.invoke(message)
                continue
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

    def own(self, work: Coroutine[object, object, None], context: Context | None = None) -> asyncio.Task[None]:
        return self._tasks.start(work, context)

    def _leave(self) -> None:
        self._served.on_finished(self)

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
            self, hub, served.named, self._options, self.outbox, self.codec, self.asking, served.metrics,
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
