"""Real Redis servers of the tests' own: each on a free port of this machine, with its files in a directory."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

ALLOWED = "~hubline:* &hubline:* +@read +@write +@pubsub +@scripting +@connection +info +script +time"
"""All that a user of Redis needs for a hub; deploy/README.md gives it. Cluster: `+cluster|slots +asking` too."""


class RedisServer:
    """One redis-server. Nothing is persisted unless `settings` say so. One with a `password` is asked with it."""

    def __init__(self, folder: Path, *settings: str, port: int | None = None, password: str = "") -> None:
        self.folder = folder
        self.port = port or free_port()
        self.settings = settings
        self._login = f"AUTH {password}\r\n".encode() if password else b""
        self._process: subprocess.Popen[bytes] | None = None  # while it runs

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed: see `make setup`"
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [program, "--port", str(self.port), "--dir", str(self.folder), "--bind", "127.0.0.1"]
        log = self.folder / "redis.log"
        words += ["--save", "", "--appendonly", "no", "--logfile", str(log), *self.settings]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.ask("PING").startswith(("+PONG", "-NOAUTH", "-WRONGPASS")):
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.01)

    def ask_all(self, *words: str) -> str:
        """A bulk reply whole; empty if there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                replies = self._asked(connection, words)
                length = int(replies.readline()[1:])
                return replies.read(length).decode()
        except (OSError, ValueError):
            return ""

    def ask_list(self, *words: str) -> list[str]:
        """A reply of many, none of which holds a line's end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            replies = self._asked(connection, words)
            lines = [replies.readline() for _ in range(2 * int(replies.readline()[1:]))]
            return [line.decode().strip() for line in lines[1::2]]

    def ask(self, *words: str) -> str:
        """The first line of what it answers; empty if it does not. Waits, so not for the middle of an async test."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                return self._asked(connection, words).readline().decode().strip()
        except OSError:
            return ""

    def _asked(self, connection: socket.socket, words: tuple[str, ...]) -> BinaryIO:
        connection.sendall(self._login + (" ".join(words) + "\r\n").encode())
        replies = connection.makefile("rb")
        if self._login:
            replies.readline()
        return replies

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


def free_port() -> int:
    """It and its bus port, 10,000 above, are below what the kernel gives to outgoing connections: a server that comes
    back finds its port free, and who calls it while it is away does not get that port, nor itself."""
    while True:
        port = random.randrange(12_000, 22_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue  # somebody's: another one
            return port
