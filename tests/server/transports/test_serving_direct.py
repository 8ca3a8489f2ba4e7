"""`hubline serve` takes WebSockets over, and ends well with them."""

import asyncio
import signal
from pathlib import Path

from tests.running import running
from tests.server.transports.frame_cases import TEXT, close, frame
from tests.server.transports.served import HANDSHAKE, Place

ON_MEMORY = ("--backplane", "memory://", "--shutdown-timeout-s", "5")


async def test_served_websocket_is_direct(tmp_path: Path) -> None:
    with running(tmp_path, *ON_MEMORY) as server:
        place = Place("127.0.0.1", server.port, None, None, None)  # type: ignore[arg-type]  # it is another process
        raw = await place.open(more=frame(TEXT, HANDSHAKE))
        assert await raw.record() == {}
        raw.send(close())
        assert await raw.close_code() == 1000  # through ASGI uvicorn would answer without a code
        await raw.end()
        assert server.end() == 0
    assert not any("level=error" in line for line in server.log), server.log


async def test_clients_are_told_to_come_back_when_it_ends(tmp_path: Path) -> None:
    with running(tmp_path, *ON_MEMORY) as server:
        place = Place("127.0.0.1", server.port, None, None, None)  # type: ignore[arg-type]  # it is another process
        raw = await place.open(more=frame(TEXT, HANDSHAKE))
        assert await raw.record() == {}
        ending = asyncio.create_task(asyncio.to_thread(server.end, signal.SIGTERM))
        assert await raw.record() == {"type": 7, "allowReconnect": True}
        assert await raw.close_code() == 1000
        raw.send(close(1000))
        assert await raw.reader.read() == b""
        assert await ending == 0
        await raw.end()
    assert not any("level=error" in line for line in server.log), server.log
