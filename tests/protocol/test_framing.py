"""Records come out of the stream whatever its pieces are, within the limit, at linear cost."""

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ProtocolError, RecordTooLarge
from hub.protocol.framing import LengthSplitter, SeparatorSplitter, Splitter, read_varint, write_varint
from tests.protocol.strategies import split

SPLITTERS: dict[str, type[SeparatorSplitter] | type[LengthSplitter]] = {
    "json": SeparatorSplitter,
    "messagepack": LengthSplitter,
}


def framed(name: str, record: bytes) -> bytes:
    return record + b"\x1e" if name == "json" else write_varint(len(record)) + record


def taken(splitter: Splitter) -> list[bytes]:
    return list(iter(splitter.next_record, None))


@pytest.mark.parametrize("name", SPLITTERS)
@given(data=st.data())
def test_records_come_out_of_any_pieces(name: str, data: st.DataObject) -> None:
    body = st.binary(max_size=300).map(lambda body: body.replace(b"\x1e", b"\x1f"))
    records = data.draw(st.lists(body, max_size=6))
    pieces = data.draw(split(b"".join(framed(name, record) for record in records)))
    splitter = SPLITTERS[name](300)
    out = []
    for piece in pieces:
        splitter.feed(piece)
        out += taken(splitter)
    assert out == records
    assert not splitter.has_partial


@pytest.mark.parametrize("name", SPLITTERS)
@given(data=st.data())
def test_records_may_be_taken_later_than_they_are_fed(name: str, data: st.DataObject) -> None:
    records = [b"one", b"", b"three" * 50]
    splitter = SPLITTERS[name]()
    for piece in data.draw(split(b"".join(framed(name, record) for record in records))):
        splitter.feed(piece)
        assert splitter.has_partial or not piece
    assert taken(splitter) == records


@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("cut", [1, 2, 3, 100, 200, 201, 202])
def test_rest_of_a_stream_can_be_taken_over(name: str, cut: int) -> None:
    stream = framed(name, b"a" * 200)
    splitter = SPLITTERS[name]()
    splitter.feed(stream[:cut])
    if cut >= len(stream):
        assert splitter.take_rest() == stream
    else:
        assert splitter.next_record() is None
        assert splitter.has_partial
        assert splitter.take_rest() == stream[:cut]
    assert not splitter.has_partial
    splitter.feed(framed(name, b"next"))
    splitter.feed(framed(name, b"after"))
    assert splitter.next_record() == b"next"
    assert splitter.take_rest() == framed(name, b"after")


@pytest.mark.parametrize("name", SPLITTERS)
def test_record_of_exactly_the_limit_passes(name: str) -> None:
    splitter = SPLITTERS[name](1000)
    splitter.feed(framed(name, b"a" * 1000))
    assert splitter.next_record() == b"a" * 1000


@pytest.mark.parametrize("name", SPLITTERS)
def test_record_over_the_limit_is_refused(name: str) -> None:
    splitter = SPLITTERS[name](1000)
    splitter.feed(framed(name, b"a" * 1001))
    with pytest.raises(RecordTooLarge, match="The maximum message size of 1000B was exceeded"):
        splitter.next_record()


@pytest.mark.parametrize("size", [1, 7, 1001])
def test_unfinished_record_over_the_limit_is_not_held(size: int) -> None:
    splitter = SeparatorSplitter(1000)
    with pytest.raises(RecordTooLarge):
        for _ in range(1002):
            splitter.feed(b"a" * size)
            assert splitter.next_record() is None
    assert len(splitter.take_rest()) <= 1000 + size


def test_announced_length_over_the_limit_is_refused_before_its_bytes() -> None:
    splitter = LengthSplitter(1000)
    splitter.feed(write_varint(1001))
    with pytest.raises(RecordTooLarge):
        splitter.next_record()


def test_announced_2_gb_without_a_limit_take_no_memory() -> None:
    splitter = LengthSplitter()
    splitter.feed(b"\xff\xff\xff\xff\x07abc")
    tracemalloc.start()
    try:
        assert splitter.next_record() is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000


@pytest.mark.parametrize(
    ("prefix", "error"),
    [(b"\xff\xff\xff\xff\x08", "over 2 GB"), (b"\x80\x80\x80\x80\x80", "longer than 5 bytes")],
)
def test_length_that_is_none_is_refused(prefix: bytes, error: str) -> None:
    splitter = LengthSplitter()
    for byte in prefix[:-1]:
        splitter.feed(bytes([byte]))
        assert splitter.next_record() is None
        assert splitter.has_partial
    splitter.feed(prefix[-1:])
    with pytest.raises(ProtocolError, match=error):
        splitter.next_record()


@pytest.mark.parametrize(
    ("length", "prefix"),
    [
        (0, "00"),
        (1, "01"),
        (0x7F, "7f"),
        (0x80, "8001"),
        (0x3FFF, "ff7f"),
        (0x4000, "808001"),
        (0x1FFFFF, "ffff7f"),
        (0x200000, "80808001"),
        (0xFFFFFFF, "ffffff7f"),
        (0x10000000, "8080808001"),
        (0x7FFFFFFF, "ffffffff07"),
    ],
)
def test_varint_of_each_size(length: int, prefix: str) -> None:
    assert write_varint(length).hex() == prefix
    assert read_varint(bytes.fromhex(prefix)) == length


def test_record_over_2_gb_cannot_be_sent() -> None:
    with pytest.raises(TypeError, match="over 2 GB"):
        write_varint(0x80000000)


@pytest.mark.parametrize("name", SPLITTERS)
def test_flood_of_empty_records_is_split_only_as_far_as_it_is_taken(name: str) -> None:
    flood = framed(name, b"") * 8_000_000
    splitter = SPLITTERS[name]()
    tracemalloc.start()
    try:
        splitter.feed(flood)
        assert list(itertools.islice(iter(splitter.next_record, None), 1000)) == [b""] * 1000
        assert splitter.has_partial
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("name", SPLITTERS)
def test_record_in_single_bytes_is_copied_once(name: str) -> None:
    """The held part grows in place: a copy per byte would be 32 GB of copying, and never end."""
    splitter = SPLITTERS[name](1 << 18)
    record = b"a" * (1 << 18)
    out: list[bytes] = []
    for byte in framed(name, record):
        splitter.feed(bytes((byte,)))
        out += taken(splitter)
    assert out == [record]
