"""WebSockets over plain ASGI: works under any server, with one owned task per connection that sends.

What is sent within one turn of the event loop leaves in one frame: records are gathered, and the sending task takes
them all. JSON goes in text frames, MessagePack in binary ones (M12); a frame holds whole records only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from hub.protocol.codec import TransferFormat
from hub.server.attachment import Carried

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

_HIGH_WATER_BYTES = 65_536  # gathered in one turn before the writer says that it has a backlog
# Not 1005, a close frame without a code: uvicorn says that of a connection that broke, too.
_GRACEFUL_CODES = (1000, 1001)


class AsgiWriter:
    """`Writer` over an ASGI `send`. Its task is `run`, owned by whoever made the writer.

    Rule for when it is full: it is not ready while a frame waits for the server underneath, or 64 KiB are gathered.
    """

    def __init__(self, send: Send) -> None:
        self.ready = True
        self.on_ready: Callable[[], None] = _nothing
        self.transfer_format: TransferFormat = "Text"
        self._send = send
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._is_sending = False  # a frame is with the server underneath
        self._is_closing = False  # close once all has left
        self._is_aborted = False
        self._wake: asyncio.Future[None] | None = None  # set while `run` waits for something to do
        self._runner: asyncio.Task[None] | None = None  # set by `run`

    def write(self, records: bytes) -> None:
        if self._is_closing or self._is_aborted:
            return
        self._gathered.append(records)
        self._gathered_bytes += len(records)
        if self._gathered_bytes >= _HIGH_WATER_BYTES:
            self.ready = False
        self._wake_up()

    def write_with_others(self, records: bytes) -> None:
        self.write(records)

    def close(self) -> None:
        self._is_closing = True
        self._wake_up()

    def abort(self) -> None:
        self._is_aborted = True
        self.ready = False
        self._wake_up()
        if self._is_sending and self._runner is not None:
            self._runner.cancel()

    async def run(self) -> None:
        """Send until closed or aborted. Raises what the server's `send` raises, when the client has gone."""
        self._runner = asyncio.current_task()
        loop = asyncio.get_running_loop()
        while not self._is_aborted:
            if self._gathered:
                await self._send_gathered()
            elif self._is_closing:
                await self._send_end()
                return
            else:
                self._wake = loop.create_future()
                await self._wake

    async def _send_gathered(self) -> None:
        records = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
        self._gathered, self._gathered_bytes = [], 0
        self.ready, self._is_sending = False, True
        try:
            await self._send_records(records)
        finally:
            self._is_sending = False
        if not self._is_aborted:
            self.ready = True
            self.on_ready()

    async def _send_records(self, records: bytes) -> None:
        if self.transfer_format == "Text":
            await self._send({"type": "websocket.send", "text": records.decode()})
        else:
            await self._send({"type": "websocket.send", "bytes": records})

    async def _send_end(self) -> None:
        await self._send({"type": "websocket.close", "code": 1000})

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


async def serve_websocket(connection: Carried, writer: AsgiWriter, receive: Receive, close_timeout_s: float) -> None:
    """Carry an accepted WebSocket until either side ends it; returns when the connection has finished."""
    await carry(connection, writer, _read(connection, receive), close_timeout_s)


async def carry(
    connection: Carried,
    writer: AsgiWriter,
    read: Coroutine[object, object, Exception | None],
    close_timeout_s: float,
) -> None:
    """Send what `writer` gets and run `read`, which feeds the connection, until one of them or the connection ends.

    `read` returns why the client has gone, None if it closed properly.
    """
    sending = asyncio.ensure_future(writer.run())
    reading = asyncio.ensure_future(read)
    try:
        ends: list[asyncio.Future[Any]] = [sending, reading, connection.finished]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not connection.is_closed:
            # If it was sending that failed, the reason waits to be read.
            await asyncio.wait([reading], timeout=close_timeout_s)
            connection.lost(reading.result() if reading.done() else ConnectionError("The connection was lost."))
        await asyncio.wait([sending], timeout=close_timeout_s)
        await asyncio.shield(connection.finished)
    finally:
        connection.lost(ConnectionError("The server stopped serving the connection."))
        for task in (sending, reading):
            task.cancel()
        await asyncio.gather(sending, reading, return_exceptions=True)


async def _read(connection: Carried, receive: Receive) -> Exception | None:
    """Feed the connection until the client has gone; returns why, None if it closed properly."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            if message.get("code") in _GRACEFUL_CODES:
                return None
            return ConnectionError(f"The connection was lost (WebSocket close code {message.get('code')}).")
        text = message.get("text")
        connection.receive(message["bytes"] if text is None else text.encode())
        if connection.paused:
            await connection.until_readable()


def _nothing() -> None:
    pass
