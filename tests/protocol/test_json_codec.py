"""What is particular to JSON; the rest is in test_codec.py."""

import pytest

from hub.protocol.codec import CODECS
from hub.protocol.framing import SeparatorSplitter
from hub.protocol.messages import Completion, Encoded, Invocation, StreamItem

JSON = CODECS["json"]


def test_json_is_text_that_ends_with_a_separator() -> None:
    assert (JSON.name, JSON.transfer_format) == ("json", "Text")
    assert isinstance(JSON.splitter(None), SeparatorSplitter)


def test_separator_inside_a_string_is_escaped() -> None:
    frame = JSON.encode(StreamItem("1", "a\x1eb"))
    assert frame == b'{"type":2,"invocationId":"1","item":"a\\u001eb"}\x1e'
    assert frame.count(b"\x1e") == 1


def test_item_that_is_encoded_is_not_looked_at() -> None:
    assert JSON.stream_item(b"<prefix>", Encoded(b"not json")) == b"<prefix>not json}\x1e"


def test_error_wins_over_a_result_going_out() -> None:
    """Both together would close the connection (M7)."""
    assert JSON.encode(Completion("1", "e", 5, True)) == b'{"type":3,"invocationId":"1","error":"e"}\x1e'


@pytest.mark.parametrize("headers", [None, {}])
def test_no_headers_are_left_out(headers: dict[str, str] | None) -> None:
    assert JSON.encode(Invocation("T", (), headers=headers)) == b'{"type":1,"target":"T","arguments":[]}\x1e'
