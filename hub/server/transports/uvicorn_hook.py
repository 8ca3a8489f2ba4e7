"""uvicorn's protocols with additions: bytes that come with an upgrade are kept, its WebSockets may be taken over
(`direct`), who never sends a request, or never ends one that is answered, is cut, and requests that were sent one
behind the other end with their connection. What is used of uvicorn here is private to it; `lacking` says what of
it is not there.

uvicorn parses the head of an upgrade request and passes it on, and drops what came behind it in the same read:
`HttpProtocol` passes that on too, and cuts who does not send a head in time. `WebSocketProtocol` gives none of it to
uvicorn's parser before the application has accepted and either taken the connection over or not: what is held meanwhile
is bounded by not reading on.
"""

import asyncio
import socket
import sys
from collections.abc import Iterable
from typing import cast

import httptools
from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS, Request

from hub.server.transports.direct import EXTENSION, DirectSocket, Served
from hub.server.transports.uvicorn_upgrade import Message, Upgrade, accepted_key

# Of an instance, once it has accepted.
_EXPECTED = ("config", "conn", "connections", "handshake_complete", "loop", "read_paused", "scope", "transport")


def lacking() -> list[str]:
    """What this module builds on and uvicorn does not have."""
    return [
        *_lacks(
            HttpToolsProtocol,
            (
                *("data_received", "handle_websocket_upgrade", "on_headers_complete", "on_message_begin"),
                *("on_message_complete", "on_response_complete", "_start_asgi_task"),
            ),
        ),
        *_lacks(WebSocketsSansIOProtocol, ("data_received", "handle_connect", "run_asgi", "send", "stop_keepalive")),
        *_lacks(httptools, ("HttpParserUpgrade",)),
    ]


def _lacks(owner: object, names: Iterable[str]) -> list[str]:
    return [name for name in names if not hasattr(owner, name)]


HEAD_TIMEOUT_S = 10.0
"""How long the head of a request may take, from the connection or its first byte on, and its body once it is answered;
uvicorn waits for ever."""


MAX_HEAD_BYTES = 65_536
"""Of a request's head, besides what came with its first byte in one read; uvicorn's parser has no bound."""

_TCP = (socket.AF_INET, socket.AF_INET6)

_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


_UNREADABLE = (
    f"The upgrade cannot be read: it may have {MAX_NUM_HEADERS} headers, of {MAX_LINE_LENGTH} bytes each.\n".encode()
)
_HEAD_UNREADABLE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_UNREADABLE), _UNREADABLE)
)


class HttpProtocol(HttpToolsProtocol):
    head_timeout_s = HEAD_TIMEOUT_S
    _head_bytes = 0  # of the head that is being read
    _read = b""  # what is being parsed
    _deadline: asyncio.TimerHandle | None = None  # while a head is waited for, or the rest of an answered request
    _is_in_message = False  # from a request's first byte to its last
    _running: RequestResponseCycle | None = None  # the request that was last given to the application

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        _send_at_once(transport)
        self._deadline = self.loop.call_later(self.head_timeout_s, self._cut)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._running is not None and not self._running.response_complete:
            # uvicorn says it to the newest request only; the one that is being answered would write on for nobody.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle

        async def cut_short(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            await app(scope, receive, send)
            if cycle.response_started and not cycle.response_complete and not cycle.disconnected:
                # Whoever reads nothing is given up. uvicorn would wait for ever until they have read what was written.
                cycle.disconnected = True
                self.transport.abort()

        super()._start_asgi_task(cycle, cut_short)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_in_message and self.cycle.response_complete and self._deadline is None:
            self._deadline = self.loop.call_later(self.head_timeout_s, self._cut)

    def on_message_complete(self) -> None:
        self._is_in_message = False
        self._stop_waiting()
        super().on_message_complete()

    def on_message_begin(self) -> None:
        self._is_in_message = True
        super().on_message_begin()
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_timeout_s, self._cut)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    @property
    def awaits_request(self) -> bool:
        """Whether none has come yet on this connection, or one in part."""
        return self._deadline is not None

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        was_waiting = self._deadline is not None
        self._read = data
        super().data_received(data)
        self._read = b""
        self._head_bytes = self._head_bytes + len(data) if was_waiting and self._deadline is not None else 0
        if self._head_bytes > MAX_HEAD_BYTES:
            self._stop_waiting()
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        upgrade = sys.exception()
        key = accepted_key(self.parser.get_method(), self.headers, may_compress=self.config.ws_per_message_deflate)
        if key is None or self.ws_protocol_class is not WebSocketProtocol:
            super().handle_websocket_upgrade()
        else:
            self.connections.discard(self)
            Upgrade(
                self.config,
                self.server_state,
                self.transport,
                cast(Message, self.scope),
                self.url,
                key,
                lambda: WebSocketProtocol(self.config, self.server_state, self.app_state),
            ).begin()
        # Called while the parser's exception is handled, which says where the head ended.
        if isinstance(upgrade, httptools.HttpParserUpgrade) and (rest := self._read[upgrade.args[0] :]):
            cast(asyncio.Protocol, self.transport.get_protocol()).data_received(rest)


def _send_at_once(transport: asyncio.Transport) -> None:
    """uvicorn writes the head and the body of an answer apart, and the second would wait 40 ms for the peer to
    acknowledge the first. asyncio sees to it only for sockets whose protocol number was given, unlike those that
    uvicorn binds for its workers."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family in _TCP:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class WebSocketProtocol(WebSocketsSansIOProtocol):
    _held = b""  # came before it was decided who reads
    _is_decided = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None and isinstance(scope.get("extensions"), dict):  # there is none if the upgrade is refused
            scope["extensions"][EXTENSION] = {"offer": self.offer}

    def data_received(self, data: bytes) -> None:
        if self._is_decided or not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated and self.conn.handshake_exc is not None:
                # uvicorn waits for a request that its parser has given up.
                self.transport.write(_HEAD_UNREADABLE)
                self.transport.close()
            return
        self._held += data
        if not self.transport.is_closing():
            self.transport.pause_reading()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # Whoever wants the connection takes it before anything else runs.
            self.loop.call_soon(self._decide)

    def _decide(self) -> None:
        """uvicorn reads."""
        if self._is_decided:
            return
        self._is_decided = True
        if self._held and not self.transport.is_closing():
            held, self._held = self._held, b""
            self.transport.resume_reading()
            super().data_received(held)

    def offer(self) -> "UvicornOffer | None":
        """None where the connection cannot be taken over: it is not accepted, or decided, or not of the known kind."""
        if self._is_decided or _lacks(self, _EXPECTED) or not self.handshake_complete:
            return None
        if self.read_paused or self.conn.extensions or self.transport.is_closing():
            return None
        return UvicornOffer(self)


class UvicornOffer:
    """`direct.Offer`. Once taken it holds nothing of the protocol that it came from."""

    __slots__ = ("_open", "_protocol", "max_message_bytes", "transport")

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self.transport = protocol.transport
        self.max_message_bytes: int | None = protocol.config.ws_max_size
        self._open = cast(set[Served], protocol.connections)  # the server's, of all that it must end
        self._protocol: WebSocketProtocol | None = protocol  # until it is taken

    def switch(self, taker: DirectSocket) -> bytes:
        protocol, self._protocol = self._protocol, None
        assert protocol is not None  # taken once
        protocol._is_decided = True
        held, protocol._held = protocol._held, b""
        protocol.stop_keepalive()
        # Its task is about to end, and closes what it thinks is its transport.
        protocol.transport = _Nowhere()
        protocol.scope["extensions"].pop(EXTENSION, None)
        self._open.discard(cast(Served, protocol))
        self._open.add(taker)
        self.transport.set_protocol(taker)
        if held:
            self.transport.resume_reading()
        return held

    def gone(self, taker: DirectSocket) -> None:
        self._open.discard(taker)


class _Nowhere(asyncio.Transport):
    """Stands for a transport that is another's now."""

    def is_closing(self) -> bool:
        return True

    def write(self, data: object) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
