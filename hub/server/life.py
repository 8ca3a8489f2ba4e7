"""How a connection's hub begins and ends: made with what it needs, `on_connected`, `on_disconnected`, with filters."""

from collections.abc import Callable, Sequence

from hub.server.binding import Need
from hub.server.filters import HubFilter, around_connect, around_disconnect
from hub.server.hub import AnyHub, Hub, HubContext
from hub.server.inject import Provided, Scope


class HubLife:
    """Of one hub class. `make` gives an instance when called with what `needs` says, by name."""

    def __init__(
        self,
        hub_class: type[AnyHub],
        make: Callable[..., AnyHub],
        needs: Sequence[Need],
        filters: Sequence[HubFilter],
        provided: Provided,
        has_scope: bool,
    ) -> None:
        self._make = make
        self._needs = needs
        self._provided = provided
        self._has_scope = has_scope  # the hub or one of its methods needs something
        self.connect = around_connect(filters)
        self.disconnect = around_disconnect(filters)
        has_hook = hub_class.on_connected is not Hub.on_connected or self.connect is not around_connect(())
        self.is_immediate = not (has_hook or needs)
        """Nothing is awaited between the handshake and the first call: `make_now` will do."""

    def scope(self, context: HubContext) -> Scope | None:
        """For what one connection's hub needs; None if it needs nothing."""
        return self._provided.scope(context) if self._has_scope else None

    def make_now(self, scope: Scope | None) -> AnyHub:
        """Raises whatever the hub's `__init__` raises."""
        return self._with_scope(self._make(), scope)

    async def make(self, scope: Scope | None) -> AnyHub:
        """Raises whatever the hub's `__init__` raises, and the factories of what it needs."""
        needed = {} if scope is None else await scope.get_all(self._needs)
        return self._with_scope(self._make(**needed), scope)

    def _with_scope(self, hub: AnyHub, scope: Scope | None) -> AnyHub:
        hub.scope = scope
        return hub

    async def end(self, hub: AnyHub | None, scope: Scope | None, error: Exception | None) -> None:
        """`hub` is None if it had not connected. Raises whatever the hub, a filter or a context manager raises."""
        try:
            if hub is not None:
                await self.disconnect(hub, error)
        finally:
            if scope is not None:
                await scope.close()
