"""An `api` in memory, or on the store that `both_stores` says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.serving import Api, Client, serving


@pytest_asyncio.fixture
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    is_stored = getattr(request, "param", "memory") == "sqlite"
    url = f"sqlite:///{tmp_path / 'hub.db'}" if is_stored else "memory://"
    async with serving(backplane=url) as api:
        yield api


@pytest_asyncio.fixture
async def ann(api: Api) -> AsyncIterator[Client]:
    async with api.client("ann") as ann:
        yield ann
