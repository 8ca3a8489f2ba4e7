"""What travels, both ways and in both encodings: arguments by annotation, results by what they are."""

import datetime
import enum
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from hub.errors import HubError
from hub.protocol.codec import CodecName
from hub.server.binding import BindingError, converter
from hub.server.hub import Hub
from hub.server.server import HubServer
from hub.server.testing import TestClient
from hub.server.wire_model import WireModel
from tests.server.conftest import Serve


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Leaf:
    leaf_id: uuid.UUID
    body: bytes
    price: Decimal = Decimal("1.50")
    colours: list[Colour] = field(default_factory=list)
    on: datetime.date | None = None


class Card(WireModel):
    card_id: int
    picture: bytes = b""
    leaves: dict[str, Leaf] = Field(default_factory=dict)


class Place(TypedDict, total=False):
    x_pos: int
    bits: bytes


MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 1, 2)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
LEAF = Leaf(ID, b"\x00\xff", Decimal("2.25"), [Colour.RED], DAY)


class Values(Hub):
    """Each method says the type that it got, and gives it back."""

    async def dates(self, moment: datetime.datetime, day: datetime.date, time: datetime.time) -> list[object]:
        assert type(moment) is datetime.datetime and type(day) is datetime.date and type(time) is datetime.time
        return [moment, day, time]

    async def moments(self, moments: list[datetime.datetime]) -> list[datetime.datetime]:
        assert all(moment == MOMENT for moment in moments)
        return moments

    async def kinds(self, id: uuid.UUID, colour: Colour, size: Size, price: Decimal) -> list[object]:
        assert (id, colour, size, price) == (ID, Colour.RED, Size.BIG, Decimal("2.25")) and type(price) is Decimal
        return [id, colour, size, price]

    async def bytes(self, one: bytes, many: list[bytes], place: Place) -> list[object]:
        assert one == many[0] == place["bits"] == b"\x00\xff"
        return [one, many, place]

    async def leaf(self, leaf: Leaf) -> Leaf:
        assert leaf == LEAF
        return leaf

    async def leaves(self, leaves: dict[str, list[Leaf]] | None = None) -> dict[str, list[Leaf]] | None:
        assert leaves is None or leaves == {"Kept_key": [LEAF]}
        return leaves

    async def card(self, card: Card) -> Card:
        assert card == Card(card_id=1, picture=b"\x00\xff", leaves={"a": LEAF})
        return card

    async def choice(self, value: Literal["a", 1] | Card | list[int] | None, colour: Colour = Colour.RED) -> str:
        return f"{type(value).__name__} {colour.value}"

    async def pair(self, pair: Pair, many: tuple[int, ...], some: set[str]) -> list[object]:
        assert type(pair) is Pair and type(many) is tuple and type(some) is set
        return [pair, many, some]

    async def stream(self, cards: AsyncIterator[Leaf]) -> AsyncIterator[Leaf]:
        async for leaf in cards:
            assert leaf == LEAF
            yield leaf


@pytest.fixture
async def server(serve: Serve) -> HubServer:
    return await serve(Values)


@pytest.fixture(params=["json", "messagepack"])
async def client(request: pytest.FixtureRequest, server: HubServer) -> AsyncIterator[TestClient]:
    protocol: CodecName = request.param
    async with TestClient(server, "/hub", protocol=protocol) as client:
        yield client


def is_binary(client: TestClient) -> bool:
    return client.connection.codec.name == "messagepack"


def bits(client: TestClient) -> object:
    return b"\x00\xff" if is_binary(client) else "AP8="


def moment(client: TestClient) -> object:
    return MOMENT if is_binary(client) else "2026-01-02T03:04:05.678000Z"


def leaf(client: TestClient) -> dict[str, object]:
    """As a client of JavaScript would write it, in any case."""
    return {"LeafId": str(ID), "body": bits(client), "price": "2.25", "Colours": ["red"], "ON": "2026-01-02"}


def leaf_back(client: TestClient) -> dict[str, object]:
    written = {"leaf_id": str(ID), "body": bits(client), "price": "2.25", "colours": ["red"], "on": "2026-01-02"}
    return written


async def test_dates(client: TestClient) -> None:
    """A timestamp in MessagePack, ISO 8601 text in JSON; either way in, and what JavaScript's toISOString writes."""
    for given in (moment(client), "2026-01-02T03:04:05.678Z"):
        assert await client.invoke("Moments", [given, given]) == [moment(client)] * 2
    assert await client.invoke("Moments", ["2026-01-02T04:04:05.678+01:00"]) is not None  # the same moment
    got = await client.invoke("Dates", moment(client), "2026-01-02", "03:04:05")
    assert got == [moment(client), "2026-01-02", "03:04:05"]


async def test_ids_enums_and_decimals(client: TestClient) -> None:
    for price in ("2.25", 2.25):
        assert await client.invoke("Kinds", str(ID), "red", 3, price) == [str(ID), "red", 3, "2.25"]


async def test_bytes(client: TestClient) -> None:
    got = await client.invoke("Bytes", bits(client), [bits(client)], {"XPos": 1, "Bits": bits(client)})
    assert got == [bits(client), [bits(client)], {"x_pos": 1, "bits": bits(client)}]


async def test_dataclasses(client: TestClient) -> None:
    assert await client.invoke("Leaf", leaf(client)) == leaf_back(client)
    assert await client.invoke("Leaves", {"Kept_key": [leaf(client)]}) == {"Kept_key": [leaf_back(client)]}
    assert await client.invoke("Leaves", None) is None
    assert await client.invoke("Leaves") is None


async def test_models(client: TestClient) -> None:
    """Their results are their own JSON form, with names as the model has them; bytes are binary where there is such."""
    card = {"CardId": 1, "picture": bits(client), "LEAVES": {"a": leaf(client)}}
    back = {"leafId": str(ID), "body": bits(client), "price": "2.25", "colours": ["red"], "on": "2026-01-02"}
    got = await client.invoke("Card", card)
    assert isinstance(got, dict)
    assert got == {"cardId": 1, "picture": bits(client), "leaves": {"a": back}}


async def test_unions_literals_and_defaults(client: TestClient) -> None:
    for value, kind in (("a", "str"), (1, "int"), ({"cardId": 1.0}, "Card"), ([1, 2.0], "list"), (None, "NoneType")):
        assert await client.invoke("Choice", value) == f"{kind} red"
        assert await client.invoke("Choice", value, None) == f"{kind} red"
    for bad in ("b", 2, {"cardId": "x"}, ["1"], 1.5):
        with pytest.raises(HubError, match="Failed to invoke 'Choice' due to an error on the server"):
            await client.invoke("Choice", bad)


async def test_sets_and_tuples(client: TestClient) -> None:
    assert await client.invoke("Pair", [1, "a"], [1, 2.0], ["x", "x"]) == [[1, "a"], [1, 2], ["x"]]


async def test_streams_of_dataclasses(client: TestClient) -> None:
    async def leaves() -> AsyncIterator[dict[str, object]]:
        for _ in range(12):
            yield leaf(client)

    assert [item async for item in client.stream("Stream", leaves())] == [leaf_back(client)] * 12


class Raw(BaseModel):
    """No WireModel, and does not say how its bytes are written."""

    body: dict[str, list[bytes]]


@dataclass
class HasRaw:
    raw: Raw | None


@pytest.mark.parametrize("annotation", [Raw, list[Raw], HasRaw, dict[str, HasRaw]])
def test_a_model_must_say_how_its_bytes_are_written(annotation: Any) -> None:
    """pydantic would read the letters of the base64 as the bytes."""
    with pytest.raises(TypeError, match=r"Raw\.body has bytes: derive it from WireModel, or set val_json_bytes"):
        converter(annotation)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(BindingError, match=r"^0\.body: "):
        converter(list[Leaf])([{"leafId": str(ID), "body": 1}])
    with pytest.raises(BindingError, match=r"^value: Input should be"):
        converter(Literal["a"])("b")
