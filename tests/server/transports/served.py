"""A hub under uvicorn in each of the ways that its WebSockets are served, and a client of single bytes."""

import asyncio
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import uvicorn
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette

from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from tests.server.live import Uvicorn
from tests.server.transports.frame_cases import TEXT, frame

Way = Literal["direct", "direct on uvloop", "ASGI", "TLS", "TLS on uvloop"]
WAYS: tuple[Way, ...] = ("direct", "direct on uvloop", "ASGI", "TLS", "TLS on uvloop")
DIRECT: tuple[Way, ...] = ("direct", "direct on uvloop", "TLS", "TLS on uvloop")
PLAIN: tuple[Way, ...] = ("direct", "direct on uvloop")

_TAKEOVER = "hub.server.transports.uvicorn_takeover"
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'


@dataclass(slots=True)
class Place:
    """A started server."""

    host: str
    port: int
    server: HubServer
    uvicorn: Uvicorn
    tls: ssl.SSLContext | None
    """The client's."""

    async def open(self, *, more: bytes = b"", headers: str = "", buffer_bytes: int = 0) -> "RawSocket":
        """An upgraded connection; `more` goes out with the request, in one write. `buffer_bytes`: of the kernel."""
        link = socket.socket()
        if buffer_bytes:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(link, (self.host, self.port))
        name = self.host if self.tls else None
        reader, writer = await asyncio.open_connection(sock=link, ssl=self.tls, server_hostname=name, limit=1 << 16)
        request = (
            f"GET /hub HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        )
        writer.write(request.encode() + more)
        raw = RawSocket(reader, writer)
        raw.response = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert raw.response.startswith("HTTP/1.1 101 ")
        return raw

    async def hello(self, *, buffer_bytes: int = 0) -> "RawSocket":
        """An open hub connection."""
        raw = await self.open(more=frame(TEXT, HANDSHAKE), buffer_bytes=buffer_bytes)
        assert await raw.record() == {}
        return raw


class RawSocket:
    """Reads what a server sends, frame by frame or record by record."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.response = ""
        self.controls: list[tuple[int, bytes]] = []  # that came between records
        self._records: list[object] = []

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def invoke(self, target: str, *arguments: object, id: str = "1") -> None:
        self.write({"type": 1, "invocationId": id, "target": target, "arguments": arguments})

    def write(self, *records: object) -> None:
        self.send(frame(TEXT, b"".join(json.dumps(record).encode() + b"\x1e" for record in records)))

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next whole frame. Raises IncompleteReadError at the end."""
        first, length = await self.reader.readexactly(2)
        assert first & 0xF0 == 0x80 and length < 128  # whole, no reserved bits, not masked
        if length > 125:
            length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8))
        return first & 0x0F, await self.reader.readexactly(length)

    async def record(self) -> Any:
        """The next record that is no ping of the hub protocol."""
        while True:
            while not self._records:
                opcode, payload = await self.frame()
                if opcode == TEXT:
                    assert payload.endswith(b"\x1e")  # whole records only (M12)
                    self._records = [json.loads(record) for record in payload[:-1].split(b"\x1e")]
                else:
                    self.controls.append((opcode, payload))
            record = self._records.pop(0)
            if record != {"type": 6}:
                return record

    async def close_code(self) -> int:
        """Reads on to the close frame, and then to the end; answers nothing."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                return int.from_bytes(payload[:2])
            self.controls.append((opcode, payload))

    async def end(self) -> None:
        """Close this side and wait for the other."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass  # it ended while something was under way


class Echo(Hub):
    """Its connections' ends are in `ENDS`, with their errors."""

    async def on_disconnected(self, error: Exception | None) -> None:
        ENDS.append(error)

    async def echo(self, value: object) -> object:
        return value

    async def numbers(self, count: int, size: int) -> AsyncIterator[str]:
        for number in range(count):
            yield f"{number:08d}" + "x" * size

    async def wait(self) -> None:
        await asyncio.Event().wait()


ENDS: list[Exception | None] = []


def run(
    way: Way, folder: Path, scenario: Callable[[Place], Awaitable[None]], options: HubOptions | None = None
) -> None:
    """Serve in that way, on its kind of event loop, and play a scenario."""

    async def play() -> None:
        async with serving(way, folder, options or HubOptions()) as place, asyncio.timeout(30):
            await scenario(place)

    ENDS.clear()
    on_loop(play(), on_uvloop="uvloop" in way)


def on_loop(work: Coroutine[Any, Any, None], *, on_uvloop: bool) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if on_uvloop else None) as runner:
        runner.run(work)


@asynccontextmanager
async def serving(way: Way, folder: Path, options: HubOptions) -> AsyncIterator[Place]:
    server = HubServer(anonymous_allowed=True, limits=ServerLimits(tick_s=0.01))
    server.add("/hub", Echo, options)
    await server.start()
    contexts = contexts_in(folder) if "TLS" in way else None
    live = Uvicorn(
        uvicorn.Config(
            Starlette(routes=server.routes()),
            lifespan="off",
            log_level="warning",
            http=f"{_TAKEOVER}:HttpProtocol",
            ws="websockets-sansio" if way == "ASGI" else f"{_TAKEOVER}:WebSocketProtocol",
            timeout_graceful_shutdown=5,
            ssl_context_factory=(lambda _config, _default: contexts[0]) if contexts else None,
        )
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    task = asyncio.create_task(live.serve([listener]))
    await live.up.wait()
    try:
        host, port = listener.getsockname()
        yield Place(host, port, server, live, contexts[1] if contexts else None)
    finally:
        await server.close()
        live.should_exit = True
        await task
        listener.close()


def contexts_in(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server with a certificate of its own, and for its clients."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    certificate = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(chain, private)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return served, client
