"""What the load generator reads as server-sent events: all of them, however they were cut on the way."""

import asyncio
import json

import pytest

from tests.bench import servers
from tests.bench.event_streams import EventStream, connect_events
from tests.bench.source import Plan, stamps, write_plan

PLAN = write_plan(Plan(deltas=20, per_second=1000.0))
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


ANSWER = HEAD + chunk(b'id: 1\ndata: {"a":1}\n\nda') + chunk(b'ta: {"b":2}\n') + chunk(b"\n: ping\n\n") + chunk(b"")


def test_events_are_put_together_however_they_were_cut() -> None:
    for cut in range(1, len(ANSWER)):
        stream = EventStream()
        stream.data_received(ANSWER[:cut])
        first = stream.records()
        stream.data_received(ANSWER[cut:])
        bodies = [record.body for record in [*first, *stream.records()]]
        assert bodies == [b'{"a":1}', b'{"b":2}'], cut
        assert stream.received == len(ANSWER)


def test_an_error_is_none_of_them() -> None:
    stream = EventStream()
    stream.data_received(b"HTTP/1.1 429 Too Many Requests\r\n\r\nlater")
    with pytest.raises(AssertionError, match="429: b'later'"):
        stream.records()


async def read(port: int, path: str, body: str, *, session: bool = False) -> int:
    """How many deltas came."""
    stream = await connect_events(port)
    if session:
        await stream.request("POST", "/api/sessions", b'{"sessionId": "s"}')
    stream.stream(path, body.encode())
    await stream.done()
    found = sum(len(list(stamps(record.body.decode()))) for record in stream.records())
    if session:
        await stream.request("DELETE", "/api/sessions/s")
    stream.close()
    return found


def test_every_server_gives_all_deltas() -> None:
    with servers.fastapi() as fastapi, servers.hub("memory", environment={"BENCH_HOOKS": "context output"}) as hub:
        assert asyncio.run(read(fastapi.port, "/runs/s", PLAN)) == 20
        assert asyncio.run(read(fastapi.port, "/events/s", PLAN)) == 20
        assert asyncio.run(read(fastapi.port, "/alone/s", PLAN)) == 0
        message = json.dumps({"messageId": "m", "content": PLAN})
        assert asyncio.run(read(hub.port, "/api/sessions/s/messages", message, session=True)) == 20
