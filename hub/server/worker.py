"""The task that runs a connection's plain calls, and begins them without being woken.

Theory of operation. Most methods wait for nothing, and waking a task for one costs more than the method does. So
`begin` takes a method's first step right where its message was read: as this task, by asyncio's own hooks for those who
run coroutines themselves, and in its context, so that nothing inside can tell the difference. A method that ends there
is answered there. One that waits is handed over to the task, which goes on as soon as what it waits for is there.

    IDLE ──begin, and it ended──▶ IDLE
         ──begin, and it waits──▶ BUSY ──ended──▶ the next call that waits for a slot, or IDLE
         ──give────────────────▶
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar, copy_context
from types import coroutine
from typing import Any, Literal, TypeAlias

from hub.server.calls import Call

_enter_task, _leave_task = asyncio.tasks._enter_task, asyncio.tasks._leave_task

Serving: TypeAlias = "Worker | Literal['connecting'] | None"

current_call: ContextVar[Serving] = ContextVar("current_call", default=None)
"""What runs the call that the running task serves, so that `invoke` on a client can free its slot (C3)."""

Method: TypeAlias = Coroutine[Any, Any, object]


class Worker:
    """One task. `call` is the one that it runs, or ran last."""

    __slots__ = ("_begun", "_free_slot", "_loop", "_method", "_wake", "call", "context", "task")

    def __init__(self, call: Call, free_slot: Callable[[Call], None]) -> None:
        self.call = call
        self.task: asyncio.Task[None] | None = None  # set by who makes it; runs in `context`, and rests between calls
        self._free_slot = free_slot
        self._loop = asyncio.get_running_loop()
        self._wake: asyncio.Future[None] | None = None  # from the first time that it is idle on
        self._begun: tuple[Method, asyncio.Future[object] | None] | None = None  # handed over, with what it waits for
        self._method: Method | None = None  # of the call that was begun last
        self.context = copy_context()
        self.context.run(current_call.set, self)

    def free_slot(self) -> None:
        """The call waits for its client's answer: others may run meanwhile."""
        self._free_slot(self.call)

    @property
    def is_idle(self) -> bool:
        return self._wake is not None and not self._wake.done()

    @property
    def is_cancelled(self) -> bool:
        """Its task was, by the method that it ran or by the application, and should end."""
        return self.task is not None and self.task.cancelling() > 0

    def enter(self, call: Call) -> bool:
        """Begin a call in this task; `step` must follow. False, and nothing done, if it is not idle, or in a task."""
        if self._wake is None or self._wake.done():
            return False
        try:
            _enter_task(self._loop, self.task)  # type: ignore[arg-type]  # it has been idle, so it is one
        except RuntimeError:
            return False
        self.call = call
        return True

    def step(self, hub: object) -> asyncio.Future[object] | None:
        """Take the call's first step now, after `enter`.

        Raises what the method raises, and StopIteration with its result if it ended. Else it waits for what is
        returned; follow with `hand_over`.
        """
        call = self.call
        try:
            self._method = method = call.method.function(hub, *call.arguments)
            waits_for: asyncio.Future[object] | None = self.context.run(method.send, None)
        finally:
            _leave_task(self._loop, self.task)  # type: ignore[arg-type]  # since `enter`
        return waits_for

    def hand_over(self, waits_for: asyncio.Future[object] | None) -> None:
        """The task goes on with what was begun."""
        assert self._method is not None  # by `step`
        self._begun = self._method, waits_for
        self._call()

    def give(self, call: Call) -> None:
        """The task is to run this call from its first step on. Needs `is_idle`."""
        self.call = call
        self._call()

    def _call(self) -> None:
        assert self._wake is not None  # since it has been idle
        if not self._wake.done():  # cancelled by the method's own first step
            self._wake.set_result(None)

    def rest(self) -> None:
        """It is idle from now on; `called` must follow."""
        self._wake = self._loop.create_future()

    async def called(self) -> Method | None:
        """Wait for the next `call`: what is left of it, if it was begun."""
        assert self._wake is not None  # by `rest`
        is_cancelled = False
        try:
            await self._wake
        except asyncio.CancelledError:
            if self._begun is None:
                raise
            is_cancelled = True  # the call is, since it was handed over
        begun, self._begun = self._begun, None
        return None if begun is None else _rest_of(*begun, is_cancelled)


async def _rest_of(method: Method, waits_for: asyncio.Future[object] | None, is_cancelled: bool) -> object:
    return await _go_on(method, waits_for, is_cancelled)


@coroutine
def _go_on(
    method: Method, waits_for: asyncio.Future[object] | None, is_cancelled: bool
) -> Generator[object, object, object]:
    """What is left of a method whose first step was taken elsewhere."""
    thrown: BaseException | None = None
    if is_cancelled and (waits_for is None or not waits_for.cancel()):
        thrown = asyncio.CancelledError()  # as a task does: into the method, if what it waits for is there already
    try:
        while True:
            if thrown is None:
                try:
                    yield waits_for
                    break
                except BaseException as error:
                    thrown = error
            waits_for, thrown = method.throw(thrown), None
    except StopIteration as ended:
        return ended.value
    return (yield from method.__await__())
