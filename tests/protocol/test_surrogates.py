"""Halves of surrogate pairs as they are found on the wire."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.protocol.surrogates import repair, repair_json, repair_msgpack, repair_tree
from hub.protocol.values import dump_msgpack, load_json, load_msgpack
from tests.protocol.strategies import broken_text, msgpack_values

HIGH, LOW, PAIR = b"\xed\xa0\xbd", b"\xed\xb8\x80", "\U0001f600".encode()
MARK = "\ufffd".encode()


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("", ""),
        ("a", "a"),
        ("\ud83d", "\ufffd"),
        ("\ude00", "\ufffd"),
        ("a\ud83d", "a\ufffd"),
        ("\ud83da", "\ufffda"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ud83d\ude00\ude00", "\ufffd😀\ufffd"),
    ],
)
def test_each_half_becomes_one_mark_and_pairs_become_characters(broken: str, whole: str) -> None:
    assert repair(broken) == whole


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\uD83D"', "\ufffd"),
        (rb'"\ude00"', "\ufffd"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\ud83d\ud83d\ude00\ude00"', "\ufffd😀\ufffd"),
        (rb'"\ud83d\n\ude00"', "\ufffd\n\ufffd"),
        (rb'"\ud83d\\ud83d"', "\ufffd\\ud83d"),
        (rb'"\\\ud83d\\\\ud83d"', "\\\ufffd\\\\ud83d"),
        (rb'"\\\\\ud83d"', "\\\\\ufffd"),
        (b'"' + HIGH + b'"', "\ufffd"),
        (b'"' + HIGH + LOW + b'"', "😀"),
        (b'"' + LOW + HIGH + HIGH + LOW + b'"', "\ufffd\ufffd😀"),
        (rb'"\ud83d' + LOW + b'"', "\ufffd\ufffd"),
    ],
)
def test_json_text_is_repaired(record: bytes, text: str) -> None:
    assert load_json(record) == text


@given(broken=broken_text)
def test_json_as_javascript_writes_it(broken: str) -> None:
    assert load_json(json.dumps(broken).encode()) == repair(broken)
    assert load_json(json.dumps(broken, ensure_ascii=False).encode("utf-8", "surrogatepass")) == repair(broken)


@pytest.mark.parametrize("record", [rb'"\\ud83d"', rb'"\ud83d\ude00"', b'"\xed\x9f\xbf"', b"{", b"\xff"])
def test_json_without_halves_is_left_alone(record: bytes) -> None:
    assert repair_json(record) is None


def test_msgpack_text_is_repaired_in_every_length_of_head() -> None:
    def texts(body: bytes) -> list[bytes]:
        length = len(body)
        heads = [b"\xda" + length.to_bytes(2, "big"), b"\xdb" + length.to_bytes(4, "big")]
        if length < 256:
            heads.append(b"\xd9" + bytes([length]))
        if length < 32:
            heads.append(bytes([0xA0 | length]))
        return [head + body for head in heads]

    for body in (HIGH, b"a" + HIGH + b"b", HIGH + LOW, LOW + HIGH, b"a" * 28 + LOW, b"a" * 250 + HIGH, LOW * 1000):
        for record in texts(body):
            assert load_msgpack(record) == repair(body.decode("utf-8", "surrogatepass"))


def as_javascript(value: object) -> bytes:
    """MessagePack of a value whose strings are written by `@msgpack/msgpack`: halves as three bytes each."""
    if isinstance(value, str):
        body = value.encode("utf-8", "surrogatepass")
        return b"\xdb" + len(body).to_bytes(4, "big") + body
    if isinstance(value, list):
        return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(as_javascript, value))
    if isinstance(value, dict):
        items = [as_javascript(key) + as_javascript(item) for key, item in value.items()]
        return b"\xdf" + len(items).to_bytes(4, "big") + b"".join(items)
    return dump_msgpack(value)


@given(broken=broken_text, others=st.lists(msgpack_values, max_size=5))
def test_msgpack_as_javascript_writes_it(broken: str, others: list[object]) -> None:
    value = [*others, broken, {broken: broken}, "😀" * 20, *others]
    assert load_msgpack(as_javascript(value)) == repair_tree(value)


def test_bytes_that_look_like_halves_stay_in_what_is_no_text() -> None:
    look_alike = HIGH * 6
    values = [
        b"\xc4\x12" + look_alike,
        b"\xc5\x00\x12" + look_alike,
        b"\xc6\x00\x00\x00\x12" + look_alike,
        b"\xca" + look_alike[:4],
        b"\xcb" + look_alike[:8],
        b"\xcc\xed\xcd\xa0\xbd",
        b"\xce" + look_alike[:4] + b"\xcf" + look_alike[:8],
        b"\xd0\xed\xd1\xa0\xbd",
        b"\xd2" + look_alike[:4] + b"\xd3" + look_alike[:8],
        b"\xd4\xed\xa0\xd5" + look_alike[:3] + b"\xd6" + look_alike[:5],
        b"\xd7" + look_alike[:9] + b"\xd8" + look_alike[:17],
        b"\xc7\x12\x05" + look_alike,
        b"\xc8\x00\x12\x05" + look_alike,
        b"\xc9\x00\x00\x00\x12\x05" + look_alike,
        b"\xdc\x00\x00\xde\x00\x00\xdd\x00\x00\x00\x00\xdf\x00\x00\x00\x00\x80\x90\xc0\xc2\xc3\x7f\xe0",
    ]
    for value in values:
        assert repair_msgpack(value + b"\xa3abc") is None
    record = b"".join(values)
    assert repair_msgpack(record + b"\xa3" + LOW + record) == record + b"\xdb\x00\x00\x00\x03" + MARK + record


@pytest.mark.parametrize(
    "cut_off",
    [
        b"\xa9" + HIGH,
        b"\xd9\x04" + HIGH,
        b"\xdb\x00\x00\x01\x00" + HIGH,
        b"\xcf" + HIGH,
        b"\xda\xed",
        b"\xc7\x03" + HIGH,
    ],
)
def test_msgpack_that_is_cut_off_is_not_made_whole(cut_off: bytes) -> None:
    assert repair_msgpack(cut_off) is None
    assert repair_msgpack(b"\xa3" + HIGH + cut_off) == b"\xdb\x00\x00\x00\x03" + MARK + cut_off


def test_tree_is_repaired_in_keys_lists_and_tuples() -> None:
    tree = {"\ud83d": ["\ude00", ("\ud83d\ude00", 1, None)], 2: b"\xed"}
    assert repair_tree(tree) == {"\ufffd": ["\ufffd", ["😀", 1, None]], 2: b"\xed"}
