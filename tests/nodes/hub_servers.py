"""Several `HubServer`s in this process, each with a backplane of its own on one real Redis and a real uvicorn before
it."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from hub.backplane.base import Bus
from hub.backplane.redis import RedisBackplane
from hub.server.auth import Authenticate
from hub.server.hub import Hub
from hub.server.negotiated import Claims
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from tests.backplane.redis_server import RedisServer
from tests.server.live import serve_live

SECRET = b"the same thirty-two bytes, always"


@dataclass
class Node:
    address: str
    server: HubServer
    backplane: RedisBackplane

    @property
    def served(self) -> int:
        """Requests that came to other nodes and are being answered here."""
        assert self.server.forwarding is not None
        return self.server.forwarding.served

    @property
    def forwarded(self) -> int:
        return self.server.metrics.requests_forwarded


class Board(Hub):
    """Says which connections ended, and why; keeps what was noted."""

    ends: list[tuple[str, str | None]]
    notes: list[int]

    async def on_disconnected(self, error: Exception | None) -> None:
        self.ends.append((self.context.connection_id, None if error is None else str(error)))

    async def echo(self, value: object) -> object:
        return value

    async def note(self, number: int, _text: str) -> None:
        self.notes.append(number)


class HubServers:
    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self._stacks: list[AsyncExitStack] = []  # of each node
        Board.ends, Board.notes = [], []

    async def start(
        self,
        *,
        limits: ServerLimits | None = None,
        options: HubOptions | None = None,
        authenticate: Authenticate | None = None,
        through: Callable[[Bus], Bus] = lambda bus: bus,
        claims: Callable[[Claims], Claims] = lambda claims: claims,
        close_timeout_s: float = 0.1,
    ) -> Node:
        """One more node. `through` may put something before its bus, and `claims` before its claims."""
        stack = AsyncExitStack()
        self._stacks.append(stack)
        backplane = RedisBackplane(self._redis.url)
        await backplane.start()
        stack.push_async_callback(backplane.close)
        server = HubServer(
            through(backplane.bus),
            anonymous_allowed=True,
            authenticate=authenticate,
            limits=limits or ServerLimits(tick_s=0.02),
            token_secret=SECRET,
            claims=claims(backplane.claims),
        )
        # Those that tests leave behind poll no more: nobody waits for them.
        server.add("/hub", Board, replace(options or HubOptions(), close_timeout_s=close_timeout_s))
        await server.start()
        address = await stack.enter_async_context(serve_live(server))
        return Node(address, server, backplane)

    async def close(self) -> None:
        """All at once."""
        await asyncio.gather(*(stack.aclose() for stack in self._stacks))
