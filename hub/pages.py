"""What is served besides the hubs: the web viewer at `/`, and whether the node is alive and takes traffic."""

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.metrics import CONTENT_TYPE
from hub.server.auth.forwarded import forwarding_header

VIEWER = Path(__file__).parent / "viewer"

# Everything that the viewer needs is in its folder; it talks to this hub only, and shows nothing from elsewhere.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "
    "img-src 'self' data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
NOT_BUILT = (
    "The web viewer is not built: install Node.js and run `make run` again.\n"
    "The hub itself works: connect a SignalR client to /hub, or use `hubline chat`.\n"
)


def routes(not_ready: Callable[[], str | None], metrics: Callable[[], bytes]) -> list[BaseRoute]:
    """To come after the hubs', since the viewer takes all other paths.

    `not_ready` says in a word why the node takes no traffic; None while it does.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = not_ready()
        if reason is None:
            return JSONResponse({"ready": True})
        return JSONResponse({"ready": False, "reason": reason}, status_code=503)

    async def numbers(request: Request) -> Response:
        # For who scrapes the node itself. What came through a proxy came from elsewhere, and these are not for all.
        if forwarding_header(request.headers):
            return PlainTextResponse("Ask the node itself for its metrics, not a proxy before it.\n", status_code=403)
        return Response(metrics(), headers={"content-type": CONTENT_TYPE})

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", numbers),
        *_viewer(),
    ]


def _viewer() -> list[BaseRoute]:
    if not (VIEWER / "index.html").is_file():

        async def not_built(_: Request) -> Response:
            return PlainTextResponse(NOT_BUILT, status_code=503)

        return [Route("/", not_built)]
    return [Mount("/", _WithHeaders(StaticFiles(directory=VIEWER, html=True)))]


class _WithHeaders:
    """Adds the viewer's security headers to whatever the application below answers."""

    def __init__(self, below: ASGIApp) -> None:
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                cache = b"no-cache" if not scope["path"].rpartition("/assets/")[1] else b"max-age=31536000, immutable"
                message["headers"] = [*message["headers"], *HEADERS, (b"cache-control", cache)]
            await send(message)

        await self._below(scope, receive, send_with_headers)
