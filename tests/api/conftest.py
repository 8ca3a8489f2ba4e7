"""Every test that asks for an `api` runs on both embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.serving import Api, Client, serving


@pytest_asyncio.fixture(params=["memory", "sqlite"])
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'hub.db'}"
    async with serving(backplane=url) as api:
        yield api


@pytest_asyncio.fixture
async def ann(api: Api) -> AsyncIterator[Client]:
    async with api.client("ann") as ann:
        yield ann
