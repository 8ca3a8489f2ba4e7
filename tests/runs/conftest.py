"""Every test that asks for a `backplane` runs on both embedded stores."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.backplane.base import Backplane
from hub.backplane.memory import MemoryBackplane
from hub.backplane.sqlite import SqliteBackplane
from tests.runs.node import Node

STORES: dict[str, Callable[[Path], Backplane]] = {
    "memory": lambda path: MemoryBackplane(),
    "sqlite": lambda path: SqliteBackplane(str(path / "hub.db")),
}


@pytest.fixture(params=list(STORES))
async def backplane(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backplane]:
    backplane = STORES[request.param](tmp_path)
    await backplane.start()
    yield backplane
    await backplane.close()


@pytest.fixture
async def node(backplane: Backplane) -> AsyncIterator[Node]:
    async with Node(backplane).running() as node:
        yield node
