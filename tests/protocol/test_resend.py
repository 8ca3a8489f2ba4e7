"""Stateful reconnect (S2-S5): nothing is lost, repeated or reordered by the loss of a socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ProtocolError
from hub.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)
from hub.protocol.resend import DEFAULT_MAX_BYTES, ResendBuffer, is_counted

ITEM = StreamItem("1", None)


def test_only_types_1_to_5_are_counted() -> None:
    counted: list[HubMessage] = [
        Invocation("T", []),
        ITEM,
        Completion("1"),
        StreamInvocation("T", [], "1"),
        CancelInvocation("1"),
    ]
    uncounted: list[HubMessage] = [Ping(), Close(), Ack(1), Sequence(1)]
    assert all(map(is_counted, counted))
    assert not any(map(is_counted, uncounted))
    buffer = ResendBuffer()
    assert all(map(buffer.received, uncounted))
    assert buffer.ack_due() is None
    assert all(map(buffer.received, counted))
    assert buffer.ack_due() == Ack(5)


def test_frames_are_held_until_acknowledged() -> None:
    buffer = ResendBuffer(max_bytes=10)
    assert [buffer.sent(b"aaaa"), buffer.sent(b"bbbb")] == [1, 2]
    assert not buffer.is_full
    assert buffer.sent(b"cccc") == 3
    assert (buffer.is_full, buffer.held_bytes) == (True, 12)
    buffer.ack(1)
    assert (buffer.is_full, buffer.held_bytes) == (False, 8)
    buffer.ack(1)
    buffer.ack(0)
    assert buffer.resume() == (2, (b"bbbb", b"cccc"))
    buffer.ack(99)
    assert buffer.held_bytes == 0
    assert buffer.resume() == (4, ())
    assert buffer.sent(b"d") == 4


def test_default_bound_is_the_reference_servers() -> None:
    buffer = ResendBuffer()
    buffer.sent(b"a" * (DEFAULT_MAX_BYTES - 1))
    assert not buffer.is_full
    buffer.sent(b"a")
    assert buffer.is_full


def test_nothing_sent_resumes_with_1() -> None:
    assert ResendBuffer().resume() == (1, ())


def test_everything_before_the_sequence_is_ignored() -> None:
    buffer = ResendBuffer()
    assert buffer.received(ITEM)
    buffer.resume()
    assert not any(buffer.received(message) for message in (ITEM, Ping(), Close(), Ack(1)))
    buffer.sequence(2)
    assert buffer.received(ITEM)
    assert buffer.ack_due() == Ack(2)


def test_repeated_messages_are_dropped_and_acknowledged_again() -> None:
    buffer = ResendBuffer()
    assert [buffer.received(ITEM) for _ in range(3)] == [True, True, True]
    assert buffer.ack_due() == Ack(3)
    assert buffer.ack_due() is None
    buffer.resume()
    buffer.sequence(2)
    assert [buffer.received(ITEM), buffer.received(Ping()), buffer.received(ITEM)] == [False, True, False]
    assert buffer.ack_due() == Ack(3)
    assert buffer.received(ITEM)
    assert buffer.ack_due() == Ack(4)


@pytest.mark.parametrize(
    ("sequence_id", "error"),
    [(3, "Sequence ID greater than amount of messages we've received."), (0, "Sequence ID less than 1.")],
)
def test_sequence_that_cannot_be(sequence_id: int, error: str) -> None:
    buffer = ResendBuffer()
    assert buffer.received(ITEM)
    buffer.resume()
    with pytest.raises(ProtocolError, match=error):
        buffer.sequence(sequence_id)
    assert not buffer.received(ITEM)


def test_socket_that_breaks_again_before_the_repeats_came() -> None:
    buffer = ResendBuffer()
    assert buffer.received(ITEM)
    buffer.resume()
    buffer.sequence(1)
    assert buffer.ack_due() == Ack(1)
    buffer.resume()
    buffer.sequence(2)
    assert buffer.received(ITEM)


@given(st.lists(st.sampled_from(["send", "deliver", "ack", "break"]), max_size=60))
def test_every_message_arrives_once_in_order_over_sockets_that_break(steps: list[str]) -> None:
    """One side sends numbered frames over sockets that lose what they carry; the other hands over what it must."""
    sender, receiver = ResendBuffer(), ResendBuffer()
    wire: list[HubMessage] = []
    handled: list[object] = []
    sent = 0

    def deliver() -> None:
        message = wire.pop(0)
        if isinstance(message, Sequence):
            receiver.sequence(message.sequence_id)
        elif receiver.received(message):
            assert isinstance(message, StreamItem)
            handled.append(message.item)

    for step in [*steps, "break"]:
        if step == "send":
            sent += 1
            sender.sent(str(sent).encode())
            wire.append(StreamItem("1", sent))
        elif step == "deliver" and wire:
            deliver()
        elif step == "ack" and (ack := receiver.ack_due()) is not None:
            sender.ack(ack.sequence_id)
        elif step == "break":
            receiver.resume()
            sequence_id, frames = sender.resume()
            wire[:] = [Sequence(sequence_id), *(StreamItem("1", int(frame)) for frame in frames)]
    while wire:
        deliver()
    assert handled == list(range(1, sent + 1))
