"""A client that makes the server log all the time."""

import logging

import pytest

from hub.errors import HubError
from hub.server.hub import Hub
from hub.server.log_lines import RATE, LogLines
from tests.server.conftest import Serve
from tests.server.wire import Wire

log = logging.getLogger("hub.tests.lines")


def test_the_first_lines_are_written_and_then_one_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    lines = LogLines(log, lambda: now)
    for number in range(1000):
        lines.write(logging.INFO, "refused", {"number": number})
    assert len(caplog.records) == RATE.burst
    now = 1 / RATE.per_s
    lines.write(logging.INFO, "refused", {})
    lines.end()
    said = [record.getMessage() for record in caplog.records[RATE.burst :]]
    assert said == [f"{1000 - RATE.burst} more lines of this connection were left out", "refused"]


def test_a_level_that_is_off_counts_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    lines = LogLines(log)
    for _ in range(1000):
        lines.write(logging.INFO, "refused", {})
    lines.write(logging.WARNING, "away", {})
    assert [record.getMessage() for record in caplog.records] == ["away"]


class Refusing(Hub):
    async def ask(self) -> None:
        raise HubError("no")


async def test_refused_calls_of_one_connection(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hub.server")
    wire = Wire(await serve(Refusing)).open()
    for _ in range(500):
        await wire.call("Ask")
    wire.connection.lost(None)
    await wire.connection.finished
    said = [record.getMessage() for record in caplog.records if record.name == "hub.server"]
    assert said.count("hub method refused") < 2 * RATE.burst
    assert said[-1].endswith("more lines of this connection were left out")
