"""Which methods of a hub class clients may invoke, and under which names.

A name on the wire matches a method if both are the same without regard to case and underscores: `OpenSession`,
`openSession` and `open_session` are one. Two methods that are one in this sense are refused when the class is made.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from hub.server.auth.authorize import Rules, rules_of_method

F = TypeVar("F", bound=Callable[..., object])
M = TypeVar("M")

_MAX_SPELLINGS = 1000  # remembered

_NAMES = "__hub_names__"  # set by `method` on the function: its names on the wire
_IMMEDIATE = "__hub_immediate__"  # set by `immediate`

MethodKind = Literal["plain", "generator"]


@dataclass(frozen=True, slots=True)
class HubMethod:
    """One callable method. `kind` is what the function is; whether it streams also depends on its return annotation
    (see `binding`)."""

    name: str
    function: Callable[..., object]
    kind: MethodKind
    immediate: bool
    rules: Rules = ()


def method(*names: str) -> Callable[[F], F]:
    """Serve a method under these names on the wire instead of its own."""

    def mark(function: F) -> F:
        setattr(function, _NAMES, names)
        return function

    return mark


def immediate(function: F) -> F:
    """Mark a method that never waits behind other invocations of its connection (design, section 3.2).

    Streaming methods and those that take uploads do not need it: they run in the background anyway.
    """
    setattr(function, _IMMEDIATE, True)
    return function


def wire_names(function: object, otherwise: str) -> tuple[str, ...]:
    """The names that `method` gave a function."""
    names: tuple[str, ...] = getattr(function, _NAMES, ())
    return names or (otherwise,)


def fold(name: str) -> str:
    """What names are compared by."""
    return name.replace("_", "").lower()


class MethodTable(dict[str, M | None]):
    """Methods by their names as clients write them: looked up like a dict, None for a name that matches no method."""

    def __init__(self, by_folded_name: Mapping[str, M]) -> None:
        super().__init__()
        self._by_folded_name = by_folded_name

    def __missing__(self, name: str) -> M | None:
        found = self._by_folded_name.get(fold(name))
        if found is not None and len(self) < _MAX_SPELLINGS:
            self[name] = found
        return found


def collect_methods(hub_class: type, base: type) -> dict[str, HubMethod]:
    """The callable methods of a hub class by folded name. Raises TypeError for names that collide."""
    functions: dict[str, object] = {}
    for owner in reversed(hub_class.__mro__):
        if owner is not base and issubclass(owner, base):
            functions.update(vars(owner))
    table: dict[str, HubMethod] = {}
    for name, function in functions.items():
        if name.startswith("_") or hasattr(base, name) or (kind := _kind(function)) is None:
            continue
        assert callable(function)
        # Overriding a method does not open it: what its bases ask for holds, too.
        rules = tuple(rule for owner in hub_class.__mro__ for rule in rules_of_method(vars(owner).get(name)))
        found = HubMethod(name, function, kind, hasattr(function, _IMMEDIATE), rules)
        for wire_name in wire_names(function, name):
            other = table.setdefault(fold(wire_name), found)
            if other is not found:
                raise TypeError(
                    f"{hub_class.__name__}.{name} and .{other.name} would have the same name on the wire "
                    f"({wire_name}); case and underscores do not count."
                )
    return table


def _kind(function: object) -> MethodKind | None:
    if not inspect.isfunction(function):
        return None
    if inspect.isasyncgenfunction(function):
        return "generator"
    if inspect.iscoroutinefunction(function):
        return "plain"
    return None
