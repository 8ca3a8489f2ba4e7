"""The client's machine, against the server's."""

import pytest

from hub.errors import HandshakeError, ProtocolError, RecordTooLarge
from hub.protocol.client import ClientProtocol
from hub.protocol.codec import CodecName
from hub.protocol.handshake import HandshakeRequest
from hub.protocol.messages import Completion, HubMessage, Invocation, Ping, StreamItem
from hub.protocol.server import ServerProtocol

NAMES: tuple[CodecName, ...] = ("json", "messagepack")


@pytest.mark.parametrize("name", NAMES)
def test_client_and_server_understand_each_other_byte_by_byte(name: CodecName) -> None:
    client, server = ClientProtocol(name, version=2), ServerProtocol()
    call = Invocation("T", [1], "1")
    received = server.receive_data(client.handshake_request + client.encode(call))
    assert received == [HandshakeRequest(name, 2), call]
    answers: list[HubMessage] = [StreamItem("1", 1), Completion("1")]
    unknown = b'{"type":99}\x1e' if name == "json" else b"\x02\x91\x63"
    stream = server.handshake_reply + unknown + b"".join(map(server.codec.encode, answers))
    out = []
    for byte in stream:
        out += client.receive_data(bytes([byte]))
    assert out == answers
    assert client.is_open


def test_refusal_is_raised_and_stays() -> None:
    client = ClientProtocol()
    for _ in range(2):
        with pytest.raises(HandshakeError, match="not today"):
            client.receive_data(b'{"error":"not today"}\x1e')
    assert not client.is_open


def test_good_messages_before_a_broken_one_are_delivered() -> None:
    client = ClientProtocol()
    assert client.receive_data(b'{}\x1e{"type":6}\x1e{\x1e{"type":6}\x1e') == [Ping()]
    assert client.error is not None
    with pytest.raises(ProtocolError):
        client.receive_data(b'{"type":6}\x1e')


def test_limit_holds_for_what_the_server_sends() -> None:
    client = ClientProtocol(max_receive_bytes=20)
    with pytest.raises(RecordTooLarge):
        client.receive_data(b"{}\x1e" + b"a" * 21)


def test_partial_record_is_dropped_with_its_socket() -> None:
    client = ClientProtocol()
    assert client.receive_data(b'{}\x1e{"type"') == []
    client.drop_partial()
    assert client.receive_data(b'{"type":6}\x1e') == [Ping()]
