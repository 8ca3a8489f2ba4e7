"""One hub class as a server serves it: what all its connections share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.server.binding import BoundMethod, bind_method
from hub.server.hub import Hub
from hub.server.metrics import ServerMetrics
from hub.server.options import HubOptions
from hub.server.registry import HubRegistry
from hub.server.tasks import OwnedTasks
from hub.server.timers import Wheel


@dataclass(frozen=True, slots=True)
class ServedHub:
    path: str
    hub_class: type[Hub]
    make: Callable[[], Hub]
    options: HubOptions
    methods: Mapping[str, BoundMethod]
    registry: HubRegistry
    metrics: ServerMetrics
    wheel: Wheel
    tasks: OwnedTasks
    """What outlives a connection: above all its end."""


def bind_methods(hub_class: type[Hub], options: HubOptions) -> dict[str, BoundMethod]:
    """Raises TypeError for a signature that cannot be called from a client."""
    bound: dict[int, BoundMethod] = {}
    table: dict[str, BoundMethod] = {}
    for name, method in hub_class.hub_methods().items():
        if id(method) not in bound:
            bound[id(method)] = bind_method(method, lax=options.lax_arguments)
        table[name] = bound[id(method)]
    return table
