"""A file that cannot be written, or is gone: known, told once, and over when it is over."""

import logging
import os
from pathlib import Path

import pytest

from hub.backplane.sqlite import SqliteBackplane
from hub.errors import BackplaneAway
from tests.backplane.sqlite.conftest import Open
from tests.backplane.steps import accept, take, write


def ailment(backplane: SqliteBackplane) -> str | None:
    return backplane.ailment


async def test_a_full_disk(open_file: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hub.backplane")
    backplane = await open_file()
    await accept(backplane, "s")
    lease = await take(backplane)
    await limit_pages(backplane, 1)  # SQLite raises it to what the file has: it can grow no more
    with pytest.raises(BackplaneAway):
        for number in range(1, 100):
            await write(backplane, lease.fence, "x" * 4096, number=number)
    assert ailment(backplane) == "disk_full"
    for _ in range(3):
        await backplane.check()
        assert ailment(backplane) == "disk_full"
    await limit_pages(backplane, 1 << 30)
    await backplane.check()
    assert ailment(backplane) is None
    assert await accept(backplane, "again")
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


async def limit_pages(backplane: SqliteBackplane, count: int) -> None:
    def limit() -> None:
        backplane.file.db.execute(f"PRAGMA max_page_count = {count}")

    await backplane.writer.submit(limit)


async def test_an_act_that_is_bad_itself_is_no_ailment(open_file: Open) -> None:
    backplane = await open_file()

    def bad() -> None:
        backplane.file.db.execute("SELECT nothing FROM nowhere")

    with pytest.raises(BackplaneAway):
        await backplane.writer.submit(bad)
    assert ailment(backplane) is None


async def test_a_file_that_is_deleted_and_put_back(
    open_file: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backplane = await open_file()
    await backplane.check()
    assert ailment(backplane) is None
    file, aside = tmp_path / "hub.db", tmp_path / "aside.db"
    file.rename(aside)
    await backplane.check()
    assert ailment(backplane) == "file_deleted"
    assert "lost with this process" in caplog.text
    file.write_bytes(b"")
    await backplane.check()
    assert ailment(backplane) == "file_replaced"
    os.replace(aside, file)
    await backplane.check()
    assert ailment(backplane) is None
