"""The substance of the Autobahn test suite's cases 1-7, 9 and 10, as bytes that a client sends and what must come of
them. Held against the reader alone, and against a served hub.

The payloads of good messages may stand inside a JSON string, so that a hub can echo them: see `test_frame_cases`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from websockets.utils import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
MASK = b"\x9a\x01\xff\x37"
MAX_MESSAGE_BYTES = 1 << 20


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bytes = MASK) -> bytes:
    """A frame as a client sends it."""
    first = bytes([(FIN if fin else 0) | reserved << 4 | opcode])
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65_536:
        size = b"\xfe" + length.to_bytes(2)
    else:
        size = b"\xff" + length.to_bytes(8)
    return first + size + mask + apply_mask(payload, mask)


def fragments(opcode: int, payload: bytes, size: int) -> bytes:
    """One message in frames of `size` bytes."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        frame(CONTINUATION if index else opcode, piece, fin=index == last) for index, piece in enumerate(pieces)
    )


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, (b"" if code is None else code.to_bytes(2)) + reason)


@dataclass(frozen=True)
class Case:
    name: str
    sent: bytes
    messages: Sequence[bytes] = ()
    pongs: Sequence[bytes] = ()
    close_code: int | None = None
    """Of the close frame that the server answers with; None: the connection stays open."""


def sizes() -> Iterator[Case]:
    for opcode, kind in ((TEXT, "text"), (BINARY, "binary")):
        for size in (0, 1, 125, 126, 127, 128, 65_535, 65_536):
            payload = b"*" * size
            yield Case(f"1 {kind} of {size}", frame(opcode, payload), [payload])
        yield Case(f"1 {kind}, two in a row", frame(opcode, b"one") + frame(opcode, b"two"), [b"one", b"two"])
        yield Case(
            f"1 {kind}, longer form of a length",
            bytes([FIN | opcode, 0xFE, 0, 3]) + MASK + apply_mask(b"abc", MASK),
            [b"abc"],
        )
        for size in (64, 1300, 16_384):
            payload = bytes(range(97, 123)) * 5000
            yield Case(f"9 {kind} of 130000 in fragments of {size}", fragments(opcode, payload, size), [payload])
        yield Case(f"9 {kind} of 200000", frame(opcode, b"x" * 200_000), [b"x" * 200_000])


def pings() -> Iterator[Case]:
    binary = bytes([0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF])
    for payload in (b"", b"Hello, world!", binary, b"\xfe" * 125):
        yield Case(f"2 ping with {payload[:4]!r}", frame(PING, payload), pongs=[payload])
    yield Case("2 ping of 126 bytes", frame(PING, b"\xfe" * 126), close_code=1002)
    yield Case("2 pong of 126 bytes", frame(PONG, b"\xfe" * 126), close_code=1002)
    yield Case("2 pong that nobody asked for", frame(PONG), [])
    yield Case("2 pong with payload that nobody asked for", frame(PONG, b"unsolicited"), [])
    yield Case("2 pong, then ping", frame(PONG, b"unsolicited") + frame(PING, b"ping"), pongs=[b"ping"])
    many = [b"payload-%d" % number for number in range(10)]
    yield Case("2 ten pings", b"".join(frame(PING, payload) for payload in many), pongs=many)


def headers() -> Iterator[Case]:
    hello = frame(TEXT, b"hello")
    for reserved in range(1, 8):
        for opcode in (TEXT, BINARY, CLOSE, PING):
            yield Case(
                f"3 reserved bits {reserved} of opcode {opcode}",
                hello + frame(opcode, b"ab", reserved=reserved) + frame(PING),
                [b"hello"],
                close_code=1002,
            )
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"reserved opcode"):
            yield Case(
                f"4 opcode {opcode} with {len(payload)} bytes",
                hello + frame(opcode, payload) + frame(PING),
                [b"hello"],
                close_code=1002,
            )
    yield Case("no mask", hello + b"\x81\x05hello", [b"hello"], close_code=1002)
    yield Case("no mask, long", hello + b"\x81\x7e\x01\x00" + b"x" * 256, [b"hello"], close_code=1002)
    yield Case("ping without mask", b"\x89\x00", close_code=1002)
    for length in (MAX_MESSAGE_BYTES + 1, 16 << 20, 1 << 31, 1 << 62, 1 << 63, (1 << 64) - 1):
        # Nothing of the payload is sent: the header is enough.
        yield Case(f"length of {length:#x}", hello + b"\x81\xff" + length.to_bytes(8), [b"hello"], close_code=1009)
    yield Case("mask of zeros", frame(TEXT, b"plain", mask=b"\0\0\0\0"), [b"plain"])


def fragmentation() -> Iterator[Case]:
    first, last = frame(TEXT, b"fragment1", fin=False), frame(CONTINUATION, b"fragment2")
    whole = b"fragment1fragment2"
    yield Case("5 ping in fragments", frame(PING, b"fragment1", fin=False) + last, close_code=1002)
    yield Case("5 pong in fragments", frame(PONG, b"fragment1", fin=False) + last, close_code=1002)
    yield Case("5 close in fragments", frame(CLOSE, b"\x03\xe8", fin=False) + last, close_code=1002)
    yield Case("5 two fragments", first + last, [whole])
    yield Case("5 ping between fragments", first + frame(PING, b"ping") + last, [whole], [b"ping"])
    yield Case("5 pong between fragments", first + frame(PONG, b"pong") + last, [whole])
    for fin in (True, False):
        lone = frame(CONTINUATION, b"no start", fin=fin)
        yield Case(f"5 nothing to continue, fin {fin}", lone + frame(TEXT, b"hello"), close_code=1002)
        yield Case(f"5 message done, nothing to continue, fin {fin}", first + last + lone, [whole], close_code=1002)
    yield Case("5 second message begins inside the first", first + frame(TEXT, b"fragment2"), close_code=1002)
    yield Case("5 ... in binary", first + frame(BINARY, b"fragment2", fin=False), close_code=1002)
    yield Case(
        "5 pings between many fragments",
        first + frame(PING, b"1") + frame(CONTINUATION, b"-2", fin=False) + frame(PING, b"2") + frame(CONTINUATION),
        [b"fragment1-2"],
        [b"1", b"2"],
    )
    yield Case(
        "5 empty fragments", fragments(TEXT, b"ab", 1) + frame(TEXT, fin=False) + frame(CONTINUATION), [b"ab", b""]
    )
    tiny = frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * 40_000
    yield Case("a flood of tiny fragments", tiny, close_code=1009)
    empty = frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 40_000
    yield Case("a flood of empty fragments", empty, close_code=1009)
    big = frame(BINARY, b"x" * 600_000, fin=False)
    yield Case("fragments over the limit together", big + frame(CONTINUATION, b"x" * 600_000)[:14], close_code=1009)


VALID_TEXT = (
    "Hello-µ@ßöäüàá-UTF-8!!",
    "\u03ba\u1f79\u03c3\u03bc\u03b5",
    "\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffef\U00010000\U0010ffff",
    "\ufffe\uffff\U0001fffe\U0010fffe\ufdd0",
    "\ufeffa mark of byte order",
    "👩\u200d💻 one picture of three",
)
INVALID_TEXT = (
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\x80", b"\xbf", b"\x80\xbf\x80",  # continuations without a start
    b"\xc0 ", b"\xe0 ", b"\xf0 ", b"\xf8 ", b"\xfc ",  # starts without a continuation
    b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf",  # cut short
    b"\xfe", b"\xff",
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xc1\xbf", b"\xc0\x80",  # overlong
    b"\xed\xa0\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80",  # surrogates
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",  # beyond Unicode
)  # fmt: skip


def texts() -> Iterator[Case]:
    for text in VALID_TEXT:
        payload = text.encode()
        yield Case(f"6 {text!a}", frame(TEXT, payload), [payload])
        for size in (1, 2, 3, 5):
            yield Case(f"6 {text!a} in fragments of {size}", fragments(TEXT, payload, size), [payload])
    for payload in INVALID_TEXT:
        broken = b"start " + payload
        yield Case(f"6 invalid {payload!r}", frame(TEXT, broken), close_code=1007)
        yield Case(f"6 invalid {payload!r} in fragments", fragments(TEXT, broken, 1), close_code=1007)
    euro = "€".encode()
    yield Case("6 wrong at once", frame(TEXT, b"\xc0\xaf", fin=False), close_code=1007)  # no last fragment needed
    yield Case(
        "6 cut at the end of the message", frame(TEXT, euro[:2], fin=False) + frame(CONTINUATION), close_code=1007
    )
    yield Case(
        "6 ping inside of a character",
        frame(TEXT, euro[:1], fin=False) + frame(PING, b"\xe2") + frame(CONTINUATION, euro[1:]),
        [euro],
        [b"\xe2"],
    )


def closes() -> Iterator[Case]:
    hello = frame(TEXT, b"hello")
    yield Case("7 message, then close", hello + close(1000), [b"hello"], close_code=1000)
    yield Case("7 two closes", close(1000) + close(1001), close_code=1000)
    yield Case("7 ping after close", close(1000) + frame(PING, b"late"), close_code=1000)
    yield Case("7 text after close", close(1000) + hello, close_code=1000)
    yield Case(
        "7 fragment, close, fragment",
        frame(TEXT, b"1", fin=False) + close(1000) + frame(CONTINUATION, b"2"),
        close_code=1000,
    )
    yield Case("7 nonsense after close", close(1000) + b"\xff" * 100, close_code=1000)
    yield Case(
        "7 big message, close, ping",
        frame(TEXT, b"B" * 200_000) + close(1000) + frame(PING),
        [b"B" * 200_000],
        close_code=1000,
    )
    yield Case("7 close without a code", close(), close_code=1000)
    yield Case("7 close with one byte", frame(CLOSE, b"\x03"), close_code=1002)
    yield Case("7 close with a reason", close(1000, b"Hello World!"), close_code=1000)
    yield Case("7 close with the longest reason", close(1000, b"*" * 123), close_code=1000)
    yield Case("7 close with a longer reason", close(1000, b"*" * 124), close_code=1002)
    yield Case("7 close with a reason that is not UTF-8", close(1000, b"\xce\xba\xed\xa0\x80"), close_code=1007)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
        yield Case(f"7 close {code}", close(code), close_code=code)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535):
        yield Case(f"7 close {code}", close(code), close_code=1002)


CASES = [*sizes(), *pings(), *headers(), *fragmentation(), *texts(), *closes()]
