"""The first record in each direction (H1-H7)."""

from typing import Any

import pytest

from hub.errors import HandshakeError
from hub.protocol import handshake
from hub.protocol.codec import Codec
from hub.protocol.handshake import HandshakeRequest
from tests.protocol import golden

GOLDEN = golden.load("handshake")


def answer(
    record: bytes, *, detailed_errors: bool = False, transfer_formats: tuple[str, ...] = ("Text", "Binary")
) -> Codec:
    request = handshake.parse_request(record, detailed_errors=detailed_errors)
    return handshake.choose_codec(request, protocols=("json", "messagepack"), transfer_formats=transfer_formats)


@pytest.mark.parametrize("case", GOLDEN["accepted"], ids=lambda case: case["record"])
def test_good_request_is_read(case: Any) -> None:
    record = case["record"].encode()
    request = handshake.parse_request(record, detailed_errors=False)
    assert request == HandshakeRequest(case["protocol"], case["version"])
    assert answer(record).name == case["codec"]


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda case: case["name"])
def test_refusal_has_the_exact_text(case: Any) -> None:
    with pytest.raises(HandshakeError) as refused:
        answer(case["record"].encode())
    assert str(refused.value) == case["error"]


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda case: case["name"])
def test_detail_is_appended_where_it_is_on(case: Any) -> None:
    with pytest.raises(HandshakeError) as refused:
        answer(case["record"].encode(), detailed_errors=True)
    detail = f" InvalidDataException: {case['detail']}" if "detail" in case else ""
    assert str(refused.value).startswith(case["error"] + detail)


def test_messagepack_needs_a_binary_transport() -> None:
    case = GOLDEN["text_only_transport"]
    with pytest.raises(HandshakeError) as refused:
        answer(case["record"].encode(), transfer_formats=("Text",))
    assert str(refused.value) == case["error"]


def test_protocol_that_is_switched_off_is_not_supported() -> None:
    with pytest.raises(HandshakeError, match=r"The protocol 'MessagePack' is not supported\."):
        handshake.choose_codec(
            HandshakeRequest("MessagePack", 1), protocols=("json",), transfer_formats=("Text", "Binary")
        )


def test_request_and_replies_are_written() -> None:
    assert handshake.request("messagepack", 2) == b'{"protocol":"messagepack","version":2}\x1e'
    assert handshake.reply() == GOLDEN["accepted_reply"].encode() + b"\x1e"
    assert handshake.reply(handshake.CANCELED) == GOLDEN["too_large"].encode() + b"\x1e"


@pytest.mark.parametrize("record", [b"{}", b'{"minorVersion":0}', b'{"error":null}', b'{"error":""}'])
def test_good_reply_lets_the_client_in(record: bytes) -> None:
    handshake.parse_reply(record)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (b'{"error":"no"}', "no"),
        (b'{"type":7}', "The server did not answer the handshake."),
        (b"[]", "The server did not answer the handshake."),
        (b"{", "The server's handshake reply cannot be read: "),
    ],
)
def test_bad_reply_is_a_handshake_error(record: bytes, error: str) -> None:
    with pytest.raises(HandshakeError, match=error):
        handshake.parse_reply(record)
