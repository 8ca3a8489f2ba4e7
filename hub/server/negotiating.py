"""`POST {hub}/negotiate` (signalr.md 1.7)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.errors import ProtocolError
from hub.protocol import negotiate
from hub.server.answers import json_answer, not_allowed, preflight, refusal
from hub.server.auth import Refused
from hub.server.opening import Reception
from hub.server.refreshing import token_lifetime_s
from hub.server.served import ServedHub


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
            return preflight(request) or not_allowed("POST")
        server, options = self._server, self._served.options
        query = {name.lower(): value for name, value in request.query_params.items()}
        try:
            user = await server.admit(request, self._served)
            version = negotiate.read_version(query.get("negotiateversion"), minimum=options.minimum_protocol_version)
        except Refused as refused:
            return refusal(server.metrics, refused)
        except ProtocolError as error:
            return json_answer(negotiate.error_body(str(error)))
        if options.redirect is not None and (elsewhere := options.redirect(request)) is not None:
            return json_answer(negotiate.redirect_body(elsewhere.url, elsewhere.access_token))
        stateful = negotiate.uses_stateful_reconnect(
            query.get("usestatefulreconnect"),
            is_allowed=options.allow_stateful_reconnects,
            transports=options.transports,
        )
        connection_id, token = server.tokens.give(self._served.path, user, stateful=stateful)
        return json_answer(
            negotiate.body(
                version,
                connection_id=connection_id,
                connection_token=token,
                transports=options.transports,
                use_stateful_reconnect=stateful,
                token_lifetime_s=token_lifetime_s(user) if options.authentication_refresh else None,
            )
        )
