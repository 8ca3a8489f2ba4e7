"""What nodes tell each other: a golden form, and what a newer node may add."""

import msgspec

from hub.protocol.codec import CODECS
from hub.protocol.messages import Invocation
from hub.server import envelope
from hub.server.clients import Audience

NODE = "0123456789abcdef"
MESSAGE = Invocation("News", [1])
RECORD = CODECS["messagepack"].encode(MESSAGE)


def test_form() -> None:
    packed = envelope.pack(NODE, envelope.Sent(Audience("groups", ("g",), ("c",)), RECORD))
    assert packed[:16] == NODE.encode()
    assert msgspec.msgpack.decode(packed[16:]) == ["sent", ["groups", ["g"], ["c"]], RECORD]
    packed = envelope.pack(NODE, envelope.Member("g", "c", True))
    assert msgspec.msgpack.decode(packed[16:]) == ["member", "g", "c", True]


def test_reading_back() -> None:
    sent = envelope.Sent(Audience("all"), RECORD)
    packed = envelope.pack(NODE, sent)
    assert envelope.sender(packed) == NODE
    assert envelope.unpack(packed) == sent
    assert envelope.read_record(RECORD) == MESSAGE
    assert envelope.read_record(b"") is None


def test_what_a_newer_node_says() -> None:
    def newer(*body: object) -> bytes:
        return NODE.encode() + msgspec.msgpack.encode(body)

    assert envelope.unpack(newer("member", "g", "c", False, "more")) == envelope.Member("g", "c", False)
    assert envelope.unpack(newer("drained", 1)) is None
    assert envelope.unpack(newer("sent", ["roles", [], []], RECORD)) is None
    assert envelope.unpack(b"") is None
