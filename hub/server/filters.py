"""Hub filters: code around every method call, connect and disconnect of a hub, or of all hubs of a server.

    class Timing(HubFilter):
        async def invoke(self, call: HubCall, go_on: InvokeNext) -> object:
            began = time.monotonic()
            try:
                return await go_on(call)
            finally:
                log(call.method, time.monotonic() - began)

    server = HubServer(filters=[Timing()])                  # around all hubs
    server.add("/board", Board, filters=[OnlyMembers()])    # inside of those, around this one

The first filter is the outermost. A filter may change `call.arguments` and the result, leave `go_on` out, or refuse by
raising `HubError` or `CallError`, as the method itself could. Who may call at all is checked before. What a filter does
not override costs nothing; without filters methods are called as they are.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from hub.server.hub import AnyHub, HubContext


@dataclass(slots=True)
class HubCall:
    """One call under way, arguments bound."""

    hub: AnyHub
    method: str
    """Its name in Python."""
    function: Callable[..., object]
    """As written in the class, for what is marked on it."""
    arguments: list[object]
    """In the order of the signature: what the client sent, its uploads as async iterators, and a StreamInfo. What is
    provided by injection is not among them."""

    @property
    def context(self) -> HubContext:
        return self.hub.context


InvokeNext: TypeAlias = Callable[[HubCall], Awaitable[object]]
ConnectNext: TypeAlias = Callable[[AnyHub], Awaitable[None]]
DisconnectNext: TypeAlias = Callable[[AnyHub, Exception | None], Awaitable[None]]


class HubFilter:
    """The base of filters: override what you need. One instance serves all connections."""

    async def invoke(self, call: HubCall, go_on: InvokeNext) -> object:
        """Around a method. The result of a streaming one is its stream: an async iterator that has not begun (or a
        PushStream), which may be replaced by another."""
        return await go_on(call)

    async def connect(self, hub: AnyHub, go_on: ConnectNext) -> None:
        """Around `on_connected`. Raising refuses the connection."""
        await go_on(hub)

    async def disconnect(self, hub: AnyHub, error: Exception | None, go_on: DisconnectNext) -> None:
        """Around `on_disconnected`."""
        await go_on(hub, error)


Function: TypeAlias = Callable[..., Any]  # of a hub and the arguments; gives a coroutine or an async iterator


def around_method(filters: Iterable[HubFilter], name: str, written: Function, function: Function) -> Function:
    """`function` with the filters around it; itself, if none of them is about methods."""
    relevant = [one.invoke for one in filters if type(one).invoke is not HubFilter.invoke]
    if not relevant:
        return function

    async def run(hub: AnyHub, *arguments: object, **keywords: object) -> object:
        async def innermost(call: HubCall) -> object:
            result = function(call.hub, *call.arguments, **keywords)
            return await result if isinstance(result, Awaitable) else result

        chain: InvokeNext = innermost
        for invoke in reversed(relevant):
            chain = partial(_invoke, invoke, chain)
        return await chain(HubCall(hub, name, written, list(arguments)))

    return run


def _invoke(
    invoke: Callable[[HubCall, InvokeNext], Awaitable[object]], go_on: InvokeNext, call: HubCall
) -> Awaitable[object]:
    return invoke(call, go_on)


def around_connect(filters: Iterable[HubFilter]) -> ConnectNext:
    """Runs the filters and, within them, the hub's `on_connected`."""
    chain: ConnectNext = _on_connected
    for one in reversed(list(filters)):
        if type(one).connect is not HubFilter.connect:
            chain = partial(_connect, one, chain)
    return chain


def around_disconnect(filters: Iterable[HubFilter]) -> DisconnectNext:
    """Runs the filters and, within them, the hub's `on_disconnected`."""
    chain: DisconnectNext = _on_disconnected
    for one in reversed(list(filters)):
        if type(one).disconnect is not HubFilter.disconnect:
            chain = partial(_disconnect, one, chain)
    return chain


async def _on_connected(hub: AnyHub) -> None:
    await hub.on_connected()


def _connect(one: HubFilter, go_on: ConnectNext, hub: AnyHub) -> Awaitable[None]:
    return one.connect(hub, go_on)


async def _on_disconnected(hub: AnyHub, error: Exception | None) -> None:
    await hub.on_disconnected(error)


def _disconnect(one: HubFilter, go_on: DisconnectNext, hub: AnyHub, error: Exception | None) -> Awaitable[None]:
    return one.disconnect(hub, error, go_on)
