"""Starts `hubline serve` several times on one Redis, and nginx before them."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.backplane.redis_server import RedisServer
from tests.running import Running, running

TOKEN_SECRET = "the same forty characters on each node!!"
LEASE_S = "1"
BOARD = Path(__file__).with_name("board_node.py")
DEPLOY = Path(__file__).parents[2] / "deploy"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Nodes:
    def __init__(self, redis: RedisServer, folder: Path, stack: ExitStack) -> None:
        self._redis = redis
        self._folder = folder
        self._stack = stack

    def environment(self, **settings: str) -> dict[str, str]:
        return {
            "HUBLINE_BACKPLANE": f"redis://127.0.0.1:{self._redis.port}/0",
            "HUBLINE_TOKEN_SECRET": TOKEN_SECRET,
            "HUBLINE_LEASE_S": LEASE_S,
            "HUBLINE_DRAIN_SPREAD_S": "0.2",
            **{f"HUBLINE_{name}": value for name, value in settings.items()},
        }

    def start(self, *flags: str, plain: dict[str, str] | None = None, **settings: str) -> Running:
        """One node; `settings` by the variables' names without HUBLINE_, `plain` by whole names."""
        environment = {**self.environment(**settings), **(plain or {})}
        return self._stack.enter_context(running(self._folder, *flags, environment=environment))

    def start_board(self, **settings: str) -> Running:
        """One node that has the board besides the chat hub."""
        command = (sys.executable, str(BOARD))
        return self._stack.enter_context(
            running(self._folder, command=command, environment=self.environment(**settings))
        )

    def nginx(self, ports: Sequence[int]) -> str:
        """The URL of an nginx by deploy/nginx/hubline.conf that spreads requests over these nodes."""
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        assert program is not None, "nginx is not installed: see `make setup`"
        folder = self._folder / "nginx"
        folder.mkdir()
        port = free_port()
        text = (DEPLOY / "nginx" / "hubline.conf").read_text()
        servers = "".join(f"    server 127.0.0.1:{node} max_fails=1 fail_timeout=2s;\n" for node in ports)
        text = re.sub(r"(    server 127\.0\.0\.1:\d+ [^\n]*\n)+", servers, text)
        # Round after round, so that what follows a request comes to another node as often as can be.
        text = text.replace("    random two least_conn;\n", "").replace("listen 8000;", f"listen 127.0.0.1:{port};")
        text = text.replace("/var/log/nginx/", f"{folder}/")
        (folder / "hubline.conf").write_text(text)
        paths = "".join(
            f"{name}_temp_path {folder}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ {paths} include {folder}/hubline.conf; }}\n"
        )
        process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)])
        self._stack.callback(process.wait, 30)
        self._stack.callback(process.terminate)
        _wait_for(port, process)
        return f"http://127.0.0.1:{port}"


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError("nginx does not listen")
