"""`hubline serve --workers N`: processes that share an address, are watched over, replaced and ended together."""

import asyncio
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from hub.terminal.link import open_link
from tests.nodes.nodes import Nodes
from tests.running import HUBLINE, Running, clean_environment

TIMEOUT_S = 30


def workers_of(server: Running) -> set[int]:
    """The processes that serve."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(child) for child in children}


async def until(condition: Callable[[], bool]) -> None:
    """Of other processes, which tell nobody."""

    def wait() -> None:
        end = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.01)

    await asyncio.to_thread(wait)


def are_two_and_none_of(server: Running, old: set[int]) -> bool:
    found = workers_of(server)
    return len(found) == 2 and not found & old


async def answers(server: Running) -> None:
    """Each of many connections works, whoever takes it."""
    for _ in range(10):
        async with asyncio.timeout(TIMEOUT_S), open_link(server.url) as link:
            await link.invoke("OpenSession", {"sessionId": "s"})


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


async def test_they_serve_together_and_end_together(nodes: Nodes) -> None:
    server = nodes.start("--workers", "2")
    assert len(workers_of(server)) == 2
    await answers(server)
    workers = workers_of(server)
    assert await asyncio.to_thread(server.end, signal.SIGTERM) == 0
    assert not any(is_alive(pid) for pid in workers)
    assert not any("Traceback" in line for line in server.log), server.log


async def test_one_that_dies_is_started_again(nodes: Nodes) -> None:
    server = nodes.start("--workers", "2")
    first = workers_of(server)
    dead = min(first)
    os.kill(dead, signal.SIGKILL)
    await until(lambda: are_two_and_none_of(server, {dead}))
    await answers(server)
    assert any(f"worker {dead} ended with code -9" in line for line in server.log), server.log


async def test_a_hangup_replaces_each_and_nobody_waits(nodes: Nodes) -> None:
    server = nodes.start("--workers", "2")
    first = workers_of(server)
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(TIMEOUT_S):
        while first & workers_of(server):
            await asyncio.to_thread(urllib.request.urlopen, f"{server.url}/healthz")
    await until(lambda: are_two_and_none_of(server, first))
    await answers(server)
    assert await asyncio.to_thread(server.end, signal.SIGINT) == 0


async def test_they_end_when_their_parent_is_killed(nodes: Nodes) -> None:
    server = nodes.start("--workers", "2")
    workers = workers_of(server)
    server.process.kill()
    await until(lambda: not any(is_alive(pid) for pid in workers))


def test_what_keeps_them_from_starting_is_said_once(nodes: Nodes, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, nodes.environment(BACKPLANE="redis://127.0.0.1:1/0"))
    answer = subprocess.run(
        [HUBLINE, "serve", "--port", "0", "--workers", "3"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("hubline: ") == 1, answer.stderr
