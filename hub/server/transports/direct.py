"""WebSockets without ASGI: the transport of an accepted connection, read and written by us alone.

The upgrade goes through ASGI as ever (routing, authentication, accept). Then, where the server underneath offers it
(see `uvicorn_takeover`), its transport gets this protocol: frames are read here and handed to the hub connection
without a queue, and records are written to the socket as they are sent.

    OPEN ──close()──▶ CLOSING (our close frame has left; waits for the client's) ──▶ GONE
      └── client's close frame, or a broken rule ──▶ PARTING (the last frame leaves) ──▶ ┘

CLOSING and PARTING end after `close_timeout_s` at the latest. Writing: while the socket takes all, `ready`; what it
does not take waits in the transport, and from that very moment `ready` is false until the transport has nothing left.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from typing import Protocol, assert_never

from starlette.types import Scope

from hub.protocol.codec import TransferFormat
from hub.server.attachment import Carried
from hub.server.served import ServedHub
from hub.server.transports import frames
from hub.server.transports.frames import Closed, Event, FrameReader, Ping, Violation
from hub.server.transports.turn import Turn

log = logging.getLogger("hub.server")

SEND_BUFFER_BYTES = 131_072
"""What the kernel takes for a client that does not read, instead of several megabytes: backlog is seen early."""

EXTENSION = "hubline.takeover"
"""In the scope's extensions, where the server underneath offers the takeover: `{"offer": () -> Offer | None}`."""

_GATHER_BYTES = 65_536
_GRACEFUL_CODES = (None, 1000, 1001)
_MIN_MESSAGE_BYTES = 65_536
_RECORDS_PER_FRAME = 4  # of the largest size, in one WebSocket message


class Served(Protocol):
    """What a server keeps of its open connections: it asks them to end when it shuts down."""

    def shutdown(self) -> None: ...


class Offer(Protocol):
    """An accepted WebSocket that may be taken over, now or never: before anything else runs on the event loop."""

    transport: asyncio.Transport
    max_message_bytes: int | None

    def switch(self, taker: "DirectSocket") -> bytes:
        """The transport is `taker`'s from now on; returns what came after the upgrade and was read already."""
        ...

    def gone(self, taker: "DirectSocket") -> None:
        """The taker's transport has ended."""
        ...


class DirectSocket(asyncio.Protocol):
    """`Writer` and reader of one taken-over WebSocket. Begins with `begin`."""

    __slots__ = (
        *("_connection", "_fd", "_framing", "_gathered", "_gathered_bytes", "_is_closing", "_is_parting"),
        *("_is_read_paused", "_offer", "_on_gone", "_pong", "_reader", "_served", "_timeout", "_transport", "_turn"),
        *("on_ready", "ready"),
    )

    def __init__(self, offer: Offer, served: ServedHub, turn: Turn) -> None:
        self.ready = True
        self.on_ready: Callable[[], None] = _nothing
        self._offer = offer
        self._served = served
        self._turn = turn
        self._framing = turn.text
        self._transport = offer.transport
        self._reader = FrameReader(_max_message_bytes(offer, served))
        self._connection: Carried | None = None  # from `begin` on
        self._on_gone: Callable[[], None] = _nothing  # from `begin` on
        self._fd = -1  # written to directly while it is not -1
        self._gathered: list[bytes] = []  # written in this turn of the loop, and not sent yet
        self._gathered_bytes = 0
        self._pong: bytes | None = None  # due once there is no backlog
        self._is_read_paused = False
        self._is_closing = False  # a close frame was sent, or the transport is gone: nothing is written any more
        self._is_parting = False  # the transport is closing by itself once all has left
        self._timeout: asyncio.TimerHandle | None = None  # from the close frame on

    def begin(self, connection: Carried, on_gone: Callable[[], None]) -> None:
        """Take the transport over. `on_gone` is called once: the connection has finished and the socket is gone."""
        self._connection = connection
        self._on_gone = on_gone
        received = self._offer.switch(self)
        self._fd = _tune(self._transport)
        if received:
            self.data_received(received)

    # ------------------------------------------------------------------------------------------------------- writing

    @property
    def transfer_format(self) -> TransferFormat:
        return "Text" if self._framing is self._turn.text else "Binary"

    @transfer_format.setter
    def transfer_format(self, transfer_format: TransferFormat) -> None:
        self._framing = self._turn.text if transfer_format == "Text" else self._turn.binary

    def write(self, records: bytes) -> None:
        if self._is_closing:
            return
        turn = self._turn
        if turn.begin():
            self._put(self._framing.frame(records))
            return
        if not self._gathered:
            turn.at_end(self)
        self._gathered.append(records)
        self._gathered_bytes += len(records)
        if self._gathered_bytes >= _GATHER_BYTES:
            self.flush()

    def write_with_others(self, records: bytes) -> None:
        if self._is_closing:
            return
        if self._gathered:
            self._gathered.append(records)
            self.flush()
            return
        framing = self._framing
        frame = framing.record_frame if records is framing.record else framing.frame(records)
        if self._fd < 0 or not self.ready:
            self._transport.write(frame)
            return
        try:
            sent = os.write(self._fd, frame)
        except OSError:
            sent = 0
        if sent != len(frame):
            self._put_rest(frame[sent:])

    def close(self) -> None:
        self._close(frames.NORMAL_CLOSURE)

    def abort(self) -> None:
        if self._is_parting:
            return
        self.flush()
        self._is_closing, self.ready = True, False
        self._transport.abort()

    def _put(self, frame: bytes) -> None:
        """Hand a whole frame to the kernel, or what it does not take to the transport."""
        if self._fd >= 0 and self.ready:
            try:
                sent = os.write(self._fd, frame)
            except OSError:  # full; if it is broken, the transport finds out
                sent = 0
            if sent != len(frame):
                self._put_rest(frame[sent:])
        else:
            self._transport.write(frame)

    def _put_rest(self, rest: bytes) -> None:
        self._transport.write(rest)
        if self.ready and self._transport.get_write_buffer_size():
            self._fd = -1  # a transport that does not say at once that it has a backlog

    def flush(self) -> None:
        """Send what was gathered in this turn."""
        if self._gathered and not self._is_closing:
            gathered, self._gathered, self._gathered_bytes = self._gathered, [], 0
            self._put(self._framing.frame_of(gathered))

    def _close(self, code: int, reason: str = "") -> None:
        if self._is_closing:
            return
        self.flush()
        self._put(frames.close_frame(code, reason))
        self._is_closing = True
        timeout_s = self._served.options.close_timeout_s
        self._timeout = asyncio.get_running_loop().call_later(timeout_s, self._transport.abort)

    # ------------------------------------------------------------------------------------------------------- reading

    def data_received(self, data: bytes) -> None:
        connection = self._connection
        assert connection is not None  # since `begin`
        connection.turn_begins()
        for event in self._reader.receive_data(data):
            if type(event) is bytes:
                connection.receive(event)
            else:
                self._control(connection, event)
        if connection.paused and not self._is_read_paused:
            self._is_read_paused = True
            self._transport.pause_reading()
            self._served.tasks.start(self._read_on(connection))

    async def _read_on(self, connection: Carried) -> None:
        await connection.until_readable()
        self._is_read_paused = False
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _control(self, connection: Carried, event: Event) -> None:
        match event:
            case Ping(payload):
                # While there is a backlog only the last ping will be answered, as RFC 6455 (5.5.3) allows.
                if not self.ready:
                    self._pong = payload
                elif not self._is_closing:
                    self._put(frames.frame(frames.PONG, payload))
            case Closed(code):
                self._close(event.reply_code)
                self._part()
                graceful = code in _GRACEFUL_CODES
                connection.lost(None if graceful else ConnectionError(_LOST.format(f"WebSocket close code {code}")))
            case Violation(code, reason):
                self._violated(connection, code, reason)
            case bytes():
                connection.receive(event)
            case _:
                assert_never(event)

    def _violated(self, connection: Carried, code: int, reason: str) -> None:
        self._served.metrics.protocol_errors += 1
        log.info(
            "connection closed by a WebSocket protocol error",
            extra={"hub": self._served.path, "code": code, "reason": reason},
        )
        self._close(code, reason)
        if self._transport.can_write_eof() and not self._transport.is_closing():
            # Not closed yet: what the client still sends would reset the connection before the code is read.
            self._is_parting = True
            self._transport.write_eof()
        else:
            self._part()
        connection.lost(ConnectionError(_LOST.format(f"{code}: {reason}")))

    def _part(self) -> None:
        """The last frame was written: let it leave."""
        self._is_parting = True
        self._transport.close()

    # -------------------------------------------------------------------------------------------- from the transport

    def pause_writing(self) -> None:
        self.ready = False

    def resume_writing(self) -> None:
        if self._is_closing:
            return
        self.ready = True
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self._put(frames.frame(frames.PONG, pong))
        self.on_ready()

    def eof_received(self) -> None:
        """The transport closes itself."""

    def connection_lost(self, exc: Exception | None) -> None:
        # From here on the descriptor may be another connection's.
        self._fd = -1
        self._is_closing, self._is_parting, self.ready = True, True, False
        self._gathered = []
        if self._timeout is not None:
            self._timeout.cancel()
        self._offer.gone(self)
        connection = self._connection
        assert connection is not None  # since `begin`
        connection.lost(exc or ConnectionError(_LOST.format("without a close frame")))
        connection.finished.add_done_callback(lambda _: self._on_gone())

    def shutdown(self) -> None:
        """The server underneath ends: the client may come back, to another one."""
        if self._connection is not None:
            self._connection.close()


def offered(scope: Scope) -> Offer | None:
    """What the server underneath offers for an accepted WebSocket."""
    extension = (scope.get("extensions") or {}).get(EXTENSION)
    offer: Offer | None = extension["offer"]() if extension else None
    return offer


_LOST = "The connection was lost ({})."


def _max_message_bytes(offer: Offer, served: ServedHub) -> int:
    """Room for several records; each is held to the hub's own limit."""
    wanted = max(_MIN_MESSAGE_BYTES, _RECORDS_PER_FRAME * served.options.max_receive_bytes)
    return wanted if offer.max_message_bytes is None else min(wanted, offer.max_message_bytes)


def _tune(transport: asyncio.Transport) -> int:
    """Set the socket up; returns the descriptor if bytes may be written to it beside its transport, else -1."""
    is_plain = transport.get_extra_info("ssl_object") is None
    # Exact: a backlog is anything that the socket did not take. Under TLS the limit itself counts as one already.
    transport.set_write_buffer_limits(high=0 if is_plain else 1, low=0)
    raw = transport.get_extra_info("socket")
    if raw is None:
        return -1
    descriptor: int = raw.fileno()
    # uvloop's would be made anew for each of its methods.
    own = socket.socket(raw.family, raw.type, raw.proto, fileno=descriptor)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if raw.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does it only for sockets whose protocol number was given.
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    finally:
        own.detach()
    if not is_plain or sys.platform == "win32" or transport.get_write_buffer_size():
        return -1
    return descriptor


def _nothing() -> None:
    pass
