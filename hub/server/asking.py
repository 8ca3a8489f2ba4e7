"""Client results (C3): a hub asks one client of this node and waits for its answer."""

import asyncio
from collections.abc import Callable

from hub.errors import HubError
from hub.protocol.messages import Completion, Invocation


class Asking:
    """What one connection's client was asked and has not answered. Ids carry the prefix `s`, as in .NET."""

    __slots__ = (*("_last", "_open", "_send"),)

    def __init__(self, send: Callable[[Invocation], None]) -> None:
        self._send = send
        self._last = 0  # number of the newest question
        self._open: dict[str, asyncio.Future[object]] = {}

    async def ask(self, target: str, arguments: tuple[object, ...]) -> object:
        """The answer. Raises HubError with the client's error, or when the connection is lost; TypeError for
        arguments that cannot be encoded."""
        self._last += 1
        invocation_id = f"s{self._last}"
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._open[invocation_id] = answer
        try:
            self._send(Invocation(target, arguments, invocation_id))
            return await answer
        finally:
            del self._open[invocation_id]

    def answer(self, message: Completion) -> None:
        """A completion has come; one that nobody waits for is ignored."""
        waiting = self._open.get(message.invocation_id)
        if waiting is None or waiting.done():
            return
        if message.error is not None:
            waiting.set_exception(HubError(message.error))
        elif not message.has_result:
            waiting.set_exception(HubError("Client didn't provide a result."))
        else:
            waiting.set_result(message.result)

    def fail(self, reason: str) -> None:
        """The connection ends: nobody will answer."""
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(HubError(reason))
