"""Serving: everything between checked settings and a running app, so that what is wrong is known before it starts."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import FrameType

import uvicorn

from hub.app import Hubline
from hub.config import Settings
from hub.errors import SettingsError


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; 0 after a graceful end.

    Raises SettingsError, before anything is served, if the address, the certificate or the app cannot be used.
    """
    tls = _tls_context(settings)
    _refuse_open_door(settings)
    sockets = _listen(settings)
    try:
        port = sockets[0].getsockname()[1]
        _serve(settings.model_copy(update={"port": port}), sockets, tls)
    finally:
        for listening in sockets:
            listening.close()
    return 0


def _serve(settings: Settings, sockets: list[socket.socket], tls: ssl.SSLContext | None) -> None:
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
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout_s)),
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        ),
        on_started=lambda: print(app.banner(), flush=True),
        on_draining=app.drain,
        on_stopping=lambda: _bounded(app.close_connections(), settings.shutdown_timeout_s),
    )

    async def serve() -> None:
        with _signals(server):
            async with app.lifespan(app):
                _spare_the_collector()
                await server.serve(sockets)

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
            await _unless(self._hurry, self._on_draining())
        for listening in self.servers:
            listening.close()  # nobody new meanwhile
        await self._on_stopping()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _unless(event: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work; give it up when the event is set."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work)
        waiting = group.create_task(event.wait())
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        waiting.cancel()


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


def _listen(settings: Settings) -> list[socket.socket]:
    """A bound socket for each address of the host. Raises SettingsError."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"--host {settings.host} (HUBLINE_HOST) is no address of this machine: {error}.") from error
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        # Of "localhost" with port 0, the second address takes the port that the first was given.
        port = sockets[0].getsockname()[1] if sockets else address[1]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((address[0], port, *address[2:]))
            listening.listen(2048)  # at once: SO_REUSEADDR lets two sockets bind, but only one listen
            listening.setblocking(False)
            sockets.append(listening)
        except OSError as error:
            listening.close()
            # A machine may have a name for ::1 and no IPv6: what matters is that one address works.
            if failure is None or error.errno == errno.EADDRINUSE:
                failure = error
    if failure is not None and (not sockets or failure.errno == errno.EADDRINUSE):
        for bound in sockets:
            bound.close()
        raise SettingsError(_why_not_bound(settings, failure)) from failure
    return sockets


def _why_not_bound(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is taken: stop the program that uses it, "
            "or choose another with --port (HUBLINE_PORT, or PORT= with make run)."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {settings.port} needs more rights than you have: choose one above 1023 with --port (HUBLINE_PORT)."
        )
    return f"Cannot listen on {settings.host} port {settings.port} (--host, --port): {error.strerror or error}."


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Raises SettingsError if the certificate or its key cannot be used."""
    if settings.certfile is None:
        return None
    for flag, path in (
        ("--certfile (HUBLINE_CERTFILE)", settings.certfile),
        ("--keyfile (HUBLINE_KEYFILE)", settings.keyfile),
    ):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise SettingsError(f"{flag} names {path}, which cannot be read: {error.strerror or error}.") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a password would be asked for on the terminal of a server.
        context.load_cert_chain(settings.certfile, settings.keyfile, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise SettingsError(
            f"--certfile {settings.certfile} and --keyfile {settings.keyfile or settings.certfile} are not a "
            "certificate chain with its key, both PEM and without a password."
        ) from error
    return context
