"""What is particular to MessagePack; the rest is in test_codec.py."""

import datetime

from hub.protocol.codec import CODECS
from hub.protocol.framing import LengthSplitter, write_varint
from hub.protocol.messages import Completion, Encoded, Invocation, Ping, StreamItem

MSGPACK = CODECS["messagepack"]


def test_messagepack_is_binary_with_a_length() -> None:
    assert (MSGPACK.name, MSGPACK.transfer_format) == ("messagepack", "Binary")
    assert isinstance(MSGPACK.splitter(None), LengthSplitter)


def test_ping_is_exactly_three_bytes() -> None:
    assert MSGPACK.encode(Ping()) == b"\x02\x91\x06"


def test_length_prefix_grows_with_the_record() -> None:
    assert MSGPACK.encode(StreamItem("1", b"a" * 121))[:2] == b"\x80\x01"
    item = Encoded(b'"' + b"a" * 20_000 + b'"')
    frame = MSGPACK.stream_item(MSGPACK.stream_item_prefix("1"), item)
    assert frame[:3] == write_varint(len(frame) - 3) == b"\xa8\x9c\x01"


def test_headers_are_always_a_map() -> None:
    assert MSGPACK.encode(Invocation("T", ()))[1:4] == b"\x96\x01\x80"
    assert MSGPACK.encode(Invocation("T", (), headers={}))[1:4] == b"\x96\x01\x80"


def test_error_wins_over_a_result_going_out() -> None:
    assert MSGPACK.encode(Completion("1", "e", 5, True)).hex() == "08950380a13101a165"


def test_dates_and_bytes_keep_their_kind() -> None:
    at = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
    message = StreamItem("1", [at, b"\x00\xff"])
    assert MSGPACK.decode(MSGPACK.encode(message)[1:]) == message
