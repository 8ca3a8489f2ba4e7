"""Dependency injection by annotation: what hubs and their methods need, made for them and closed afterwards.

    server.provide(Database, connect)                             # one for all
    server.provide(Session, open_session, lifetime="call")        # one per call

    class Board(Hub):
        async def move(self, card: str, to: int, session: Session) -> bool: ...    # invoke("Move", "a", 3)

A parameter of a hub method, of the hub's `__init__` or of another factory whose annotation is a provided type is
filled in; it is no argument on the wire. `HubContext` and `User` are provided: the connection and its user.

A factory is any function or class; it may be async, or an async generator that yields once. What it gives is used as
it is, unless it is an async context manager: that is entered (what it gives then is used) and left at the end of its
lifetime, with the error that a call ended with. Values are made when first needed, those of lifetime "app" when the
server starts, in the order in which they were provided.
"""

import asyncio
import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, TypeAlias, TypeVar

from hub.server.auth import User
from hub.server.binding import Need
from hub.server.filters import Function
from hub.server.hub import AnyHub, HubContext, HubScope
from hub.server.streams import PushStream, StreamSink

T = TypeVar("T")

Lifetime = Literal["app", "connection", "call"]
Factory: TypeAlias = Callable[..., object]

_ORDER: tuple[Lifetime, ...] = ("app", "connection", "call")  # the longest first


@dataclass(frozen=True, slots=True)
class Provider:
    factory: Factory
    lifetime: Lifetime
    needs: tuple[Need, ...]


class Provided:
    """All that one server provides. `start` before its connections begin, `close` after they have ended."""

    def __init__(self) -> None:
        self.providers: dict[object, Provider] = {}
        for kind in (HubContext, User):
            self.providers[kind] = Provider(_never, "connection", ())  # `Scope` knows them
        self._app = Scope(self, "app", None)

    def provide(self, kind: object, factory: Factory, lifetime: Lifetime = "app") -> None:
        """Raises TypeError for a factory that needs what is not provided, or what lives shorter than itself."""
        if inspect.isasyncgenfunction(factory):
            factory = asynccontextmanager(factory)
        name = getattr(kind, "__name__", str(kind))
        needs = self.needs_of(factory, f"the factory of {name}")
        for need in needs:
            other = self.providers[need.kind].lifetime
            if _ORDER.index(other) > _ORDER.index(lifetime):
                raise TypeError(f"The {name}, of lifetime {lifetime!r}, cannot use {need.name}, of lifetime {other!r}.")
        self.providers[kind] = Provider(factory, lifetime, needs)

    def needs_of(self, function: Callable[..., object], name: str, skip: int = 0) -> tuple[Need, ...]:
        """What has to be given to a function that no client calls. Raises TypeError."""
        needs: list[Need] = []
        signature = inspect.signature(function)
        target = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]  # only its hints
        hints = typing.get_type_hints(getattr(target, "__wrapped__", target), include_extras=True)
        for parameter in list(signature.parameters.values())[skip:]:
            kind = hints.get(parameter.name)
            if kind in self.providers:
                needs.append(Need(None, parameter.name, kind))
            elif parameter.default is inspect.Parameter.empty and parameter.kind in _NAMED:
                raise TypeError(
                    f"Nothing provides the parameter {parameter} of {name}: call provide({_type_name(kind)}, …) before."
                )
        return tuple(needs)

    async def start(self) -> None:
        """Raises whatever a factory raises; what was made by then is closed."""
        try:
            for kind, provider in self.providers.items():
                if provider.lifetime == "app":
                    await self._app.get(kind)
        except BaseException:
            await self._app.close()
            raise

    async def close(self) -> None:
        """Idempotent."""
        await self._app.close()
        self._app = Scope(self, "app", None)

    def scope(self, context: HubContext) -> "Scope":
        """Of a new connection."""
        scope = Scope(self, "connection", self._app)
        scope.values[HubContext] = context
        return scope


class Scope:
    """The values of one lifetime. As `async with`, it closes with the error that is raised inside."""

    def __init__(self, provided: Provided, lifetime: Lifetime, parent: "Scope | None") -> None:
        self.values: dict[object, object] = {}
        self._provided = provided
        self._lifetime = lifetime
        self._parent = parent  # of the next longer lifetime
        self._stack = AsyncExitStack()
        self._making = asyncio.Lock()  # calls that run at once share what lives longer than they do

    def inner(self) -> "Scope":
        """Of one call."""
        return Scope(self._provided, "call", self)

    async def get(self, kind: object) -> object:
        """The value, made if it is not there yet. Raises whatever its factory raises."""
        if kind in self.values:
            return self.values[kind]
        if self._provided.providers[kind].lifetime != self._lifetime:
            assert self._parent is not None
            return await self._parent.get(kind)
        if kind is User:
            return self._user()
        async with self._making:
            return await self._make(kind)

    async def get_all(self, needs: Sequence[Need]) -> dict[str, object]:
        """By the names of the parameters."""
        return {need.name: await self.get(need.kind) for need in needs}

    async def _make(self, kind: object) -> object:
        if kind in self.values:
            return self.values[kind]
        provider = self._provided.providers[kind]
        if provider.lifetime != self._lifetime:
            return await self.get(kind)
        if kind is User:
            return self._user()
        value = provider.factory(**{need.name: await self._make(need.kind) for need in provider.needs})
        if isinstance(value, Awaitable):
            value = await value
        if isinstance(value, typing.AsyncContextManager):
            value = await self._stack.enter_async_context(value)
        self.values[kind] = value
        return value

    def _user(self) -> User:
        """Not kept: a new token may give another name or other roles."""
        context: HubContext = self.values[HubContext]  # type: ignore[assignment]  # `Provided.scope` has set it
        return context.user

    async def close(self) -> None:
        """Idempotent."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, trace)


def injecting(function: Function, needs: Sequence[Need], streaming: bool, provided: Provided) -> Function:
    """`function` with what it needs filled in; itself, if it needs nothing."""
    if not needs:
        return function
    has_own = any(provided.providers[need.kind].lifetime == "call" for need in needs)

    async def start(scope: HubScope, hub: AnyHub, arguments: tuple[object, ...], keywords: dict[str, object]) -> object:
        filled = list(arguments)
        for need in needs:
            value = await scope.get(need.kind)
            if need.place is None:
                keywords[need.name] = value
            else:
                filled.insert(need.place, value)
        result = function(hub, *filled, **keywords)
        return await result if isinstance(result, Awaitable) else result

    async def run(hub: AnyHub, *arguments: object, **keywords: object) -> object:
        assert hub.scope is not None, "set when the hub was made"
        if not has_own:
            return await start(hub.scope, hub, arguments, keywords)
        async with AsyncExitStack() as stack:
            scope = await stack.enter_async_context(hub.scope.inner())
            result = await start(scope, hub, arguments, keywords)
            if streaming:
                kept = stack.pop_all()  # until the stream ends
                return _ScopedPush(result, kept) if isinstance(result, PushStream) else _ScopedItems(result, kept)
            return result

    return run


class _ScopedItems:
    """An async iterator that closes its call's scope. No generator: one that never began would not close it."""

    def __init__(self, items: typing.Any, stack: AsyncExitStack) -> None:
        self._items = aiter(items)
        self._stack = stack

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> object:
        try:
            return await anext(self._items)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            await self._stack.__aexit__(type(error), error, error.__traceback__)
            raise

    async def aclose(self) -> None:
        async with self._stack:
            close = getattr(self._items, "aclose", None)
            if close is not None:
                await close()


class _ScopedPush(PushStream):
    def __init__(self, stream: PushStream, stack: AsyncExitStack) -> None:
        self._stream = stream
        self._stack = stack

    async def run(self, sink: StreamSink) -> None:
        async with self._stack:
            await self._stream.run(sink)


def _never() -> object:
    raise AssertionError("every connection's scope has this value")


def _type_name(kind: object) -> str:
    return getattr(kind, "__name__", "its type") if kind is not None else "its type"


_NAMED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)
