"""Delivery inside one process: who listens under a key, called directly and in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Listener(Generic[T]):
    """One subscription of a `Fanout`."""

    __slots__ = ("_fanout", "_key", "open", "receive")

    def __init__(self, fanout: "Fanout[T]", key: str, receive: Callable[[T], None]) -> None:
        self._fanout = fanout
        self._key = key
        self.receive = receive
        self.open = True  # False once closed; a publication under way looks at it before each call

    def close(self) -> None:
        if self.open:
            self.open = False
            self._fanout.remove(self._key, self)


class Fanout(Generic[T]):
    """Calls every listener of a key with each item, in the order published, before `publish` returns.

    Only a publication from inside a listener waits until the one under way has reached everybody, lest the listeners
    after it see the two in the other order. A listener that raises is reported to the loop's exception handler and
    costs the others nothing.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[_Listener[T], ...]] = {}
        self._under_way = False
        self._behind: deque[tuple[str, T]] = deque()

    def add(self, key: str, receive: Callable[[T], None]) -> _Listener[T]:
        listener = _Listener(self, key, receive)
        self._listeners[key] = (*self._listeners.get(key, ()), listener)
        return listener

    def remove(self, key: str, listener: _Listener[T]) -> None:
        left = tuple(other for other in self._listeners[key] if other is not listener)
        if left:
            self._listeners[key] = left
        else:
            del self._listeners[key]

    def publish(self, key: str, item: T) -> None:
        if key not in self._listeners:
            return
        if self._under_way:
            self._behind.append((key, item))
            return
        self._under_way = True
        try:
            self._deliver(key, item)
            while self._behind:
                self._deliver(*self._behind.popleft())
        finally:
            self._under_way = False

    def _deliver(self, key: str, item: T) -> None:
        for listener in self._listeners.get(key, ()):
            if listener.open:
                try:
                    listener.receive(item)
                except Exception as error:
                    asyncio.get_running_loop().call_exception_handler(
                        {"message": f"a receiver of {key!r} raised", "exception": error}
                    )


class LocalBus:
    """A `Bus` for stores that only one process can use."""

    def __init__(self) -> None:
        self._fanout: Fanout[bytes] = Fanout()

    def publish(self, channel: str, payload: bytes) -> None:
        self._fanout.publish(channel, payload)

    async def subscribe(self, channel: str, receive: Callable[[bytes], None]) -> _Listener[bytes]:
        return self._fanout.add(channel, receive)
