"""10,000 connections that never speak."""

import resource
import select
import socket
from collections.abc import Iterator

import pytest

from tests.hostile.attack import TIMEOUT_S, UPGRADE, Honest, Target

CROWD = 10_000
BYTES_EACH = 12_288
"""What one may take: objects of two protocols, a task while it is upgraded, and the hub connection."""


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CROWD + 500:
        pytest.fail(
            f"This machine lets a process open {hard} files, and {CROWD + 500} are needed: raise it (ulimit -Hn)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_silent_crowd(direct: Target, many_files: None) -> None:
    """Half of them send nothing at all, the other half upgrade and send no handshake. While all are there others are
    served; then each is ended by the server, for no memory beyond what a connection takes."""
    upgrade = UPGRADE.format(path="/patient", port=direct.port, headers="").encode()
    crowd: list[socket.socket] = []
    try:
        with direct.within(CROWD * BYTES_EACH):
            for number in range(CROWD):
                link = direct.connect()
                crowd.append(link)
                if number % 2:
                    link.sendall(upgrade)
            for link in crowd[1::2]:
                assert link.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 101"
            assert Honest(direct).leaves_answered()
        assert all_ended(crowd)
    finally:
        for link in crowd:
            link.close()
    assert Honest(direct).leaves_answered()


def all_ended(crowd: list[socket.socket]) -> bool:
    """Reads each to its end."""
    waiting = {link.fileno(): link for link in crowd}
    poll = select.epoll(len(crowd))
    for descriptor in waiting:
        poll.register(descriptor, select.EPOLLIN)
    while waiting:
        ready = poll.poll(TIMEOUT_S)
        assert ready, f"{len(waiting)} are still there"
        for descriptor, _ in ready:
            try:
                ended = not waiting[descriptor].recv(4096)
            except ConnectionResetError:
                ended = True
            if ended:
                poll.unregister(descriptor)
                del waiting[descriptor]
    poll.close()
    return True
