"""One hub class as a server serves it: what all its connections share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from hub.server.auth import Gate, Refused, User
from hub.server.auth.authorize import Asked, Rules, is_allowed
from hub.server.auth.rates import InvocationLimit, KeyedRate, Rate
from hub.server.binding import BoundMethod, bind_method
from hub.server.clients import MakeProxy
from hub.server.filters import HubFilter, around_method
from hub.server.hub import AnyHub
from hub.server.inject import Provided, injecting
from hub.server.life import HubLife
from hub.server.methods import MethodTable
from hub.server.metrics import ServerMetrics
from hub.server.options import HubOptions
from hub.server.registry import HubRegistry, Recipient
from hub.server.tasks import OwnedTasks
from hub.server.timers import Wheel


@dataclass(frozen=True, slots=True)
class ServedHub:
    path: str
    hub_class: type[AnyHub]
    life: HubLife
    make_proxy: MakeProxy
    options: HubOptions
    methods: Mapping[str, BoundMethod]
    registry: HubRegistry
    metrics: ServerMetrics
    wheel: Wheel
    gate: Gate
    user_rate: KeyedRate
    rules: Rules
    """Who may use the hub."""
    named: MethodTable[BoundMethod]
    """The methods again, by any spelling of their names."""
    tasks: OwnedTasks
    """What outlives a connection: above all its end."""
    on_finished: Callable[[Recipient], None]

    def check_user(self, user: User) -> None:
        """Raises Refused (403)."""
        if self.rules and not is_allowed(self.rules, Asked(user)):
            raise Refused(403, f"The user {user.id} may not use this hub.")

    def limit_for(self, user: User) -> InvocationLimit:
        options = self.options
        rate = _rate(options.max_invocations_per_s, options.invocation_burst)
        return InvocationLimit(rate, None if user.anonymous else self.user_rate, user.key)


_rate = lru_cache(maxsize=64)(Rate)
"""One for all connections of a hub."""


def bind_methods(
    hub_class: type[AnyHub], options: HubOptions, provided: Provided, filters: Sequence[HubFilter]
) -> dict[str, BoundMethod]:
    """Raises TypeError for a signature that cannot be called from a client."""
    bound: dict[int, BoundMethod] = {}
    table: dict[str, BoundMethod] = {}
    for name, method in hub_class.hub_methods().items():
        if id(method) not in bound:
            kinds = provided.providers if options.implicit_injection else ()
            found = bind_method(method, lax=options.lax_arguments, provided=kinds)
            function = injecting(method.function, found.needs, found.streaming, provided)
            function = around_method(filters, method.name, method.function, function)
            bound[id(method)] = replace(found, function=function)
        table[name] = bound[id(method)]
    return table
