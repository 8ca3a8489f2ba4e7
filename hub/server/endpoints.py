"""The HTTP side of one hub: `POST {hub}/negotiate`, the WebSocket upgrade, and the answers to everything else.

Status codes are those of signalr.md 1.7 and 1.8. Each request is admitted by itself; what comes with the token of a
connection must come from its user.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Protocol

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from hub.errors import ProtocolError
from hub.protocol import negotiate
from hub.server.attachment import Attachment, Carried
from hub.server.auth import Gate, Refused, User
from hub.server.claimed import Claimed, ClaimedConnections, check_offered
from hub.server.connection import HubConnection
from hub.server.hub import HttpFacts
from hub.server.metrics import ServerMetrics
from hub.server.negotiated import NO_CONNECTION, Token, Tokens
from hub.server.outbox import Writer
from hub.server.refreshing import token_lifetime_s
from hub.server.served import ServedHub
from hub.server.transports import direct
from hub.server.transports.direct import DirectSocket
from hub.server.transports.http_reading import gone, take_body
from hub.server.transports.long_polling import NO_STORE, LongPolling, PollAnswer
from hub.server.transports.sse import EventStream
from hub.server.transports.turn import Turn
from hub.server.transports.websocket import AsgiWriter, serve_websocket

_DENIED_TIMEOUT_S = 1.0
_IN_USE = "The connection is in use by another request."
# Secrets that no hub needs, and what has served its purpose with the handshake.
_KEPT_OUT = frozenset(
    {
        *("authorization", "cookie", "connection", "upgrade"),
        *("sec-websocket-extensions", "sec-websocket-key", "sec-websocket-version"),
    }
)


class Reception(Protocol):
    """The server, as far as its endpoints need it; `HubServer` says what each does."""

    gate: Gate
    metrics: ServerMetrics
    tokens: Tokens
    claimed: ClaimedConnections

    def check_running(self) -> None: ...
    async def admit(self, request: HTTPConnection, served: ServedHub) -> User: ...
    def place_for(self, user: User, address: str | None) -> AbstractContextManager[None]: ...
    def connect(
        self, served: ServedHub, writer: Writer, *, user: User, http: HttpFacts, connection_id: str | None = None,
        transport: negotiate.TransportName = "WebSockets", stateful: bool = False,
    ) -> HubConnection: ...  # fmt: skip


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
        if request.method != "POST":
            return _preflight(request) or _not_allowed("POST")
        server, options = self._server, self._served.options
        query = {name.lower(): value for name, value in request.query_params.items()}
        try:
            user = await server.admit(request, self._served)
            version = negotiate.read_version(query.get("negotiateversion"), minimum=options.minimum_protocol_version)
        except Refused as refused:
            return _refusal(server, refused)
        except ProtocolError as error:
            return _json(negotiate.error_body(str(error)))
        if options.redirect is not None and (elsewhere := options.redirect(request)) is not None:
            return _json(negotiate.redirect_body(elsewhere.url, elsewhere.access_token))
        stateful = negotiate.uses_stateful_reconnect(
            query.get("usestatefulreconnect"),
            is_allowed=options.allow_stateful_reconnects,
            transports=options.transports,
        )
        connection_id, token = server.tokens.give(self._served.path, user, stateful=stateful)
        return _json(
            negotiate.body(
                version,
                connection_id=connection_id,
                connection_token=token,
                transports=options.transports,
                use_stateful_reconnect=stateful,
                token_lifetime_s=token_lifetime_s(user) if options.authentication_refresh else None,
            )
        )


class HubEndpoint:
    """`{hub}` itself: what carries connections, by the three transports (signalr.md 1.8)."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served
        self._turn = Turn()  # of all direct connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._upgrade(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as refused:
            response = _refusal(self._server, refused)
        except ClientDisconnect:
            return
        response.headers.update(self._server.gate.cors_headers(request))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Raises Refused."""
        match request.method:
            case "GET" if "text/event-stream" in request.headers.get("accept", ""):
                return await self._stream(request)
            case "GET":
                return await self._poll(request)
            case "POST":
                return await self._take(request)
            case "DELETE":
                return await self._delete(request)
            case _:
                return _preflight(request) or _not_allowed("GET, POST, DELETE")

    # ------------------------------------------------------------------------------------------------- opening

    async def _admit(self, request: HTTPConnection, claimed: Claimed | None) -> User:
        """Only what opens a connection counts as a new one."""
        if claimed is None:
            return await self._server.admit(request, self._served)
        self._server.check_running()
        return await self._server.gate.admit(request)

    async def _claim(
        self,
        held: ExitStack,
        request: HTTPConnection,
        user: User,
        token: Token | None,
        transport: negotiate.TransportName,
    ) -> Claimed | None:
        """Take a place and claim the token, if there is one; `held` gives back. Raises Refused."""
        held.enter_context(self._server.place_for(user, _address(request)))
        if token is None:
            return None
        claimed = await self._server.claimed.claim(token, transport)
        held.callback(self._server.claimed.finished, claimed)
        return claimed

    def _connect(
        self, held: ExitStack, request: HTTPConnection, user: User, claimed: Claimed | None, writer: Writer,
        transport: negotiate.TransportName,
    ) -> tuple[HubConnection, Callable[[], None]]:  # fmt: skip
        """A connection, and what gives back all that `held` holds, to be called when it has finished."""
        connection = self._server.connect(
            self._served,
            writer,
            user=user,
            http=_facts(request),
            connection_id=None if claimed is None else claimed.connection_id,
            transport=transport,
            stateful=claimed is not None and claimed.stateful,
        )
        if claimed is not None:
            claimed.connection = connection
        return connection, held.pop_all().close

    # --------------------------------------------------------------------------------- server-sent events, polling

    async def _stream(self, request: Request) -> Response:
        found, user = await self._arrive(request, "ServerSentEvents")
        if self._server.claimed.again(found, user, "ServerSentEvents") is not None:
            raise Refused(409, _IN_USE)
        with ExitStack() as held:
            claimed = await self._claim(held, request, user, found[0], "ServerSentEvents")
            stream = EventStream(self._served.options.close_timeout_s)
            connection, release = self._connect(held, request, user, claimed, stream.writer, "ServerSentEvents")
            stream.connection = connection
        connection.finished.add_done_callback(lambda _: release())
        return stream

    async def _poll(self, request: Request) -> Response:
        found, user = await self._arrive(request, "LongPolling")
        claimed = self._server.claimed.again(found, user, "LongPolling")
        if claimed is None:
            claimed = await self._begin_polling(request, user, found[0])
        poller = claimed.poller
        assert poller is not None  # set with the connection
        if not claimed.polled:
            claimed.polled = True
            return Response(media_type="text/plain", headers=NO_STORE)
        async with gone(request.receive) as client_gone:
            polled = await poller.poll(client_gone)
        if isinstance(polled, bytes):
            return PollAnswer(polled, poller)
        return Response(status_code=204, media_type="text/plain")

    async def _begin_polling(self, request: Request, user: User, token: Token) -> Claimed:
        """The first poll opens the connection, and is answered at once. Raises Refused."""
        server = self._server
        with ExitStack() as held:
            claimed = await self._claim(held, request, user, token, "LongPolling")
            assert claimed is not None
            claimed.poller = poller = LongPolling(self._served.options, self._served.wheel)
            connection, release = self._connect(held, request, user, claimed, poller, "LongPolling")
            connection.finished.add_done_callback(lambda _: release())
            poller.begin(connection, on_over=lambda: server.claimed.drop(claimed))
        return claimed

    async def _arrive(
        self, request: Request, transport: negotiate.TransportName
    ) -> tuple[tuple[Token, Claimed | None], User]:
        """What the token of a GET says, and whose the request is. Raises Refused."""
        found = self._server.claimed.find(self._served, request.query_params.get("id"))
        user = await self._admit(request, found[1])
        check_offered(self._served.options.transports, transport)
        return found, user

    async def _known(self, request: Request) -> tuple[Claimed, HubConnection]:
        """What a POST or DELETE is about. Raises Refused."""
        found = self._server.claimed.find(self._served, request.query_params.get("id"))
        self._server.check_running()
        claimed = self._server.claimed.known(found, await self._server.gate.admit(request))
        assert claimed.connection is not None  # since it is known
        return claimed, claimed.connection

    async def _posted_to(self, request: Request) -> tuple[Claimed, HubConnection]:
        """What a POST is about. Raises Refused.

        Some clients (PyPI's signalrcore) send their handshake before they poll for the first time.
        """
        found = self._server.claimed.find(self._served, request.query_params.get("id"))
        if found[1] is not None or "LongPolling" not in self._served.options.transports:
            return await self._known(request)
        user = await self._admit(request, None)
        self._server.claimed.again(found, user, "LongPolling")  # checks whose it is
        claimed = await self._begin_polling(request, user, found[0])
        assert claimed.connection is not None  # since it has begun
        return claimed, claimed.connection

    async def _take(self, request: Request) -> Response:
        claimed, connection = await self._posted_to(request)
        if claimed.transport == "WebSockets":
            return PlainTextResponse(
                "POST requests are not allowed for WebSocket connections.", 405, headers={"Allow": "GET"}
            )
        async with claimed.posting:
            if connection.is_closed:
                raise Refused(404, NO_CONNECTION)
            await take_body(request, connection, self._served.options.max_body_bytes)
        return PlainTextResponse("")

    async def _delete(self, request: Request) -> Response:
        claimed, connection = await self._known(request)
        if claimed.poller is None:
            return PlainTextResponse("Cannot terminate this connection using the DELETE HTTP method.", 400)
        connection.lost(None)
        claimed.poller.end()
        return PlainTextResponse("", 202)

    # ----------------------------------------------------------------------------------------------- WebSockets

    async def _upgrade(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        await receive()  # websocket.connect
        try:
            await self._accept(request, receive, send)
        except Refused as refused:
            self._server.metrics.connections_refused += 1
            await _deny(scope, receive, send, refused)

    async def _accept(self, request: HTTPConnection, receive: Receive, send: Send) -> None:
        """Raises Refused before anything is accepted."""
        server, served = self._server, self._served
        text = request.query_params.get("id")
        found = server.claimed.find(served, text) if text else None
        user = await self._admit(request, None if found is None else found[1])
        check_offered(served.options.transports, "WebSockets")
        if found is not None and (again := server.claimed.again(found, user, "WebSockets")) is not None:
            await self._reattach(again, request, receive, send)
            return
        with ExitStack() as held:
            token = None if found is None else found[0]
            claimed = await self._claim(held, request, user, token, "WebSockets")
            await send({"type": "websocket.accept"})
            # No await from the accept to the takeover. The application's call ends then; the connection goes on.
            offer = direct.offered(request.scope)
            writer = AsgiWriter(send) if offer is None else DirectSocket(offer, served, self._turn)
            connection, release = self._connect(held, request, user, claimed, writer, "WebSockets")
        carried: Carried = connection
        if claimed is not None and claimed.stateful:
            carried = attachment = Attachment(connection)
            attachment.begin()
        if isinstance(writer, DirectSocket) and carried is connection:
            writer.begin(carried, on_gone=release)
            return
        connection.finished.add_done_callback(lambda _: release())
        if isinstance(writer, DirectSocket):
            writer.begin(carried, on_gone=_nothing)
        else:
            await serve_websocket(carried, writer, receive, served.options.close_timeout_s)

    async def _reattach(self, claimed: Claimed, request: HTTPConnection, receive: Receive, send: Send) -> None:
        """A client with stateful reconnect comes back by another socket (S4). Raises Refused."""
        connection = claimed.connection
        if connection is None or connection.is_closed:
            raise Refused(404, NO_CONNECTION)
        if not connection.may_reattach:
            raise Refused(409, _IN_USE)
        await send({"type": "websocket.accept"})
        attachment = Attachment(connection)
        if (offer := direct.offered(request.scope)) is not None:
            taken = DirectSocket(offer, self._served, self._turn)
            taken.begin(attachment, on_gone=_nothing)
            attachment.attach(taken)
            return
        writer = AsgiWriter(send)
        attachment.attach(writer)
        await serve_websocket(attachment, writer, receive, self._served.options.close_timeout_s)


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


def _refusal(server: Reception, refused: Refused) -> Response:
    server.metrics.connections_refused += 1
    return PlainTextResponse(str(refused), refused.status, headers=refused.headers)


def _preflight(request: Request) -> Response | None:
    """A browser asks what a page of another origin may do; the gate's headers answer."""
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return Response(status_code=204)
    return None


def _not_allowed(allowed: str) -> Response:
    return PlainTextResponse("Method Not Allowed", 405, headers={"Allow": allowed})


def _address(request: HTTPConnection) -> str | None:
    return request.client.host if request.client else None


def _facts(request: HTTPConnection) -> HttpFacts:
    headers = {sys.intern(name): value for name, value in request.headers.items() if name not in _KEPT_OUT}
    query = {name: value for name, value in request.query_params.items() if name not in ("access_token", "id")}
    return HttpFacts(request.scope["path"], headers, query, _address(request))


def _nothing() -> None:
    pass


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=NO_STORE)
