"""Arbitrary messages, values and byte streams for hypothesis."""

import datetime

from hypothesis import strategies as st

from hub.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)

text = st.text(max_size=12)
ids = st.text(min_size=1, max_size=6)
headers = st.none() | st.dictionaries(text, text, min_size=1, max_size=3)
stream_ids = st.lists(text, max_size=3).map(tuple)
sequence_ids = st.integers(0, (1 << 63) - 1)

broken_text = st.text(st.sampled_from('\ud83d\ude00\udbff\udc00a\\"ué😀\ufffd\n'), max_size=12)
"""Text with halves of surrogate pairs, in and out of order, among characters that matter to escapes."""

_plain = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)


def _nested(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=8,
    )


json_values = _nested(_plain)
msgpack_values = _nested(
    _plain | st.binary(max_size=8) | st.datetimes(timezones=st.just(datetime.UTC), allow_imaginary=False)
)


def messages(values: st.SearchStrategy[object]) -> st.SearchStrategy[HubMessage]:
    arguments = st.lists(values, max_size=3)
    return st.one_of(
        st.builds(Invocation, text, arguments, st.none() | ids, stream_ids, headers),
        st.builds(StreamItem, ids, values, headers),
        st.builds(Completion, ids, st.none() | text, headers=headers),
        st.builds(Completion, ids, st.none(), values, st.just(True), headers),
        st.builds(StreamInvocation, text, arguments, ids, stream_ids, headers),
        st.builds(CancelInvocation, ids, headers),
        st.builds(Ping),
        st.builds(Close, st.none() | text, st.booleans()),
        st.builds(Ack, sequence_ids),
        st.builds(Sequence, sequence_ids),
    )


VALUES = {"json": json_values, "messagepack": msgpack_values}


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
