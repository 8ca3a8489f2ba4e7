"""The frame reader against the parser of the websockets package: the same of every stream, however it is cut."""

import codecs
import random

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from hub.server.transports.frames import Closed, FrameReader, Ping, Violation
from tests.fuzz.mutate import mutated, pieces
from tests.server.transports.frame_cases import CASES, CONTINUATION, PING, PONG, close, fragments, frame

MAX_BYTES = 1 << 20
Outcome = list[tuple[str, object]]


def ours(parts: list[bytes]) -> Outcome:
    reader = FrameReader(MAX_BYTES)
    out: Outcome = []
    for part in parts:
        for event in reader.receive_data(part):
            match event:
                case Ping(payload):
                    out.append(("ping", payload))
                case Closed(code):
                    out.append(("closed", code))
                case Violation(code):
                    out.append(("violation", code))
                case bytes():
                    out.append(("message", event))
    return out


class Theirs:
    """The events of websockets' parser, with what it leaves to its callers: whole messages, and text that is text."""

    def __init__(self) -> None:
        self.out: Outcome = []
        self._protocol = ServerProtocol(state=State.OPEN, max_size=MAX_BYTES)
        self._message = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_ended = False

    def receive_data(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            if not self._is_ended:
                self._take(event)
        if protocol.parser_exc is not None and not self._is_ended:
            assert protocol.close_sent is not None
            self._is_ended = True
            if "incomplete fragmented message" in str(protocol.parser_exc):
                # A close between fragments is no error to us, nor to RFC 6455.
                assert protocol.close_rcvd is not None
                self._closed(protocol.close_rcvd.code)
            else:
                self.out.append(("violation", int(protocol.close_sent.code)))

    def _closed(self, code: int) -> None:
        self._is_ended = True
        self.out.append(("closed", None if code == 1005 else int(code)))

    def _take(self, event: Frame) -> None:
        data = bytes(event.data)
        if event.opcode is Opcode.PING:
            self.out.append(("ping", data))
        elif event.opcode is Opcode.CLOSE:
            self._closed(int.from_bytes(data[:2]) if data else 1005)
        elif event.opcode is not Opcode.PONG:
            if event.opcode is not Opcode.CONT:
                self._message = b""
                is_text = event.opcode is Opcode.TEXT
                self._decoder = codecs.getincrementaldecoder("utf-8")() if is_text else None
            self._message += data
            try:
                if self._decoder is not None:
                    self._decoder.decode(data, event.fin)
            except UnicodeDecodeError:
                self._is_ended = True
                self.out.append(("violation", 1007))
                return
            if event.fin:
                self.out.append(("message", self._message))


def compare(parts: list[bytes]) -> None:
    mine, theirs = ours(parts), Theirs()
    for part in parts:
        theirs.receive_data(part)
    if len(mine) < len(theirs.out):
        mine = ours([*parts, bytes(14)])  # we look at a header when it is whole
    elif mine and mine[-1][0] == "violation" and len(theirs.out) < len(mine):
        theirs.receive_data(bytes(MAX_BYTES + 14))  # they look at some things only when the payload is there
    if mine != theirs.out:
        # What breaks two rules: they look at lengths, and at the text of a reason, before they look at the rest.
        assert mine[:-1] == theirs.out[:-1]
        assert mine[-1] == ("violation", 1002)
        assert theirs.out[-1] in (("violation", 1009), ("violation", 1007))


def a_message(source: random.Random) -> bytes:
    text = "".join(source.choice("abcµ€😀\x00") for _ in range(source.choice((0, 3, 50, 126, 300))))
    opcode = source.choice((1, 2))
    if source.random() < 0.6:
        return frame(opcode, text.encode(), mask=source.randbytes(4))
    parts = [
        frame(CONTINUATION if index else opcode, piece, fin=False)
        for index, piece in enumerate(pieces(source, text.encode()))
    ]
    for _ in range(source.randrange(3)):
        parts.insert(
            source.randint(1, len(parts)), frame(source.choice((PING, PONG)), source.randbytes(source.randint(0, 125)))
        )
    return b"".join(parts) + frame(CONTINUATION, b"!")


def a_stream(source: random.Random) -> bytes:
    stream = b"".join(a_message(source) for _ in range(source.randint(1, 5)))
    return stream + (close(source.choice((None, 1000, 4000))) if source.random() < 0.2 else b"")


SHORT = [case.sent for case in CASES if len(case.sent) < 3000] + [fragments(1, b"abc" * 20, 7)]


def rounds(seed: int, numbers: range) -> None:
    """Each is known by the seed and its number; a failure says both."""
    for number in numbers:
        source = random.Random(f"{seed} {number}")
        data = source.choice((a_stream, a_stream, lambda source: source.choice(SHORT)))(source)
        match source.randrange(4):
            case 0:
                data = mutated(source, [data, *SHORT])
            case 1:
                data = source.randbytes(source.randint(1, 60))
            case _:
                pass
        try:
            compare(pieces(source, data))
            assert ours([data]) == ours([bytes([byte]) for byte in data])
        except Exception as error:
            error.add_note(f"seed {seed}, round {number}: {data!r}")
            raise


def test_reads_as_websockets_does() -> None:
    rounds(1, range(6000))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_reads_as_websockets_does_for_long() -> None:
    rounds(2, range(1_000_000))
