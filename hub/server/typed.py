"""Typed client proxies: a hub's clients through an interface that type checkers know.

    class BoardClient(Protocol):
        async def card_moved(self, card: str, to: int) -> None: ...        # sends CardMoved
        async def confirm(self, question: str) -> bool: ...                # asks one client, waits for its answer

    class Board(Hub[BoardClient]): ...

The interface is a class of async methods without bodies. Their names go out in PascalCase, or as `@method("name")`
says. One that returns something asks for a client result: it can be called on `caller` and `client(id)` only
(TypeError otherwise), and its answer is validated against the return annotation (HubError if it does not fit). Bound
the wait with `asyncio.timeout`. Default values of arguments are sent.
"""

import inspect
import typing
from collections.abc import Callable
from functools import lru_cache

from hub.server.binding import converter
from hub.server.clients import Audience, ClientProxy, MakeProxy, Sends, pascal_case
from hub.server.hub import AnyHub, Hub
from hub.server.methods import wire_names


def proxy_of(hub_class: type[AnyHub]) -> MakeProxy:
    """What makes the proxies of a hub. Raises TypeError for an interface that cannot be one."""
    interface = _interface_of(hub_class)
    return ClientProxy if interface is None else _typed_proxy(interface)


def _interface_of(hub_class: type[AnyHub]) -> type | None:
    """The argument of the first `Hub[…]` above a class; None if there is none, or it is ClientProxy."""
    for owner in hub_class.__mro__:
        for base in getattr(owner, "__orig_bases__", ()):
            arguments = typing.get_args(base)
            if typing.get_origin(base) is Hub and isinstance(arguments[0], type):
                return None if arguments[0] is ClientProxy else arguments[0]
    return None


@lru_cache(maxsize=256)
def _typed_proxy(interface: type) -> MakeProxy:
    body: dict[str, object] = {}
    for owner in reversed(interface.__mro__):
        if owner is object or owner is typing.Protocol or owner is typing.Generic:
            continue
        for name, member in vars(owner).items():
            if not name.startswith("_"):
                body[name] = _method(interface, name, member)
    proxy: type[_TypedProxy] = type(f"{interface.__name__}Proxy", (_TypedProxy,), body)
    return proxy


class _TypedProxy:
    """The base of those that are made; their methods are the interface's."""

    __slots__ = ("_audience", "_sends")

    def __init__(self, sends: Sends, audience: Audience) -> None:
        self._sends = sends
        self._audience = audience


def _method(interface: type, name: str, member: object) -> Callable[..., object]:
    place = f"{interface.__name__}.{name}"
    if not inspect.iscoroutinefunction(member):
        raise TypeError(f"{place} must be an `async def`: that is how a client's methods are declared.")
    target = wire_names(member, pascal_case(name))[0]
    signature = inspect.signature(member)
    parameters = list(signature.parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind not in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"{place}: the parameter {parameter} cannot be sent; only plain ones can.")
    expected = len(parameters)
    returns = typing.get_type_hints(member, include_extras=True).get("return")

    def arrange(self: _TypedProxy, given: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
        if not named and len(given) == expected:
            return given
        bound = signature.bind(self, *given, **named)
        bound.apply_defaults()
        return bound.args[1:]

    if returns is None or returns is type(None):

        async def send(self: _TypedProxy, *given: object, **named: object) -> None:
            self._sends.send(self._audience, target, arrange(self, given, named))

        return send
    try:
        convert = converter(returns)
    except Exception as error:
        raise TypeError(f"{place}: a client cannot answer with {returns!r} ({error}).") from error

    async def ask(self: _TypedProxy, *given: object, **named: object) -> object:
        arguments = arrange(self, given, named)
        return await self._sends.invoke(self._audience, target, arguments, convert=convert)

    return ask
