"""`POST {hub}/refresh?id=<connectionToken>`: an open connection goes on by the token that this request carries (N7).

    200 {"tokenLifetimeSeconds": 3600}   how long it lasts, if it ends at all
    400 {"error": "…"}                   no id; 401 no valid token; 403 another user's, or one that may not; 404 gone

What a client may do by hub method (`context.refresh`) clients of .NET 11 do by this request, and before the token ends,
since negotiation tells them when that is.
"""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from hub.clock import now_ms
from hub.protocol import negotiate
from hub.server.auth import Gate, Refused, User
from hub.server.claimed import ClaimedConnections
from hub.server.negotiated import NO_CONNECTION
from hub.server.served import ServedHub
from hub.server.transports.long_polling import NO_STORE

_MAX_LIFETIME_S = 0x7FFFFFFF  # clients read it as 32 bits


class Reception(Protocol):
    """The server, as far as this needs it."""

    gate: Gate
    claimed: ClaimedConnections

    def check_running(self) -> None: ...


class RefreshEndpoint:
    """Of one hub."""

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
            user = await self._refresh(request)
        except Refused as refused:
            return _json(negotiate.error_body(str(refused)), refused.status, refused.headers)
        return _json(negotiate.refreshed_body(token_lifetime_s(user)))

    async def _refresh(self, request: Request) -> User:
        """Raises Refused."""
        found = self._server.claimed.find(self._served, request.query_params.get("id"))
        self._server.check_running()
        user = await self._server.gate.admit(request)
        self._served.check_user(user)
        connection = self._server.claimed.known(found, user).connection
        if connection is None or connection.is_closed:
            raise Refused(404, NO_CONNECTION)
        connection.go_on_as(user)
        return user


def token_lifetime_s(user: User) -> int | None:
    """How much longer a user's token lasts, in whole seconds of 32 bits; None for ever."""
    return None if user.expires_at is None else min(max(0, (user.expires_at - now_ms()) // 1000), _MAX_LIFETIME_S)


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, media_type="application/json", headers={**NO_STORE, **(headers or {})})
