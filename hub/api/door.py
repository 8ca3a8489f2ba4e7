"""Who may come in, how often, and how many at once: the rules of the hub, for requests of the HTTP API.

All requests of a user to a node count together, as the calls of one connection of the hub do; what answers for long (a
stream, a wait for an answer) counts as a connection.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.requests import Request

from hub.errors import CallError
from hub.server.answers import address_of
from hub.server.auth import User
from hub.server.auth.rates import KeyedRate, Rate
from hub.server.opening import Reception
from hub.server.places import Place
from hub.server.served import ServedHub


class Door:
    """Of one node."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        """`served` is the hub whose options and rules hold."""
        self._server = server
        self._served = served
        options = served.options
        rate = Rate(options.max_invocations_per_s, options.invocation_burst)
        self._ordinary = KeyedRate(rate)
        self._immediate = KeyedRate(rate)  # apart, so that Stop gets through

    async def admit(self, request: Request, *, immediate: bool, opens: bool) -> User:
        """The user of a request. `opens`: it may take long, so it counts as a new connection. Raises Refused,
        CallError."""
        if opens:
            user = await self._server.admit(request, self._served)
        else:
            self._server.check_running()
            user = await self._server.gate.admit(request)
            self._served.check_user(user)
        self._check_rate(user, immediate)
        return user

    def _check_rate(self, user: User, immediate: bool) -> None:
        now = time.monotonic()
        own = self._immediate if immediate else self._ordinary
        name, shared = "max_invocations_per_s", self._served.user_rate
        wait_s, per_s = own.take(user.key, now), own.per_s
        if not wait_s and not immediate and not user.anonymous:
            name, wait_s, per_s = "max_user_invocations_per_s", shared.take(user.key, now), shared.per_s
        if wait_s:
            raise CallError("rate_limited", f"Too many calls: {name} is {per_s:g}. Send fewer.", retry_after_s=wait_s)

    def place_for(self, user: User, request: Request) -> Place:
        """Of a request that takes long; to be given back when it is answered. Raises Refused."""
        return self._server.place_for(user, address_of(request))


class LongAnswers:
    """The answers under way that take long: each is told when the node ends, so that its client comes again."""

    def __init__(self) -> None:
        self._open: set[asyncio.Future[None]] = set()
        self._is_closed = False
        self._none = asyncio.Event()  # set while there is none
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[asyncio.Future[None]]:
        """What is done when the answer has to end: at once, if they are closed. Nobody may cancel it."""
        ending = asyncio.get_running_loop().create_future()
        if self._is_closed:  # it was let in before, and its body came since
            _end(ending)
        self._open.add(ending)
        self._none.clear()
        try:
            yield ending
        finally:
            self._open.discard(ending)
            if not self._open:
                self._none.set()

    async def move(self, spread_s: float) -> None:
        """End all of them, spread over time lest their clients come again all at once."""
        open_now = list(self._open)
        random.shuffle(open_now)
        for ending in open_now:
            _end(ending)
            await asyncio.sleep(spread_s / len(open_now))

    async def close(self, timeout_s: float) -> None:
        """End all of them, and wait for so long at most until they have ended. Those that begin later end at once."""
        self._is_closed = True
        for ending in self._open:
            _end(ending)
        with suppress(TimeoutError):  # those that are stuck end with the server
            await asyncio.wait_for(self._none.wait(), timeout_s)


def _end(ending: asyncio.Future[None]) -> None:
    if not ending.done():
        ending.set_result(None)
