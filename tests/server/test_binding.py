"""From plain values to annotated parameters, and what a signature may not have."""

import datetime
import enum
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from hub.server.binding import BindingError, BoundMethod, bind_method, converter
from hub.server.hub import Hub
from hub.server.streams import StreamInfo
from hub.server.wire_model import WireModel


class Colour(enum.Enum):
    RED = "red"


class Inner(WireModel):
    card_name: str
    note: str | None = "none given"


class Outer(WireModel):
    inner: Inner
    more: list[Inner] = Field(default_factory=list)
    by_name: dict[str, Inner] = Field(default_factory=dict)
    count: int = 1
    part: Inner | str | None = None


@dataclass
class Point:
    x_pos: float
    y_pos: float = 2.0


class Options(TypedDict):
    max_steps: NotRequired[int]
    who: str


MOMENT = datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
LONG_ID = "12345678-1234-5678-1234-567812345678"

GOOD: list[tuple[Any, object, object]] = [
    (str, "a", "a"),
    (int, 1, 1),
    (int, 1.0, 1),
    (float, 1, 1.0),
    (float, 1.5, 1.5),
    (bool, True, True),
    (object, None, None),
    (Any, {"a": 1}, {"a": 1}),
    (dict, {"a": 1}, {"a": 1}),
    (list, [1], [1]),
    (bytes, b"\x00", b"\x00"),
    (bytes, "AA==", b"\x00"),
    (int | None, None, None),
    (int | None, 2.0, 2),
    (list[int], [1, 2.0], [1, 2]),
    (set[int], [1, 1], {1}),
    (tuple[int, str], [1, "a"], (1, "a")),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (Literal["a", "b"], "a", "a"),
    (Colour, "red", Colour.RED),
    (uuid.UUID, LONG_ID, ID),
    (datetime.datetime, "2026-01-02T03:04:00Z", MOMENT),
    (datetime.datetime, MOMENT, MOMENT),
    (datetime.date, "2026-01-02", MOMENT.date()),
    (Point, {"XPos": 1, "YPos": None}, Point(1.0, 2.0)),
    (Options, {"MaxSteps": None, "WHO": "a"}, {"who": "a"}),
    (Inner, {"CARDNAME": "a", "Note": None, "unknown": 1}, Inner(card_name="a")),
    (
        Outer,
        {
            "Inner": {"card_name": "a"},
            "MORE": [{"cardName": "b", "note": None}],
            "byName": {"kept_Key": {"CardName": "c"}},
            "count": 2.0,
            "part": {"Card_Name": "d"},
        },
        Outer(
            inner=Inner(card_name="a"),
            more=[Inner(card_name="b")],
            by_name={"kept_Key": Inner(card_name="c")},
            count=2,
            part=Inner(card_name="d"),
        ),
    ),
    (list[Inner] | None, [{"CardName": "a"}], [Inner(card_name="a")]),
]

BAD: list[tuple[Any, object]] = [
    (str, 1),
    (str, None),
    (int, "1"),
    (int, 1.5),
    (int, True),
    (float, "1"),
    (float, True),
    (bool, 1),
    (bool, "true"),
    (dict, []),
    (list, {}),
    (bytes, "not base64!"),
    (bytes, 1),
    (list[int], ["1"]),
    (int | None, "1"),
    (Literal["a"], "b"),
    (uuid.UUID, "x"),
    (Inner, {"note": "a"}),
    (Inner, "text"),
    (Inner, {"cardName": 1}),
    (Point, {"xPos": "1"}),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), GOOD)
def test_values_that_fit(annotation: Any, value: object, expected: object) -> None:
    bound = converter(annotation)(value)
    assert bound == expected
    assert type(bound) is type(expected)


@pytest.mark.parametrize(("annotation", "value"), BAD)
def test_values_that_do_not_fit(annotation: Any, value: object) -> None:
    with pytest.raises(BindingError):
        converter(annotation)(value)


def test_lax_conversion_is_a_setting() -> None:
    assert converter(int, lax=True)("1") == 1
    assert converter(list[int], lax=True)(["1"]) == [1]


class Methods(Hub):
    async def trailing(self, a: int, b: str = "b", c: int | None = 3) -> None: ...
    async def default_first(self, a: int = 1, *, flag: bool = False) -> None: ...
    async def untyped(self, a, b=2): ...  # type: ignore[no-untyped-def]  # people write such
    async def everything(self, a: int, rows: AsyncIterator[int], stream: StreamInfo, b: int) -> AsyncIterator[int]:
        yield 1

    async def rest(self, *args: int) -> None: ...
    async def keywords(self, **kwargs: int) -> None: ...
    async def stream_info_of_a_plain_one(self, stream: StreamInfo) -> None: ...


def bound(name: str) -> BoundMethod:
    return bind_method(Methods.hub_methods()[name])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1,), [1, "b", 3]),
        ((1, None), [1, "b", 3]),
        ((1, "x", None), [1, "x", 3]),
        ((1, "x", 5), [1, "x", 5]),
    ],
)
def test_trailing_arguments_may_be_missing_or_null(arguments: tuple[object, ...], expected: list[object]) -> None:
    assert bound("trailing").bind(arguments) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, 1), (4, 3)])
def test_wrong_number_of_arguments(count: int, expected: int) -> None:
    with pytest.raises(BindingError) as caught:
        bound("trailing").bind([1] * count)
    assert str(caught.value) == f"Invocation provides {count} argument(s) but target expects {expected}."


def test_parameters_without_annotation_take_anything() -> None:
    assert bound("untyped").bind([None]) == [None, 2]


def test_order_of_the_signature() -> None:
    method = bound("everything")
    stream, rows = StreamInfo(), object()
    assert method.arrange(method.bind([1, 2]), [rows], stream) == [1, rows, stream, 2]
    assert method.streaming and not method.simple


@pytest.mark.parametrize("name", ["rest", "keywords", "defaultfirst", "streaminfoofaplainone"])
def test_signatures_that_clients_cannot_call(name: str) -> None:
    with pytest.raises(TypeError):
        bound(name)


class Node(BaseModel):
    """Recursive, and no WireModel: its names are folded all the same."""

    node_name: str
    children: list["Node"] = Field(default_factory=list)


def test_recursive_models() -> None:
    found = converter(Node)({"NodeName": "a", "Children": [{"nodename": "b", "children": None}]})
    assert found == Node(node_name="a", children=[Node(node_name="b")])


def test_wire_model_outside_of_a_call() -> None:
    assert Outer.from_wire({"INNER": {"CardName": "a"}}) == Outer(inner=Inner(card_name="a"))
    assert Inner(card_name="a", note=None).model_dump(by_alias=True) == {"cardName": "a", "note": None}


class Picky(BaseModel):
    size: int

    @field_validator("size")
    @classmethod
    def check(cls, size: int) -> int:
        return size // 0


def test_whatever_a_validator_raises_is_a_binding_error() -> None:
    with pytest.raises(BindingError, match="ZeroDivisionError"):
        converter(Picky)({"size": 1})
    with pytest.raises(BindingError):
        converter(Picky)({b"\xff": 1})


class Text(WireModel):
    type: Literal["text"]
    body_text: str


class Image(WireModel):
    type: Literal["image"]
    file_id: str
    alt_text: str | None = None


Part = Annotated[Text | Image, Field(discriminator="type")]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Part, {"Type": "text", "BodyText": "a"}, Text(type="text", body_text="a")),
        (
            str | list[Part],
            [{"type": "image", "FILE_ID": "f", "altText": None}, {"type": "text", "bodytext": "b"}],
            [Image(type="image", file_id="f"), Text(type="text", body_text="b")],
        ),
        (str | list[Part], "a", "a"),
        (dict[str, list[Image]] | list[Text], {"K_ey": [{"Type": "image", "FileId": "f"}]}, None),
        (dict[str, list[Image]] | list[Text], [{"Type": "text", "BodyText": "a"}], [Text(type="text", body_text="a")]),
        (tuple[Text, ...], [{"Type": "text", "BodyText": "a"}], (Text(type="text", body_text="a"),)),
    ],
)
def test_unions_are_folded_by_what_arrives(annotation: Any, value: object, expected: object) -> None:
    expected = {"K_ey": [Image(type="image", file_id="f")]} if expected is None else expected
    assert converter(annotation)(value) == expected
