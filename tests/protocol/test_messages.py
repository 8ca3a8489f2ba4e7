"""Messages are values: equal when their fields are, and never changed."""

import pytest

from hub.protocol.messages import Encoded, Invocation, Ping, StreamItem


def test_messages_are_compared_by_type_and_fields() -> None:
    assert Invocation("T", [1]) == Invocation("T", [1])
    assert Invocation("T", [1]) != Invocation("T", [1], "1")
    assert Ping() == Ping()


def test_message_cannot_be_changed() -> None:
    item = StreamItem("1", 2)
    with pytest.raises(AttributeError, match="immutable"):
        item.item = 3  # type: ignore[misc]  # that it is refused is the point


def test_messagepack_is_made_at_the_first_need_and_kept() -> None:
    once = Encoded(b'{"a":[1,null,"\xc3\xa9"]}')
    first = once.msgpack
    assert first == b"\x81\xa1a\x93\x01\xc0\xa2\xc3\xa9"
    assert once.msgpack is first
