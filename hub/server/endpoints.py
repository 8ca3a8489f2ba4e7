"""`{hub}` itself: what carries connections. WebSocket upgrades are answered here, all else by `over_http`.

Status codes are those of signalr.md 1.8. Each request is admitted by itself; what comes with the token of a connection
must come from its user.
"""

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.server.answers import deny, not_allowed, preflight, refusal
from hub.server.attachment import Attachment, Carried
from hub.server.auth import Refused
from hub.server.claimed import IN_USE, Claimed, check_offered
from hub.server.negotiated import NO_CONNECTION
from hub.server.opening import Held, Opening, Reception
from hub.server.over_http import OverHttp
from hub.server.served import ServedHub
from hub.server.transports import direct
from hub.server.transports.direct import DirectSocket
from hub.server.transports.turn import Turn
from hub.server.transports.websocket import AsgiWriter, serve_websocket


class HubEndpoint:
    """By the three transports (signalr.md 1.8)."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served
        self._opening = Opening(server, served)
        self._over_http = OverHttp(server, served)
        self._turn = Turn()  # of all direct connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._upgrade(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as refused:
            response = refusal(self._server.metrics, refused)
        except ClientDisconnect:
            return
        response.headers.update(self._server.gate.cors_headers(request))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Raises Refused, ClientDisconnect."""
        if request.method in ("GET", "POST", "DELETE"):
            return await self._over_http.answer(request)
        return preflight(request) or not_allowed("GET, POST, DELETE")

    # ----------------------------------------------------------------------------------------------- WebSockets

    async def _upgrade(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        await receive()  # websocket.connect
        try:
            await self._accept(request, receive, send)
        except Refused as refused:
            self._server.metrics.connections_refused += 1
            await deny(scope, receive, send, refused)

    async def _accept(self, request: HTTPConnection, receive: Receive, send: Send) -> None:
        """Raises Refused before anything is accepted."""
        server, served = self._server, self._served
        text = request.query_params.get("id") if request.scope["query_string"] else None
        found = server.claimed.find(served, text) if text else None
        user = await self._opening.admit(request, None if found is None else found[1])
        check_offered(served.options.transports, "WebSockets")
        if found is not None and (again := server.claimed.again(found, user, "WebSockets")) is not None:
            await self._reattach(again, request, receive, send)
            return
        with Held() as held:
            token = None if found is None else found[0]
            claimed = await self._opening.claim(held, request, user, token, "WebSockets")
            await send({"type": "websocket.accept"})
            # No await from the accept to the takeover. The application's call ends then; the connection goes on.
            offer = direct.offered(request.scope)
            writer = AsgiWriter(send) if offer is None else DirectSocket(offer, served, self._turn)
            connection, release = self._opening.connect(held, request, user, claimed, writer, "WebSockets")
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
            raise Refused(409, IN_USE)
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


def _nothing() -> None:
    pass
