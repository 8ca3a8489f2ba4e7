"""The attacked process, what it costs it, and clients of single bytes, good and bad. Everything here blocks.

A timeout is a failure: nothing is measured by time.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.running import running
from tests.server.raw_http import HANDSHAKE, call, records
from tests.server.transports.frame_cases import BINARY, TEXT, frame

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 20.0
MIB = 1 << 20
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
)


@dataclass
class Target:
    """The server. `log` grows while it runs."""

    way: str
    port: int
    process: subprocess.Popen[str]
    log: list[str]

    @contextmanager
    def within(self, max_bytes: int) -> Iterator[None]:
        """The peak of the process's memory during the block is at most so much above what it had before."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # the peak begins anew
        before = self._status("VmRSS")
        yield
        grown = self._status("VmHWM") - before
        print(f"{self.way}: {grown / MIB:.1f} MiB of {max_bytes / MIB:.1f}")
        assert grown <= max_bytes, f"{grown / MIB:.1f} MiB, and {max_bytes / MIB:.1f} were allowed"

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"the process has ended: {''.join(self.log)}")

    def connect(self) -> socket.socket:
        link = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def open(self, path: str = "/echo", *, hello: bytes | None = frame(TEXT, HANDSHAKE), headers: str = "") -> "Link":
        """An upgraded connection, with the handshake unless `hello` is None."""
        link = Link(self.connect())
        link.send(UPGRADE.format(path=path, port=self.port, headers=headers).encode())
        link.response = link.until(b"\r\n\r\n").decode()
        if hello is not None:
            link.send(hello)
            assert link.read() == (TEXT, b"{}\x1e") or link.last[1] == b"{}\x1e"
        return link

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str, str]:
        """Status, headers and text of an answer; `_` in names of headers stands for `-`."""
        with Link(self.connect()) as link:
            lines = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body))}
            lines |= {name.replace("_", "-"): value for name, value in headers.items()}
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            link.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
            link.send(body)
            return link.answer()

    def poller(self) -> str:
        """The path of a new long-polling connection of which nothing was polled yet."""
        status, _, text = self.ask("POST", "/echo/negotiate?negotiateVersion=1")
        assert status == 200
        path = f"/echo?id={json.loads(text)['connectionToken']}"
        assert self.ask("GET", path)[0] == 200
        return path


class Link:
    """One socket, read as frames or as HTTP. Leaving it closes it."""

    def __init__(self, link: socket.socket) -> None:
        self.socket = link
        self.response = ""
        self.last: tuple[int, bytes] = (0, b"")
        self._read = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Whether the server took all of it; it may have ended the connection meanwhile."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def until(self, mark: bytes) -> bytes:
        while mark not in self._read:
            self._more()
        return self._take(self._read.index(mark) + len(mark))

    def exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            self._more()
        return self._take(count)

    def read(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame. Raises EOFError at the end."""
        first, length = self.exactly(2)
        if length > 125:
            length = int.from_bytes(self.exactly(2 if length == 126 else 8))
        self.last = (first & 0x0F, self.exactly(length))
        return self.last

    def outcome(self) -> "Outcome":
        """Everything up to the close frame, which is answered, or the end of the connection."""
        found = Outcome()
        try:
            while True:
                opcode, payload = self.read()
                if opcode == 8:
                    found.code, found.reason = int.from_bytes(payload[:2]), payload[2:].decode()
                    self.send(frame(8, payload[:2]))
                    return found
                elif opcode in (TEXT, BINARY):
                    found.received += payload
        except (EOFError, ConnectionResetError):
            return found

    def answer(self) -> tuple[int, str, str]:
        head = self.until(b"\r\n\r\n").decode()
        length = next((line[15:] for line in head.lower().splitlines() if line.startswith("content-length:")), "0")
        return int(head.split()[1]), head, self.exactly(int(length)).decode()

    def _more(self) -> None:
        piece = self.socket.recv(262_144)
        if not piece:
            raise EOFError
        self._read += piece

    def _take(self, count: int) -> bytes:
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken


@dataclass
class Outcome:
    code: int | None = None
    reason: str = ""
    received: bytes = b""

    @property
    def close(self) -> str:
        """The error of the hub protocol's Close (or of a refused handshake)."""
        last = records(self.received)[-1]
        assert last.get("type", 7) == 7, last
        return str(last["error"])


class Honest:
    """A client that keeps to every rule, on `/echo`."""

    def __init__(self, target: Target) -> None:
        self._link = target.open()
        self._calls = 0

    def is_answered(self) -> bool:
        self._calls += 1
        self._link.send(frame(TEXT, call("Echo", self._calls, id=str(self._calls))))
        while True:
            opcode, payload = self._link.read()
            for record in records(payload) if opcode == TEXT else ():
                if record.get("type") == 3:
                    return record == {"type": 3, "invocationId": str(self._calls), "result": self._calls}

    def leaves_answered(self) -> bool:
        answered = self.is_answered()
        self.leave()
        return answered

    def leave(self) -> None:
        self._link.socket.close()


@contextmanager
def serving(way: str, folder: Path) -> Iterator[Target]:
    command = (sys.executable, "-W", "error", str(Path(__file__).with_name("target.py")), way)
    with running(folder, command=command, environment={"PYTHONPATH": str(ROOT)}) as server:
        target = Target(way, server.port, server.process, server.log)
        until(lambda: target.ask("GET", "/healthz")[0] == 200)
        yield target


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
