from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hub.backplane.sqlite import SqliteBackplane
from hub.backplane.sqlite.file import file_identity

Open = Callable[..., Awaitable[SqliteBackplane]]


@pytest.fixture
async def open_file(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the test's file (or another path); what is still open at the end is closed."""
    opened: list[SqliteBackplane] = []

    async def open_file(path: Path | None = None, identity: str | None = None) -> SqliteBackplane:
        backplane = SqliteBackplane(
            str(path or tmp_path / "hub.db"),
            identity=file_identity if identity is None else lambda path: identity,
        )
        opened.append(backplane)
        await backplane.start()
        return backplane

    yield open_file
    for backplane in opened:
        await backplane.close()
