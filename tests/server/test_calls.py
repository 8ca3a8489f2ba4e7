"""What clients are told of a failure."""

import pytest

from hub.errors import BackplaneAway, CallError, HubError
from hub.protocol.messages import Completion
from hub.server.calls import with_cause
from hub.server.hub import Hub
from hub.server.streams import PushStream, StreamSink
from tests.server.conftest import Serve
from tests.server.wire import Wire

AWAY = "[backplane_away] The server cannot reach its store now; try again in a moment."


class Unreachable(PushStream):
    async def run(self, sink: StreamSink) -> None:
        raise BackplaneAway("no route to host 10.0.0.7")


class Away(Hub):
    async def load(self) -> None:
        raise BackplaneAway("no route to host 10.0.0.7")

    async def watch(self) -> PushStream:
        return Unreachable()


@pytest.mark.parametrize(
    ("error", "detailed", "text"),
    [
        (CallError("busy", "Wait."), True, "[busy] Wait."),
        (HubError("No."), False, "Failed. HubException: No."),
        (ValueError("secret"), False, "Failed."),
        (ValueError("secret"), True, "Failed. ValueError: secret"),
        (BackplaneAway("redis-7"), False, AWAY),
        (BackplaneAway("redis-7"), True, AWAY),
    ],
)
def test_what_may_be_told(error: Exception, detailed: bool, text: str) -> None:
    assert with_cause("Failed.", error, detailed) == text


async def test_unreachable_store_is_told_by_its_code(serve: Serve) -> None:
    wire = Wire(await serve(Away)).open()
    assert await wire.call("Load") == Completion("1", AWAY)
    wire.stream("Watch", id="2")
    assert await wire.read() == Completion("2", AWAY)
