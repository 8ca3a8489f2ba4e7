"""The server's machine: its states, the order of errors, and the same messages from any pieces."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import HandshakeError, ProtocolError, RecordTooLarge
from hub.protocol.codec import CODECS, CodecName
from hub.protocol.handshake import MAX_HANDSHAKE_BYTES, HandshakeRequest, request
from hub.protocol.messages import CancelInvocation, Close, HubMessage, Invocation, Ping
from hub.protocol.server import ServerProtocol
from tests.protocol.strategies import VALUES, messages, split

NAMES: tuple[CodecName, ...] = ("json", "messagepack")
BROKEN = {"json": b"{\x1e", "messagepack": b"\x01\xc1"}
UNKNOWN = {"json": b'{"type":10}\x1e', "messagepack": b"\x02\x91\x0a"}


def encode(name: CodecName, *sent: HubMessage) -> bytes:
    return b"".join(map(CODECS[name].encode, sent))


def opened(
    name: CodecName = "json", *, max_receive_bytes: int | None = 32768, detailed_errors: bool = False
) -> ServerProtocol:
    protocol = ServerProtocol(max_receive_bytes=max_receive_bytes, detailed_errors=detailed_errors)
    assert protocol.receive_data(request(name, 1)) == [HandshakeRequest(name, 1)]
    return protocol


@pytest.mark.parametrize("name", NAMES)
def test_whole_records_in_one_piece(name: CodecName) -> None:
    """The shorter way, which most data takes: unknown types are passed over, and a Close ends it."""
    protocol = opened(name)
    assert protocol.receive_data(encode(name, Ping()) + UNKNOWN[name] + encode(name, Ping())) == [Ping(), Ping()]
    assert protocol.receive_data(UNKNOWN[name]) == []
    last = encode(name, CancelInvocation("1"), Close(), Ping())
    assert protocol.receive_data(last) == [CancelInvocation("1"), Close()]
    assert not protocol.is_open


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_same_messages_come_out_of_any_pieces(name: CodecName, data: st.DataObject) -> None:
    sent: Sequence[HubMessage] = data.draw(st.lists(messages(VALUES[name]), max_size=5))
    sent = [message for message in sent if not isinstance(message, Close)]
    stream = request(name, 2) + b"".join(encode(name, message) + UNKNOWN[name] for message in sent)
    protocol = ServerProtocol(max_receive_bytes=None)
    out: list[object] = []
    for piece in data.draw(split(stream)):
        out += protocol.receive_data(piece)
    assert out == [HandshakeRequest(name, 2), *sent]
    assert (protocol.is_open, protocol.version, protocol.codec.name, protocol.error) == (True, 2, name, None)
    assert protocol.handshake_reply == b"{}\x1e"
    assert not protocol.has_partial


def test_nothing_is_known_before_the_handshake() -> None:
    protocol = ServerProtocol()
    assert protocol.receive_data(request("json", 1)[:-1]) == []
    assert (protocol.is_open, protocol.version, protocol.handshake_reply) == (False, 0, b"")
    assert protocol.has_partial
    with pytest.raises(RuntimeError, match=r"There is no codec before the handshake\."):
        _ = protocol.codec


def test_refused_handshake_says_why_and_closes() -> None:
    protocol = ServerProtocol(transfer_formats=("Text",), protocols=("json",))
    with pytest.raises(HandshakeError, match=r"The protocol 'messagepack' is not supported\."):
        protocol.receive_data(request("messagepack", 1) + encode("messagepack", Ping()))
    assert protocol.handshake_reply == b'{"error":"The protocol \'messagepack\' is not supported."}\x1e'
    assert not protocol.is_open
    assert not protocol.has_partial
    with pytest.raises(HandshakeError):
        protocol.receive_data(request("json", 1))


def test_broken_handshake_gives_detail_where_it_is_on() -> None:
    protocol = ServerProtocol(detailed_errors=True)
    with pytest.raises(HandshakeError):
        protocol.receive_data(b"{}\x1e")
    assert protocol.handshake_reply == (
        b'{"error":"An unexpected error occurred during connection handshake. '
        b"InvalidDataException: Missing required property 'protocol'.\"}\x1e"
    )


@pytest.mark.parametrize(("limit", "held"), [(100, 100), (None, MAX_HANDSHAKE_BYTES), (1 << 20, MAX_HANDSHAKE_BYTES)])
def test_handshake_over_the_limit_is_canceled(limit: int | None, held: int) -> None:
    protocol = ServerProtocol(max_receive_bytes=limit)
    assert protocol.receive_data(b" " * held) == []
    with pytest.raises(HandshakeError, match=r"Handshake was canceled\."):
        protocol.receive_data(b" ")
    assert protocol.handshake_reply == b'{"error":"Handshake was canceled."}\x1e'


@pytest.mark.parametrize("name", NAMES)
def test_good_messages_before_a_broken_one_are_delivered(name: CodecName) -> None:
    protocol = opened(name)
    good: list[HubMessage] = [Ping(), CancelInvocation("1")]
    assert protocol.receive_data(encode(name, *good) + BROKEN[name] + encode(name, Ping())) == good
    assert isinstance(protocol.error, ProtocolError)
    assert not protocol.is_open
    assert not protocol.has_partial
    for _ in range(2):
        with pytest.raises(ProtocolError) as raised:
            protocol.receive_data(encode(name, Ping()))
        assert raised.value is protocol.error


@pytest.mark.parametrize("name", NAMES)
def test_broken_message_alone_is_raised_at_once(name: CodecName) -> None:
    protocol = opened(name)
    with pytest.raises(ProtocolError):
        protocol.receive_data(BROKEN[name])
    assert protocol.error is not None


@pytest.mark.parametrize("name", NAMES)
def test_broken_message_after_the_handshake_in_one_payload(name: CodecName) -> None:
    protocol = ServerProtocol()
    assert protocol.receive_data(request(name, 1) + BROKEN[name]) == [HandshakeRequest(name, 1)]
    assert protocol.error is not None
    assert protocol.handshake_reply == b"{}\x1e"
    assert CODECS[name].encode(Close("Connection closed with an error.", True)) == protocol.close_for(protocol.error)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("detailed", [True, False])
def test_message_over_the_limit_is_told_the_limit(name: CodecName, detailed: bool) -> None:
    protocol = opened(name, max_receive_bytes=100, detailed_errors=detailed)
    with pytest.raises(RecordTooLarge) as raised:
        protocol.receive_data(encode(name, Invocation("T", ["a" * 100])))
    closing = CODECS[name].decode(
        protocol.close_for(raised.value)[:-1] if name == "json" else protocol.close_for(raised.value)[2:]
    )
    assert isinstance(closing, Close)
    assert closing.allow_reconnect
    assert re.fullmatch(
        r"Connection closed with an error\. InvalidDataException: The maximum message size of 100B was exceeded\. "
        r"The message size can be configured by the setting max_receive_bytes\.",
        str(closing.error),
    )


def test_close_for_an_error_need_not_ask_to_come_back() -> None:
    closing = opened().close_for(ProtocolError("secret"), allow_reconnect=False)
    assert closing == b'{"type":7,"error":"Connection closed with an error."}\x1e'


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_taken_after_the_clients_close(name: CodecName) -> None:
    protocol = opened(name)
    assert protocol.receive_data(encode(name, Ping(), Close(), Ping()) + BROKEN[name]) == [Ping(), Close()]
    assert (protocol.is_open, protocol.error, protocol.has_partial) == (False, None, False)
    assert protocol.receive_data(BROKEN[name]) == []
    assert not protocol.has_partial


@pytest.mark.parametrize("name", NAMES)
def test_partial_record_is_dropped_with_its_socket(name: CodecName) -> None:
    protocol = opened(name)
    message = Invocation("T", [1])
    assert protocol.receive_data(encode(name, message)[:-3]) == []
    assert protocol.has_partial
    protocol.drop_partial()
    assert protocol.receive_data(encode(name, message)) == [message]


@pytest.mark.parametrize("name", NAMES)
def test_flood_of_empty_records_ends_at_the_first(name: CodecName) -> None:
    protocol = opened(name)
    with pytest.raises(ProtocolError):
        protocol.receive_data((b"\x1e" if name == "json" else b"\x00") * 8_000_000)


@pytest.mark.parametrize("name", NAMES)
def test_flood_of_pings_shares_one_message(name: CodecName) -> None:
    received = opened(name).receive_data(encode(name, Ping()) * 10_000)
    assert len(received) == 10_000
    assert len(set(map(id, received))) == 1
