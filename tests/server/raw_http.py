"""HTTP/1.1 by hand, so that a test sees the very bytes: status, headers, and a body as it comes."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> tuple[int, str]:
        return self.status, self.body.decode()


class Exchange:
    """One request on a connection of its own. Used as `async with`; leaving it closes the connection, answered or
    not."""

    def __init__(
        self, address: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._address = address
        lines = {"Host": address, **(headers or {})}
        if body is not None:
            lines["Content-Length"] = str(len(body))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._request = head.encode() + b"\r\n" + (body or b"")
        self.status = 0
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        host, port = self._address.split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        self.writer.write(self._request)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    async def head(self) -> Self:
        """Wait for status and headers."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
        return self

    async def piece(self) -> bytes:
        """The next chunk of the body; empty at its end."""
        length = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(length + 2))[:-2]

    async def body(self) -> bytes:
        if "content-length" in self.headers:
            return await self.reader.readexactly(int(self.headers["content-length"]))
        if self.headers.get("transfer-encoding") != "chunked":
            return b""
        pieces = []
        while piece := await self.piece():
            pieces.append(piece)
        return b"".join(pieces)


async def ask(address: str, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    async with asyncio.timeout(10), Exchange(address, method, path, body, headers) as exchange:
        await exchange.head()
        return Answer(exchange.status, exchange.headers, await exchange.body())


async def negotiated(address: str, query: str = "", **headers: str) -> dict[str, str]:
    answer = await ask(address, "POST", f"/hub/negotiate?negotiateVersion=1{query}", b"", **headers)
    assert answer.status == 200, answer
    found: dict[str, str] = json.loads(answer.body)
    return found


async def token(address: str, query: str = "", **headers: str) -> str:
    return (await negotiated(address, query, **headers))["connectionToken"]


def record(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\x1e"


def call(target: str, *arguments: object, id: str = "1") -> bytes:
    return record(type=1, invocationId=id, target=target, arguments=list(arguments))


def records(body: bytes) -> list[dict[str, object]]:
    """Of a body that must hold whole ones."""
    assert not body or body.endswith(b"\x1e")
    return [json.loads(part) for part in body.split(b"\x1e")[:-1]]


HANDSHAKE = record(protocol="json", version=1)


class Poller:
    """One long-polling connection."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.path = f"/hub?id={token}"

    async def poll(self, **headers: str) -> Answer:
        return await ask(self.address, "GET", self.path, None, **headers)

    async def post(self, body: bytes, **headers: str) -> Answer:
        return await ask(self.address, "POST", self.path, body, **headers)

    async def delete(self) -> Answer:
        return await ask(self.address, "DELETE", self.path)

    def waiting(self) -> Exchange:
        """A poll that is not waited for."""
        return Exchange(self.address, "GET", self.path)

    async def shake_hands(self) -> Self:
        assert (await self.poll()).text == (200, "")
        assert (await self.post(HANDSHAKE)).text == (200, "")
        assert (await self.poll()).body == b"{}\x1e"
        return self

    async def read(self) -> list[dict[str, object]]:
        """What the next polls bring, at least one record."""
        while not (found := records((await self.poll()).body)):
            pass
        return found


@asynccontextmanager
async def event_stream(address: str, token: str, **headers: str) -> AsyncIterator[Exchange]:
    """An open one whose first bytes were read."""
    async with Exchange(address, "GET", f"/hub?id={token}", None, {"Accept": "text/event-stream", **headers}) as stream:
        await stream.head()
        assert (stream.status, await stream.piece()) == (200, b":\r\n")
        yield stream


async def events(stream: Exchange) -> list[dict[str, object]]:
    """Of the next event that is no ping: its records."""
    while True:
        event = await stream.piece()
        assert event.startswith(b"data: ")
        assert event.endswith(b"\x1e\r\n\r\n")
        found = [message for message in records(event[6:-4]) if message != {"type": 6}]
        if found:
            return found
