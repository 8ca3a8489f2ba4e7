"""What holds for both encodings: golden vectors, round trips, half emojis, hostile input."""

import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ProtocolError
from hub.protocol.codec import CODECS, Codec, CodecName
from hub.protocol.framing import write_varint
from hub.protocol.messages import Completion, Encoded, HubMessage, Invocation, StreamItem
from hub.protocol.values import dump_json, dump_msgpack, encoded
from tests.protocol import golden
from tests.protocol.strategies import VALUES, broken_text, messages

NAMES: tuple[CodecName, ...] = ("json", "messagepack")


def framed(name: CodecName, record: bytes) -> bytes:
    return record + b"\x1e" if name == "json" else write_varint(len(record)) + record


def unframed(codec: Codec, data: bytes) -> bytes:
    splitter = codec.splitter(None)
    splitter.feed(data)
    record = splitter.next_record()
    assert record is not None
    assert not splitter.has_partial
    return record


def vectors(file: str) -> list[Any]:
    return list(_vectors(file))


def _vectors(file: str) -> Iterator[Any]:
    if file == "messages":
        for case in golden.load(file):
            for name in NAMES:
                yield pytest.param(name, case[name], case["message"], id=f"{name}: {case['name']}")
    else:
        for name, cases in golden.load(file).items():
            for case in cases:
                expected = case["error"] if file == "refused" else case["message"]
                yield pytest.param(name, case["record"], expected, id=f"{name}: {case['name']}")


@pytest.mark.parametrize(("name", "written", "message"), vectors("messages"))
def test_golden_message_is_written_and_read(name: CodecName, written: str, message: Any) -> None:
    record = golden.record(name, written)
    expected = golden.message(message)
    assert expected is not None
    assert CODECS[name].encode(expected) == framed(name, record)
    assert CODECS[name].decode(record) == expected


@pytest.mark.parametrize(("name", "written", "message"), vectors("accepted"))
def test_other_spelling_is_accepted(name: CodecName, written: str, message: Any) -> None:
    assert CODECS[name].decode(golden.record(name, written)) == golden.message(message)


@pytest.mark.parametrize(("name", "written", "error"), vectors("refused"))
def test_broken_record_is_refused(name: CodecName, written: str, error: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(error)):
        CODECS[name].decode(golden.record(name, written))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_message_survives_the_round_trip(name: CodecName, data: st.DataObject) -> None:
    message = data.draw(messages(VALUES[name]))
    codec = CODECS[name]
    assert codec.decode(unframed(codec, codec.encode(message))) == message


FIELDS = ("headers", "invocationId", "target", "arguments", "streamIds", "item", "result", "error", "sequenceId")
_some_values = VALUES["json"] | st.sampled_from([{}, [], "1", "", 1, None, ["1"], {"a": "b"}])


@given(st.fixed_dictionaries({"type": st.integers(0, 11)}, optional=dict.fromkeys(FIELDS, _some_values)))
def test_object_of_known_fields_is_a_message_or_refused(fields: dict[str, object]) -> None:
    try:
        message = CODECS["json"].decode(dump_json(fields))
    except ProtocolError:
        return
    assert (message is None) == (fields["type"] not in range(1, 10))


@given(st.integers(0, 11), st.lists(_some_values, max_size=7))
def test_array_of_anything_is_a_message_or_refused(kind: int, items: list[object]) -> None:
    try:
        message = CODECS["messagepack"].decode(dump_msgpack([kind, *items]))
    except ProtocolError:
        return
    assert (message is None) == (kind not in range(1, 10))


@pytest.mark.parametrize("name", NAMES)
@given(value=VALUES["json"])
def test_encoded_value_is_spliced_in(name: CodecName, value: object) -> None:
    codec, once = CODECS[name], encoded(value)
    spliced: list[tuple[HubMessage, HubMessage]] = [
        (StreamItem("1", once), StreamItem("1", value)),
        (Completion("1", None, once, True), Completion("1", None, value, True)),
        (Invocation("T", [once, 1]), Invocation("T", [value, 1])),
        (Invocation("T", [{"inside": once}]), Invocation("T", [{"inside": value}])),
    ]
    for message, expected in spliced:
        assert codec.decode(unframed(codec, codec.encode(message))) == expected
    assert codec.stream_item(codec.stream_item_prefix("é1"), once) == codec.encode(StreamItem("é1", once))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("result", [None, 1, "é\ud83d", [{"a": b"b"}], Encoded(b'{"a":1}')])
def test_a_completion_by_the_shortest_way_is_the_same(codec: Codec, result: object) -> None:
    assert codec.completion("é1", result) == codec.encode(Completion("é1", result=result, has_result=True))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_result_that_cannot_be_sent_is_refused_by_the_shortest_way_too(codec: Codec) -> None:
    with pytest.raises(TypeError):
        codec.completion("1", object())


@pytest.mark.parametrize("name", NAMES)
def test_arguments_may_be_any_sequence(name: CodecName) -> None:
    codec = CODECS[name]
    decoded = codec.decode(unframed(codec, codec.encode(Invocation("T", range(3)))))
    assert decoded == Invocation("T", [0, 1, 2])


def whole(text: str) -> str:
    """What must arrive: pairs joined, the halves that are left replaced, one character each."""
    joined = re.sub(
        "[\ud800-\udbff][\udc00-\udfff]", lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text
    )
    return re.sub("[\ud800-\udfff]", "\ufffd", joined)


@pytest.mark.parametrize("name", NAMES)
@given(broken=broken_text)
def test_half_emoji_goes_out_whole(name: CodecName, broken: str) -> None:
    codec = CODECS[name]
    message = Invocation(f"T{broken}", [broken, {broken: [broken]}], f"i{broken}", (broken,), {broken: broken})
    expected = Invocation(
        f"T{whole(broken)}",
        [whole(broken), {whole(broken): [whole(broken)]}],
        f"i{whole(broken)}",
        (whole(broken),),
        {whole(broken): whole(broken)},
    )
    assert codec.decode(unframed(codec, codec.encode(message))) == expected
    completion = Completion(f"i{broken}", f"e{broken}")
    expected_completion = Completion(f"i{whole(broken)}", f"e{whole(broken)}")
    assert codec.decode(unframed(codec, codec.encode(completion))) == expected_completion
    prefix = codec.stream_item_prefix(f"i{broken}")
    item = codec.decode(unframed(codec, codec.stream_item(prefix, Encoded(b"1"))))
    assert item == StreamItem(f"i{whole(broken)}", 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1, object(), 1j, {"a": [object()]}], ids=repr)
def test_value_that_cannot_travel_is_a_type_error(name: CodecName, value: object) -> None:
    for message in (StreamItem("1", value), Completion("1", None, value, True), Invocation("T", [value])):
        with pytest.raises(TypeError, match="cannot be encoded: "):
            CODECS[name].encode(message)


_HOSTILE = {
    "json": {
        "10,000 levels": b'{"type":2,"invocationId":"1","item":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "10,000 levels of objects": b'{"type":2,"invocationId":"1","item":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
        "half an emoji under 10,000 levels": b"[" * 10_000 + b'"\\ud83d"' + b"]" * 10_000,
        "million digits": b'{"type":2,"invocationId":"1","item":' + b"9" * 1_000_000 + b"}",
        "million digits after the point": b'{"type":2,"invocationId":"1","item":0.' + b"9" * 1_000_000 + b"x}",
        "million backslashes": b'{"type":2,"invocationId":"\\ud83d","item":"' + b"\\" * 1_000_001 + b'"}',
        "unfinished array of a million": b'{"type":2,"invocationId":"1","item":[' + b"0," * 500_000,
    },
    "messagepack": {
        "10,000 levels": b"\x94\x02\x80\xa11" + b"\x91" * 10_000 + b"\x01",
        "10,000 levels of maps": b"\x94\x02\x80\xa11" + b"\x81\xa1a" * 10_000 + b"\x01",
        "half an emoji under 10,000 levels": b"\x91" * 10_000 + b"\xa3\xed\xa0\xbd",
        "arrays in arrays, each claiming a million": b"\xdd\x00\x0f\x00\x00" * 900 + b"\xc0" * 1_000_000,
        "maps in maps, each claiming a million": b"\xdf\x00\x0f\x00\x00\xa1a" * 900 + b"\xc0" * 1_000_000,
        "arrays beside arrays, each claiming a million": b"\x9f" + (b"\xdd\x00\x0f\x00\x00") * 15 + b"\xc0" * 1_000_000,
        "million nils and half an emoji": b"\xdd\x00\x10\x00\x00\xa3\xed\xa0\xbd" + b"\xc0" * 1_000_000,
    },
}


@pytest.mark.parametrize(
    ("name", "record"),
    [
        pytest.param(name, record, id=f"{name}: {kind}")
        for name, kinds in _HOSTILE.items()
        for kind, record in kinds.items()
    ],
)
def test_hostile_record_ends_in_a_protocol_error_and_takes_little_memory(name: CodecName, record: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            CODECS[name].decode(record)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * 1024 * 1024
