"""Serving: everything between checked settings and a running app, so that what is wrong is known before it starts."""

import asyncio
import contextlib
import gc
import signal
import socket
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from types import FrameType

import uvicorn

from hub.app import Hubline
from hub.config import Settings
from hub.errors import SettingsError
from hub.listening import listen, tls_context
from hub.server.transports.uvicorn_hook import HttpProtocol
from hub.workers import Inherited, Workers


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; 0 after a graceful end.

    Raises SettingsError, before anything is served, if the address, the certificate or the app cannot be used.
    """
    tls = tls_context(settings)
    _refuse_open_door(settings)
    inherited = Inherited.find()
    sockets = listen(settings) if inherited is None else inherited.sockets
    settings = settings.model_copy(update={"port": sockets[0].getsockname()[1]})
    try:
        if settings.workers > 1 and inherited is None:
            return _serve_by_workers(settings, sockets)
        _serve(settings, sockets, tls, inherited)
    finally:
        for listening in sockets:
            listening.close()
    return 0


def _serve_by_workers(settings: Settings, sockets: Sequence[socket.socket]) -> int:
    command = (sys.executable, "-m", "hub", *sys.argv[1:])

    def say_started(banner: str) -> None:
        print(f"{banner}\n  workers   {settings.workers} processes", flush=True)

    async def serve() -> int:
        return await Workers(command, sockets, settings.workers).run(say_started)

    return asyncio.run(serve())


def _serve(
    settings: Settings, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None, inherited: Inherited | None
) -> None:
    """Open connections delay the end by `shutdown_timeout_s` at most."""
    app = Hubline.from_settings(settings)
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",  # ours is entered below, so that its errors reach the user as they are
            # By name, as anybody may give them to uvicorn: upgraded connections are taken over.
            http="hub.server.transports.uvicorn_takeover:HttpProtocol",
            ws="hub.server.transports.uvicorn_takeover:WebSocketProtocol",
            ws_max_size=4 * settings.max_receive_bytes,  # a frame may carry several messages, each held to the limit
            ws_ping_interval=None,  # the hub protocol has its own
            ws_per_message_deflate=False,
            log_config=None,
            access_log=False,  # tokens are in URLs
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout_s)),
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        ),
        on_started=lambda: say_started(app.banner()),
        on_draining=app.drain,
        on_stopping=lambda: _bounded(app.close_connections(), settings.shutdown_timeout_s),
    )

    def say_started(banner: str) -> None:
        if inherited is None:
            print(banner, flush=True)
        else:
            inherited.say_ready(banner)

    async def serve() -> None:
        if inherited is not None:
            inherited.end_with_parent(lambda: server.handle_exit(signal.SIGTERM, None))
        with _signals(server):
            async with app.lifespan(app):
                _spare_the_collector()
                await server.serve(list(sockets))

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(serve())


def _spare_the_collector() -> None:
    """Keep what was loaded at the start out of garbage collection, and look at the oldest objects less often.

    Full collections of a hub with hundreds of runs were measured to stop everything for 13 to 77 ms. Never switched
    off: the handshakes of uvicorn and Starlette leave cycles behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


FIRST_REQUEST_S = 1.0
"""How long a server that ends waits for the request of who has connected and sent none."""


class _Server(uvicorn.Server):
    """uvicorn's server, that says when it serves and when it ends, and leaves signals to us: it ends by a signal what
    ended well."""

    def __init__(
        self,
        settings: uvicorn.Config,
        on_started: Callable[[], None],
        on_draining: Callable[[], Coroutine[None, None, None]],
        on_stopping: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(settings)
        self._on_started = on_started
        self._on_draining = on_draining
        self._on_stopping = on_stopping
        self._asked_by: int | None = None  # the first signal
        self._hurry = asyncio.Event()  # set by the second
        self._loop: asyncio.AbstractEventLoop | None = None  # once it serves

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._asked_by is None:
            self._asked_by = sig
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurry.set)  # a signal comes in the middle of anything
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the hubs' clients to come again before uvicorn closes their sockets under them.

        SIGTERM, which is how deployments end a node, lets its work end first. Who presses Ctrl-C wants it to end now.
        """
        if self._asked_by == signal.SIGTERM:
            await self._unless_hurried(self._on_draining())
        for listening in self.servers:
            listening.close()  # nobody new meanwhile
        if self._asked_by == signal.SIGTERM:
            await self._unless_hurried(self._first_requests())
        await self._on_stopping()
        await super().shutdown(sockets)

    async def _first_requests(self) -> None:
        """Wait for the requests of those who have just connected: uvicorn would close their sockets unanswered."""
        end = time.monotonic() + FIRST_REQUEST_S
        while time.monotonic() < end:
            connected = list(self.server_state.connections)
            if not any(isinstance(each, HttpProtocol) and each.awaits_request for each in connected):
                return
            await asyncio.sleep(0.01)

    async def _unless_hurried(self, work: Coroutine[None, None, None]) -> None:
        """Do the work; give it up at the second signal."""
        async with asyncio.TaskGroup() as group:
            working = group.create_task(work)
            waiting = group.create_task(self._hurry.wait())
            await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
            working.cancel()
            waiting.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _bounded(work: Coroutine[None, None, None], timeout_s: float) -> None:
    with contextlib.suppress(TimeoutError):  # what has not ended by then is cut by uvicorn
        await asyncio.wait_for(work, timeout_s)


@contextlib.contextmanager
def _signals(server: uvicorn.Server) -> Generator[None, None, None]:
    """End `server` on SIGINT and SIGTERM; the second one does not wait for answers, nor SIGINT for connections."""
    before = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _refuse_open_door(settings: Settings) -> None:
    if not settings.is_loopback and not settings.has_authentication:
        raise SettingsError(
            f"--host {settings.host} (HUBLINE_HOST) would let others in without authentication: set "
            "HUBLINE_JWT_SECRET, --jwt-public-key, --jwt-jwks-url or --firebase-project, or leave it out to serve "
            "this machine only."
        )
