"""The short way of a WebSocket upgrade under uvicorn: from the head that its HTTP parser has read to the takeover.

uvicorn would write the head anew, have it parsed a second time, and make all that a WebSocket of its own needs. An
upgrade that `direct` takes over needs none of that, and costs half: here the application is called, and once it has
accepted and takes the connection over, the answer is written. In every other case uvicorn's own protocol is begun,
late, and gets what the application has said so far: it accepts and does not take it over, or refuses, or fails.

    ASKING ──accept──▶ ACCEPTED ──offer taken, in the same turn──▶ TAKEN
       └── anything else ──▶ ┴── else ──▶ RELAYED (uvicorn's protocol has the transport)
"""

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol, cast
from urllib.parse import unquote

import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from hub.server.transports.direct import EXTENSION, DirectSocket, Served

log = logging.getLogger("hub.server")

Message = MutableMapping[str, Any]
Headers = Iterable[tuple[bytes, bytes]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ONLY_ONCE = frozenset({b"sec-websocket-key", b"sec-websocket-version"})
_UNUSUAL = frozenset({b"sec-websocket-protocol", b"content-length", b"transfer-encoding"})


class Slow(Protocol):
    """uvicorn's protocol of one WebSocket, which calls `app`."""

    app: Callable[..., Any]

    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def shutdown(self) -> None: ...


def accepted_key(method: bytes, headers: Headers, *, may_compress: bool) -> bytes | None:
    """The answer to the client's key (RFC 6455, 4.2.2), if the handshake is one that has nothing unusual about it.

    `headers` have their names in lower case. Whether it is an upgrade to WebSockets at all was looked at before.
    """
    found: dict[bytes, bytes] = {}
    count = 0
    for name, value in headers:
        count += 1
        if name in _ONLY_ONCE:
            if name in found:
                return None
            found[name] = value
        elif name in _UNUSUAL or (may_compress and name == b"sec-websocket-extensions"):
            return None
        if len(name) + len(value) + 4 > MAX_LINE_LENGTH:
            return None
    key = found.get(b"sec-websocket-key", b"")
    if method != b"GET" or found.get(b"sec-websocket-version") != b"13" or count > MAX_NUM_HEADERS or len(key) != 24:
        return None
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            return None
    except binascii.Error:
        return None
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())


class Upgrade(asyncio.Protocol):
    """One upgrade, from `begin` until it is taken or relayed."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        transport: asyncio.Transport,
        scope: Message,
        target: bytes,
        key: bytes,
        make_slow: Callable[[], Slow],
    ) -> None:
        """`scope` is the HTTP request's, of which the application's is made; `target` as the client wrote it."""
        self.transport = transport
        self.connections = cast(set[Served], state.connections)  # the server's, of all that it must end
        self.max_message_bytes: int | None = config.ws_max_size
        self._app = config.loaded_app
        self._state = state
        self._scope = scope
        self._target = target
        self._key = key
        self._make_slow = make_slow
        self._task: asyncio.Task[None] | None = None  # of the application; from `begin` on
        self._is_asked = False  # the application has had its `websocket.connect`
        self._accept: Message | None = None  # as the application sent it
        self._is_taken = False
        self._is_gone = False  # the client has
        self._relay: _Relay | None = None
        self._held = b""  # came before it was decided who reads

    def begin(self) -> None:
        self.connections.add(self)
        self.transport.set_protocol(self)
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._state.tasks.add(self._task)
        self._task.add_done_callback(self._ended)

    # -------------------------------------------------------------------------------------------- the application

    async def _run(self) -> None:
        scope = self._scope
        path, _, query = self._target.partition(b"?")
        root_path: str = scope["root_path"]
        await self._app(
            {
                "type": "websocket",
                "asgi": {**scope["asgi"], "spec_version": "2.4"},
                "http_version": "1.1",
                "scheme": "wss" if scope["scheme"] == "https" else "ws",
                "server": scope["server"],
                "client": scope["client"],
                "root_path": root_path,
                "path": root_path + unquote(path.decode("ascii")),
                "raw_path": root_path.encode("ascii") + path,
                "query_string": query,
                "headers": scope["headers"],
                "subprotocols": [],
                "state": scope["state"],
                "extensions": {"websocket.http.response": {}, EXTENSION: {"offer": self._offer}},
            },
            self._receive,
            self._send,
        )

    async def _receive(self) -> Message:
        if not self._is_asked:
            self._is_asked = True
            return {"type": "websocket.connect"}
        if self._is_gone and self._relay is None:
            return {"type": "websocket.disconnect", "code": 1006}
        message: Message = await (await self._relayed()).receive()
        return message

    async def _send(self, message: Message) -> None:
        if self._is_gone and self._relay is None:
            raise ClientDisconnected
        if message["type"] == "websocket.accept" and self._accept is None and self._relay is None:
            self._accept = message
            # Whoever wants the connection takes it before anything else runs.
            asyncio.get_running_loop().call_soon(self._decide)
            return
        await (await self._relayed()).send(message)

    async def _relayed(self) -> "_Relay":
        self._decide()
        assert self._relay is not None  # the application has it, so it was not taken
        await self._relay.is_ready.wait()
        return self._relay

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._state.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if not (self._is_taken or self._is_gone):
            self._decide()  # uvicorn says what follows from how it ended
        elif error is not None and not isinstance(error, ClientDisconnected):
            log.error("Exception in ASGI application", exc_info=error)

    # ------------------------------------------------------------------------------------------------ who takes it

    def _offer(self) -> "UpgradeOffer | None":
        """None where the connection cannot be taken over: it is not accepted, or that has something to it, or gone."""
        accept = self._accept
        if accept is None or accept.get("headers") or accept.get("subprotocol"):
            return None
        if self._is_taken or self._relay is not None or self._is_gone or self.transport.is_closing():
            return None
        return UpgradeOffer(self)

    def take(self, taker: DirectSocket) -> bytes:
        """The transport is `taker`'s from now on; returns what came already."""
        self._is_taken = True
        headers = b"".join([b"%b: %b\r\n" % header for header in self._state.default_headers])
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\n%bUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % (headers, self._key)
        )
        self.connections.discard(self)
        self.connections.add(taker)
        self.transport.set_protocol(taker)
        if self._held:
            self.transport.resume_reading()
        return self._held

    def _decide(self) -> None:
        """uvicorn's protocol gets it, if nobody has taken it."""
        if self._is_taken or self._is_gone or self._relay is not None:
            return
        assert self._task is not None  # since `begin`
        self._relay = _Relay(self._task, self._accept)
        self.connections.discard(self)
        slow = self._make_slow()
        slow.app = self._relay
        slow.connection_made(self.transport)
        slow.data_received(self._head())
        self.transport.set_protocol(cast(asyncio.Protocol, slow))
        if self._held:
            slow.data_received(self._held)

    def _head(self) -> bytes:
        lines = [b"GET %b HTTP/1.1\r\n" % self._target]
        lines += [b"%b: %b\r\n" % header for header in self._scope["headers"]]
        return b"".join(lines) + b"\r\n"

    # ------------------------------------------------------------------------------------------- from the transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_gone = True
        self.connections.discard(self)

    def shutdown(self) -> None:
        """The server underneath ends."""
        self._decide()
        cast(Slow, self.transport.get_protocol()).shutdown()


class UpgradeOffer:
    """`direct.Offer`. Once taken it holds nothing of the upgrade."""

    __slots__ = ("_open", "_upgrade", "max_message_bytes", "transport")

    def __init__(self, upgrade: Upgrade) -> None:
        self.transport = upgrade.transport
        self.max_message_bytes = upgrade.max_message_bytes
        self._open = upgrade.connections
        self._upgrade: Upgrade | None = upgrade  # until it is taken

    def switch(self, taker: DirectSocket) -> bytes:
        upgrade, self._upgrade = self._upgrade, None
        assert upgrade is not None  # taken once
        return upgrade.take(taker)

    def gone(self, taker: DirectSocket) -> None:
        self._open.discard(taker)


class _Relay:
    """The application that uvicorn's protocol calls, in the place of the one that was called before."""

    def __init__(self, task: asyncio.Task[None], accept: Message | None) -> None:
        self.is_ready = asyncio.Event()  # `receive` and `send` may be used
        self.receive: Callable[[], Any]
        self.send: Callable[[Message], Any]
        self._task = task
        self._accept = accept

    async def __call__(self, scope: object, receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
        self.receive, self.send = receive, send
        await receive()  # websocket.connect, which the application has had
        try:
            if self._accept is not None:
                await send(self._accept)
        finally:
            self.is_ready.set()
        await self._task
