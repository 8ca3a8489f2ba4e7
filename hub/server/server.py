"""`HubServer`: the hubs of one node, served under Starlette routes.

server = HubServer(bus, anonymous_allowed=True)
server.add("/board", Board)
app = Starlette(routes=server.routes(), lifespan=server.lifespan)
"""

import asyncio
import logging
import math
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Route, WebSocketRoute

from hub.backplane.base import Bus
from hub.clock import now_ms
from hub.log import redact_uvicorn
from hub.protocol.negotiate import TransportName
from hub.server.auth import Authenticate, Gate, Refused, User
from hub.server.auth.authorize import rules_of_class
from hub.server.auth.origins import address_group, is_elsewhere
from hub.server.auth.rates import KeyedRate, Rate
from hub.server.claimed import ClaimedConnections
from hub.server.clients import C, ServerClients
from hub.server.connection import HubConnection
from hub.server.endpoints import HubEndpoint
from hub.server.envelope import NODE_ID_LENGTH
from hub.server.filters import HubFilter
from hub.server.forwarded import ForwardedRequest
from hub.server.forwarding import Forwarding
from hub.server.hub import AnyHub, HttpFacts, Hub
from hub.server.inject import Factory, Lifetime, Provided
from hub.server.life import HubLife
from hub.server.methods import MethodTable
from hub.server.metrics import ServerMetrics
from hub.server.negotiated import Claims, LocalClaims, Tokens, random_id
from hub.server.negotiating import NegotiateEndpoint
from hub.server.options import HubOptions, ServerLimits
from hub.server.outbox import Writer
from hub.server.over_http import OverHttp
from hub.server.places import Place, Places
from hub.server.refreshing import REFRESH, RefreshEndpoint
from hub.server.registry import HubRegistry, Recipient
from hub.server.served import ServedHub, bind_methods
from hub.server.tasks import OwnedTasks
from hub.server.timers import Wheel
from hub.server.typed import proxy_of

log = logging.getLogger("hub.server")

T = TypeVar("T")


class HubServer:
    """One node's hubs. Add all hubs, then `start`; `bus` is None where there is one node only.

    Without `authenticate` everybody is the one anonymous user, if `anonymous_allowed` (which the caller says only
    for a loopback bind address), and nobody else is let in. `allowed_hosts`, `allowed_origins` and `token_cookie` are
    `Gate`'s. Nodes that accept each other's connection tokens share `token_secret` (32 random bytes) and `claims`;
    with a `bus`, they also answer for each other what comes over HTTP.
    """

    def __init__(
        self,
        bus: Bus | None = None,
        *,
        authenticate: Authenticate | None = None,
        anonymous_allowed: bool = False,
        allowed_origins: Collection[str] = (),
        allowed_hosts: Collection[str] = (),
        token_cookie: str | None = None,
        limits: ServerLimits | None = None,
        filters: Sequence[HubFilter] = (),
        token_secret: bytes | None = None,
        claims: Claims | None = None,
    ) -> None:
        self.limits = limits or ServerLimits()
        self._filters = tuple(filters)  # of all hubs
        self._provided = Provided()
        self.gate = Gate(
            authenticate=authenticate,
            anonymous_allowed=anonymous_allowed,
            allowed_origins=allowed_origins,
            allowed_hosts=allowed_hosts,
            token_cookie=token_cookie,
        )
        self.metrics = ServerMetrics()
        self.tokens = Tokens(self.limits.negotiated_lifetime_s, now_ms, token_secret)
        self.node_id = secrets.token_hex(NODE_ID_LENGTH // 2)
        self.claimed = ClaimedConnections(
            self.tokens, claims or LocalClaims(self.limits.max_negotiated, now_ms), self.node_id
        )
        self._bus = bus
        self._hubs: dict[str, ServedHub] = {}  # by path
        self.endpoints: dict[str, HubEndpoint] = {}
        """Of the hubs, by path, once `routes` was called."""
        self._wheel = Wheel(self.limits.tick_s)
        self._tasks = OwnedTasks()  # the ends of connections, and what registries do aside
        self.forwarding: Forwarding | None = None
        if bus is not None and claims is not None:
            self.forwarding = Forwarding(
                bus, self.node_id, claims, self.claimed, self._answer_afar, wheel=self._wheel, tasks=self._tasks,
                metrics=self.metrics, timeout_s=self.limits.forward_timeout_s,
            )  # fmt: skip
        self._connections: set[HubConnection] = set()  # until they have finished
        self._is_running = False  # between start and close
        self._is_moving = False  # from `move` on
        limits = self.limits
        self._new_rate = KeyedRate(Rate(limits.max_new_connections_per_s, limits.new_connection_burst))  # by address
        self._user_rate = KeyedRate(Rate(limits.max_user_invocations_per_s, limits.user_invocation_burst))
        self._places = Places(self.limits, self.metrics)

    def add(
        self,
        path: str,
        hub_class: type[AnyHub],
        options: HubOptions | None = None,
        *,
        make: Callable[[], AnyHub] | None = None,
        filters: Sequence[HubFilter] = (),
    ) -> None:
        """Serve a hub. `make` builds its instances, one per connection (default: the class, with what its `__init__`
        needs and `provide` provides). Its filters run inside the server's.

        Raises TypeError for a method whose signature cannot be called from a client, ValueError for a bad path.
        """
        if not path.startswith("/") or path.endswith("/") or path in self._hubs:
            raise ValueError(f"{path!r} must begin with a slash, not end with one, and be served once.")
        if self._is_running:
            raise RuntimeError("Hubs are added before the server starts.")
        options = options or HubOptions()
        filters = (*self._filters, *filters)
        limits = self.limits
        registry = HubRegistry(path, self.node_id, self._bus, self.metrics, self._tasks, limits.ask_interval_s)
        needs = self._provided.needs_of(hub_class, hub_class.__name__) if make is None else ()
        methods = bind_methods(hub_class, options, self._provided, filters)
        has_scope = bool(needs) or any(method.needs for method in methods.values())
        life = HubLife(hub_class, make or hub_class, needs, filters, self._provided, has_scope)
        self._hubs[path] = ServedHub(
            path=path,
            hub_class=hub_class,
            life=life,
            make_proxy=proxy_of(hub_class),
            options=options,
            methods=methods,
            named=MethodTable(methods),
            registry=registry,
            metrics=self.metrics,
            wheel=self._wheel,
            gate=self.gate,
            user_rate=self._user_rate,
            rules=rules_of_class(hub_class),
            tasks=self._tasks,
            on_finished=self._forget,
        )

    def provide(self, kind: type[T], factory: Factory, *, lifetime: Lifetime = "app") -> None:
        """What hubs that are added later may need: see `inject`. Raises TypeError for what the factory lacks."""
        self._provided.provide(kind, factory, lifetime)

    def routes(self) -> list[BaseRoute]:
        """To be mounted where the paths given to `add` shall begin."""
        routes: list[BaseRoute] = []
        for served in self._hubs.values():
            endpoint = self.endpoints[served.path] = HubEndpoint(self, served)
            routes.append(Route(f"{served.path}/negotiate", NegotiateEndpoint(self, served)))
            routes.append(WebSocketRoute(served.path, endpoint))
            routes.append(Route(served.path, endpoint))
            if served.options.authentication_refresh:
                routes.append(Route(served.path + REFRESH, RefreshEndpoint(self, served)))
        return routes

    async def start(self) -> None:
        """Raises BackplaneAway, and whatever a factory of what is provided raises."""
        redact_uvicorn()
        await self._provided.start()
        try:
            for served in self._hubs.values():
                await served.registry.start()
            if self.forwarding is not None:
                await self.forwarding.start()
        except BaseException:
            await self._provided.close()
            raise
        self._wheel.start()
        self._is_running = True

    async def move(self, spread_s: float) -> None:
        """Let nobody new in, and tell every client to reconnect elsewhere, spread over time lest all come at once."""
        self._is_moving = True
        connections = self.connections
        random.shuffle(connections)  # lest a group of tabs opened together moves together
        for connection in connections:
            connection.close()
            await asyncio.sleep(spread_s / len(connections))
        await self._finished(connections)

    async def close(self) -> None:
        """Tell every client to reconnect (elsewhere) and wait for all connections to finish. Idempotent."""
        self._is_running = False
        connections = self.connections
        for connection in connections:
            connection.close()
        await self._finished(connections)
        if self.forwarding is not None:
            await self.forwarding.close(self._close_timeout_s)
        self._wheel.stop()
        for served in self._hubs.values():
            served.registry.close()
        await self._tasks.wait(self._close_timeout_s)
        await self._provided.close()

    async def _finished(self, connections: Collection[HubConnection]) -> None:
        """Wait for closed connections; those whose transport is stuck end with the server."""
        if connections:
            waiting = [connection.finished for connection in connections]
            await asyncio.wait(waiting, timeout=2 * self._close_timeout_s)

    @property
    def _close_timeout_s(self) -> float:
        return max((served.options.close_timeout_s for served in self._hubs.values()), default=1.0)

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """`start` and `close`, as an application's lifespan."""
        await self.start()
        try:
            yield
        finally:
            await self.close()

    def clients(self, hub_class: type[Hub[C]]) -> ServerClients[C]:
        """To send from outside a hub. Raises LookupError if the class is not served."""
        for served in self._hubs.values():
            if served.hub_class is hub_class:
                return ServerClients(served.registry, served.make_proxy)
        raise LookupError(f"{hub_class.__name__} is not served here.")

    @property
    def connections(self) -> list[HubConnection]:
        """All that have not finished, of all hubs."""
        return list(self._connections)

    # ------------------------------------------------------------------------------------------- for transports

    def served(self, path: str) -> ServedHub:
        """Raises LookupError."""
        return self._hubs[path]

    def now(self) -> float:
        """The coarse clock that all timeouts go by, in seconds."""
        return self._wheel.now

    async def _answer_afar(self, forwarded: ForwardedRequest) -> None:
        path = forwarded.first.path
        if (served := self._hubs.get(path)) is not None:
            await OverHttp(self, served).answer_afar(forwarded)
        elif (served := self._hubs.get(path.removesuffix(REFRESH))) is not None:
            await RefreshEndpoint(self, served).answer_afar(forwarded)
        # else silence says it

    def check_running(self) -> None:
        """Raises Refused (503) where the application that mounts the hub does not run its lifespan."""
        if not self._is_running:
            reason = (
                "The hub is not running. Where it is mounted into another application, pass that application "
                "lifespan=app.lifespan, or use `async with app.lifespan():` around it."
            )
            log.error(reason)
            raise Refused(503, reason)

    def _check_staying(self) -> None:
        """Raises Refused (503) for who is new while clients are sent elsewhere. Those who are here, or elsewhere, are
        served to the end."""
        if self._is_moving:
            raise Refused(
                503, "This node is about to end: connect again, and another one answers.", {"retry-after": "1"}
            )

    async def admit(self, request: HTTPConnection, served: ServedHub) -> User:
        """The user of a request that negotiates or opens a connection. Raises Refused."""
        self.check_running()
        self._check_staying()
        address = request.client.host if request.client else ""
        # From this machine comes a proxy in front of everybody, or somebody who has better means.
        if is_elsewhere(address) and (wait_s := self._new_rate.take(address_group(address), time.monotonic())):
            limit = self.limits.max_new_connections_per_s
            text = f"Too many new connections: the limit max_new_connections_per_s is {limit:g}."
            raise Refused(429, text, {"retry-after": str(max(1, math.ceil(wait_s)))})
        user = await self.gate.admit(request)
        served.check_user(user)
        return user

    def connect(
        self, served: ServedHub, writer: Writer, *, user: User, http: HttpFacts, connection_id: str | None = None,
        transport: TransportName = "WebSockets", stateful: bool = False,
    ) -> HubConnection:  # fmt: skip
        """A new connection whose bytes go to `writer`; its transport feeds `receive` and, at the end, calls `lost`."""
        self.check_running()
        self._check_staying()
        served.check_user(user)
        connection = HubConnection(
            served, writer, connection_id=connection_id or random_id(), user=user, http=http, transport=transport,
            stateful=stateful,
        )  # fmt: skip
        self._connections.add(connection)  # until it has finished
        return connection

    def _forget(self, connection: Recipient) -> None:
        self._connections.discard(cast(HubConnection, connection))  # which all of them are

    def place_for(self, user: User, address: str | None) -> Place:
        """Counts a connection against the limits until it is given back. Raises Refused (429) when one is hit."""
        return self._places.take(user, address)
