"""Checks that both codecs share."""

import pytest

from hub.errors import ProtocolError
from hub.protocol import fields


def test_boolean_is_no_integer_and_integer_no_boolean() -> None:
    with pytest.raises(ProtocolError, match=r"Expected 'n' to be of type Integer\."):
        fields.plain("n", True, int)
    with pytest.raises(ProtocolError, match=r"Expected 'b' to be of type Boolean\."):
        fields.plain("b", 1, bool)
    assert fields.plain("n", 1, int) == 1


@pytest.mark.parametrize("value", [None, ""])
def test_empty_id_is_none_and_not_enough_where_one_is_required(value: object) -> None:
    assert fields.optional_id(value) is None
    with pytest.raises(ProtocolError, match=r"Missing required property 'invocationId'\."):
        fields.required_id(value)


@pytest.mark.parametrize("number", [0, (1 << 63) - 1])
def test_sequence_id_has_63_bits(number: int) -> None:
    assert fields.sequence_id(number) == number


def test_empty_headers_are_none() -> None:
    assert fields.headers({}) is None
    assert fields.headers({"a": "b"}) == {"a": "b"}
