"""What the transports over plain HTTP read: bodies of POSTs, and that a client has gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.types import Receive

from hub.server.auth import Refused
from hub.server.connection import HubConnection
from hub.server.negotiated import NO_CONNECTION


async def take_body(request: Request, connection: HubConnection, max_bytes: int) -> None:
    """Feed a POST's body to its connection, piece by piece, no faster than that reads. Returns once all is accepted.

    Raises Refused (413) over `max_bytes`, Refused (404) if the connection ends meanwhile: a body that comes slowly
    must not outlive it, and ClientDisconnect if the body ends early. Where a part of it was taken the connection is
    lost then, since the next body would be joined to that.
    """
    if int(request.headers.get("content-length", "0")) > max_bytes:  # checked by the server underneath to be a number
        raise _too_large(max_bytes)
    received = 0
    try:
        async with _while_open(connection):
            async for piece in request.stream():
                received += len(piece)
                if received > max_bytes:
                    raise _too_large(max_bytes)
                connection.receive(piece)
                await connection.until_readable()
    except BaseException as error:
        if received:
            connection.lost(ConnectionError(f"The client's POST was not whole ({type(error).__name__})."))
        raise


@asynccontextmanager
async def _while_open(connection: HubConnection) -> AsyncIterator[None]:
    """Raises Refused (404) within the block once the connection has finished."""
    loop, is_inside = asyncio.get_running_loop(), True

    def end(_: object) -> None:
        if is_inside:  # it may have been on its way already when the block was left
            bound.reschedule(loop.time())

    try:
        async with asyncio.timeout(None) as bound:
            connection.finished.add_done_callback(end)
            try:
                yield
            finally:
                is_inside = False
                connection.finished.remove_done_callback(end)
    except TimeoutError:
        raise Refused(404, NO_CONNECTION) from None


def _too_large(max_bytes: int) -> Refused:
    return Refused(413, f"The body is too large: the limit max_body_bytes is {max_bytes}.")


async def until_gone(receive: Receive) -> None:
    """Returns when the client has closed its request, whose body has no meaning."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def gone(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """A task that ends when the client has gone, for as long as the block lasts."""
    task = asyncio.create_task(until_gone(receive))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
