"""The outbox alone, on a writer that says when it is ready."""

from collections.abc import Callable

from hub.protocol.codec import TransferFormat
from hub.server.outbox import Outbox


class Valve:
    """A `Writer` that the test opens and shuts."""

    def __init__(self) -> None:
        self.ready = True
        self.on_ready: Callable[[], None] = lambda: None
        self.transfer_format: TransferFormat = "Text"
        self.writes: list[bytes] = []
        self.calls: list[str] = []

    def write(self, records: bytes) -> None:
        self.writes.append(records)

    def write_with_others(self, records: bytes) -> None:
        self.write(records)

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def open(self) -> None:
        self.ready = True
        self.on_ready()


def make(max_bytes: int = 10) -> tuple[Valve, Outbox, list[str]]:
    valve, cut = Valve(), list[str]()
    return valve, Outbox(valve, max_bytes, lambda _: cut.append("cut")), cut


def test_record_goes_straight_to_a_ready_writer() -> None:
    valve, outbox, _ = make()
    outbox.send(b"a")
    outbox.send_many([b"b", b"c"])
    assert valve.writes == [b"a", b"bc"]
    assert outbox.writable and outbox.sent


def test_what_waits_leaves_in_one_write_and_in_order() -> None:
    valve, outbox, cut = make()
    valve.ready = False
    assert not outbox.writable
    for record in (b"abc", b"def", b"ghij"):
        outbox.send(record)
    assert (valve.writes, outbox.waiting_bytes, cut) == ([], 10, [])
    valve.open()
    assert (valve.writes, outbox.waiting_bytes) == ([b"abcdefghij"], 0)
    outbox.send(b"k")
    assert valve.writes[-1] == b"k"


def test_over_the_bound_it_is_cut_once_and_takes_nothing_more() -> None:
    valve, outbox, cut = make()
    valve.ready = False
    for _ in range(4):
        outbox.send(b"abcd")
    assert cut == ["cut"]
    assert outbox.waiting_bytes == 0
    valve.open()
    assert valve.writes == []


def test_a_record_over_the_bound_passes_a_ready_writer() -> None:
    valve, outbox, cut = make()
    outbox.send(b"x" * 11)
    assert (len(valve.writes), cut) == (1, [])


def test_on_writable_calls_once_when_drained() -> None:
    valve, outbox, _ = make()
    called: list[int] = []
    outbox.on_writable(lambda: called.append(0))  # there is no backlog
    valve.ready = False
    outbox.on_writable(lambda: called.append(1))
    taken_back = lambda: called.append(2)  # noqa: E731
    outbox.on_writable(taken_back)
    outbox.forget(taken_back)
    outbox.forget(taken_back)
    outbox.send(b"a")
    assert called == [0]
    valve.open()
    valve.open()
    assert called == [0, 1]
    assert valve.writes == [b"a"]


def test_callbacks_stop_when_one_fills_the_writer_again() -> None:
    valve, outbox, _ = make()
    valve.ready = False
    called: list[int] = []

    def fill() -> None:
        called.append(1)
        valve.ready = False

    outbox.on_writable(fill)
    outbox.on_writable(lambda: called.append(2))
    valve.open()
    assert called == [1]
    valve.open()
    assert called == [1, 2]


def test_last_record_goes_behind_all_that_waits() -> None:
    valve, outbox, _ = make()
    valve.ready = False
    outbox.send(b"a")
    outbox.last(b"end")
    outbox.last(b"again")
    outbox.send(b"b")
    assert valve.writes == [b"aend"]
    outbox.close()
    outbox.on_writable(lambda: valve.calls.append("called"))
    valve.open()
    assert valve.calls == []
