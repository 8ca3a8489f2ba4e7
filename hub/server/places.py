"""How many connections there may be at once: on a node, of a user, of an address."""

from types import TracebackType

from hub.server.auth import Refused, User
from hub.server.auth.origins import address_group
from hub.server.metrics import ServerMetrics
from hub.server.options import ServerLimits

_NODE = ("node", "")


class Places:
    """Those of one node. Counts for who has any, and for nobody else."""

    def __init__(self, limits: ServerLimits, metrics: ServerMetrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._taken: dict[tuple[str, str], int] = {}

    def take(self, user: User, address: str | None) -> "Place":
        """Count one more connection. Raises Refused (429) when a limit is hit."""
        limits = self._limits
        self._check(_NODE, "max_connections", limits.max_connections)
        keys = [_NODE]
        if not user.anonymous:
            keys.append(("user", user.key))
            self._check(keys[-1], "max_connections_per_user", limits.max_connections_per_user)
        if address is not None:
            keys.append(("address", address_group(address)))
            self._check(keys[-1], "max_connections_per_address", limits.max_connections_per_address)
        for key in keys:
            self._taken[key] = self._taken.get(key, 0) + 1
        self._metrics.connections_opened += 1
        self._metrics.connections_now += 1
        return Place(self, tuple(keys))

    def _check(self, key: tuple[str, str], name: str, limit: int) -> None:
        if limit and self._taken.get(key, 0) >= limit:
            raise Refused(429, f"Too many connections: the limit {name} is {limit}.")

    def give_back(self, keys: tuple[tuple[str, str], ...]) -> None:
        self._metrics.connections_now -= 1
        for key in keys:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Place:
    """One connection's. As `with`, it is given back at the end."""

    __slots__ = ("_keys", "_places")

    def __init__(self, places: Places, keys: tuple[tuple[str, str], ...]) -> None:
        self._places = places
        self._keys = keys

    def give_back(self) -> None:
        """Idempotent."""
        keys, self._keys = self._keys, ()
        if keys:
            self._places.give_back(keys)

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give_back()
