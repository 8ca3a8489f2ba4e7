"""Who may use a hub, and who may invoke a method of it.

    @authorize()                                  # whoever is not anonymous
    class Board(Hub):
        @authorize(roles={"admin", "lead"})       # one of these roles
        async def clear(self) -> None: ...

        @authorize(check=lambda asked: asked.user.id == asked.arguments[0])
        async def rename(self, user: str, name: str) -> None: ...

Decorators of one class or method, and of the class's bases, must all hold. A user who may not use a hub is refused with
403 before connecting; one who may not invoke a method gets SignalR's text, and the method does not run.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hub.server.auth.user import User

T = TypeVar("T")

log = logging.getLogger("hub.server")

_RULES = "__hub_rules__"  # set by `authorize` on the class or function


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be allowed or not."""

    user: User
    method: str | None = None
    """As it is written in the class; None where the hub itself is meant."""
    arguments: Sequence[object] = ()
    """Converted, defaults filled in; without uploads."""
    items: Mapping[str, object] = field(default_factory=dict)
    """`context.items` of the connection: what `on_connected` has looked up is here."""


Check = Callable[[Asked], bool]
"""Runs in the event loop and must not wait. Raising refuses, and is logged."""


@dataclass(frozen=True, slots=True)
class Rule:
    roles: frozenset[str]
    check: Check | None

    def knows(self, user: User) -> bool:
        """Whether a user of these roles may ask at all."""
        return not user.anonymous and (not self.roles or not self.roles.isdisjoint(user.roles))


Rules = tuple[Rule, ...]


def authorize(*, roles: Collection[str] = (), check: Check | None = None) -> Callable[[T], T]:
    """Allow it to users who have one of `roles` (any who is not anonymous, if none is given) and pass `check`."""
    if isinstance(roles, str):
        raise TypeError(f"authorize takes a set of roles: roles={{{roles!r}}}.")
    rule = Rule(frozenset(roles), check)

    def mark(target: T) -> T:
        setattr(target, _RULES, (*vars(target).get(_RULES, ()), rule))
        return target

    return mark


def rules_of_method(function: object) -> Rules:
    rules: Rules = getattr(function, _RULES, ())
    return rules


def rules_of_class(hub_class: type) -> Rules:
    return tuple(rule for owner in hub_class.__mro__ for rule in vars(owner).get(_RULES, ()))


def may_ask(rules: Rules, user: User) -> bool:
    """By role alone, before arguments are looked at."""
    return all(rule.knows(user) for rule in rules)


def is_allowed(rules: Rules, asked: Asked) -> bool:
    for rule in rules:
        if not rule.knows(asked.user):
            return False
        try:
            if rule.check is not None and not rule.check(asked):
                return False
        except Exception as error:
            log.error("a check of authorize failed", exc_info=error, extra={"method": asked.method})
            return False
    return True
