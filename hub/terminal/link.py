"""One connection to a hub, as SignalR clients speak: invocations, streams, and pings both ways."""

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from hub.errors import HubError, HublineError, ProtocolError
from hub.protocol.client import ClientProtocol
from hub.protocol.messages import (
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
    StreamItem,
)

T = TypeVar("T")

HUB_PATH = "/hub"
MAX_RECORD_BYTES = 64 << 20  # a snapshot holds whole messages
STREAM_CAPACITY = 1000  # items that wait for the terminal; when full, reading stops


class LinkLost(HublineError):
    """The connection ended, or could not be made; trying again may work."""


class LinkRefused(HublineError):
    """The server answered that it will not have us; trying again will not help."""


def _advice(status: int, said: str) -> str:
    """What to do about a handshake's answer."""
    if status == 401:
        return " Give a valid token with --token or HUBLINE_TOKEN."
    if status == 404 or (status == 403 and not said):  # a hub says why; Starlette says 403 where it has no socket
        return " No hub is there: give the server's address, with the path that the hub is mounted at, if it has one."
    return ""


def hub_address(url: str) -> str:
    """The WebSocket address of the chat hub of a server, given the server's or the hub's own. Raises LinkRefused if
    `url` is none."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if "://" not in url and parts.port is None:
            raise ValueError("a word")  # it might be a host's name, but is a slip more often
        scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}[parts.scheme]
        if not parts.hostname or parts.port == 0:
            raise ValueError("no host")
    except (KeyError, ValueError) as error:
        raise LinkRefused(f"{url} is no URL of a hub: give it like http://127.0.0.1:8000.") from error
    place = parts.path.rstrip("/").removesuffix(HUB_PATH)
    return urlunsplit((scheme, parts.netloc, place + HUB_PATH, "", ""))


class Link:
    """An open connection. What waits on it raises LinkLost when it ends."""

    def __init__(self, socket: ClientConnection, *, ping_s: float, silence_s: float) -> None:
        self._socket = socket
        self._ping_s = ping_s
        self._silence_s = silence_s
        self._protocol = ClientProtocol("json", max_receive_bytes=MAX_RECORD_BYTES)
        self._ids = itertools.count(1)
        self._calls: dict[str, asyncio.Future[object]] = {}
        self._streams: dict[str, asyncio.Queue[StreamItem | Completion]] = {}
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # ends with the connection

    async def invoke(self, target: str, *arguments: object) -> object:
        """The method's result. Raises HubError with what the server says, LinkLost."""
        invocation_id = str(next(self._ids))
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._calls[invocation_id] = answer
        try:
            await self._send(Invocation(target, arguments, invocation_id))
            return await self._or_lost(answer)
        finally:
            del self._calls[invocation_id]

    async def stream(self, target: str, *arguments: object) -> AsyncGenerator[object, None]:
        """The items of a stream, until it ends. Raises HubError, LinkLost. Closing it cancels it on the server."""
        invocation_id = str(next(self._ids))
        queue: asyncio.Queue[StreamItem | Completion] = asyncio.Queue(STREAM_CAPACITY)
        self._streams[invocation_id] = queue
        ended = False
        try:
            await self._send(StreamInvocation(target, arguments, invocation_id))
            while True:
                message = (
                    queue.get_nowait() if queue.qsize() else await self._or_lost(asyncio.ensure_future(queue.get()))
                )
                if isinstance(message, Completion):
                    ended = True
                    if message.error is not None:
                        raise HubError(message.error)
                    return
                yield message.item
        except LinkLost:
            ended = True
            raise
        finally:
            del self._streams[invocation_id]
            while queue.qsize():  # the reader may be waiting for room
                queue.get_nowait()
            if not ended:
                with contextlib.suppress(LinkLost):
                    await self._send(CancelInvocation(invocation_id))

    async def handshake(self) -> None:
        """Raises LinkLost, LinkRefused."""
        await self._send_bytes(self._protocol.handshake_request)
        while not self._protocol.is_open:
            for message in await self._receive():
                await self._accept(message)

    async def run(self) -> None:
        """Read and ping until the connection ends; then, or when cancelled, everything that waits raises LinkLost."""
        reason = "The connection was closed."
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ping_forever())
                while True:
                    for message in await self._receive():
                        await self._accept(message)
        except* (LinkLost, LinkRefused) as group:
            reason = str(group.exceptions[0])
        finally:
            if not self._lost.done():
                self._lost.set_exception(LinkLost(reason))
                self._lost.exception()  # seen: nobody may be waiting

    async def _ping_forever(self) -> None:
        while True:
            await asyncio.sleep(self._ping_s)
            await self._send(Ping())

    async def _receive(self) -> list[HubMessage]:
        try:
            async with asyncio.timeout(self._silence_s):
                frame = await self._socket.recv(decode=False)
            return self._protocol.receive_data(frame)
        except TimeoutError as error:
            raise LinkLost(f"The server was silent for {self._silence_s:g} s.") from error
        except ConnectionClosed as error:
            raise LinkLost("The connection was lost.") from error
        except ProtocolError as error:
            raise LinkRefused(f"This is no hub that we understand: {error}") from error

    async def _accept(self, message: HubMessage) -> None:
        match message:
            case Completion(invocation_id=known) if answer := self._calls.get(known):
                if not answer.done():
                    if message.error is None:
                        answer.set_result(message.result)
                    else:
                        answer.set_exception(HubError(message.error))
            case StreamItem(invocation_id=known) | Completion(invocation_id=known) if queue := self._streams.get(known):
                await queue.put(message)
            case Close():
                raise LinkLost(message.error or "The server closed the connection.")
            case _:
                pass  # pings, and what the hub invokes on clients that execute tools

    async def _send(self, message: HubMessage) -> None:
        await self._send_bytes(self._protocol.encode(message))

    async def _send_bytes(self, record: bytes) -> None:
        try:
            await self._socket.send(record, text=True)
        except ConnectionClosed as error:
            raise LinkLost("The connection was lost.") from error

    async def _or_lost(self, answer: asyncio.Future[T]) -> T:
        try:
            await asyncio.wait((answer, self._lost), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
        self._lost.result()
        raise AssertionError("a lost connection says why")


@contextlib.asynccontextmanager
async def open_link(
    url: str, *, token: str | None = None, ping_s: float = 15.0, silence_s: float = 30.0
) -> AsyncIterator[Link]:
    """A link to the chat hub at `url`. Raises LinkLost (nobody there), LinkRefused (wrong address, not allowed)."""
    address = hub_address(url)
    try:
        socket = await connect(
            address,
            # In a header: addresses are written to logs.
            additional_headers=None if token is None else {"Authorization": f"Bearer {token}"},
            compression=None,
            ping_interval=None,
            max_size=MAX_RECORD_BYTES,
            close_timeout=1,
        )
    except InvalidStatus as error:
        said = error.response.body.decode(errors="replace").strip()[:200] if error.response.body else ""
        why = re.search(r'error_description="([^"]*)"', error.response.headers.get("www-authenticate", ""))
        said = f"{said}: {why[1]}" if why else said
        advice = _advice(error.response.status_code, said)
        text = f"{url} refused: HTTP {error.response.status_code} {said}".rstrip(" .")
        raise LinkRefused(f"{text}.{advice}") from error
    except (OSError, TimeoutError) as error:
        raise LinkLost(f"Cannot reach {url}: is `hubline serve` running there?") from error
    except InvalidHandshake as error:
        raise LinkRefused(f"{url} does not speak WebSocket: {error}.") from error
    link = Link(socket, ping_s=ping_s, silence_s=silence_s)
    reading: asyncio.Task[None] | None = None
    try:
        await link.handshake()
        reading = asyncio.create_task(link.run())
        yield link
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])
        await socket.close()


def record_of(value: object) -> Mapping[str, object]:
    """What the contract says is an object. Raises LinkRefused if the server sent something else."""
    if not isinstance(value, Mapping):
        raise LinkRefused("The server's answer is not what the contract says: it may be of another version.")
    return value
