"""Sending to clients: who is meant (`Audience`), and the proxies that hubs write it with.

A send waits for nobody: when it returns, the message is in the outboxes of this node's connections and published for
those of other nodes.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Literal, Protocol

import msgspec


class Audience(msgspec.Struct, frozen=True, array_like=True):
    """Who a message is for: all of `names` (groups, users or connections), or everybody, without `excluded`
    connections. A connection that is in it twice gets the message once."""

    kind: Literal["all", "groups", "users", "connections"]
    names: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


class Sends(Protocol):
    """What proxies send through."""

    def send(self, audience: Audience, target: str, arguments: Sequence[object]) -> None:
        """To this node's connections at once, to others by the bus. Raises TypeError for what cannot be encoded."""
        ...

    async def invoke(self, connection_id: str, target: str, arguments: Sequence[object]) -> object:
        """Ask one client and wait for its answer. Raises HubError."""
        ...


class ClientProxy:
    """Sends to an audience: `proxy.card_moved("a", 3)` sends `CardMoved`, `proxy.send("name", …)` sends as given."""

    def __init__(self, sends: Sends, audience: Audience) -> None:
        self._sends = sends
        self._audience = audience

    async def send(self, target: str, /, *arguments: object) -> None:
        self._sends.send(self._audience, target, arguments)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        if name.startswith("_"):
            raise AttributeError(name)
        target = pascal_case(name)

        async def send(*arguments: object) -> None:
            self._sends.send(self._audience, target, arguments)

        return send


class SingleClientProxy(ClientProxy):
    """Sends to one connection, and can also ask it."""

    async def invoke(self, target: str, /, *arguments: object) -> object:
        """The client's answer (a plain value). Raises HubError if it answers with an error, does not exist or goes.

        Meanwhile further calls of the calling connection may run (C3). Not allowed inside `on_connected`.
        """
        return await self._sends.invoke(self._audience.names[0], target, arguments)


class ServerClients:
    """Everybody whom one can send to from outside a hub."""

    def __init__(self, sends: Sends) -> None:
        self._sends = sends

    def _to(self, audience: Audience) -> ClientProxy:
        return ClientProxy(self._sends, audience)

    @property
    def all(self) -> ClientProxy:
        return self._to(Audience("all"))

    def all_except(self, connection_ids: Iterable[str]) -> ClientProxy:
        return self._to(Audience("all", (), tuple(connection_ids)))

    def client(self, connection_id: str) -> SingleClientProxy:
        return SingleClientProxy(self._sends, Audience("connections", (connection_id,)))

    def clients(self, connection_ids: Iterable[str]) -> ClientProxy:
        return self._to(Audience("connections", tuple(connection_ids)))

    def group(self, name: str) -> ClientProxy:
        return self._to(Audience("groups", (name,)))

    def groups(self, names: Iterable[str]) -> ClientProxy:
        return self._to(Audience("groups", tuple(names)))

    def group_except(self, name: str, connection_ids: Iterable[str]) -> ClientProxy:
        return self._to(Audience("groups", (name,), tuple(connection_ids)))

    def user(self, user_id: str) -> ClientProxy:
        return self._to(Audience("users", (user_id,)))

    def users(self, user_ids: Iterable[str]) -> ClientProxy:
        return self._to(Audience("users", tuple(user_ids)))


class HubClients(ServerClients):
    """The same as a hub sees it: relative to the calling connection."""

    def __init__(self, sends: Sends, connection_id: str) -> None:
        super().__init__(sends)
        self._connection_id = connection_id

    @property
    def caller(self) -> SingleClientProxy:
        return self.client(self._connection_id)

    @property
    def others(self) -> ClientProxy:
        return self.all_except((self._connection_id,))

    def others_in_group(self, name: str) -> ClientProxy:
        return self.group_except(name, (self._connection_id,))


@lru_cache(maxsize=1024)
def pascal_case(name: str) -> str:
    """`card_moved` → `CardMoved`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
