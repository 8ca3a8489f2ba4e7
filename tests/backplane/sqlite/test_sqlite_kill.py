"""Death by SIGKILL, of a real process, while it appends."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from hub.errors import SettingsError
from tests.backplane.sqlite.conftest import Open
from tests.backplane.steps import accept, take, write

ROOT = Path(__file__).parents[3]
KILLS = 6


async def killed_after(path: Path, lines: int, open_file: Open) -> list[list[str]]:
    """What the process was told in all, the first `lines` of it before it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.backplane.sqlite.writing_process", str(path), stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    with pytest.raises(SettingsError, match="served by another process"):
        await open_file(path)
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return [line.decode().split() for line in said if line.endswith(b"\n")]


async def test_nothing_acknowledged_is_lost(open_file: Open, tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    chance = random.Random(7)
    tops: dict[str, int] = {}
    epochs: dict[str, str] = {}
    asks: dict[str, list[str]] = {}
    for _ in range(KILLS):
        for line in await killed_after(path, chance.randrange(20, 1500), open_file):
            if line[0] == "entry":
                tops[line[1]] = int(line[3])
                assert epochs.setdefault(line[1], line[2]) == line[2]  # it lost nothing: the epoch goes on
            else:
                asks.setdefault(line[1], []).append(line[2])
        backplane = await open_file(path)  # at once: the death of the process released the file
        for session_id, top in tops.items():
            page = await backplane.journal.read(session_id)
            assert page.epoch == epochs[session_id]
            assert page.top >= top
            assert [entry.payload.decode() for entry in page.entries] == [
                f"{session_id}:{offset}" for offset in range(1, page.top + 1)
            ]
            for name in asks.get(session_id, []):
                assert (await accept(backplane, name, session_id=session_id)).outcome == "repeated"
            lease = await take(backplane, "adopter", session_id=session_id, now=10**12)  # nothing to wait for
            assert {known.ask.ask_id for known in lease.work.asks} >= set(asks.get(session_id, []))
            await write(backplane, lease.fence, f"{session_id}:{page.top + 1}", session_id=session_id)
        await backplane.close()
    assert len(tops) == 5
    assert sum(tops.values()) > 100
