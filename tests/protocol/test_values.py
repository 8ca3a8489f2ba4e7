"""What hub methods may return, and what becomes of it on the wire."""

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections import namedtuple
from typing import Any

import msgspec
import pydantic
import pytest

from hub.errors import ProtocolError
from hub.protocol.messages import Encoded
from hub.protocol.values import dump_json, dump_msgpack, encoded, load_json, load_msgpack


@dataclasses.dataclass
class Point:
    x: int
    _hidden: object = None


class Row(msgspec.Struct, rename="camel"):
    row_id: object


class Colour(enum.Enum):
    RED = "red"
    HALF = 0.5


class Name(str):
    def __str__(self) -> str:
        return "another"


class Count(int):
    pass


class Share(float):
    pass


class Card(pydantic.BaseModel):
    card_id: int = pydantic.Field(alias="cardId")
    at: datetime.date
    note: str = ""


class Picture(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(ser_json_bytes="base64")

    body: bytes
    taken: list[datetime.datetime]
    sizes: tuple[dict[str, bytes], ...] = ()
    marks: set[bytes] = set()
    by_number: dict[int, bytes] = {}


Pair = namedtuple("Pair", "a b")
NOON = datetime.datetime(2026, 11, 21, 12, 0, 0, 5000, tzinfo=datetime.UTC)
UUID = uuid.UUID("006664c1-8267-437b-9458-78e4ada0e316")
CARD = Card(cardId=7, at=NOON.date())
PICTURE = Picture(body=b"\xff", taken=[NOON], sizes=({"s": b"\x00"},), marks={b"m"}, by_number={1: b"\x01"})
BAD_CARD = Card.model_construct(cardId=object())


@pytest.mark.parametrize(
    ("value", "json", "msgpack"),
    [
        (None, b"null", None),
        (float("nan"), b"null", "cb7ff8000000000000"),
        (float("-inf"), b"null", "cbfff0000000000000"),
        ((1 << 64) - 1, b"18446744073709551615", "cfffffffffffffffff"),
        (NOON, b'"2026-11-21T12:00:00.005000Z"', "d7ff01312d006b0187c0"),
        (NOON.replace(tzinfo=None), b'"2026-11-21T12:00:00.005000"', b"\xba2026-11-21T12:00:00.005000"),
        (NOON.date(), b'"2026-11-21"', b"\xaa2026-11-21"),
        (NOON.time(), b'"12:00:00.005000"', b"\xaf12:00:00.005000"),
        (datetime.timedelta(hours=1), b'"PT3600S"', b"\xa7PT3600S"),
        (UUID, b'"006664c1-8267-437b-9458-78e4ada0e316"', b"\xd9\x24006664c1-8267-437b-9458-78e4ada0e316"),
        (decimal.Decimal("1.50"), b'"1.50"', b"\xa41.50"),
        (b"\x00\xff", b'"AP8="', "c40200ff"),
        (bytearray(b"\x00\xff"), b'"AP8="', "c40200ff"),
        (memoryview(b"\x00\xff"), b'"AP8="', "c40200ff"),
        ({1}, b"[1]", "9101"),
        (Pair(1, b"\xff"), b'[1,"/w=="]', "9201c401ff"),
        (Colour.RED, b'"red"', b"\xa3red"),
        (Colour.HALF, b"0.5", "cb3fe0000000000000"),
        (Point(1, 2), b'{"x":1,"_hidden":2}', b"\x82\xa1x\x01\xa7_hidden\x02"),
        (Row(1), b'{"rowId":1}', b"\x81\xa5rowId\x01"),
        (CARD, b'{"cardId":7,"at":"2026-11-21","note":""}', b"\x83\xa6cardId\x07\xa2at\xaa2026-11-21\xa4note\xa0"),
        (
            [PICTURE],
            b'[{"body":"_w==","taken":["2026-11-21T12:00:00.005000Z"],"sizes":[{"s":"AA=="}],"marks":["bQ=="],"by_number":{"1":"AQ=="}}]',
            b"\x91\x85\xa4body\xc4\x01\xff\xa5taken\x91\xd7\xff\x01\x31\x2d\x00\x6b\x01\x87\xc0"
            b"\xa5sizes\x91\x81\xa1s\xc4\x01\x00\xa5marks\x91\xa4bQ==\xa9by_number\x81\xa11\xc4\x01\x01",
        ),
        (
            ["\ud83d", PICTURE.model_copy(update={"taken": []})],
            None,
            b"\x92\xa3\xef\xbf\xbd\x85\xa4body\xc4\x01\xff\xa5taken\x90"
            b"\xa5sizes\x91\x81\xa1s\xc4\x01\x00\xa5marks\x91\xa4bQ==\xa9by_number\x81\xa11\xc4\x01\x01",
        ),
        (Name("plain"), b'"plain"', b"\xa5plain"),
        (Count(5), b"5", "05"),
        (Share(0.5), b"0.5", "cb3fe0000000000000"),
        ({1: 2}, b'{"1":2}', "810102"),
        ({UUID: 1}, b'{"006664c1-8267-437b-9458-78e4ada0e316":1}', None),
        (Encoded(b'{"a":[1]}'), b'{"a":[1]}', b"\x81\xa1a\x91\x01"),
        ([Encoded(b"1"), {"a": Encoded(b"2")}], b'[1,{"a":2}]', b"\x92\x01\x81\xa1a\x02"),
        (Row(Row(Encoded(b"[1]"))), b'{"rowId":{"rowId":[1]}}', b"\x81\xa5rowId\x81\xa5rowId\x91\x01"),
        (Row([Name("k"), Count(1)]), b'{"rowId":["k",1]}', None),
        (Row("\ud83d"), b'{"rowId":"\xef\xbf\xbd"}', b"\x81\xa5rowId\xa3\xef\xbf\xbd"),
        (["\ud83d", NOON, b"\xff"], None, b"\x93\xa3\xef\xbf\xbd\xd7\xff\x01\x31\x2d\x00\x6b\x01\x87\xc0\xc4\x01\xff"),
        (["\ud83d", Encoded(b'{"a":1}')], b'["\xef\xbf\xbd",{"a":1}]', b"\x92\xa3\xef\xbf\xbd\x81\xa1a\x01"),
        ([{"\ud83d": 1}, CARD.model_copy(update={"note": "\ude00"})], None, None),
    ],
    ids=repr,
)
def test_value_on_the_wire(value: object, json: bytes | None, msgpack: bytes | str | None) -> None:
    if json is not None:
        assert dump_json(value) == json
    if msgpack is not None:
        assert dump_msgpack(value) == (bytes.fromhex(msgpack) if isinstance(msgpack, str) else msgpack)
    assert load_json(dump_json(value)) is not None or dump_json(value) == b"null"
    load_msgpack(dump_msgpack(value))


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize("value", [object(), [1j], range(3), 1 << 64, CYCLE, BAD_CARD, {"a": {1: object()}}], ids=repr)
def test_value_that_cannot_travel(value: object) -> None:
    for dump in (dump_json, dump_msgpack):
        with pytest.raises(TypeError, match="The value cannot be encoded: "):
            dump(value)


@pytest.mark.parametrize("key", [None, (1, 2)], ids=repr)
def test_key_that_json_has_not(key: Any) -> None:
    with pytest.raises(TypeError, match="Only dicts with str-like or number-like keys"):
        dump_json({key: 1})


def test_deep_nesting_is_refused_going_out() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    for dump in (dump_json, dump_msgpack):
        with pytest.raises(TypeError, match="The value cannot be encoded: "):
            dump(deep)


def test_encoded_value_is_made_once_for_messagepack() -> None:
    once = encoded({"a": NOON, "b": "\ud83d"})
    assert once.json == '{"a":"2026-11-21T12:00:00.005000Z","b":"\ufffd"}'.encode()
    assert once.msgpack is once.msgpack
    assert load_msgpack(once.msgpack) == {"a": "2026-11-21T12:00:00.005000Z", "b": "\ufffd"}


def test_timestamp_and_binary_are_read_from_messagepack() -> None:
    assert load_msgpack(bytes.fromhex("d7ff01312d006b0187c0")) == NOON
    assert load_msgpack(b"\xc4\x01\xff") == b"\xff"


@pytest.mark.parametrize("record", [b"NaN", b"Infinity", b"1e999", b'"\xff"', b'"\\ud83d\xff"', b"\xef\xbb\xbf1"])
def test_json_that_is_none(record: bytes) -> None:
    with pytest.raises(ProtocolError, match="The message cannot be decoded: "):
        load_json(record)


@pytest.mark.parametrize("record", [b"\xa1\xff", b"\x92\xa3\xed\xa0\xbd\xa1\xff", b"\xd4\x05\x01", b"\xc1"])
def test_messagepack_that_is_none(record: bytes) -> None:
    with pytest.raises(ProtocolError, match="The message cannot be decoded: "):
        load_msgpack(record)
