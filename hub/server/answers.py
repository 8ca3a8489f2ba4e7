"""HTTP answers that the endpoints of a hub share, and what they read of a request."""

import asyncio
import sys
from contextlib import suppress

from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from hub.server.auth import Refused
from hub.server.hub import HttpFacts
from hub.server.metrics import ServerMetrics
from hub.server.transports.long_polling import NO_STORE

_DENIED_TIMEOUT_S = 1.0
# Secrets that no hub needs, and what has served its purpose with the handshake.
_KEPT_OUT = frozenset(
    {
        *("authorization", "cookie", "connection", "upgrade"),
        *("sec-websocket-extensions", "sec-websocket-key", "sec-websocket-version"),
    }
)


def refusal(metrics: ServerMetrics, refused: Refused) -> Response:
    metrics.connections_refused += 1
    return PlainTextResponse(str(refused), refused.status, headers=refused.headers)


def preflight(request: Request) -> Response | None:
    """A browser asks what a page of another origin may do; the gate's headers answer."""
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return Response(status_code=204)
    return None


def not_allowed(allowed: str) -> Response:
    return PlainTextResponse("Method Not Allowed", 405, headers={"Allow": allowed})


def json_answer(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=NO_STORE)


async def deny(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
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


def address_of(request: HTTPConnection) -> str | None:
    return request.client.host if request.client else None


def facts_of(request: HTTPConnection) -> HttpFacts:
    headers = {sys.intern(name): value for name, value in request.headers.items() if name not in _KEPT_OUT}
    query = request.query_params.items() if request.scope["query_string"] else ()
    kept = {name: value for name, value in query if name not in ("access_token", "id")}
    return HttpFacts(request.scope["path"], headers, kept, address_of(request))


def is_for_events(request: Request) -> bool:
    """Whether a GET wants server-sent events; else it polls."""
    return "text/event-stream" in request.headers.get("accept", "")
