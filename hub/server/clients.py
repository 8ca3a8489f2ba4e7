"""Sending to clients: who is meant (`Audience`), and the proxies that hubs write it with.

A send waits for nobody: when it returns, the message is in the outboxes of this node's connections and published for
those of other nodes. What `clients.group("x")` gives is a `ClientProxy`, or, for a hub that names an interface
(`class Board(Hub[BoardClient])`), that interface: see `typed`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Generic, Literal, Protocol, cast, overload

import msgspec
from typing_extensions import TypeVar

from hub.server.binding import converter

T = TypeVar("T")


class Audience(msgspec.Struct, frozen=True, array_like=True):
    """Who a message is for: all of `names` (groups, users or connections), or everybody, without `excluded`
    connections. A connection that is in it twice gets the message once."""

    kind: Literal["all", "groups", "users", "connections"]
    names: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def connection_id(self) -> str:
        """Of the one connection that is meant, which can also be asked. Raises TypeError for all other audiences."""
        if self.kind == "connections" and len(self.names) == 1:
            return self.names[0]
        raise TypeError("Only one client can be asked for a result: use clients.caller or clients.client(id).")


class Sends(Protocol):
    """What proxies send through."""

    def send(self, audience: Audience, target: str, arguments: Sequence[object]) -> None:
        """To this node's connections at once, to others by the bus. Raises TypeError for what cannot be encoded."""
        ...

    async def invoke(
        self,
        audience: Audience,
        target: str,
        arguments: Sequence[object],
        *,
        timeout_s: float | None = None,
        convert: Callable[[object], object] | None = None,
    ) -> object:
        """Ask one client and wait for its answer, given through `convert`, which raises BindingError.

        Raises HubError; TypeError for an audience that is not one connection, and for what cannot be encoded.
        """
        ...


class ClientProxy:
    """Sends to an audience: `proxy.card_moved("a", 3)` sends `CardMoved`, `proxy.send("name", …)` sends as given."""

    def __init__(self, sends: Sends, audience: Audience) -> None:
        self._sends = sends
        self._audience = audience

    async def send(self, target: str, /, *arguments: object) -> None:
        self._sends.send(self._audience, target, arguments)

    @overload
    async def invoke(self, target: str, /, *arguments: object, timeout_s: float | None = None) -> object: ...

    @overload
    async def invoke(
        self, target: str, /, *arguments: object, returns: type[T], timeout_s: float | None = None
    ) -> T: ...

    async def invoke(
        self, target: str, /, *arguments: object, returns: type[T] | None = None, timeout_s: float | None = None
    ) -> object:
        """Ask one client, of `caller` or `client(id)`, and wait for its answer: a plain value, or of type `returns`.

        Raises HubError if the client answers with an error or with another type, has not answered after `timeout_s`
        (default: waits until the connection ends), does not exist or goes. Raises TypeError for other audiences.
        Cancelling stops waiting. Meanwhile further calls of the calling connection may run (C3). Not allowed inside
        `on_connected`.
        """
        convert = None if returns is None else converter(returns)
        return await self._sends.invoke(self._audience, target, arguments, timeout_s=timeout_s, convert=convert)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        if name.startswith("_"):
            raise AttributeError(name)
        target = pascal_case(name)

        async def send(*arguments: object) -> None:
            self._sends.send(self._audience, target, arguments)

        return send


C = TypeVar("C", covariant=True, default=ClientProxy)
"""What a hub calls its clients through: `ClientProxy`, or the hub's interface."""

MakeProxy = Callable[[Sends, Audience], object]


class ServerClients(Generic[C]):
    """Everybody whom one can send to from outside a hub."""

    def __init__(self, sends: Sends, make_proxy: MakeProxy = ClientProxy) -> None:
        self._sends = sends
        self._make_proxy = make_proxy  # gives a C

    def _to(self, audience: Audience) -> C:
        return cast(C, self._make_proxy(self._sends, audience))

    @property
    def all(self) -> C:
        return self._to(Audience("all"))

    def all_except(self, connection_ids: Iterable[str]) -> C:
        return self._to(Audience("all", (), _several(connection_ids)))

    def client(self, connection_id: str) -> C:
        """One connection, which can also be asked for a result."""
        return self._to(Audience("connections", (connection_id,)))

    def clients(self, connection_ids: Iterable[str]) -> C:
        return self._to(Audience("connections", _several(connection_ids)))

    def group(self, name: str) -> C:
        return self._to(Audience("groups", (name,)))

    def groups(self, names: Iterable[str]) -> C:
        return self._to(Audience("groups", _several(names)))

    def group_except(self, name: str, connection_ids: Iterable[str]) -> C:
        return self._to(Audience("groups", (name,), _several(connection_ids)))

    def user(self, user_id: str) -> C:
        return self._to(Audience("users", (user_id,)))

    def users(self, user_ids: Iterable[str]) -> C:
        return self._to(Audience("users", _several(user_ids)))


class HubClients(ServerClients[C]):
    """The same as a hub sees it: relative to the calling connection."""

    def __init__(self, sends: Sends, connection_id: str, make_proxy: MakeProxy = ClientProxy) -> None:
        super().__init__(sends, make_proxy)
        self._connection_id = connection_id

    @property
    def caller(self) -> C:
        return self.client(self._connection_id)

    @property
    def others(self) -> C:
        return self.all_except((self._connection_id,))

    def others_in_group(self, name: str) -> C:
        return self.group_except(name, (self._connection_id,))


def _several(names: Iterable[str]) -> tuple[str, ...]:
    """A text is an iterable of texts, but nobody means its letters."""
    if isinstance(names, str):
        raise TypeError(f"Several names are needed, as a list: [{names!r}].")
    return tuple(names)


@lru_cache(maxsize=1024)
def pascal_case(name: str) -> str:
    """`card_moved` → `CardMoved`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
