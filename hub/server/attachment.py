"""What a transport sees of the connection that it carries.

Most connections live and die with their transport, and are seen as they are. One with stateful reconnect (signalr.md
1.6) may outlive its WebSocket, so each of its sockets gets an `Attachment`: when the socket is lost, or the client
comes with another one before the loss was noticed, what the old one still says reaches nobody.
"""

import asyncio
from typing import Protocol

from hub.server.connection import HubConnection
from hub.server.outbox import Writer


class Carried(Protocol):
    """A connection, to its transport. `HubConnection` says what each does."""

    @property
    def finished(self) -> asyncio.Future[None]:
        """Done when this transport has no connection to carry any more."""
        ...

    @property
    def is_closed(self) -> bool: ...
    @property
    def paused(self) -> bool: ...
    async def until_readable(self) -> None: ...
    def turn_begins(self) -> None: ...
    def receive(self, data: bytes) -> None: ...
    def lost(self, error: Exception | None) -> None: ...
    def close(self) -> None: ...


class Attachment:
    """`Carried` by one socket, until that is lost or replaced."""

    def __init__(self, connection: HubConnection) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._is_current = False  # from `begin` or `attach` until it is detached
        self._early: list[bytes] = []  # came before that

    def begin(self) -> None:
        """The connection's first socket, whose writer it was made with."""
        self._is_current = True
        self._connection.on_detached = self._detached

    def attach(self, writer: Writer) -> None:
        """A later socket takes over; does nothing if the connection has ended meanwhile, but say so."""
        if self._connection.is_closed:
            writer.close()
            self._detached()
            return
        self._connection.attach(writer)
        self.begin()
        early, self._early = self._early, []
        for data in early:
            self.receive(data)

    @property
    def is_closed(self) -> bool:
        return self.finished.done() or self._connection.is_closed

    @property
    def paused(self) -> bool:
        return self._is_current and self._connection.paused

    async def until_readable(self) -> None:
        await self._connection.until_readable()

    def turn_begins(self) -> None:
        self._connection.turn_begins()

    def receive(self, data: bytes) -> None:
        if self._is_current:
            self._connection.receive(data)
        elif not self.finished.done():
            self._early.append(data)

    def lost(self, error: Exception | None) -> None:
        if self._is_current:
            self._connection.lost(error)
        self._detached()

    def close(self) -> None:
        if self._is_current:
            self._connection.close()

    def _detached(self) -> None:
        self._is_current = False
        if not self.finished.done():
            self.finished.set_result(None)
