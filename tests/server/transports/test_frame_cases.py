"""The cases of the frame reader against a served hub. What a case sends as messages goes into the middle of one record,
whose echo shows that all of it was read, and in order."""

from pathlib import Path

import pytest

from hub.server.options import HubOptions
from tests.server.transports.frame_cases import CASES, PONG, TEXT, Case, frame
from tests.server.transports.served import DIRECT, Place, Way, run

BEGIN = b'{"type":1,"invocationId":"1","target":"Echo","arguments":["'
END = b'"]}\x1e'
OPTIONS = HubOptions(max_receive_bytes=1 << 18, close_timeout_s=1)  # so that a WebSocket message may be 1 MiB


async def play(place: Place, case: Case) -> None:
    raw = await place.hello()
    raw.send(frame(TEXT, BEGIN) + case.sent + (frame(TEXT, END) if case.close_code is None else b""))
    pongs = [(PONG, payload) for payload in case.pongs]
    if case.close_code is None:
        echoed = await raw.record()
        assert echoed["result"].encode() == b"".join(case.messages)
        assert raw.controls == pongs
    else:
        assert await raw.close_code() == case.close_code
        assert raw.controls == pongs
    await raw.end()


@pytest.mark.parametrize("way", DIRECT)
def test_cases(way: Way, tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        for case in CASES:
            try:
                await play(place, case)
            except Exception as error:
                error.add_note(f"case {case.name!r}")
                raise

    run(way, tmp_path, scenario, OPTIONS)
