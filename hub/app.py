"""`Hubline`, the application: puts the rooms together. With `offering` the only one that names their
concrete classes."""

import asyncio
import functools
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from hub import authentication, banner, config, measures, metrics, offering, pages, tooling, uncaught
from hub.api.app import HttpApi
from hub.backplane.base import Backplane
from hub.backplane.memory import MemoryBackplane
from hub.backplane.redis import MEANING as REDIS_METRICS
from hub.backplane.redis import RedisBackplane, RedisOptions
from hub.backplane.sqlite import SqliteBackplane
from hub.chat.parts import Access
from hub.chat_hub import ChatHub, PresencePush, ToolPush
from hub.clock import now_ms
from hub.config import Settings
from hub.downloads import Downloads
from hub.errors import BackplaneAway
from hub.hooks.base import ContextFunction, InputFunction, OutputFunction
from hub.hooks.registry import Fails
from hub.providers.base import Provider
from hub.runs.chats import Chats
from hub.runs.drive.driver import DriverEnvironment
from hub.runs.drive.supervisor import Supervisor
from hub.runs.environment import RunEnvironment
from hub.runs.follow.follows import Follows
from hub.runs.sessions import Sessions
from hub.server.auth import Authenticate, Refused, User
from hub.server.clients import C, ServerClients
from hub.server.filters import HubFilter
from hub.server.hub import AnyHub, Hub
from hub.server.inject import Factory, Lifetime
from hub.server.metrics import MEANING as SERVER_METRICS
from hub.server.negotiated import Claims
from hub.server.options import HubOptions
from hub.server.server import HubServer
from hub.server.testing import TestClient
from hub.tools.schema import ToolFunction

logger = logging.getLogger("hub.app")

CHAT_PATH = "/hub"

F = TypeVar("F", bound=ToolFunction)
H = TypeVar("H", bound=type[AnyHub])
P = ParamSpec("P")
T = TypeVar("T")


def _called(make: Callable[P, T]) -> Callable[P, T]:
    """Of a method that makes a decorator: says so where it is taken for one, without parentheses."""

    @functools.wraps(make)
    def checked(*args: P.args, **named: P.kwargs) -> T:
        if len(args) > 1:  # more than `self`: the function under it
            raise TypeError(f"write @app.{make.__name__}(), with the parentheses: it takes names only")
        return make(*args, **named)

    return checked


class Hubline:
    """The hub as an ASGI application: the chat hub at `/hub`, its HTTP API at `/api`, the viewer at `/`, and the hubs
    that you add.

    Settings are given by name (`Hubline(backplane="memory://")`), else read from the environment. `authenticate`
    turns an HTTP request into a `User`, or None to refuse it; without it, and without settings for tokens, everybody is
    one anonymous user, and only this machine is served. `token_cookie` names the cookie that it reads, if it does: only
    pages of this origin, and of those allowed by name, may then use that. Raises `SettingsError`.

    Serve it by itself, or mount it: `FastAPI(lifespan=app.lifespan)` and `api.mount("/ai", app)`. Hubs and tools are
    added before it starts.
    """

    def __init__(
        self,
        *,
        authenticate: Authenticate | None = None,
        token_cookie: str | None = None,
        providers: Mapping[str, Provider] | None = None,
        settings: Settings | None = None,
        filters: Sequence[HubFilter] = (),
        **wanted: object,
    ) -> None:
        uncaught.tell_settings_errors()
        self.settings = settings if settings is not None else config.load(wanted)
        self.tools = tooling.tools(self.settings)
        self.hooks = offering.hooks(self.settings)
        self.providers = offering.providers(self.settings, providers or {})
        self._backplane = _backplane(self.settings)
        self._limits = measures.run_limits(self.settings)
        self._authenticate = authenticate or authentication.from_settings(self.settings)
        self._server = HubServer(
            self._backplane.bus if self.settings.is_shared else None,
            authenticate=self._authenticate,
            anonymous_allowed=self.settings.is_loopback,
            allowed_origins=self.settings.allowed_origins,
            token_cookie=token_cookie or self.settings.jwt_cookie,
            limits=measures.server_limits(self.settings),
            filters=filters,
            token_secret=_token_secret(self.settings),
            claims=_claims(self._backplane),
        )
        self._add_chats()
        self._starlette: Starlette | None = None  # made at the first request or start, when all hubs are known
        self._is_ready = False  # while the lifespan lasts

    @classmethod
    def from_settings(cls, settings: Settings) -> "Hubline":
        return cls(settings=settings)

    def _add_chats(self) -> None:
        runs = RunEnvironment(
            limits=self._limits,
            tools=self.tools,
            now_ms=now_ms,
            new_id=_new_id,
            fallbacks=offering.fallbacks(self.settings, self.providers.offered),
            prices=offering.prices(self.settings),
            windows=offering.windows(self.settings),
            hooks=self.hooks,
        )
        self._metrics = metrics.registry(metrics.Numbers(self._server.metrics, SERVER_METRICS), runs.metrics.registry)
        if isinstance(self._backplane, RedisBackplane):
            self._metrics.register(metrics.Numbers(self._backplane, REDIS_METRICS))
        sessions = Sessions(self._backplane.directory, self._backplane.bus)
        self._follows = Follows(self._backplane, self._limits)
        self._supervisor = Supervisor(
            DriverEnvironment(
                owner=f"node_{secrets.token_hex(8)}",
                backplane=self._backplane,
                sessions=sessions,
                providers=self.providers.offered,
                runs=runs,
                is_watched=self._follows.is_watched,
            )
        )
        chats = Chats(runs, self._backplane, sessions, self._supervisor, self._follows, self.providers)
        options = measures.hub_options(self.settings)
        announced = {
            "messageBytes": options.max_receive_bytes,
            "queuedRuns": self._limits.max_queued_runs,
            "steps": self._limits.max_steps,
            "presenceBytes": self._limits.presence.max_bytes,
            "fileBytes": self._limits.files.max_bytes,
        }
        self._server.add(CHAT_PATH, ChatHub, options, make=lambda: ChatHub(chats, announced))
        served = self._server.served(CHAT_PATH)
        chats.presences.push_by(PresencePush(served.registry))
        chats.hosting.push_by(ToolPush(served.registry))
        self._api = HttpApi(chats, self._server, served, _new_id, announced)
        self._metrics.register(self._api.registry)
        self._downloads = Downloads(chats.files, self._server, served)

    # ------------------------------------------------------------------------------------------- extending it

    @_called
    def tool(
        self,
        *,
        name: str | None = None,
        title: str | None = None,
        access: Access = "read",
        timeout_s: float | None = None,
        concurrency: int | None = None,
    ) -> Callable[[F], F]:
        """A decorator: models may call this async function. Its schema comes from annotations and docstring.

        Without `timeout_s` the setting `tool_timeout_s` holds. `concurrency`: at most so many calls at once on this
        node. A result above the setting `max_tool_result_bytes` fails its call.
        """
        limit_s = self.settings.tool_timeout_s if timeout_s is None else timeout_s
        return self.tools.tool(
            name=name,
            title=title,
            access=access,
            timeout_s=limit_s,
            concurrency=concurrency,
            max_result_bytes=self.settings.max_tool_result_bytes,
        )

    @_called
    def input_check(
        self, *, name: str | None = None, timeout_s: float = 5.0, fails: Fails = "closed"
    ) -> Callable[[InputFunction], InputFunction]:
        """A decorator: call this function with each new message before it is accepted. It may change, mark or refuse
        it; if it fails, the message is refused too, unless it fails `open`. See docs/hooks.md, for all hooks."""
        return self.hooks.input_check(name=name, timeout_s=timeout_s, fails=fails)

    @_called
    def add_context(
        self, *, name: str | None = None, timeout_s: float = 10.0
    ) -> Callable[[ContextFunction], ContextFunction]:
        """A decorator: what this function finds for a question goes to the model with it; watchers see the sources."""
        return self.hooks.add_context(name=name, timeout_s=timeout_s)

    @_called
    def on_output(
        self, *, name: str | None = None, timeout_s: float = 2.0
    ) -> Callable[[OutputFunction], OutputFunction]:
        """A decorator: run this async function beside each answer; it reads it, and may emit `custom` events."""
        return self.hooks.on_output(name=name, timeout_s=timeout_s)

    def hub(
        self, path: str, options: HubOptions | None = None, *, filters: Sequence[HubFilter] = ()
    ) -> Callable[[H], H]:
        """A class decorator: serve this `Hub` at `path`. Its filters run inside those of the application."""

        def add(hub_class: H) -> H:
            self._server.add(path, hub_class, options, filters=filters)
            return hub_class

        return add

    def provide(self, kind: type[T], factory: Factory, *, lifetime: Lifetime = "app") -> None:
        """Fill in parameters of hubs' methods and `__init__` that are annotated with `kind`, of hubs that are added
        later: see `hub.server.inject`."""
        self._server.provide(kind, factory, lifetime=lifetime)

    def clients(self, hub_class: type[Hub[C]]) -> ServerClients[C]:
        """To send to a hub's clients from anywhere."""
        return self._server.clients(hub_class)

    def test_client(self, path: str = CHAT_PATH, *, user: str | User = "tester", **options: Any) -> TestClient:
        """A client in memory, for tests: the real protocol and dispatch, no socket. Start the app first, with
        `async with app.lifespan():`."""
        return TestClient(self._server, path, user=user, **options)

    # ---------------------------------------------------------------------------------------------- serving it

    @asynccontextmanager
    async def lifespan(self, _parent: object = None) -> AsyncIterator[None]:
        """Start and stop the hub; give it to the application that this one is mounted into."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close_providers)
            await self._backplane.start()
            stack.push_async_callback(self._backplane.close)
            await stack.enter_async_context(tooling.mcp_servers(self.settings, self.tools))
            await stack.enter_async_context(self._follows.running())
            await stack.enter_async_context(self._supervisor.running())
            await self._server.start()
            stack.push_async_callback(self.close_connections)
            self._is_ready = True
            try:
                yield
            finally:
                self._is_ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._starlette is None:
            routes = [
                *self._server.routes(),
                *self._api.routes(),
                *self._downloads.routes(),
                *pages.routes(self._not_ready, lambda: metrics.exposition(self._metrics)),
            ]
            self._starlette = Starlette(routes=routes, lifespan=self.lifespan)
        if scope["type"] == "websocket" and not scope.get("root_path"):
            # What most handshakes ask for needs no routing.
            endpoint = self._server.endpoints.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        if scope["type"] == "lifespan":
            send = uncaught.in_a_sentence(send)
        await self._starlette(scope, receive, send)

    def _not_ready(self) -> str | None:
        """Why this node takes no traffic, in a word; None if it does.

        Redis may be away for a while: at once would take every node out of the balancer for a hiccup.
        """
        backplane = self._backplane
        if not self._is_ready:
            return "not_serving"
        if isinstance(backplane, RedisBackplane):
            return "backplane_away" if backplane.away_s > self.settings.away_hold_s else None
        return backplane.ailment if isinstance(backplane, SqliteBackplane) else None

    async def drain(self) -> None:
        """Make ready to end: /readyz turns red, and the answers under way have `drain_s` to end.

        Where other nodes share the backplane, clients are told at once to reconnect, spread over `drain_spread_s` and
        a tenth more: they wait for random moments before they come, and no more may come than the spread's rate.
        Clients of a single node have nowhere to go: they stay until the answers have ended.
        """
        self._is_ready = False
        seconds = self.settings.drain_s
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._supervisor.drain(seconds))
            if self.settings.is_shared:
                spread_s = 1.1 * self.settings.drain_spread_s
                group.create_task(self._server.move(spread_s))
                group.create_task(self._api.move(spread_s))
        if cut := ending.result():
            logger.warning("%d answers were not done after drain_s (%g s): they end as interrupted", cut, seconds)

    async def close_connections(self) -> None:
        """Tell all clients to reconnect (elsewhere, or when we are back) and wait for them to go. Answers go on."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._server.close())  # begins first, and lets nobody new in
            group.create_task(self._api.close())

    async def _close_providers(self) -> None:
        for provider in self.providers.offered.values():
            await provider.close()

    def banner(self) -> str:
        """What `hubline serve` says once it serves."""
        target = str(self._backplane.target) if isinstance(self._backplane, RedisBackplane) else None
        chosen = self.providers.choose(None, None)
        return banner.banner(self.settings, chosen, redis=target, authenticates=self._authenticate is not None)


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(10)}"


class _SharedClaims:
    """Those of the backplane, as the server wants them."""

    def __init__(self, backplane: RedisBackplane) -> None:
        self._claims = backplane.claims

    async def claim(self, connection_id: str, owner: str, until_ms: int) -> bool:
        with _refusing():
            return await self._claims.claim(connection_id, owner, until_ms)

    async def owner(self, connection_id: str) -> str | None:
        with _refusing():
            return await self._claims.owner(connection_id)

    async def keep(self, connection_ids: Collection[str], owner: str, until_ms: int) -> None:
        with suppress(BackplaneAway):  # which is counted, and logged, where it is noticed
            await self._claims.keep(connection_ids, owner, until_ms)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except BackplaneAway as error:
        raise Refused(503, "What joins the nodes cannot be reached.") from error


def _claims(backplane: Backplane) -> Claims | None:
    return _SharedClaims(backplane) if isinstance(backplane, RedisBackplane) else None


def _token_secret(settings: Settings) -> bytes | None:
    return None if settings.token_secret is None else settings.token_secret.get_secret_value().encode()


def _backplane(settings: Settings) -> Backplane:
    file = settings.database_file
    if settings.is_shared:
        return RedisBackplane(
            settings.backplane, RedisOptions(retention_s=settings.retention_s, lease_s=settings.lease_s)
        )
    return MemoryBackplane() if file is None else SqliteBackplane(str(file))
