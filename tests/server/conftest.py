"""Fixtures of the server's tests: a started `HubServer` per test, with short times."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from hub.backplane.base import Bus
from hub.server.filters import HubFilter
from hub.server.hub import AnyHub
from hub.server.inject import Factory, Lifetime
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer

Serve = Callable[..., Awaitable[HubServer]]

LIMITS = ServerLimits(tick_s=0.01)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(Board)` starts a server with that hub at `/hub`; closed after the test."""
    started: list[HubServer] = []

    async def start(
        hub_class: type[AnyHub],
        options: HubOptions | None = None,
        bus: Bus | None = None,
        *,
        filters: Sequence[HubFilter] = (),
        own_filters: Sequence[HubFilter] = (),
        provide: Sequence[tuple[type, Factory, Lifetime]] = (),
    ) -> HubServer:
        server = HubServer(bus, anonymous_allowed=True, limits=LIMITS, filters=filters)
        for kind, factory, lifetime in provide:
            server.provide(kind, factory, lifetime=lifetime)
        server.add("/hub", hub_class, options or HubOptions(), filters=own_filters)
        await server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.close()
