"""The hubs of `feature_hubs` on three addresses: HTTP, HTTPS by a certificate of the test's own, and HTTP of another
origin, whose hubs pages of the first may use with their cookies."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import HubError
from hub.server.auth import ANONYMOUS, User, bearer_token
from hub.server.options import HubOptions, Redirect, ServerLimits
from hub.server.server import HubServer
from tests.certificate import write_certificate
from tests.interop.feature_hubs import Features, Guarded, Notes, Uncreatable
from tests.interop.stage import HERE, PACKAGES
from tests.server.live import Uvicorn

MAX_BYTES = 4_000_000
TIMEOUT_S = 1.0
"""Of a silent client, at /quick."""
_TAKEOVER = "hub.server.transports.uvicorn_takeover"


def authenticate(request: HTTPConnection) -> User | None:
    """A token is a user's name; the keeper has her role. At /guarded there must be one."""
    token = bearer_token(request)
    if token is None:
        return None if request.scope["path"].startswith("/guarded") else ANONYMOUS
    return User(id=token, roles=frozenset({"keeper"} if token == "keeper" else ()))


class FeatureStage:
    """An ASGI application, and what scenarios may ask of it."""

    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.http = self.https = self.elsewhere = ""  # set when they are served
        self.notes = Notes()
        self.server: HubServer  # set by `start`, as is the next
        self.app: ASGIApp
        self._redirects = 0
        self._cookies: dict[str, str] = {}  # of the newest request that is no negotiation
        self._requests: list[str] = []  # since it was last asked
        self.calls: dict[str, Callable[..., Awaitable[object]]] = {
            "addresses": self._addresses,
            "gone": self.notes.gone.get,
            "noted": self.notes.noted.get,
            "cookies": self._last_cookies,
            "requests": self._last_requests,
            "close_all": self._close_all,
            "send_to": self._send_to,
            "ask_client": self._ask_client,
        }

    async def call(self, method: str, arguments: Sequence[object]) -> object:
        return await self.calls[method](*arguments)

    def reset(self) -> None:
        for queue in (self.notes.gone, self.notes.noted):
            while not queue.empty():
                queue.get_nowait()
        self._requests.clear()

    async def start(self) -> None:
        server = self.server = HubServer(
            authenticate=authenticate, allowed_origins=[self.http], limits=ServerLimits(tick_s=0.02)
        )

        def features(path: str, options: HubOptions) -> None:
            server.add(path, Features, options, make=lambda: Features(self.notes))

        features("/hub", HubOptions(detailed_errors=True))
        features("/plain", HubOptions())
        features("/large", HubOptions(max_receive_bytes=MAX_BYTES, outbox_max_bytes=MAX_BYTES))
        features("/nowebsockets", HubOptions(transports=("ServerSentEvents", "LongPolling")))
        features("/parallel", HubOptions(max_parallel_invocations=3))
        features("/quick", HubOptions(keep_alive_s=0.05, client_timeout_s=TIMEOUT_S, poll_timeout_s=0.1))
        features("/redirected", HubOptions(redirect=self._redirect))
        features("/v1", HubOptions(minimum_protocol_version=1))
        server.add("/uncreatable", Uncreatable, HubOptions(detailed_errors=True))
        server.add("/guarded", Guarded)
        await server.start()
        self.app = Starlette(
            routes=[
                Route("/clientresult/{id}", self._client_result),
                Route("/status/{code:int}/negotiate", _status, methods=["POST"]),
                Route("/said/{what}/negotiate", _said, methods=["POST"]),
                Mount("/interop", StaticFiles(directory=HERE)),
                Mount("/packages", StaticFiles(directory=PACKAGES)),
                *server.routes(),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/negotiate"):
            send = _with_cookies(send)
        elif scope.get("method") != "OPTIONS":  # a browser asks without any
            self._cookies = HTTPConnection(scope).cookies
        self._requests.append(f"{scope.get('method', scope['type'])} {scope['path']}")
        await self.app(scope, receive, send)

    def _redirect(self, request: HTTPConnection) -> Redirect:
        self._redirects += 1
        scheme = request.url.scheme
        return Redirect(f"{scheme}://{request.headers['host']}/hub?numRedirects={self._redirects}")

    async def _client_result(self, request: Request) -> Response:
        """Asks a client from outside of any hub."""
        try:
            client = self.server.clients(Features).client(request.path_params["id"])
            return PlainTextResponse(str(await client.invoke("Result", returns=int)))
        except HubError as error:
            return PlainTextResponse(str(error))

    async def _addresses(self) -> list[str]:
        return [self.http, self.https, self.elsewhere]

    async def _last_cookies(self) -> dict[str, str]:
        return self._cookies

    async def _last_requests(self) -> list[str]:
        requests, self._requests = self._requests, []
        return requests

    async def _close_all(self) -> None:
        for connection in self.server.connections:
            connection.close()

    async def _send_to(self, connection_id: str, target: str, argument: object) -> None:
        await self.server.clients(Features).client(connection_id).send(target, argument)

    async def _ask_client(self, connection_id: str, target: str, timeout_s: float | None = None) -> object:
        client = self.server.clients(Features).client(connection_id)
        try:
            return await client.invoke(target, timeout_s=timeout_s)
        except HubError as error:
            return {"error": str(error)}


def _with_cookies(send: Send) -> Send:
    async def send_with_cookies(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.append("set-cookie", "testCookie=testValue; Path=/")
            headers.append("set-cookie", "testCookie2=testValue2; Path=/")
            headers.append("set-cookie", "expiredCookie=x; Path=/; Expires=Thu, 01 Jan 2015 00:00:00 GMT")
        await send(message)

    return send_with_cookies


async def _status(request: Request) -> Response:
    return PlainTextResponse("Some response from the server", request.path_params["code"])


async def _said(request: Request) -> Response:
    """Answers that a proxy or an older server gives."""
    answers = {"error": {"error": "Not today."}, "old": {"ProtocolVersion": "1.5"}, "loop": {"url": str(request.url)}}
    answers["loop"]["url"] = answers["loop"]["url"].removesuffix("/negotiate").split("/negotiate?")[0]
    return JSONResponse(answers[request.path_params["what"]])


@asynccontextmanager
async def open_feature_stage(folder: Path) -> AsyncIterator[FeatureStage]:
    certificate, key = write_certificate(folder)
    stage = FeatureStage(certificate)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [listener.getsockname()[1] for listener in listeners]
    stage.http, stage.https, stage.elsewhere = (
        f"http://127.0.0.1:{ports[0]}", f"https://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[2]}",
    )  # fmt: skip
    await stage.start()
    async with AsyncExitStack() as serving:
        for listener in listeners:
            tls = {"ssl_certfile": certificate, "ssl_keyfile": key} if listener is listeners[1] else {}
            await serving.enter_async_context(_serving(stage, listener, tls))
        try:
            yield stage
        finally:
            await stage.server.close()


@asynccontextmanager
async def _serving(app: ASGIApp, listener: socket.socket, tls: dict[str, Path]) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_level="error",
        http=f"{_TAKEOVER}:HttpProtocol",
        ws=f"{_TAKEOVER}:WebSocketProtocol",
        ws_max_size=4 * MAX_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        **tls,  # type: ignore[arg-type]  # names of its settings
    )
    server = Uvicorn(config)
    running = asyncio.create_task(server.serve([listener]))
    await server.up.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await running
        listener.close()
