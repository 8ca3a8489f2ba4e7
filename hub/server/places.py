"""How many connections there may be at once: on a node, of a user, of an address."""

from functools import lru_cache
from types import TracebackType

from hub.server.auth import Refused, User
from hub.server.auth.origins import address_group
from hub.server.metrics import ServerMetrics
from hub.server.options import ServerLimits

Keys = tuple[tuple[str, str], ...]

_NAMES = {
    "node": "max_connections",
    "user": "max_connections_per_user",
    "address": "max_connections_per_address",
}


@lru_cache(maxsize=4096)
def _keys(user_key: str | None, address: str | None) -> Keys:
    """What a connection counts for. One for all of a user at an address."""
    keys = [("node", "")]
    if user_key is not None:
        keys.append(("user", user_key))
    if address is not None:
        keys.append(("address", address_group(address)))
    return tuple(keys)


class Places:
    """Those of one node. Counts for who has any, and for nobody else."""

    def __init__(self, limits: ServerLimits, metrics: ServerMetrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._taken: dict[tuple[str, str], int] = {}

    def take(self, user: User, address: str | None) -> "Place":
        """Count one more connection. Raises Refused (429) when a limit is hit."""
        keys = _keys(None if user.anonymous else user.key, address)
        for key in keys:
            name = _NAMES[key[0]]
            limit: int = getattr(self._limits, name)
            if limit and self._taken.get(key, 0) >= limit:
                raise Refused(429, f"Too many connections: the limit {name} is {limit}.")
        for key in keys:
            self._taken[key] = self._taken.get(key, 0) + 1
        self._metrics.connections_opened += 1
        self._metrics.connections_now += 1
        return Place(self, keys)

    def give_back(self, keys: Keys) -> None:
        self._metrics.connections_now -= 1
        for key in keys:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Place:
    """One connection's. As `with`, it is given back at the end."""

    __slots__ = ("_keys", "_places")

    def __init__(self, places: Places, keys: Keys) -> None:
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
