"""A client of one session: watches it for ever, at whichever node there is, and calls over the same connection."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random

from tests.chaos.shown import Event, Shown
from tests.chaos.wire import Connection, Encoding, Lost, Refused, connected

CONNECT_S = 3.0
CALL_S = 5.0
"""How long an answer may take before the call is repeated."""

AGAIN_S = 0.1
"""Before it connects or calls again, half of it or more."""

PASSING = ("[backplane_away]", "[unavailable]", "[busy]", "[rate_limited]")
"""What a call may be refused with that is worth repeating."""


class Client:
    """`run` watches until it is cancelled. `urls` says where the nodes are now, None for one that
    is not there; `home` is the place of the one that is preferred."""

    def __init__(
        self,
        urls: Sequence[str | None],
        home: int,
        session_id: str,
        encoding: Encoding,
        shown: Shown,
        *,
        chosen: Random,
        on_event: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._urls = urls
        self._home = home
        self._session_id = session_id
        self._encoding = encoding
        self.shown = shown
        self._chosen = chosen
        self._on_event = on_event
        self._tell = tell
        self._connection: Connection | None = None  # while there is one
        self._has_connection = asyncio.Event()
        self.place = home
        """Of the node that it is connected to, or was last."""
        self.connections = 0
        self.resumed = 0
        """How often it followed on without a snapshot."""

    async def run(self) -> None:
        attempt = 0
        while True:
            self.place = (self._home + attempt) % len(self._urls)
            attempt += 1
            url = self._urls[self.place]
            if url is not None:
                try:
                    if await self._watch_at(url):
                        attempt = 0
                except Lost:
                    pass  # another node, then
            await self.pause()

    async def pause(self) -> None:
        await asyncio.sleep(AGAIN_S * self._chosen.uniform(0.5, 1.0))

    def drop(self) -> None:
        """Lose the connection, as a laptop does that falls asleep."""
        if self._connection is not None:
            self._connection.abort()

    async def call(self, target: str, *arguments: object) -> Mapping[str, object]:
        """The result of one try. Raises `Lost`, also when no answer came in time; `Refused`."""
        try:
            async with asyncio.timeout(CALL_S):
                await self._has_connection.wait()
                assert self._connection is not None
                result = await self._connection.invoke(target, *arguments)
        except TimeoutError as error:
            raise Lost("no answer in time") from error
        assert isinstance(result, Mapping), result
        return result

    async def _watch_at(self, url: str) -> bool:
        """Watch over one connection until it is lost; whether there was one."""
        async with connected(url, self._encoding, within_s=CONNECT_S) as connection:
            self.connections += 1
            self._connection = connection
            self._has_connection.set()
            try:
                while not await self._joins(connection):
                    await self.pause()
                while True:
                    await self._follow(connection)
                    await self.pause()
            except Lost:
                return True
            finally:
                self._has_connection.clear()
                self._connection = None

    async def _joins(self, connection: Connection) -> bool:
        """Whether the session is open to us; it is made if there is none."""
        try:
            await connection.invoke("OpenSession", {"sessionId": self._session_id})
        except Refused as refusal:
            self._check_passing("OpenSession", refusal)
            return False
        return True

    def _check_passing(self, target: str, refusal: Refused) -> None:
        if not str(refusal).startswith(PASSING):
            self._tell(f"{target} was refused: {refusal}")

    async def _follow(self, connection: Connection) -> None:
        """One Watch, from where the one before ended."""
        position, snapshots = self.shown.position, self.shown.snapshots
        is_first = True

        def take(event: Event) -> None:
            nonlocal is_first
            self.shown.take(event)
            if is_first and position is not None and self.shown.snapshots == snapshots:
                self.resumed += 1
            is_first = False
            self._on_event()

        try:
            await connection.stream("Watch", self._session_id, position, on_item=take)
        except Refused as refusal:
            self._check_passing("Watch", refusal)


async def repeated(clients: Sequence[Client], target: str, *arguments: object, within_s: float) -> Mapping[str, object]:
    """The result of a call that is safe to repeat: at one client after the other until it is answered.

    Raises `TimeoutError`, and `Refused` for what repeating does not help.
    """
    async with asyncio.timeout(within_s):
        while True:
            for client in clients:
                try:
                    return await client.call(target, *arguments)
                except Lost:
                    pass  # whether it was done is not known: again, by the same id
                except Refused as refusal:
                    if not str(refusal).startswith(PASSING):
                        raise
                await client.pause()
