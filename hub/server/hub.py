"""`Hub`: the class that a hub is written as. One instance serves one connection.

Callable from outside is what is written in the class body (of the hub, or of its bases below `Hub`) as a coroutine
or an async generator, without a leading underscore, except the hooks. See `methods` for the exact rule, `binding`
for what may stand in annotations, `streams` for streams.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias

from hub.server.auth import User
from hub.server.clients import C, HubClients
from hub.server.methods import HubMethod, collect_methods, immediate, method

__all__ = ["AnyHub", "Groups", "HttpFacts", "Hub", "HubContext", "immediate", "method"]


@dataclass(frozen=True, slots=True)
class HttpFacts:
    """What is worth keeping of the HTTP request that opened the connection. Header names are lower case."""

    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None


class HubContext(Protocol):
    """The calling connection, as its hub sees it."""

    @property
    def connection_id(self) -> str: ...
    @property
    def user(self) -> User: ...
    @property
    def items(self) -> dict[str, object]:
        """The hub's own, for the life of the connection."""
        ...

    @property
    def http(self) -> HttpFacts: ...
    @property
    def aborted(self) -> bool:
        """The connection is lost or closing: nothing more reaches the client."""
        ...

    def abort(self) -> None:
        """Close the connection; its client is told not to reconnect (X3)."""
        ...

    async def refresh(self, token: str) -> int | None:
        """Go on as the same user by a newer token; returns when that ends, in milliseconds since 1970.

        Raises CallError: `token_expired` for a bad token, `forbidden` for another user's.
        """
        ...


class Groups(Protocol):
    """Named sets of connections. A connection leaves all its groups when it ends."""

    async def add(self, name: str, connection_id: str | None = None) -> None:
        """Add a connection (the calling one by default). Once this returns, sends to the group reach it; for a
        connection of another node it is asked for and not waited for. Idempotent."""
        ...

    async def remove(self, name: str, connection_id: str | None = None) -> None:
        """Idempotent; as `add` for connections of another node."""
        ...


class HubScope(Protocol):
    """What is provided to one connection (see `inject`)."""

    async def get(self, kind: object) -> object: ...

    def inner(self) -> "AbstractAsyncContextManager[HubScope]":
        """Of one call."""
        ...


class Hub(Generic[C]):
    """The base of all hubs. `context`, `clients` and `groups` are there from `on_connected` on.

    `Hub[BoardClient]` calls its clients through that interface (see `typed`), `Hub` alone through `ClientProxy`.
    """

    context: HubContext
    clients: HubClients[C]
    groups: Groups
    scope: HubScope | None
    """For the server, not for hubs."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.hub_methods()  # names that collide fail at import

    @classmethod
    def hub_methods(cls) -> dict[str, HubMethod]:
        """What clients may invoke, by folded name."""
        return collect_methods(cls, Hub)

    async def on_connected(self) -> None:
        """Runs after the handshake and before the first call. Raising refuses the connection."""

    async def on_disconnected(self, error: Exception | None) -> None:
        """Runs once when the connection has ended, if `on_connected` succeeded; its tasks have ended, and it is
        still in its groups. `error` is None if it was closed by either side, else why it was lost."""


AnyHub: TypeAlias = Hub[object]
"""A hub, whatever it calls its clients through."""
