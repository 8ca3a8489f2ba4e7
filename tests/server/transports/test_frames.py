"""The frame reader by itself: every case whole, byte by byte and cut anywhere; and its bounds."""

import random
import tracemalloc

import pytest

from hub.server.transports.frames import Closed, Event, FrameReader, Ping, Violation, close_frame
from hub.server.transports.frames import frame as server_frame
from tests.fuzz.mutate import pieces
from tests.server.transports.frame_cases import (
    BINARY,
    CASES,
    CONTINUATION,
    FIN,
    MAX_MESSAGE_BYTES,
    TEXT,
    Case,
    close,
    frame,
)


def read(*parts: bytes, max_message_bytes: int = MAX_MESSAGE_BYTES) -> list[Event]:
    reader = FrameReader(max_message_bytes)
    return [event for part in parts for event in reader.receive_data(part)]


def outcome(events: list[Event]) -> tuple[list[bytes], list[bytes], int | None]:
    messages = [event for event in events if isinstance(event, bytes)]
    pongs = [event.payload for event in events if isinstance(event, Ping)]
    last = events[-1] if events else None
    match last:
        case Closed():
            return messages, pongs, last.reply_code
        case Violation(code):
            return messages, pongs, code
        case _:
            return messages, pongs, None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    expected = (list(case.messages), list(case.pongs), case.close_code)
    assert outcome(read(case.sent)) == expected
    source = random.Random(case.name)
    for _ in range(3):
        assert outcome(read(*pieces(source, case.sent))) == expected
    if len(case.sent) < 2000:
        assert outcome(read(*(bytes([byte]) for byte in case.sent))) == expected


def test_order_of_events_is_that_of_frames() -> None:
    sent = (
        frame(TEXT, b"1", fin=False)
        + frame(0x9, b"p")
        + frame(CONTINUATION, b"2")
        + frame(BINARY, b"3")
        + close(4000, b"bye")
    )
    assert read(sent) == [Ping(b"p"), b"12", b"3", Closed(4000, "bye")]


def test_nothing_comes_after_the_end() -> None:
    for last in (close(), b"\x83\x80"):
        reader = FrameReader(1000)
        assert len(reader.receive_data(last + frame(TEXT, b"late"))) == 1
        assert reader.receive_data(frame(TEXT, b"later") * 3) == []


def test_limit_counts_a_message_and_not_a_frame() -> None:
    fits = frame(BINARY, b"x" * 1000)
    assert read(fits, fits, max_message_bytes=1000) == [b"x" * 1000] * 2
    whole = frame(BINARY, b"x" * 500, fin=False) + frame(CONTINUATION, b"x" * 500)
    assert read(whole, whole, max_message_bytes=1000) == [b"x" * 1000] * 2
    over = frame(BINARY, b"x" * 500, fin=False) + frame(CONTINUATION, b"x" * 501)[:8]
    assert outcome(read(over, max_message_bytes=1000)) == ([], [], 1009)


def test_too_long_is_known_before_the_payload_comes() -> None:
    """16 MiB are promised, and nothing of them is needed to refuse."""
    reader = FrameReader(1 << 16)
    assert reader.receive_data(b"\x82\xff") == []
    assert isinstance(reader.receive_data((16 << 20).to_bytes(8))[0], Violation)


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_million_tiny_fragments_cost_no_more_than_one_message(payload: bytes) -> None:
    reader = FrameReader(1 << 17)
    part = frame(CONTINUATION, payload, fin=False) * 1000
    tracemalloc.start()
    try:
        events = reader.receive_data(frame(TEXT, payload, fin=False))
        for _ in range(1000):
            events += reader.receive_data(part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome(events) == ([], [], 1009)
    assert peak < 1 << 19


def test_a_big_message_in_small_reads_costs_linear_time_and_space() -> None:
    size = 1 << 20
    sent, reader = frame(BINARY, bytes(size)), FrameReader(size)
    tracemalloc.start()
    try:
        events = [event for at in range(0, len(sent), 16) for event in reader.receive_data(sent[at : at + 16])]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == [bytes(size)]
    assert peak < 4.5 * size


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_written_frames_are_those_that_are_read(size: int) -> None:
    payload = b"x" * size
    written = server_frame(BINARY, payload)
    masked = frame(BINARY, payload)
    header = len(written) - size
    assert written[0] == masked[0] == FIN | BINARY
    assert bytes([written[1] | 0x80]) + written[2:header] == masked[1:header]
    assert written[header:] == payload


def test_close_frame_has_code_and_reason() -> None:
    assert close_frame(1002, "no") == b"\x88\x04\x03\xeano"
