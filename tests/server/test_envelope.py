"""What nodes tell each other: a golden form, and what a newer node may add."""

import msgspec

from hub.protocol.codec import CODECS
from hub.protocol.messages import Invocation
from hub.server import envelope
from hub.server.auth import User
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
    user = User(id="ann", roles=frozenset({"r"}))
    packed = envelope.pack(NODE, envelope.Request(1, "/hub", "POST", False, "c", 3, user, b"abc", False))
    fields = {"id": "ann", "organisation": None, "roles": ["r"], "name": None, "anonymous": False, "expires_at": None}
    written = ["request", 1, "/hub", "POST", False, "c", 3, fields, b"abc", False]
    assert msgspec.msgpack.decode(packed[16:]) == written
    packed = envelope.pack(NODE, envelope.Reply(1, 200, [("allow", "GET")], b""))
    assert msgspec.msgpack.decode(packed[16:]) == ["reply", 1, 200, [["allow", "GET"]], b""]


def test_reading_back() -> None:
    sent = envelope.Sent(Audience("all"), RECORD)
    packed = envelope.pack(NODE, sent)
    assert envelope.sender(packed) == NODE
    assert envelope.unpack(packed) == sent
    request = envelope.Request(1, "/hub", "POST", False, "c", None, User(id="ann", roles=frozenset({"r"})), b"", True)
    assert envelope.unpack(envelope.pack(NODE, request)) == request
    assert envelope.read_record(RECORD) == MESSAGE
    assert envelope.read_record(b"") is None


def test_what_a_newer_node_says() -> None:
    def newer(*body: object) -> bytes:
        return NODE.encode() + msgspec.msgpack.encode(body)

    assert envelope.unpack(newer("member", "g", "c", False, "more")) == envelope.Member("g", "c", False)
    assert envelope.unpack(newer("drained", 1)) is None
    assert envelope.unpack(newer("sent", ["roles", [], []], RECORD)) is None
    assert envelope.unpack(b"") is None
