"""The HTTP side of one hub: `POST {hub}/negotiate`, the WebSocket upgrade, and the answers to everything else.

Status codes are those of signalr.md 1.7 and 1.8. Server-sent events and long polling are not offered yet.
"""

import asyncio
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Protocol

from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from hub.errors import ProtocolError
from hub.protocol import negotiate
from hub.server.auth import Gate, Refused, User
from hub.server.connection import HubConnection
from hub.server.hub import HttpFacts
from hub.server.metrics import ServerMetrics
from hub.server.negotiated import NegotiatedTokens
from hub.server.outbox import Writer
from hub.server.served import ServedHub
from hub.server.transports import direct
from hub.server.transports.direct import DirectSocket
from hub.server.transports.turn import Turn
from hub.server.transports.websocket import AsgiWriter, serve_websocket

TRANSPORTS: tuple[negotiate.TransportName, ...] = ("WebSockets",)
_DENIED_TIMEOUT_S = 1.0
_KEPT_OUT = frozenset({"authorization", "cookie"})  # secrets that no hub needs


class Reception(Protocol):
    """The server, as far as its endpoints need it; `HubServer` says what each does."""

    gate: Gate
    metrics: ServerMetrics
    negotiated: NegotiatedTokens

    def now(self) -> float: ...
    async def admit(self, request: HTTPConnection, served: ServedHub) -> User: ...
    def claim(self, served: ServedHub, token: str | None, user: User) -> str: ...
    def place_for(self, user: User, address: str | None) -> AbstractContextManager[None]: ...
    def connect(
        self, served: ServedHub, writer: Writer, *, user: User, http: HttpFacts, connection_id: str | None = None
    ) -> HubConnection: ...


class NegotiateEndpoint:
    """`POST {hub}/negotiate`."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        response.headers.update(self._server.gate.cors_headers(request))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return Response(status_code=204)
        if request.method != "POST":
            return PlainTextResponse("Method Not Allowed", 405, headers={"Allow": "POST"})
        try:
            user = await self._server.admit(request, self._served)
            query = {name.lower(): value for name, value in request.query_params.items()}
            version = negotiate.read_version(query.get("negotiateversion"))
        except Refused as refused:
            self._server.metrics.connections_refused += 1
            return PlainTextResponse(str(refused), refused.status, headers=refused.headers)
        except ProtocolError as error:
            return _json(negotiate.error_body(str(error)))
        connection_id, token = self._server.negotiated.give(self._served.path, user, self._server.now())
        return _json(
            negotiate.body(version, connection_id=connection_id, connection_token=token, transports=TRANSPORTS)
        )


class HubEndpoint:
    """`{hub}` itself: WebSocket upgrades are served, other requests are answered as the reference server does."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served
        self._turn = Turn()  # of all direct connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._upgrade(scope, receive, send)
        else:
            await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "POST", "DELETE"):
            return PlainTextResponse("Method Not Allowed", 405, headers={"Allow": "GET, POST, DELETE"})
        if "id" not in request.query_params:
            return PlainTextResponse("Connection ID required", 400)
        return PlainTextResponse("No Connection with that ID", 404)

    async def _upgrade(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        server, served = self._server, self._served
        token = request.query_params.get("id")
        await receive()  # websocket.connect
        try:
            user = await server.admit(request, served)
            address = request.client.host if request.client else None
            with ExitStack() as held:
                held.enter_context(server.place_for(user, address))
                connection_id = server.claim(served, token, user)
                if token is not None:
                    held.callback(server.negotiated.release, token)
                await send({"type": "websocket.accept"})
                facts = _facts(request, address)
                if (offer := direct.offered(scope)) is not None:
                    # No await from the accept to here. The application's call ends; the connection goes on.
                    taken = DirectSocket(offer, served, self._turn)
                    connection = server.connect(served, taken, user=user, http=facts, connection_id=connection_id)
                    taken.begin(connection, on_gone=held.pop_all().close)
                    return
                writer = AsgiWriter(send)
                connection = server.connect(served, writer, user=user, http=facts, connection_id=connection_id)
                await serve_websocket(connection, writer, receive, served.options.close_timeout_s)
        except Refused as refused:
            server.metrics.connections_refused += 1
            await _deny(scope, receive, send, refused)


async def _deny(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    """Answer the upgrade with an HTTP status; where the server underneath cannot, it says 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": str(refused)})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    headers += [(name.encode(), value.encode()) for name, value in refused.headers.items()]
    await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": str(refused).encode()})
    # uvicorn reports an error for an application that returns before the refused connection is gone.
    with suppress(TimeoutError):
        async with asyncio.timeout(_DENIED_TIMEOUT_S):
            await receive()
            await receive()


def _facts(request: HTTPConnection, address: str | None) -> HttpFacts:
    headers = {name: value for name, value in request.headers.items() if name not in _KEPT_OUT}
    query = {name: value for name, value in request.query_params.items() if name not in ("access_token", "id")}
    return HttpFacts(request.url.path, headers, query, address)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
