"""Starts every peer and sees that it does what the load generator relies on; also the two measures of streamed text."""

import contextlib
import json
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.bench.peers.catalogue import PEERS, WireBytes, ai_sdk_stream, socketio_stream
from tests.bench.wire.peer import Peer, PeerMissing

_END = "\x1e"
_TIMEOUT_S = 15.0


class Link:
    """One client connection. Events and answers that come while another is awaited are kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: deque[str] = deque()
        self.answers: dict[str, object] = {}
        self.asked = 0

    def invoke(self, target: str, *arguments: object) -> object:
        self.asked += 1
        name = str(self.asked)
        self.ask(name, target, arguments)
        while name not in self.answers:
            self.receive()
        return self.answers.pop(name)

    def event(self) -> str:
        while not self.events:
            self.receive()
        return self.events.popleft()

    def read(self) -> str:
        text = self.connection.recv(_TIMEOUT_S)
        assert isinstance(text, str), "not a text message"
        return text

    def ask(self, name: str | None, target: str, arguments: Sequence[object]) -> None:
        """Send an invocation; with a name, its answer is wanted."""
        raise NotImplementedError

    def receive(self) -> None:
        """Take what comes next into events and answers."""
        raise NotImplementedError


class SignalR(Link):
    def __init__(self, port: int) -> None:
        super().__init__(connect(f"ws://127.0.0.1:{port}/bench", compression=None, max_queue=None))
        self.connection.send('{"protocol":"json","version":1}' + _END)
        answer = self.read()
        assert answer == "{}" + _END, f"handshake answered by {answer!r}"

    def ask(self, name: str | None, target: str, arguments: Sequence[object]) -> None:
        record: dict[str, object] = {"type": 1, "target": target, "arguments": arguments}
        if name is not None:
            record["invocationId"] = name
        self.connection.send(json.dumps(record) + _END)

    def receive(self) -> None:
        text = self.read()
        assert text.endswith(_END), f"not a record: {text!r}"
        for one in text.split(_END)[:-1]:
            record = json.loads(one)
            match record["type"]:
                case 1:
                    [payload] = record["arguments"]
                    # The benchmark counts on the size of a record.
                    expected = '{"type":1,"target":"Event","arguments":["' + payload + '"]}'
                    assert one == expected, f"an event of another form: {one!r}"
                    self.events.append(payload)
                case 3:
                    assert "error" not in record, record["error"]
                    self.answers[record["invocationId"]] = record.get("result")
                case other:
                    assert other == 6, f"an unexpected record: {one!r}"


class SocketIO(Link):
    def __init__(self, port: int) -> None:
        address = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        super().__init__(connect(address, compression=None, max_queue=None))
        opened = self.read()
        assert opened.startswith("0{"), f"opened by {opened!r}"
        self.connection.send("40")
        greeted = self.read()
        assert greeted.startswith("40{"), f"connected by {greeted!r}"

    def ask(self, name: str | None, target: str, arguments: Sequence[object]) -> None:
        self.connection.send(f"42{name or ''}{json.dumps([target, *arguments])}")

    def receive(self) -> None:
        text = self.read()
        match text[:2]:
            case "2":  # engine.io's ping
                self.connection.send("3")
            case "42":
                [target, payload] = json.loads(text[2:])
                assert target == "Event", f"an unexpected event: {text!r}"
                self.events.append(payload)
            case "43":
                begin = text.index("[")
                [self.answers[text[2:begin]]] = json.loads(text[begin:])
            case _:
                raise AssertionError(f"an unexpected packet: {text!r}")


_DIALECTS: dict[str, Callable[[int], Link]] = {"signalr": SignalR, "socketio": SocketIO}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(peer: Peer) -> Iterator[int]:
    """The port of the started peer; it has to end when told to."""
    port = _free_port()
    process = subprocess.Popen(
        [*peer.prepare(), "--port", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    # Kills what never says that it is ready, which ends the reading below.
    overdue = threading.Timer(60, process.kill)
    overdue.start()
    try:
        line = process.stdout.readline()
        assert line == f"ready {port}\n", f"it said {line!r} instead of ready"
        yield port
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    finally:
        overdue.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def _check_stream(link: Link, streams: int, per_second: float, seconds: float, at_least: int) -> None:
    """Joined to the last of its sources: each event has the time and the length that was asked for."""
    assert link.invoke("Join", f"s{streams - 1}") is None
    begin = time.monotonic_ns()
    assert link.invoke("Stream", streams, per_second, seconds, 40) is None
    last = begin
    for _ in range(at_least):
        text = link.event()
        sent = int(text[:16])
        assert len(text) == 40, f"an event of {len(text)} characters"
        assert last <= sent <= time.monotonic_ns(), "an event whose time is not that of the monotonic clock"
        last = sent


def _check_stream_outlives(gone: Link, left: Link, group: str) -> None:
    """Both have joined the group of a source. One ends without a word: the other goes on."""
    assert gone.invoke("Join", group) is None
    assert left.invoke("Join", group) is None
    # Longer than anybody waits for: the check ends the server first.
    assert left.invoke("Stream", int(group[1:]) + 1, 100, 60, 16) is None
    gone.event()
    gone.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.connection.socket.shutdown(socket.SHUT_RDWR)
    enough = time.monotonic_ns() + 300_000_000
    while int(left.event()[:16]) < enough:
        pass


def check(peer: Peer) -> None:
    """Raises what is wrong with it, if anything is."""
    with serving(peer) as port:
        one, two = _DIALECTS[peer.dialect](port), _DIALECTS[peer.dialect](port)
        with one.connection, two.connection:
            echoed = one.invoke("Echo", "some text é")
            assert echoed == "some text é", f"echoed {echoed!r}"
            for link in (one, two):
                assert link.invoke("Join", "all") is None
            one.ask(None, "Publish", ("all", "x" * 105))
            two.ask(None, "Publish", ("nobody", "lost"))
            for link in (one, two):
                assert link.event() == "x" * 105
            _check_stream(one, streams=2, per_second=50, seconds=10, at_least=20)
            # One source more than before: those may still be sending.
            _check_stream(two, streams=3, per_second=0, seconds=1, at_least=20)
            assert two.invoke("Echo", "end") == "end"
            _check_stream_outlives(one, two, "s3")


_DELTAS = ("Hello", ", wor", 'ld! "é😀"\n')


def _streamed(measure: Callable[[Sequence[str]], list[WireBytes]]) -> str:
    said = []
    for one in measure(_DELTAS):
        assert one.characters == len("".join(_DELTAS)), f"{one.characters} characters"
        assert one.bytes > one.characters, f"{one.bytes} bytes"
        said.append(f"{one.what}: {one.bytes} B for {one.characters} characters")
    return "; ".join(said)


def _checked(peer: Peer) -> Callable[[], str]:
    def act() -> str:
        check(peer)
        return "ok"

    return act


CHECKS: dict[str, Callable[[], str]] = {
    **{peer.name: _checked(peer) for peer in PEERS},
    "Vercel AI SDK stream": lambda: _streamed(ai_sdk_stream),
    "socket.io stream": lambda: _streamed(socketio_stream),
}


def main(names: Sequence[str]) -> int:
    """Check the named ones, or all, and print for each ok or why not. 1 if one is missing or fails."""
    good = True
    for name in names or CHECKS:
        try:
            outcome = CHECKS[name]()
        except PeerMissing as missing:
            good, outcome = False, f"missing: {missing}"
        except (AssertionError, OSError, ValueError, WebSocketException) as error:
            good, outcome = False, f"failed: {type(error).__name__}: {error}"
        print(f"{name}: {outcome}", flush=True)
    return 0 if good else 1
