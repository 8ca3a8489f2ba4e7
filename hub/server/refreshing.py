"""`POST {hub}/refresh?id=<connectionToken>`: an open connection goes on by the token that this request carries (N7).

    200 {"tokenLifetimeSeconds": 3600}   how long it lasts, if it ends at all
    400 {"error": "…"}                   no id; 401 no valid token; 403 another user's, or one that may not; 404 gone

What a client may do by hub method (`context.refresh`) clients of .NET 11 do by this request, and before the token ends,
since negotiation tells them when that is.
"""

from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.clock import now_ms
from hub.protocol import negotiate
from hub.server.answers import json_answer, not_allowed, preflight
from hub.server.auth import Gate, Refused, User
from hub.server.claimed import Claimed, ClaimedConnections
from hub.server.forwarded import ForwardedRequest
from hub.server.forwarding import ALL, Forwarding
from hub.server.negotiated import NO_CONNECTION, Token
from hub.server.served import ServedHub
from hub.server.transports.long_polling import NO_STORE

REFRESH = "/refresh"
"""After the path of the hub."""

_MAX_LIFETIME_S = 0x7FFFFFFF  # clients read it as 32 bits


class Reception(Protocol):
    """The server, as far as this needs it."""

    gate: Gate
    claimed: ClaimedConnections
    forwarding: Forwarding | None  # where other nodes share the tokens

    def check_running(self) -> None: ...


class RefreshEndpoint:
    """Of one hub."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        response.headers.update(self._server.gate.cors_headers(request))
        await response(scope, receive, send)

    async def answer_afar(self, forwarded: ForwardedRequest) -> None:
        """To a request that came to another node, which has admitted its user."""
        first = forwarded.first
        try:
            response = self._go_on(self._server.claimed.by_id(first.connection_id), first.user)
        except Refused as refused:
            response = _refusal(refused)
        await response(forwarded.request.scope, forwarded.receive, forwarded.send)

    async def _answer(self, request: Request) -> Response:
        """Raises ClientDisconnect."""
        if (asked := preflight(request)) is not None:
            return asked
        if request.method != "POST":
            return not_allowed("POST")
        try:
            return await self._refresh(request)
        except Refused as refused:
            return _refusal(refused)

    async def _refresh(self, request: Request) -> Response:
        """Raises Refused, ClientDisconnect."""
        found = self._server.claimed.find(self._served, request.query_params.get("id"))
        self._server.check_running()
        user = await self._server.gate.admit(request)
        self._served.check_user(user)
        forwarding = self._server.forwarding
        if found[1] is not None or forwarding is None:
            return self._go_on(found, user)
        self._server.claimed.check_user(found[0], user)
        connection_id = found[0].connection_id
        owner = await forwarding.elsewhere(connection_id) or ALL
        return await forwarding.ask(owner, request, self._served.path + REFRESH, connection_id, user)

    def _go_on(self, found: tuple[Token, Claimed | None], user: User) -> Response:
        """Raises Refused."""
        connection = self._server.claimed.known(found, user).connection
        if connection is None or connection.is_closed:
            raise Refused(404, NO_CONNECTION)
        connection.go_on_as(user)
        return json_answer(negotiate.refreshed_body(token_lifetime_s(user)))


def token_lifetime_s(user: User) -> int | None:
    """How much longer a user's token lasts, in whole seconds of 32 bits; None for ever."""
    return None if user.expires_at is None else min(max(0, (user.expires_at - now_ms()) // 1000), _MAX_LIFETIME_S)


def _refusal(refused: Refused) -> Response:
    body = negotiate.error_body(str(refused))
    return Response(body, refused.status, media_type="application/json", headers={**NO_STORE, **refused.headers})
