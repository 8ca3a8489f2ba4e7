"""The load generator of the wire benchmarks: agrees with the limit server, and notices what a server does wrong."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.bench.wire.load import measure
from tests.bench.wire.rows import RowFailed, Serving, limit_row

_GREETING = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
_SHAKEN = b"\x81\x03{}\x1e"
_ECHOED = b"an echo of so many characters as a cell of a sheet may well have"


@pytest.fixture(autouse=True)
def cores() -> Iterator[None]:
    """Measuring keeps this process to one core."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


def _frame(payload: bytes) -> bytes:
    assert len(payload) < 65_536
    size = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2)
    return b"\x81" + size + payload


def _completion(number: int, text: bytes) -> bytes:
    return b'{"type":3,"invocationId":"%d","result":"%s"}\x1e' % (number, text)


@pytest.mark.parametrize("coalesces", [False, True])
def test_load_and_limit_agree_on_order_and_content(coalesces: bool) -> None:
    with limit_row(coalesces=coalesces).serve() as serving:
        # By what has come and not by the time alone: the server's core may be another's for a second.
        fanned = measure(serving, "fanout", warm_s=0.1, seconds=0.3, connections=20, publishers=4, at_least=1000)
        echoed = measure(serving, "echo", warm_s=0.1, seconds=0.3, connections=5, depth=10, at_least=1000)
        streamed = measure(
            serving, "streams", warm_s=0.1, seconds=1.5, streams=3, watchers=2, per_second=100, at_least=1
        )
        idle = measure(serving, "idle", connections=50)
    assert idle.count == 50
    assert min(fanned.count, echoed.count) >= 1000
    assert streamed.count > 0


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (_frame(_completion(2, _ECHOED)), "got answer 2, not 1"),
        (_frame(_completion(1, _ECHOED[:-1] + b"E")), "Another text"),
        (_frame(_completion(1, _ECHOED[:-1])), "Another text"),
        (_frame(_completion(1, _ECHOED)[:-1]), "ends within a record"),
        (b"\xc1" + _frame(_completion(1, _ECHOED))[1:], "Reserved bits"),
        (b"\x81\x83\0\0\0\0{}\x1e", "masks its frames"),
        (_frame(b'{"type":3,"invocationId":"1","error":"no"}\x1e'), "Not known"),
        (_frame(_completion(1, _ECHOED) + _completion(1, _ECHOED)), "got answer 1, not 2"),
        (b"", "closed connection 0"),
    ],
)
def test_load_notices_a_wrong_answer(answer: bytes, complaint: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=_answer, args=(listening, answer))
        answering.start()
        serving = Serving(listening.getsockname()[1], os.getpid(), "signalr")
        with pytest.raises(RowFailed, match=complaint):
            measure(serving, "echo", connections=1, depth=1)
        answering.join()


def _answer(listening: socket.socket, answer: bytes) -> None:
    """One connection: the load generator waits for each of the first two before it sends more."""
    connection, _ = listening.accept()
    with connection:
        for reply in (_GREETING, _SHAKEN, answer):
            if not connection.recv(65_536):
                return
            connection.sendall(reply)
        if answer:
            connection.recv(65_536)  # until it has noticed, and gone
